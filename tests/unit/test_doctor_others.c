/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor finds of other programs and of vipsafe itself: for each finding a fact that
 * provokes it, on a node on which nothing else is wrong and nothing is found. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/finding.h"
#include "lib/doctor_node.h"

static void flushing(struct facts *f)
{
	findings_add(&f->scripts, SEVERITY_CRITICAL, "conntrackd-flush", "put it away", "x:74");
}

static void half_read(struct facts *f)
{
	f->half_read = 2;
}

static void in_python(struct facts *f)
{
	f->other_language = 1;
}

static void unread(struct facts *f)
{
	f->unread = 2;
}

static void manager(struct facts *f)
{
	strcpy(f->managers[0], "NetworkManager");
	strcpy(f->managers[1], "systemd-network");
	f->n_managers = 2;
}

static void managed(struct facts *f)
{
	f->firewall.masquerades = 2;
	f->devices->managed.manager = MANAGER_NETWORKMANAGER;
}

static void no_rights(struct facts *f)
{
	f->net_admin = false;
}

static void no_raw(struct facts *f)
{
	f->net_raw = false;
}

static void no_daemon(struct facts *f)
{
	doctor_node_unguard(f);
}

static void silent(struct facts *f)
{
	f->daemon = DAEMON_SILENT;
}

static void not_for_us(struct facts *f)
{
	f->daemon = DAEMON_NOT_FOR_US;
	strcpy(f->unseen, "only root may");
}

static void nothing_guarded(struct facts *f)
{
	f->any_configured = false;
}

static void unsafe(struct facts *f)
{
	f->run_dir = -EPERM;
}

static void unseen(struct facts *f)
{
	f->run_dir = -EACCES;
}

static void killed(struct facts *f)
{
	f->killed_runs = 1;
}

static void gone(struct facts *f)
{
	f->gone = 2;
}

static void set_aside(struct facts *f)
{
	f->set_aside = 1;
}

static void rules_left(struct facts *f)
{
	no_daemon(f);
	f->firewall.ours = 1;
}

static void rules_in_use(struct facts *f)
{
	f->firewall.ours = 3;
}

static const struct doctor_case cases[] = {
	{ flushing, "kernel-fixed conntrackd-flush", EXIT_CRITICAL },
	{ half_read, "kernel-fixed scripts-unseen", EXIT_WARNINGS },
	{ in_python, "kernel-fixed script-language", EXIT_DONE },
	{ unread, "kernel-fixed scripts-unseen", EXIT_WARNINGS },
	{ manager, "kernel-fixed network-manager network-manager", EXIT_DONE },
	{ managed, "kernel-fixed masquerade address-managed", EXIT_DONE },
	{ no_rights, "kernel-fixed no-net-admin", EXIT_WARNINGS },
	{ no_raw, "kernel-fixed no-net-raw", EXIT_WARNINGS },
	{ no_daemon, "kernel-fixed no-daemon", EXIT_DONE },
	{ silent, "kernel-fixed daemon-silent", EXIT_CRITICAL },
	{ not_for_us, "kernel-fixed daemon-unseen", EXIT_WARNINGS },
	{ nothing_guarded, "kernel-fixed nothing-guarded", EXIT_WARNINGS },
	{ unsafe, "kernel-fixed run-dir-unsafe", EXIT_CRITICAL },
	{ unseen, "kernel-fixed run-dir-unseen", EXIT_WARNINGS },
	{ killed, "kernel-fixed killed-run", EXIT_WARNINGS },
	{ gone, "kernel-fixed stale-entries", EXIT_WARNINGS },
	{ set_aside, "kernel-fixed set-aside", EXIT_DONE },
	{ rules_left, "kernel-fixed no-daemon rules-left", EXIT_WARNINGS },
	{ rules_in_use, "kernel-fixed", EXIT_DONE },
};

static void each_fact_is_found_and_nothing_else(void **state _unused_)
{
	doctor_cases_hold(cases, ARRAY_SIZE(cases));
}

/* What breaks connections only without a guard. */
static const struct doctor_cure cured[] = {
	{ manager, "network-manager" },
	{ managed, "address-managed" },
};

static void a_cause_that_is_cured_is_a_note(void **state _unused_)
{
	doctor_cures_hold(cured, ARRAY_SIZE(cured));
}

/* Nothing is advised that makes the node lose its rules or its address. */
static void what_destroys_is_not_advised(void **state _unused_)
{
	struct doctor_node node;
	struct findings found = { 0 };
	struct facts f;
	const struct finding *one;
	size_t i, n_advised = 0;

	doctor_node_make(&node);
	f = node.facts;
	f.firewall.legacy_rules = f.firewall.nft_rules = 1;
	manager(&f);
	diagnose(&f, &found);
	for (i = 0; i < found.n; i++) {
		one = &found.list[i];
		if (!strcmp(one->code, "firewall-mixed")) {
			assert_non_null(strstr(one->fix, "| $p-nft-restore --noflush"));
		} else if (!strcmp(one->code, "network-manager")) {
			assert_string_equal(one->fix, "");
			assert_null(strstr(one->advice, "unmanaged-devices="));
			if (strncmp(one->text, "NetworkManager ", 15) != 0)
				continue;
			n_advised++;
			assert_non_null(strstr(one->advice, "vipsafed puts back"));
			assert_non_null(strstr(one->advice, "after the next boot"));
		}
	}
	assert_true(findings_have(&found, "firewall-mixed"));
	assert_int_equal(n_advised, 1);
	findings_done(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fact_is_found_and_nothing_else),
		cmocka_unit_test(a_cause_that_is_cured_is_a_note),
		cmocka_unit_test(what_destroys_is_not_advised),
	};

	return cmocka_run_group_tests_name("doctor of others", tests, NULL, NULL);
}
