/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe add, del, plan */
#include "cli/move.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/client.h"
#include "base/os.h"
#include "cli/commands.h"
#include "cli/connections.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "cli/worker.h"
#include "base/option.h"
#include "move/announce.h"
#include "move/probe.h"

struct move {
	struct cli *cli;
	char *const *words; /* as given, after the command's name */
	int n_words;
	struct request request;
	struct report report;
	struct kernel_real *kernel; /* open after the run, for move_after() */
	int ifindex;		    /* the device whose addresses are counted after a kill … */
	size_t n_there;		    /* … and how many of them are there */
};

/* How long after the deadline the answer is waited for: the daemon may have to
 * finish other work first. It may begin to change the address until hold_max
 * after the deadline, and nothing must be done here until then. */
#define PATIENCE_MORE (5 * USEC_PER_SEC)

/* The daemon does not wait for duplicate address detection: that would block
 * its only thread. */
static bool is_for_daemon(const struct move *m)
{
	size_t i;

	for (i = 0; i < m->request.n_vips; i++) {
		if (m->request.vips[i].dad)
			return false;
	}
	return !m->cli->options.local;
}

static void print_answer(const struct move *m, const struct wire_answer *a, FILE *out, FILE *err)
{
	if (m->cli->options.json)
		render_line(a->result, out, err);
	else
		fprintf(out, "%s", a->out ? a->out : "");
	if (!m->cli->options.json)
		fprintf(err, "%s", a->err ? a->err : "");
}

/* Whether the refusal A ends the command. What the daemon does not permit is
 * not done without it either. */
static bool is_final(const struct move *m, const struct wire_answer *a, FILE *out, FILE *err,
		     int *ret_code)
{
	if (!strcmp(a->error_code, wire_refusal_name(WIRE_NOT_PERMITTED)))
		*ret_code = EXIT_NOT_PERMITTED;
	else if (!strcmp(a->error_code, wire_refusal_name(WIRE_TOO_MANY)))
		*ret_code = EXIT_UNREACHABLE;
	else {
		cli_complain(err, "note: the daemon refused (%s): done without it", a->error_text);
		return false;
	}
	(void)cli_fail_to(&m->cli->options, out, err, *ret_code, "%s; nothing changed",
			  a->error_text);
	return true;
}

/* False: it has to be done here. If the daemon has done part of it, doing it
 * again changes nothing. */
static bool cli_move_ask_daemon(struct move *m, FILE *out, FILE *err, int *ret_code)
{
	const struct options *o = &m->cli->options;
	usec_t timeout = o->timeout ? o->timeout : m->cli->settings.timeout;
	struct wire_request r = {
		.op = WIRE_MOVE, .move = m->request, .words = m->words, .n_words = m->n_words
	};
	struct wire_answer a = { 0 };
	enum client_outcome outcome;
	bool done = false;

	r.text = o->json ? WIRE_TEXT_NONE : o->verbose ? WIRE_TEXT_VERBOSE : WIRE_TEXT_SHORT;
	r.move.deadline = os_now() + timeout;
	client_ask(m->cli->settings.socket, &r, timeout + m->cli->settings.hold_max + PATIENCE_MORE,
		   &a, &outcome);
	switch (outcome) {
	case CLIENT_ANSWERED:
		print_answer(m, &a, out, err);
		*ret_code = a.exit_code;
		break;
	case CLIENT_ABSENT:
		break;
	case CLIENT_BARRED:
		done = geteuid() != 0; /* root can do it without the daemon */
		*ret_code = EXIT_NOT_PERMITTED;
		if (done)
			(void)cli_fail_to(o, out, err, *ret_code, "%s; nothing changed",
					  client_failure_text(outcome, &a));
		else
			cli_complain(err, "note: %s: tried without it",
				     client_failure_text(outcome, &a));
		break;
	case CLIENT_REFUSED:
		done = is_final(m, &a, out, err, ret_code);
		break;
	case CLIENT_BROKEN:
		fputs("vipsafe: note: the daemon does not answer: done without it\n", err);
		break;
	}
	wire_answer_done(&a);
	return done || outcome == CLIENT_ANSWERED;
}

static int move_run(void *ud, FILE *out, FILE *err)
{
	struct move *m = ud;
	struct run_env env;
	int r;

	if (is_for_daemon(m) && cli_move_ask_daemon(m, out, err, &r))
		return r;
	r = kernel_real_new(&m->kernel);
	if (r < 0) {
		report_init(&m->report, &m->request);
		report_fail(&m->report, RESULT_FAILED,
			    r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_KERNEL_REFUSED,
			    "cannot talk to the kernel: %s", strerror(-r));
	} else {
		env = cli_move_env(m->cli, kernel_real_get(m->kernel));
		run_move(&env, &m->request, &m->report);
	}
	cli_publish(m->cli, &m->report, err);
	render_report(&m->report, &m->cli->options, out, err);
	return m->report.exit_code;
}

/* What follows after the caller has its answer. */
static void move_after(void *ud)
{
	struct move *m = ud;
	const struct settings *s = &m->cli->settings;
	struct probe_result v;
	struct kernel k;

	if (!m->kernel || m->report.exit_code == EXIT_NOT_PERMITTED)
		return;
	k = kernel_real_get(m->kernel);
	if (m->report.op == OP_ADD)
		again_all(&k, &s->announce, &m->report);
	/* Store the probe result now, so that the next delete, which may be
	 * urgent, finds it. */
	if (probe_result_load(s->run_dir, m->cli->boot_id, &v) < 0)
		probe_result_get(&k, s->run_dir, m->cli->boot_id, s->timeout, &v);
	if (m->report.has_resets)
		again_clean_resets(&k);
	m->kernel = kernel_real_free(m->kernel);
}

static int note_target(void *ud, const struct ifaddr *a)
{
	struct move *m = ud;
	size_t v;

	for (v = 0; v < m->request.n_vips; v++)
		if (a->ifindex == m->ifindex &&
		    prefix_equal(&a->prefix, &m->request.vips[v].prefix))
			m->n_there++;
	return 0;
}

/* The worker was killed: the exit code depends on where the addresses are
 * now. */
static int move_died(void *ud)
{
	struct move *m = ud;
	size_t wanted = m->request.op == OP_ADD ? m->request.n_vips : 0;
	struct link link;
	struct kernel k;
	int r = kernel_real_new(&m->kernel);

	m->n_there = 0;
	if (r == 0) {
		k = kernel_real_get(m->kernel);
		r = k.ops->link_get(k.ctx, m->request.device, &link);
		m->ifindex = link.ifindex;
	}
	if (r == 0)
		r = k.ops->addr_list(k.ctx, note_target, m);
	m->kernel = kernel_real_free(m->kernel);
	if (r == 0 && m->n_there == wanted)
		return cli_fail(&m->cli->options, EXIT_UNPROTECTED, "the address is as asked for");
	return cli_fail(&m->cli->options, EXIT_KERNEL_REFUSED, "the address %s",
			r < 0 ? "cannot be looked at" : "did not change");
}

struct move *move_part_run(struct cli *cli, const struct request *req, char *const words[],
			   int n_words, bool local, FILE *err, struct move_part *ret)
{
	struct move *m = calloc(1, sizeof(*m));
	const struct options given = cli->options;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	*ret = (struct move_part){ .exit_code = EXIT_KERNEL_REFUSED };
	if (m && out) {
		*m = (struct move){
			.cli = cli, .words = words, .n_words = n_words, .request = *req
		};
		cli->options.json = true;
		cli->options.local = given.local || local;
		ret->exit_code = move_run(m, out, err);
		cli->options = given;
	}
	if (out)
		fclose(out);
	ret->result = text ? json_loads(text, 0, NULL) : NULL;
	free(text);
	return m;
}

void move_part_after(struct move *m)
{
	move_after(m);
}

struct move *move_part_free(struct move *m)
{
	if (m)
		kernel_real_free(m->kernel);
	free(m);
	return NULL;
}

/* The parts of a request that are not in the words. */
struct request move_request(const struct cli *cli, enum op op, bool plan)
{
	struct request req = cli->options.move;

	req.op = op;
	req.plan = plan;
	if (req.hold == HOLD_AUTO)
		req.hold = cli->settings.hold;
	req.timeout = cli->options.timeout;
	identity_asker(getpid(), getuid(), &req.by);
	return req;
}

/* What a delete from the device would have to do with. What cannot be listed was said. */
static void move_list_connections(const struct cli *cli, struct request *req)
{
	char dev[] = "dev", pinned[] = "pinned", at_risk[] = "at-risk", src[] = "src";
	char v4[] = "0.0.0.0/0", v6[] = "::/0";
	char *words[] = { dev, req->device, pinned, at_risk, src, v4 };
	bool has[2] = { false, false };
	size_t i;

	for (i = 0; i < req->n_vips; i++)
		has[req->vips[i].prefix.addr.family == AF_INET6] = true;
	if (has[1])
		words[5] = v6;
	puts("connections, as conntrack(8) lists them:");
	fflush(stdout);
	/* a delete of one family has nothing to do with the other */
	(void)connections_list(cli, true, (int)ARRAY_SIZE(words) - (has[0] && has[1] ? 2 : 0),
			       words);
}

static int cli_move_run(struct cli *cli, enum op op, bool plan, int argc, char *argv[])
{
	struct move m = {
		.cli = cli, .words = argv, .n_words = argc, .request = move_request(cli, op, plan)
	};
	const struct worker_job job = {
		.run = move_run,
		.after = move_after,
		.died = move_died,
		.ud = &m,
		.what = op_name(op),
		.timeout = cli->options.timeout ? cli->options.timeout : cli->settings.timeout,
	};
	struct request_error e;
	int code;

	if (request_parse(&m.request, argc, argv, &e) < 0)
		return command_usage(&cli->options, &e);
	if (!plan)
		return worker_run(&job);
	code = move_run(&m, stdout, stderr);
	kernel_real_free(m.kernel);
	if (code == EXIT_DONE && op == OP_DEL && cli->options.verbose && !cli->options.json)
		move_list_connections(cli, &m.request);
	return code;
}

int command_add(struct cli *cli, int argc, char *argv[])
{
	return cli_move_run(cli, OP_ADD, false, argc, argv);
}

int command_del(struct cli *cli, int argc, char *argv[])
{
	return cli_move_run(cli, OP_DEL, false, argc, argv);
}

int command_plan(struct cli *cli, int argc, char *argv[])
{
	const struct command *c;
	const char *misplaced;
	struct request_error e;

	if (!argc) {
		request_error_set(&e, "plan what? \"add\", \"del\" or \"isolate\" is missing");
		return command_usage(&cli->options, &e);
	}
	if (command_find(cli->commands, argv[0], &c, &e) < 0)
		return command_usage(&cli->options, &e);
	misplaced = options_misplaced(&cli->options, c->scopes);
	if (misplaced) {
		request_error_set(&e, "contradictory options: \"--%s\" does not go with plan %s",
				  misplaced, c->name);
		return command_usage(&cli->options, &e);
	}
	if (c->run == command_add)
		return cli_move_run(cli, OP_ADD, true, argc - 1, argv + 1);
	if (c->run == command_del)
		return cli_move_run(cli, OP_DEL, true, argc - 1, argv + 1);
	if (c->scopes & SCOPE_ISOLATE) {
		cli->options.move.plan = true;
		return c->run(cli, argc - 1, argv + 1);
	}
	request_error_set(&e, QUOTED " cannot be planned, only add, del and isolate", argv[0]);
	return command_usage(&cli->options, &e);
}
