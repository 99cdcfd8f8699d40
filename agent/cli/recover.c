/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe recover: finish what killed runs have left. */
#include <errno.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/isolate.h"
#include "cli/render.h"
#include "cli/worker.h"
#include "show/report_json.h"
#include "move/remember.h"

struct recover {
	struct cli *cli;
	FILE *out, *err;
	json_t *list;  /* --json: the reports; NULL: out of memory */
	int exit_code; /* of the first run that did not succeed */
};

static void on_report(void *ud, const struct report *r)
{
	struct recover *rec = ud;

	cli_publish(rec->cli, r, rec->err);
	if (rec->exit_code == EXIT_DONE)
		rec->exit_code = r->exit_code;
	if (rec->cli->options.json)
		json_array_append_new(rec->list, report_json_new(r));
	else
		render_report(r, &rec->cli->options, rec->out, rec->err);
}

static int cli_recover_fail(struct recover *rec, int r)
{
	cli_complain(rec->err, "recover: %s: %s", rec->cli->settings.run_dir, strerror(-r));
	return r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_UNPROTECTED;
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

static int recover_run(void *ud, FILE *out, FILE *err)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	struct recover *rec = ud;
	struct run_env env;
	int r, n;

	rec->out = out;
	rec->err = err;
	r = kernel_real_new(&real);
	if (r < 0)
		return cli_recover_fail(rec, r);
	rec->list = rec->cli->options.json ? json_array() : NULL;
	env = cli_move_env(rec->cli, kernel_real_get(real));
	r = run_recover(&env, on_report, rec);
	n = isolate_recover(rec->cli, on_isolation, rec, err);
	r = r < 0 ? r : r + MAX(n, 0);
	if (!r && !rec->cli->options.json)
		fputs("nothing to recover\n", out);
	if (r >= 0 && rec->cli->options.stale)
		r = purge_stale(rec, &env);
	if (rec->cli->options.json)
		render_json(rec->list, out, err);
	return r < 0 ? cli_recover_fail(rec, r) : rec->exit_code;
}

int command_recover(struct cli *cli, int argc, char *argv[])
{
	struct recover rec = { .cli = cli, .exit_code = EXIT_DONE };
	const struct worker_job job = { .run = recover_run, .ud = &rec };
	struct request_error e;

	if (request_no_words(argc, argv, &e) < 0)
		return command_usage(&e);
	return worker_run(&job);
}
