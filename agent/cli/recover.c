/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe recover: finish what killed runs have left. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/isolate.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "cli/worker.h"
#include "kernel/apart.h"
#include "show/report_json.h"
#include "move/remember.h"

struct recover {
	struct cli *cli;
	FILE *out, *err;
	json_t *list;	       /* --json: the reports; NULL: out of memory */
	json_t *rules, *files; /* --json: what was removed besides */
	bool removed;	       /* some rule or file */
	int exit_code;	       /* of the first run that did not succeed */
};

/* Whether address I of the killed run R is on its device now. */
static bool recover_is_there(const struct report *r, size_t i)
{
	bool as_asked = r->outcomes[i] == VIP_CHANGED || r->outcomes[i] == VIP_ALREADY;

	return as_asked == (r->op == OP_ADD);
}

/* What else was done about a killed run: the state of its addresses, entries, its file. */
static json_t *recover_json_rest(const struct report *r, const char *path)
{
	json_t *o = json_object(), *addresses = json_array(), *entries = json_object();
	char text[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < r->n_addresses; i++)
		object_append(&addresses, json_pack("{s:s, s:b}", "address",
						    prefix_format(&r->addresses[i], text), "there",
						    recover_is_there(r, i)));
	object_put_number(&entries, "restored", r->entries.restored);
	object_put_number(&entries, "lost", r->entries.lost);
	object_put_number(&entries, "removed", r->vip_flows.removed + r->arrivals.removed);
	object_put_text(&o, "removed_file", path);
	object_put(&o, "addresses", addresses);
	object_put(&o, "entries", entries);
	return o;
}

static void recover_print_rest(const struct report *r, const char *path, FILE *out)
{
	char text[PREFIX_TEXT_MAX], name[4 * PATH_MAX];
	size_t i;

	fprintf(out, "  %-14s %llu restored, %llu lost, %llu removed\n", "entries",
		(unsigned long long)r->entries.restored, (unsigned long long)r->entries.lost,
		(unsigned long long)(r->vip_flows.removed + r->arrivals.removed));
	for (i = 0; i < r->n_addresses; i++)
		fprintf(out, "  %-14s %s is %s %s\n", "address",
			prefix_format(&r->addresses[i], text),
			recover_is_there(r, i) ? "on" : "not on",
			text_escape(r->device, name, sizeof(name)));
	fprintf(out, "  %-14s %s\n", "removed file", text_escape(path, name, sizeof(name)));
}

static void recover_path(const struct recover *rec, const char *file, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/%s", rec->cli->settings.run_dir, file);
}

static void on_report(void *ud, const struct report *r, const char *file)
{
	struct recover *rec = ud;
	char path[PATH_MAX];
	json_t *o;

	recover_path(rec, file, path);
	cli_publish(rec->cli, r, rec->err);
	if (rec->exit_code == EXIT_DONE)
		rec->exit_code = r->exit_code;
	if (rec->cli->options.json) {
		o = report_json_new(r);
		object_put(&o, "recovery", recover_json_rest(r, path));
		json_array_append_new(rec->list, o);
		return;
	}
	render_report(r, &rec->cli->options, rec->out, rec->err);
	recover_print_rest(r, path, rec->out);
}

static void on_rule(void *ud, const char *rule)
{
	struct recover *rec = ud;

	rec->removed = true;
	if (rec->cli->options.json)
		json_array_append_new(rec->rules, object_string(rule));
	else
		fprintf(rec->out, "removed the rules of a killed run: %s\n", rule);
}

static void recover_on_file(void *ud, const char *file, bool set_aside)
{
	char path[PATH_MAX], text[4 * PATH_MAX];
	struct recover *rec = ud;

	rec->removed = true;
	recover_path(rec, file, path);
	if (rec->cli->options.json)
		json_array_append_new(rec->files, object_string(path));
	else
		fprintf(rec->out,
			set_aside ? "set aside a file that cannot be read: %s\n"
				  : "removed a file that was never in force: %s\n",
			text_escape(path, text, sizeof(text)));
}

/* Append {"op":OP, "removed":LIST} if there is any. Takes LIST. */
static void recover_append(struct recover *rec, const char *op, json_t *list)
{
	if (json_array_size(list))
		json_array_append_new(rec->list,
				      json_pack("{s:s, s:O}", "op", op, "removed", list));
	json_decref(list);
}

static int cli_recover_fail(struct recover *rec, int r)
{
	struct options o = rec->cli->options;

	o.json &= !rec->list; /* that is printed in any case */
	if (r == -EPERM || r == -EACCES)
		return cli_fail_to(&o, rec->out, rec->err, EXIT_NOT_PERMITTED,
				   "recover: not permitted: only root may (%s: %s)",
				   rec->cli->settings.run_dir, strerror(-r));
	return cli_fail_to(&o, rec->out, rec->err, EXIT_UNPROTECTED, "recover: %s: %s",
			   rec->cli->settings.run_dir, strerror(-r));
}

static void on_isolation(void *ud, const struct isolation *i, const struct isolate_outcome *o)
{
	struct recover *rec = ud;
	char vip[PREFIX_TEXT_MAX];

	if (rec->exit_code == EXIT_DONE)
		rec->exit_code = o->report.exit_code;
	if (rec->cli->options.json)
		json_array_append_new(rec->list, isolate_json_new(i, o));
	else if (o->deleted && !o->del && !*o->report.error)
		fprintf(rec->out, "%s is deleted: %s had not come to it\n", i->choice.device,
			prefix_format(&i->req.vip, vip));
	else
		isolate_print(i, o, rec->out, rec->err);
}

/* Remove entries that vipsafe created for addresses that are gone: the kernel does not remove
 * them. */
static int purge_stale(struct recover *rec, const struct run_env *env)
{
	struct purged p = { 0 };
	int r = remember_purge(env, &p);

	if (rec->cli->options.json) {
		json_array_append_new(rec->list, json_pack("{s:s,s:I,s:I}", "op", "stale",
							   "removed", (json_int_t)p.removed,
							   "unproven", (json_int_t)p.unproven));
		return r;
	}
	fprintf(rec->out, "%llu stale %s removed\n", (unsigned long long)p.removed,
		p.removed == 1 ? "entry" : "entries");
	if (p.unproven)
		fprintf(rec->out,
			"%llu more %s translated to an address that is gone: left alone, nothing "
			"proves that vipsafe made %s\n",
			(unsigned long long)p.unproven,
			p.unproven == 1 ? "entry is" : "entries are",
			p.unproven == 1 ? "it" : "them");
	return r;
}

/* Whether a vipsafed runs in this network namespace: it has this name (daemon/alone.h). */
static bool has_daemon(void)
{
	FILE *f = fopen("/proc/net/unix", "re");
	bool found = !f;
	char line[512];

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " @vipsafed\n");
	if (f)
		fclose(f);
	return found;
}

/* The table by which a daemon that was killed kept connections apart. */
static void recover_apart(struct recover *rec, const struct kernel *k)
{
	enum apart_removed removed;

	if (has_daemon() || apart_remove(k, true, &removed) < 0)
		return;
	if (removed == APART_REMOVED)
		on_rule(rec, "tables " APART_TABLE ", chains " APART_CHAIN_PREFIX "*");
	else if (removed == APART_EMPTIED && !rec->cli->options.json)
		fputs("tables " APART_TABLE " and chains " APART_CHAIN_PREFIX
		      "* stay, without effect, for open connections that are translated\n",
		      rec->out);
}

static int recover_run(void *ud, FILE *out, FILE *err)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	struct recover *rec = ud;
	const struct recovery_sink sink = {
		.run = on_report, .rule = on_rule, .file = recover_on_file, .ud = rec
	};
	struct run_env env;
	int r, n;

	rec->out = out;
	rec->err = err;
	r = kernel_real_new(&real);
	if (r < 0)
		return cli_recover_fail(rec, r);
	if (rec->cli->options.json) {
		rec->list = json_array();
		rec->rules = json_array();
		rec->files = json_array();
	}
	env = cli_move_env(rec->cli, kernel_real_get(real));
	r = run_recover_telling(&env, &sink);
	if (r >= 0)
		recover_apart(rec, &env.kernel);
	n = isolate_recover(rec->cli, on_isolation, rec, err);
	r = r < 0 ? r : r + MAX(n, 0);
	if (!r && !rec->removed && !rec->cli->options.json)
		fputs("nothing to recover\n", out);
	if (r >= 0 && rec->cli->options.stale)
		r = purge_stale(rec, &env);
	if (rec->cli->options.json) {
		recover_append(rec, "rules", rec->rules);
		recover_append(rec, "files", rec->files);
		render_json(rec->list, out, err);
	}
	return r < 0 ? cli_recover_fail(rec, r) : rec->exit_code;
}

static int recover_died(void *ud)
{
	const struct recover *rec = ud;

	return cli_fail(&rec->cli->options, EXIT_UNPROTECTED,
			"recover: it was not finished; repeat the command");
}

int command_recover(struct cli *cli, int argc, char *argv[])
{
	struct recover rec = { .cli = cli, .exit_code = EXIT_DONE };
	const struct worker_job job = { .run = recover_run, .died = recover_died, .ud = &rec };
	struct request_error e;

	if (request_no_words(argc, argv, &e) < 0)
		return command_usage(&cli->options, &e);
	return worker_run(&job);
}
