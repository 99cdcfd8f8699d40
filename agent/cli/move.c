/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe add, del, plan */
#include <errno.h>
#include <string.h>

#include "cli/announce.h"
#include "cli/commands.h"
#include "cli/render.h"
#include "cli/worker.h"
#include "core/option.h"
#include "front/oplog.h"
#include "steps/verdict.h"

struct move {
	const struct cli *cli;
	struct request request;
	struct report report;
	struct kernel_real *kernel; /* open after the run, for what follows */
};

static int move_run(void *ud, FILE *out, FILE *err)
{
	struct move *m = ud;
	struct run_env env;
	int r;

	r = kernel_real_new(&m->kernel);
	if (r < 0) {
		report_init(&m->report, &m->request);
		report_fail(&m->report, RESULT_FAILED,
			    r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_KERNEL_REFUSED,
			    "cannot talk to the kernel: %s", strerror(-r));
	} else {
		env = cli_run_env(m->cli, kernel_real_get(m->kernel));
		run_move(&env, &m->request, &m->report);
	}
	oplog_write(&m->report);
	render_report(&m->report, &m->cli->options, out, err);
	return m->report.exit_code;
}

/* Nobody waits for this any more. */
static void move_after(void *ud)
{
	struct move *m = ud;
	const struct settings *s = &m->cli->settings;
	struct verdict v;
	struct kernel k;

	if (!m->kernel || m->report.exit_code == EXIT_NOT_PERMITTED)
		return;
	k = kernel_real_get(m->kernel);
	announce_again(&k, &s->announce, &m->report);
	/* The next delete may be urgent: it should find the answer there. */
	if (verdict_load(s->run_dir, m->cli->boot_id, &v) < 0)
		verdict_get(&k, s->run_dir, m->cli->boot_id, s->deadline, &v);
	m->kernel = kernel_real_free(m->kernel);
}

static void request_from_options(struct request *req, const struct cli *cli)
{
	const struct options *o = &cli->options;

	req->force = o->force;
	req->strategy = o->strategy;
	req->hold = o->hold == HOLD_AUTO ? cli->settings.hold : o->hold;
	req->vip_flows = o->vip_flows;
	req->deadline = o->timeout;
}

static int move(struct cli *cli, enum op op, bool plan, int argc, char *argv[])
{
	struct move m = { .cli = cli };
	const struct worker_job job = { .run = move_run, .after = move_after, .ud = &m };
	struct request_error e;
	int code;

	request_init(&m.request, op);
	m.request.plan = plan;
	request_from_options(&m.request, cli);
	if (op == OP_ADD && m.request.force) {
		request_error_set(&e, "contradictory options: \"--force\" only goes with del");
		return command_usage(&e);
	}
	if (request_parse(&m.request, argc, argv, &e) < 0)
		return command_usage(&e);
	if (!plan)
		return worker_run(&job);
	code = move_run(&m, stdout, stderr);
	kernel_real_free(m.kernel);
	return code;
}

int command_add(struct cli *cli, int argc, char *argv[])
{
	return move(cli, OP_ADD, false, argc, argv);
}

int command_del(struct cli *cli, int argc, char *argv[])
{
	return move(cli, OP_DEL, false, argc, argv);
}

int command_plan(struct cli *cli, int argc, char *argv[])
{
	const struct command *c;
	struct request_error e;

	if (!argc) {
		request_error_set(&e, "plan what? \"add\" or \"del\" is missing");
		return command_usage(&e);
	}
	if (command_find(argv[0], &c, &e) < 0)
		return command_usage(&e);
	if (c->run == command_add)
		return move(cli, OP_ADD, true, argc - 1, argv + 1);
	if (c->run == command_del)
		return move(cli, OP_DEL, true, argc - 1, argv + 1);
	request_error_set(&e, QUOTED " cannot be planned, only add and del", argv[0]);
	return command_usage(&e);
}
