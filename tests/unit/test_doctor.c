/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor finds in kernel, devices and firewall: for each finding a fact that provokes it,
 * on a node on which nothing else is wrong and nothing is found. */
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

static void affected(struct facts *f)
{
	f->ipv4 = KERNEL_AFFECTED;
}

static void affected_ipv6(struct facts *f)
{
	f->ipv6 = KERNEL_AFFECTED;
}

static void unknown(struct facts *f)
{
	f->ipv6 = KERNEL_UNKNOWN;
	strcpy(f->reason, "no user namespaces");
}

static void masquerades(struct facts *f)
{
	f->firewall.masquerades = 2;
	strcpy(f->firewall.masquerade, "-A POSTROUTING -j MASQUERADE");
}

static void affected_masquerades(struct facts *f)
{
	masquerades(f);
	affected(f);
}

static void masquerades_nft(struct facts *f)
{
	masquerades(f);
	f->firewall.masquerade_is_nft = true;
}

static void random_ports(struct facts *f)
{
	affected_masquerades(f);
	f->firewall.random = 1;
}

static void no_conntrack(struct facts *f)
{
	f->conntrack = -EPROTONOSUPPORT;
	f->entries_max = 0;
}

static void no_ctnetlink(struct facts *f)
{
	f->conntrack = -EOPNOTSUPP;
}

static void full(struct facts *f)
{
	f->entries = 262144 / 100 * 81;
}

static void fuller(struct facts *f)
{
	f->entries = 262000;
}

static void few_buckets(struct facts *f)
{
	f->buckets = 4096;
}

static void events_off(struct facts *f)
{
	f->events = 0;
}

static void events_auto(struct facts *f)
{
	f->events = 2;
}

static void counts(struct facts *f)
{
	f->acct = 1;
}

static void not_loose(struct facts *f)
{
	f->tcp_loose = 0;
}

static void liberal(struct facts *f)
{
	f->be_liberal = 1;
}

static void missing(struct facts *f)
{
	f->devices->exists = false;
}

static void no_promotion(struct facts *f)
{
	f->devices->promotes_secondaries = 0;
}

static void no_promotion_needed(struct facts *f)
{
	f->devices->promotes_secondaries = 0;
	f->devices->secondaries = 0;
}

static void strict(struct facts *f)
{
	f->devices->rp_filter = 1;
}

static void no_firewall(struct facts *f)
{
	f->firewall_seen = false;
	strcpy(f->firewall_unseen, "nft: not permitted");
}

static void mixed(struct facts *f)
{
	f->firewall.legacy_rules = 1;
	f->firewall.nft_rules = 1;
}

static void not_mixed(struct facts *f)
{
	f->firewall.legacy_rules = 100;
}

static void offload(struct facts *f)
{
	f->firewall.offloads = true;
}

static void invalid_forwarded(struct facts *f)
{
	f->firewall.invalid[FIREWALL_IPV4].dropped_forwarded = true;
}

static void invalid_forwarded_ipv6(struct facts *f)
{
	f->firewall.invalid[FIREWALL_IPV6].dropped_forwarded = true;
}

static void invalid_unclear(struct facts *f)
{
	invalid_forwarded(f);
	f->firewall.invalid[FIREWALL_IPV4].input = FIREWALL_UNCLEAR;
}

static void invalid_elsewhere(struct facts *f)
{
	invalid_forwarded(f);
	f->firewall.invalid[FIREWALL_IPV4].input = FIREWALL_DROPPED;
	f->firewall.invalid[FIREWALL_IPV6].input = FIREWALL_UNCLEAR;
}

static void unprinted(struct facts *f)
{
	f->firewall.unprinted = 2;
}

static void incomplete(struct facts *f)
{
	f->firewall.incomplete = true;
}

static const struct doctor_case cases[] = {
	{ NULL, "kernel-fixed", EXIT_DONE },
	{ affected, "kernel-affected", EXIT_DONE },
	{ affected_ipv6, "kernel-affected", EXIT_DONE },
	{ unknown, "kernel-fixed kernel-unknown", EXIT_DONE },
	{ masquerades, "kernel-fixed masquerade", EXIT_DONE },
	{ masquerades_nft, "kernel-fixed masquerade", EXIT_DONE },
	/* the cures first: upgrade, SNAT, another device */
	{ affected_masquerades, "kernel-affected masquerade vip-on-other-device", EXIT_DONE },
	{ random_ports, "kernel-affected masquerade vip-on-other-device masquerade-random",
	  EXIT_DONE },
	{ no_conntrack, "kernel-fixed no-conntrack", EXIT_DONE },
	{ no_ctnetlink, "kernel-fixed no-ctnetlink", EXIT_CRITICAL },
	{ full, "kernel-fixed conntrack-full", EXIT_WARNINGS },
	{ fuller, "kernel-fixed conntrack-full", EXIT_CRITICAL },
	{ few_buckets, "kernel-fixed conntrack-buckets", EXIT_WARNINGS },
	{ events_off, "kernel-fixed events-off", EXIT_WARNINGS },
	{ events_auto, "kernel-fixed events-auto", EXIT_DONE },
	{ counts, "kernel-fixed acct", EXIT_DONE },
	{ not_loose, "kernel-fixed tcp-loose-off", EXIT_DONE },
	{ liberal, "kernel-fixed be-liberal", EXIT_DONE },
	{ missing, "kernel-fixed device-missing", EXIT_WARNINGS },
	{ no_promotion, "kernel-fixed promote-secondaries-off", EXIT_WARNINGS },
	{ no_promotion_needed, "kernel-fixed", EXIT_DONE },
	{ strict, "kernel-fixed rp-filter-strict", EXIT_DONE },
	{ no_firewall, "kernel-fixed firewall-unseen", EXIT_WARNINGS },
	{ mixed, "kernel-fixed firewall-mixed", EXIT_WARNINGS },
	{ not_mixed, "kernel-fixed", EXIT_DONE },
	{ offload, "kernel-fixed flow-offload", EXIT_WARNINGS },
	{ invalid_forwarded, "kernel-fixed invalid-drop-forward-only", EXIT_DONE },
	{ invalid_forwarded_ipv6, "kernel-fixed invalid-drop-forward-only", EXIT_DONE },
	{ invalid_unclear, "kernel-fixed invalid-drop-unclear", EXIT_DONE },
	{ invalid_elsewhere, "kernel-fixed", EXIT_DONE },
	{ unprinted, "kernel-fixed firewall-unseen", EXIT_WARNINGS },
	{ incomplete, "kernel-fixed firewall-unseen", EXIT_WARNINGS },
};

static void each_fact_is_found_and_nothing_else(void **state _unused_)
{
	doctor_cases_hold(cases, ARRAY_SIZE(cases));
}

/* What breaks connections only if they can be flushed. */
static const struct doctor_cure cured[] = {
	{ affected, "kernel-affected" },
	{ affected_ipv6, "kernel-affected" },
	{ unknown, "kernel-unknown" },
	{ affected_masquerades, "masquerade" },
	{ random_ports, "masquerade-random" },
	{ not_loose, "tcp-loose-off" },
	{ invalid_forwarded, "invalid-drop-forward-only" },
};

static void a_cause_that_is_cured_is_a_note(void **state _unused_)
{
	doctor_cures_hold(cured, ARRAY_SIZE(cured));
}

/* Isolated addresses cure it, unless others are left. */
static void isolation_cures_the_flush(void **state _unused_)
{
	struct doctor_node node;

	doctor_node_make(&node);
	affected_masquerades(&node.facts);
	doctor_node_unguard(&node.facts);
	strcpy(node.facts.isolated, "192.0.2.1/32");
	assert_int_equal(doctor_severity(&node.facts, "kernel-affected"), SEVERITY_NOTE);
	node.facts.exposed = 1;
	assert_int_equal(doctor_severity(&node.facts, "kernel-affected"), SEVERITY_WARNING);
	assert_int_equal(doctor_severity(&node.facts, "no-daemon"), SEVERITY_WARNING);
	node.facts.firewall.masquerades = 0;
	assert_int_equal(doctor_severity(&node.facts, "kernel-affected"), SEVERITY_NOTE);
	assert_int_equal(doctor_severity(&node.facts, "no-daemon"), SEVERITY_NOTE);
}

static void fixes_fit_the_case(void **state _unused_)
{
	struct doctor_node node;
	struct findings found = { 0 };
	struct facts f;

	doctor_node_make(&node);
	f = node.facts;
	masquerades_nft(&f);
	no_promotion(&f);
	fuller(&f);
	diagnose(&f, &found);
	assert_string_equal(found.list[1].advice,
			    "write \"snat to ADDRESS\" in front of \"masquerade\"");
	assert_string_equal(found.list[1].fix, "");
	assert_string_equal(found.list[2].fix, "sysctl -w net.netfilter.nf_conntrack_max=524288");
	assert_string_equal(found.list[3].fix,
			    "sysctl -w net.ipv4.conf.br-mgmt.promote_secondaries=1");
	findings_done(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fact_is_found_and_nothing_else),
		cmocka_unit_test(a_cause_that_is_cured_is_a_note),
		cmocka_unit_test(isolation_cures_the_flush),
		cmocka_unit_test(fixes_fit_the_case),
	};

	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
