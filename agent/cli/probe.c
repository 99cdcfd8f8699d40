/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe probe: measure again, even if there is a result for this boot. */
#include <errno.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "base/text.h"
#include "move/probe.h"
#include "show/report_json.h"

static const char *meaning(enum kernel_kind v)
{
	switch (v) {
	case KERNEL_UNKNOWN:
		return "treated as affected";
	case KERNEL_AFFECTED:
		return "deleting one address flushes the masqueraded connections of the device";
	case KERNEL_FIXED:
		return "deleting one address flushes its own connections only";
	}
	return "";
}

static const char *helpers_meaning(enum helper_kind h)
{
	switch (h) {
	case HELPERS_UNKNOWN:
		return "none is loaded";
	case HELPERS_KEPT:
		return "a connection that is pinned or restored keeps its helper, for FTP and the "
		       "like";
	case HELPERS_FORGOTTEN:
		return "a connection with a helper (FTP and the like) would lose it: it is not "
		       "pinned";
	}
	return "";
}

static void print_text(const struct probe_result *v)
{
	char reason[4 * REPORT_TEXT_MAX];

	printf("IPv4: %s (%s)\n", kernel_kind_name(v->ipv4), meaning(v->ipv4));
	printf("IPv6: %s (%s)\n", kernel_kind_name(v->ipv6), meaning(v->ipv6));
	printf("helpers: %s (%s)\n", helper_kind_name(v->helpers), helpers_meaning(v->helpers));
	if (*v->reason)
		printf("reason: %s\n", text_escape(v->reason, reason, sizeof(reason)));
}

static void cli_probe_print_json(const struct probe_result *v)
{
	json_t *o = json_object();
	int failed = 0;

	failed |= json_object_set_new(o, "ipv4", json_string(kernel_kind_name(v->ipv4)));
	failed |= json_object_set_new(o, "ipv6", json_string(kernel_kind_name(v->ipv6)));
	failed |= json_object_set_new(o, "helpers", json_string(helper_kind_name(v->helpers)));
	failed |= json_object_set_new(o, "reason", object_string(v->reason));
	failed |= json_object_set_new(o, "cached", json_boolean(v->cached));
	if (failed) {
		json_decref(o);
		o = NULL;
	}
	render_json(o, stdout, stderr);
}

static void measure(const struct cli *cli, struct probe_result *v)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	usec_t timeout = cli->options.timeout ? cli->options.timeout : cli->settings.timeout;
	struct kernel k;
	int r;

	r = kernel_real_new(&real);
	if (r >= 0) {
		k = kernel_real_get(real);
		r = k.ops->probe(k.ctx, true, timeout, v);
	}
	if (r < 0 && !*v->reason)
		snprintf(v->reason, sizeof(v->reason), "cannot ask the kernel: %s", strerror(-r));
}

int command_probe(struct cli *cli, int argc, char *argv[])
{
	struct probe_result v = { 0 };
	struct request_error e;
	int r;

	if (request_no_words(argc, argv, &e) < 0)
		return command_usage(&cli->options, &e);
	measure(cli, &v);
	if (v.ipv4 != KERNEL_UNKNOWN || v.ipv6 != KERNEL_UNKNOWN) {
		r = probe_result_store(cli->settings.run_dir, cli->boot_id, &v);
		if (r < 0)
			cli_complain(stderr, "warning: the answer is not kept in %s: %s",
				     cli->settings.run_dir, strerror(-r));
	}
	if (cli->options.json)
		cli_probe_print_json(&v);
	else
		print_text(&v);
	return v.ipv4 == KERNEL_UNKNOWN || v.ipv6 == KERNEL_UNKNOWN ? EXIT_UNPROTECTED : EXIT_DONE;
}
