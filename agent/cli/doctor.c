/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe doctor: what on this node makes address changes break connections. */
#include "cli/doctor.h"

#include <errno.h>
#include <string.h>

#include "base/option.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/keepalived.h"
#include "cli/localnet.h"
#include "cli/render.h"
#include "keepalived/lint.h"
#include "show/finding_show.h"

#define PATIENCE (10 * USEC_PER_SEC)

static const char *doctor_text_of(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static enum severity severity_of(const char *name)
{
	return !strcmp(name, "critical") ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

/* Add the warnings of the daemon's status. */
static void doctor_pass_on(const char *status, struct findings *ret)
{
	json_t *o = json_loads(status ? status : "", 0, NULL);
	json_t *list = json_object_get(o, "warnings");
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *w = json_array_get(list, i);
		const char *fix = doctor_text_of(w, "fix");

		/* doctor checks that itself */
		if (strcmp(doctor_text_of(w, "code"), "conntrack-full") != 0)
			findings_add(ret, severity_of(doctor_text_of(w, "severity")),
				     doctor_text_of(w, "code"),
				     *fix ? fix : doctor_text_of(w, "advice"), "%s",
				     doctor_text_of(w, "text"));
	}
	json_decref(o);
}

static void doctor_ask_daemon(const struct cli *cli, struct facts *f, struct findings *ret)
{
	struct wire_request r = { .op = WIRE_STATUS };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;

	client_ask(cli->settings.socket, &r, cli->options.timeout ? cli->options.timeout : PATIENCE,
		   &a, &outcome);
	switch (outcome) {
	case CLIENT_ANSWERED:
		f->daemon = DAEMON_RUNNING;
		doctor_pass_on(a.result, ret);
		break;
	case CLIENT_ABSENT:
		f->daemon = DAEMON_ABSENT;
		break;
	case CLIENT_BARRED:
		f->daemon = DAEMON_NOT_FOR_US;
		break;
	case CLIENT_REFUSED: /* one of another version answers nobody until it is restarted */
		f->daemon = strcmp(a.error_code, wire_refusal_name(WIRE_OTHER_VERSION))
				    ? DAEMON_NOT_FOR_US
				    : DAEMON_SILENT;
		break;
	case CLIENT_BROKEN:
		f->daemon = DAEMON_SILENT;
		break;
	}
	wire_answer_done(&a);
}

static int doctor_print(const struct cli *cli, const struct findings *f)
{
	if (cli->options.json)
		render_json(findings_json_new(f), stdout, stderr);
	else
		findings_print(f, cli->options.verbose, stdout);
	return findings_exit_code(f);
}

static void look_at_node(const struct cli *cli, struct findings *ret)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	struct findings of_daemon = { 0 };
	int r = f ? kernel_real_new(&real) : -ENOMEM;
	struct kernel k;

	if (r < 0) {
		findings_add(ret, SEVERITY_UNSEEN, "kernel-unseen", NULL,
			     "the kernel cannot be asked: %s", strerror(-r));
		return;
	}
	k = kernel_real_get(real);
	doctor_take_kernel(cli, &k, f);
	doctor_take_firewall(cli, &k, f);
	doctor_take_others(f);
	doctor_take_run_dir(cli, &k, f);
	doctor_ask_daemon(cli, f, &of_daemon);
	diagnose(f, ret);
	findings_append(ret, &of_daemon);
	findings_done(&of_daemon);
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
	struct request_error e;
	int code, r;

	if (doctor_take_version(cli, argc, argv, &version, &e) < 0)
		return command_usage(&e);
	if (file) {
		r = doctor_keepalived(cli, file, version, &f, &e);
		if (r < 0) {
			findings_done(&f);
			command_usage(&e);
			return r == -EINVAL ? EXIT_USAGE : EXIT_CONFIG;
		}
	} else {
		look_at_node(cli, &f);
	}
	code = doctor_print(cli, &f);
	findings_done(&f);
	return code;
}

static void doctor_keepalived_look_at(const struct cli *cli, const struct keepalived_conf *conf,
				      const struct keepalived_version *version,
				      struct findings *ret)
{
	struct vrrp_conf vrrp;
	const struct keepalived_lint what = {
		.conf = conf,
		.vrrp = &vrrp,
		.settings = &cli->settings,
		.hooks = HOOKSDIR,
		.root = "",
		.has_arp = localnet_has_arp,
	};

	if (vrrp_conf_read(conf, version, &vrrp) < 0) {
		findings_add(ret, SEVERITY_UNSEEN, "keepalived-unseen", NULL, "out of memory");
		return;
	}
	keepalived_lint(&what, ret);
	vrrp_conf_done(&vrrp);
}

int doctor_keepalived(const struct cli *cli, const char *file, const char *version,
		      struct findings *ret, struct request_error *ret_error)
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *conf = NULL;
	struct keepalived_version v = { 0 };

	if (version && keepalived_version_parse(version, &v) < 0)
		return request_error_set(ret_error,
					 "version " QUOTED " is no version of keepalived such as"
					 " 1.3.5",
					 version);
	if (keepalived_open(file, &conf, ret_error) < 0)
		return -EIO;
	if (!version && keepalived_ask_version(&v) < 0)
		findings_add(ret, SEVERITY_UNSEEN, "keepalived-version", "version 1.3.5, say",
			     "the version of the keepalived installed here is not known: checks "
			     "that depend on it assume every version");
	doctor_keepalived_look_at(cli, conf, &v, ret);
	return 0;
}
