/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe isolate: an address on a device of its own. */
#include "cli/isolate.h"

#include <errno.h>
#include <string.h>

#include "base/os.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/move.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "cli/worker.h"
#include "cli/lasting.h"
#include "show/report_json.h"

struct isolate_job {
	struct isolation i;
	struct isolate_outcome o;
	bool begun; /* the outcome is one */
};

#define ESCAPED_MAX (4 * LINK_NAME_MAX) /* of a device name */

/* ---- what came of it, as text and JSON ----------------------------------------------- */

static json_t *settings_json(const struct isolation *i)
{
	json_t *o = json_object();
	char key[96];
	size_t n;

	for (n = 0; n < i->choice.n_settings; n++) {
		const struct isolate_setting *s = &i->choice.settings[n];

		snprintf(key, sizeof(key), "net.%s.conf.%s.%s", s->family, i->choice.device,
			 s->key);
		object_put_text(&o, key, s->value);
	}
	return o;
}

static void mac_format(const uint8_t *mac, char ret[18])
{
	snprintf(ret, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
}

/* The alias of the new device: as it will be or, if the address has moved, as it is. */
static void isolate_last_alias(const struct isolation *i, char ret[ISOLATE_ALIAS_MAX])
{
	enum isolate_state state;
	struct link_detail d;
	struct request back;
	const char *words;

	if (i->facts.there)
		isolate_alias(&i->facts.address, i->req.from, ISOLATE_SETTLED, ret);
	else if (i->device && link_detail_get(i->route, NULL, i->device, &d) == 0 &&
		 isolate_alias_read(d.alias, &back, &state, &words))
		isolate_alias_again(words, ISOLATE_SETTLED, ret);
}

/* What makes it last. */
static void isolate_last(const struct isolation *i, struct lasting *ret)
{
	const struct isolate_choice *c = &i->choice;
	char mac[18] = "";
	size_t n;

	if (c->type == ISOLATE_MACVLAN)
		mac_format(c->mac, mac);
	lasting_look(i->cli, &i->req.vip, i->req.from, c->device, c->type == ISOLATE_MACVLAN, mac,
		     ret);
	isolate_last_alias(i, ret->alias);
	/* 0 is what a device has that nobody has told to forward */
	for (n = 0; n < c->n_settings; n++)
		if (strcmp(c->settings[n].key, "forwarding") != 0 || c->settings[n].value[0] != '0')
			ret->settings[ret->n_settings++] = c->settings[n];
}

json_t *isolate_json_new(const struct isolation *i, const struct isolate_outcome *o)
{
	const struct report *r = &o->report;
	char text[PREFIX_TEXT_MAX], mac[18];
	json_t *j = json_object();
	struct lasting last;

	mac_format(i->choice.mac, mac);
	object_put_text(&j, "op", "isolate");
	object_put_bool(&j, "plan", i->req.plan);
	object_put_bool(&j, "undo", i->req.undo);
	object_put_bool(&j, "prepare", i->req.prepare);
	object_put_text(&j, "address", prefix_format(&i->req.vip, text));
	object_put_text(&j, "from", i->req.from);
	object_put_text(&j, "device", i->choice.device);
	object_put_text(&j, "type", word_of(isolate_words, i->choice.type));
	object_put_text(&j, "why", i->choice.why);
	object_put_text(&j, "mac", i->choice.type == ISOLATE_MACVLAN ? mac : "");
	object_put(&j, "settings", settings_json(i));
	object_put_bool(&j, "made", o->made);
	object_put_bool(&j, "deleted", o->deleted);
	object_put_bool(&j, "changed", r->changed);
	object_put_text(&j, "result", result_name(r->result));
	object_put_number(&j, "exit_code", r->exit_code);
	object_put_text(&j, "error", r->error);
	object_put(&j, "add", o->add ? json_incref(o->add) : json_null());
	object_put(&j, "del", o->del ? json_incref(o->del) : json_null());
	object_put(&j, "warnings", report_json_warnings(r));
	if (!*r->error && !i->req.undo) {
		isolate_last(i, &last);
		object_put(&j, "lasting", lasting_json(&last));
	}
	return j;
}

/* That the address is on the other device as well is no news here, nor that it is the last one of
 * its own. */
static bool isolate_is_news(const char *code)
{
	return strcmp(code, "other-holder") != 0 && strcmp(code, "last-ipv4-address") != 0;
}

static void print_part_warnings(json_t *part, FILE *err)
{
	json_t *list = json_object_get(part, "warnings");
	size_t n;

	for (n = 0; n < json_array_size(list); n++) {
		json_t *w = json_array_get(list, n);
		const char *code = json_string_value(json_object_get(w, "code"));
		const char *text = json_string_value(json_object_get(w, "text"));

		if (code && text && isolate_is_news(code))
			cli_complain(err, "warning: %s", text);
	}
}

static uint64_t count_of(json_t *part, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(json_object_get(part, "entries"), key));

	return n > 0 ? (uint64_t)n : 0;
}

static void isolate_print_connections(const struct isolate_outcome *o, const char *device,
				      FILE *out)
{
	unsigned long long lost = count_of(o->del, "lost");
	char escaped[ESCAPED_MAX];
	unsigned long long kept = count_of(o->del, "untouched") + count_of(o->del, "pinned") +
				  count_of(o->del, "restored");

	if (kept || lost)
		fprintf(out, "  %llu connection%s through %s kept, %llu lost\n", kept,
			kept == 1 ? "" : "s", text_escape(device, escaped, sizeof(escaped)), lost);
}

/* What was done, or would be, in one line. */
static void print_deed(const struct isolation *i, const struct isolate_outcome *o, FILE *out)
{
	const char *type = word_of(isolate_words, i->choice.type);
	char device[ESCAPED_MAX], from[ESCAPED_MAX];
	bool plan = i->req.plan;
	char vip[PREFIX_TEXT_MAX];

	prefix_format(&i->req.vip, vip);
	text_escape(i->choice.device, device, sizeof(device));
	text_escape(i->facts.from, from, sizeof(from));
	if (i->req.undo && plan)
		fprintf(out, "would move %s from %s back to %s, and delete %s\n", vip, device, from,
			device);
	else if (i->req.undo && o->report.changed)
		fprintf(out, "moved %s back to %s%s%s\n", vip, from,
			o->deleted ? ", and deleted " : "", o->deleted ? device : "");
	else if (i->req.undo && o->deleted)
		fprintf(out, "deleted %s; %s was not on it\n", device, vip);
	else if (i->req.undo)
		fprintf(out, "%s is not on %s\n", vip, device);
	else if (i->req.prepare)
		fprintf(out, "%s (%s) %s for %s, which stays where it is\n", device, type,
			plan ? "would be made" : "is there", vip);
	else if (plan && i->facts.there)
		fprintf(out, "would move %s from %s to %s (%s)\n", vip, from, device, type);
	else if (o->report.changed)
		fprintf(out, "moved %s from %s to %s (%s)\n", vip, from, device, type);
	else
		fprintf(out, "%s is on %s (%s) already\n", vip, device, type);
}

/* The names of the device in words of shell: its settings as sysctl(8) takes them. */
static void print_settings(const struct isolation *i, FILE *out)
{
	char device[ESCAPED_MAX], from[ESCAPED_MAX], mac[18];
	const struct isolate_choice *c = &i->choice;
	size_t n;

	fprintf(out, "  %s: %s\n", word_of(isolate_words, c->type), c->why);
	if (c->type != ISOLATE_MACVLAN)
		return;
	mac_format(c->mac, mac);
	fprintf(out,
		"  it has the MAC address %s: a switch or hypervisor that admits only that of %s "
		"drops what is sent to it\n  settings of %s (no other device has been changed):",
		mac, text_escape(i->facts.from, from, sizeof(from)),
		text_escape(c->device, device, sizeof(device)));
	for (n = 0; n < c->n_settings; n++)
		fprintf(out, " %s.%s=%s", c->settings[n].family, c->settings[n].key,
			c->settings[n].value);
	fputc('\n', out);
}

void isolate_print(const struct isolation *i, const struct isolate_outcome *o, FILE *out, FILE *err)
{
	struct lasting last;
	const struct report *r = &o->report;
	char vip[PREFIX_TEXT_MAX];
	size_t n;

	if (*r->error) {
		cli_complain(err, "isolate %s dev %s: %s%s", prefix_format(&i->req.vip, vip),
			     i->req.from, i->req.plan ? "would be refused: " : "", r->error);
	} else {
		print_deed(i, o, out);
		if (!i->req.undo)
			print_settings(i, out);
		if (!i->req.undo)
			isolate_print_connections(o, i->facts.from, out);
		if (!i->req.undo) {
			isolate_last(i, &last);
			lasting_print(&last, out);
		}
	}
	for (n = 0; n < r->n_warnings; n++)
		cli_complain(err, "warning: %s", r->warnings[n].text);
	print_part_warnings(o->add, err);
	print_part_warnings(o->del, err);
}

/* ---- the command ---------------------------------------------------------------------- */

/* A failure before there is an outcome. */
static int isolate_give_up(struct isolate_job *j, int error, const char *what, FILE *out, FILE *err)
{
	int code = error == -EPERM || error == -EACCES ? EXIT_NOT_PERMITTED
		   : error == -ETIMEDOUT	       ? EXIT_DEADLINE
						       : EXIT_KERNEL_REFUSED;

	j->begun = false;
	return cli_fail_to(&j->i.cli->options, out, err, code, "isolate: %s: %s; nothing changed",
			   what, strerror(-error));
}

/* Choose the device that --undo means. 0, or the exit code. */
static int choose_undo(struct isolate_job *j, FILE *out, FILE *err)
{
	int n = isolate_find(&j->i);

	if (n == 1)
		return 0;
	if (n < 0)
		return isolate_give_up(j, n, "devices", out, err);
	if (n)
		return cli_fail_to(&j->i.cli->options, out, err, EXIT_USAGE,
				   "isolate --undo: there are %d devices that were made for an "
				   "address: name one (\"dev N\")",
				   n);
	return cli_fail_to(&j->i.cli->options, out, err, EXIT_KERNEL_REFUSED,
			   "isolate --undo: there is no such device that was made for an address; "
			   "nothing changed");
}

static int isolate_work(struct isolate_job *j, FILE *out, FILE *err)
{
	struct isolation *i = &j->i;
	const struct cli *cli = i->cli;
	usec_t timeout = cli->options.timeout ? cli->options.timeout : cli->settings.timeout;
	_cleanup_close_ int lock = -1;
	int r = isolation_open(i);

	if (r < 0)
		return isolate_give_up(j, r, "cannot talk to the kernel", out, err);
	if (!i->req.plan)
		lock = isolate_lock(i, os_now() + timeout);
	if (lock == -ETIMEDOUT)
		return isolate_give_up(j, lock, "another call has not ended in time", out, err);
	r = i->req.undo ? choose_undo(j, out, err) : 0;
	if (r)
		return r;
	r = isolate_take(i);
	if (r < 0)
		return isolate_give_up(j, r, i->req.from, out, err);
	j->begun = true;
	if (i->req.undo)
		isolate_undo(i, err, &j->o);
	else
		isolate_do(i, err, &j->o);
	return j->o.report.exit_code;
}

static int isolate_run(void *ud, FILE *out, FILE *err)
{
	struct isolate_job *j = ud;
	int code = isolate_work(j, out, err);

	if (!j->begun)
		return code;
	if (j->i.cli->options.json)
		render_json(isolate_json_new(&j->i, &j->o), out, err);
	else
		isolate_print(&j->i, &j->o, out, err);
	return code;
}

static void isolate_run_after(void *ud)
{
	struct isolate_job *j = ud;

	if (j->begun)
		isolate_after(&j->i, &j->o);
}

static int isolate_died(void *ud)
{
	const struct isolate_job *j = ud;

	return cli_fail(&j->i.cli->options, EXIT_UNPROTECTED,
			"the address is on one of the two devices, or on both; repeat the command");
}

int command_isolate(struct cli *cli, int argc, char *argv[])
{
	struct isolate_job j = {
		.i = { .cli = cli,
		       .req = { .plan = cli->options.move.plan,
				.undo = cli->options.undo,
				.prepare = cli->options.prepare,
				.force = cli->options.move.force } },
	};
	const struct worker_job job = {
		.run = isolate_run,
		.after = isolate_run_after,
		.died = isolate_died,
		.ud = &j,
		.what = "isolate",
		.timeout = cli->options.timeout ? cli->options.timeout : cli->settings.timeout,
	};
	struct request_error e;
	int code;

	if (isolate_parse(&j.i.req, argc, argv, &e) < 0)
		return command_usage(&cli->options, &e);
	if (cli->options.move.vip_flows != VIP_FLOWS_DROP || cli->options.move.move_by) {
		request_error_set(&e,
				  "contradictory options: \"--%s\" does not go with "
				  "isolate: the address stays on this node",
				  cli->options.move.move_by ? "move-by" : "vip-flows");
		return command_usage(&cli->options, &e);
	}
	if (!j.i.req.plan)
		return worker_run(&job);
	code = isolate_run(&j, stdout, stderr);
	isolate_outcome_done(&j.o);
	isolation_done(&j.i);
	return code;
}
