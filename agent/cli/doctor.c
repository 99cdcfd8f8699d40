/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe doctor: what on this node makes address changes break connections. */
#include "cli/doctor.h"

#include <errno.h>
#include <string.h>

#include "base/option.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "cli/verdict.h"
#include "show/finding_show.h"

/* VERDICT is NULL if a file was judged, not the node. */
static int doctor_print(const struct cli *cli, const struct verdict *verdict,
			const struct findings *f)
{
	unsigned columns = terminal_columns(stdout);
	json_t *o;

	if (cli->options.json) {
		o = findings_json_new(f);
		if (verdict)
			verdict_put(verdict, &o);
		render_json(o, stdout, stderr);
	} else {
		if (verdict)
			verdict_print(verdict, columns, stdout);
		findings_print(f, cli->options.verbose, columns, stdout);
	}
	return findings_exit_code(f);
}

static void look_at_node(struct cli *cli, struct verdict *ret_verdict, struct findings *ret)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	struct findings of_others = { 0 };
	int r = f ? kernel_real_new(&real) : -ENOMEM;
	struct kernel k;

	if (r < 0) {
		findings_add(ret, SEVERITY_UNSEEN, "kernel-unseen", NULL,
			     "the kernel cannot be asked: %s", strerror(-r));
		verdict_unseen(strerror(-r), ret_verdict);
		return;
	}
	k = kernel_real_get(real);
	doctor_take_daemon(cli, f, &of_others);
	doctor_take_kernel(cli, &k, f);
	doctor_take_firewall(cli, &k, f);
	doctor_take_others(f);
	doctor_take_keepalived(cli, &k, f, &of_others);
	doctor_take_conntrackd(cli, &k, f, &of_others);
	doctor_take_lvs(&k, f);
	doctor_take_run_dir(cli, &k, f);
	diagnose(f, ret);
	findings_append(ret, &of_others);
	verdict_reach(f, ret, ret_verdict);
	findings_done(&of_others);
	facts_done(f);
}

/* Parse the words after "doctor": "version V", of keepalived. */
static int doctor_take_version(const struct cli *cli, int argc, char *argv[], const char **ret,
			       struct request_error *e)
{
	if (argc && (!cli->options.keepalived || strcmp(argv[0], "version") != 0))
		return request_error_set(e, "unknown word " QUOTED, argv[0]);
	if (argc == 1)
		return request_error_set(e, "\"version\" needs a value");
	if (argc > 2)
		return request_error_set(e, "unknown word " QUOTED, argv[2]);
	*ret = argc ? argv[1] : NULL;
	return 0;
}

int command_doctor(struct cli *cli, int argc, char *argv[])
{
	const char *file = cli->options.keepalived, *version = NULL;
	struct findings f = { 0 };
	struct verdict verdict;
	struct request_error e;
	int code, r;

	if (doctor_take_version(cli, argc, argv, &version, &e) < 0)
		return command_usage(&cli->options, &e);
	if (file) {
		r = doctor_keepalived(cli, file, version, &f, &e);
		if (r < 0) {
			findings_done(&f);
			return cli_fail(&cli->options, r == -EINVAL ? EXIT_USAGE : EXIT_CONFIG,
					"%s", e.text);
		}
	} else {
		look_at_node(cli, &verdict, &f);
	}
	code = doctor_print(cli, file ? NULL : &verdict, &f);
	findings_done(&f);
	return code;
}
