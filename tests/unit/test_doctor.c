/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor finds: for each finding a fact that provokes it, on a node on
 * which nothing else is wrong and nothing is found. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/facts.h"
#include "base/finding.h"

static struct device_facts device;

/* A node with nothing to say about. */
static struct facts healthy(void)
{
	struct facts f = { .ipv4 = KERNEL_FIXED,
			   .ipv6 = KERNEL_FIXED,
			   .net_admin = true,
			   .net_raw = true,
			   .entries = 1000,
			   .entries_max = 262144,
			   .buckets = 65536,
			   .events = 1,
			   .tcp_loose = 1,
			   .devices = &device,
			   .n_devices = 1,
			   .any_configured = true,
			   .firewall_seen = true,
			   .daemon = DAEMON_RUNNING,
			   .run_dir_path = "/run/vipsafe" };

	device = (struct device_facts){ .name = "br0",
					.exists = true,
					.addresses = 2,
					.secondaries = 1,
					.promotes_secondaries = 1,
					.rp_filter = 2 };
	return f;
}

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
	masquerades(f);
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
	f->daemon = DAEMON_ABSENT;
}

static void silent(struct facts *f)
{
	f->daemon = DAEMON_SILENT;
}

static void not_for_us(struct facts *f)
{
	f->daemon = DAEMON_NOT_FOR_US;
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

static const struct {
	void (*provoke)(struct facts *f);
	const char *codes; /* all of them, in their order; "" if nothing was provoked */
	int exit_code;
} cases[] = {
	{ NULL, "kernel-fixed", EXIT_DONE },
	{ affected, "kernel-affected", EXIT_WARNINGS },
	{ affected_ipv6, "kernel-affected", EXIT_WARNINGS },
	{ unknown, "kernel-fixed kernel-unknown", EXIT_WARNINGS },
	{ masquerades, "kernel-fixed masquerade", EXIT_DONE },
	{ masquerades_nft, "kernel-fixed masquerade", EXIT_DONE },
	/* the cures first: upgrade, SNAT, another device */
	{ affected_masquerades, "kernel-affected masquerade vip-on-other-device", EXIT_WARNINGS },
	{ random_ports, "kernel-affected masquerade vip-on-other-device masquerade-random",
	  EXIT_WARNINGS },
	{ no_conntrack, "kernel-fixed no-conntrack", EXIT_DONE },
	{ no_ctnetlink, "kernel-fixed no-ctnetlink", EXIT_CRITICAL },
	{ full, "kernel-fixed conntrack-full", EXIT_WARNINGS },
	{ fuller, "kernel-fixed conntrack-full", EXIT_CRITICAL },
	{ few_buckets, "kernel-fixed conntrack-buckets", EXIT_WARNINGS },
	{ events_off, "kernel-fixed events-off", EXIT_WARNINGS },
	{ events_auto, "kernel-fixed events-auto", EXIT_DONE },
	{ counts, "kernel-fixed acct", EXIT_DONE },
	{ not_loose, "kernel-fixed tcp-loose-off", EXIT_WARNINGS },
	{ liberal, "kernel-fixed be-liberal", EXIT_DONE },
	{ missing, "kernel-fixed device-missing", EXIT_WARNINGS },
	{ no_promotion, "kernel-fixed promote-secondaries-off", EXIT_WARNINGS },
	{ no_promotion_needed, "kernel-fixed", EXIT_DONE },
	{ strict, "kernel-fixed rp-filter-strict", EXIT_DONE },
	{ no_firewall, "kernel-fixed firewall-unseen", EXIT_WARNINGS },
	{ mixed, "kernel-fixed firewall-mixed", EXIT_WARNINGS },
	{ not_mixed, "kernel-fixed", EXIT_DONE },
	{ offload, "kernel-fixed flow-offload", EXIT_WARNINGS },
	{ invalid_forwarded, "kernel-fixed invalid-drop-forward-only", EXIT_WARNINGS },
	{ invalid_forwarded_ipv6, "kernel-fixed invalid-drop-forward-only", EXIT_WARNINGS },
	{ invalid_unclear, "kernel-fixed invalid-drop-unclear", EXIT_DONE },
	{ invalid_elsewhere, "kernel-fixed", EXIT_DONE },
	{ unprinted, "kernel-fixed firewall-unseen", EXIT_WARNINGS },
	{ incomplete, "kernel-fixed firewall-unseen", EXIT_WARNINGS },
	{ flushing, "kernel-fixed conntrackd-flush", EXIT_CRITICAL },
	{ unread, "kernel-fixed scripts-unseen", EXIT_WARNINGS },
	{ half_read, "kernel-fixed scripts-unseen", EXIT_WARNINGS },
	{ in_python, "kernel-fixed script-language", EXIT_DONE },
	{ manager, "kernel-fixed network-manager network-manager", EXIT_WARNINGS },
	{ managed, "kernel-fixed masquerade address-managed", EXIT_WARNINGS },
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
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct facts f = healthy();
		struct findings found = { 0 };
		char codes[512] = "";
		size_t n = 0;

		if (cases[i].provoke)
			cases[i].provoke(&f);
		diagnose(&f, &found);
		for (k = 0; k < found.n; k++) {
			const struct finding *one = &found.list[k];

			n += (size_t)snprintf(codes + n, sizeof(codes) - n, "%s%s", k ? " " : "",
					      one->code);
			assert_true(*one->text);
			assert_null(strchr(one->text, '\n'));
			/* what is wrong can be cured */
			if (one->severity > SEVERITY_NOTE &&
			    strcmp(one->code, "masquerade-random") != 0)
				assert_true(*one->fix || *one->advice);
			assert_false(*one->fix && *one->advice);
		}
		assert_string_equal(codes, cases[i].codes);
		assert_int_equal(findings_exit_code(&found), cases[i].exit_code);
		findings_done(&found);
		findings_done(&f.scripts);
	}
}

static void fixes_fit_the_case(void **state _unused_)
{
	struct facts f = healthy();
	struct findings found = { 0 };

	masquerades_nft(&f);
	no_promotion(&f);
	fuller(&f);
	diagnose(&f, &found);
	assert_string_equal(found.list[1].advice,
			    "write \"snat to ADDRESS\" in front of \"masquerade\"");
	assert_string_equal(found.list[1].fix, "");
	assert_string_equal(found.list[2].fix, "sysctl -w net.netfilter.nf_conntrack_max=524288");
	assert_string_equal(found.list[3].fix, "sysctl -w net.ipv4.conf.br0.promote_secondaries=1");
	findings_done(&found);
}

#define PASTE_SNAT(words, source)                                                                \
	"(n=$(iptables -w -t nat -S P | grep -nxF -m 1 -e '-A P -j MASQUERADE') && iptables -w " \
	"-t nat -I P $((${n%%:*} - 1)) " words " -j SNAT --to-source " source ")"

/* What is printed as a fix may be pasted: it is one of the commands that are tried, and
 * a name that a shell would take for more than a name makes it advice. */
static void fixes_are_commands_that_are_tried(void **state _unused_)
{
	static const char *const names[] = { "eth0;reboot", "$(reboot)", "a b", "`x`",
					     "a>b",	    "-x",	 "",	"a'b" };
	char fix[128];
	size_t i;

	assert_true(remedy_is_command("vipsafe recover"));
	assert_true(remedy_is_command("sysctl -w net.ipv4.conf.br-mgmt.10.rp_filter=2"));
	assert_true(remedy_is_command("usermod -a -G vipsafe keepalived_script"));
	assert_false(remedy_is_command("vipsafe recover; reboot"));
	assert_false(remedy_is_command("vipsafe"));
	assert_false(remedy_is_command("rm -r /"));
	assert_false(remedy_is_command(""));
	assert_true(remedy_is_command(
		PASTE_SNAT("-m comment --comment 'a;b' ! -o x", "'[fd00::1]:5-6'")));
	assert_false(remedy_is_command(PASTE_SNAT("; reboot #", "192.0.2.7")));
	assert_false(remedy_is_command(PASTE_SNAT("-o $(reboot)", "192.0.2.7")));
	assert_false(remedy_is_command(PASTE_SNAT("-o 'a' b'", "192.0.2.7")));
	assert_false(remedy_is_command(PASTE_SNAT("-o 'a'$(reboot)'b'", "192.0.2.7")));
	assert_false(remedy_is_command(PASTE_SNAT("-o 'a\n'", "192.0.2.7")));
	assert_false(remedy_is_command(PASTE_SNAT("-o x", "192.0.2.7; reboot")));
	assert_false(remedy_is_command(PASTE_SNAT("-o x", "192.0.2.7); (reboot")));
	assert_true(remedy_is_command("nft 'insert rule ip a b position 3 snat to 192.0.2.7'"));
	assert_false(remedy_is_command("nft 'insert rule ip a'; reboot ''"));
	assert_false(remedy_is_command("nft 'insert rule ip a' b'"));
	assert_false(remedy_is_command("nft 'flush ruleset'"));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(fix, sizeof(fix), "sysctl -w net.ipv4.conf.%s.rp_filter=2", names[i]);
		assert_false(remedy_is_command(fix));
		snprintf(fix, sizeof(fix), "chown root:root %s && chmod 755 %s", names[i],
			 names[i]);
		assert_false(remedy_is_command(fix));
	}
}

/* Nothing is advised that makes the node lose its rules or its address. */
static void what_destroys_is_not_advised(void **state _unused_)
{
	struct facts f = healthy();
	struct findings found = { 0 };
	const struct finding *one;
	size_t i;

	mixed(&f);
	manager(&f);
	diagnose(&f, &found);
	for (i = 0; i < found.n; i++) {
		one = &found.list[i];
		if (!strcmp(one->code, "firewall-mixed")) {
			assert_non_null(strstr(one->fix, "| $p-nft-restore --noflush"));
		} else if (!strcmp(one->code, "network-manager")) {
			assert_string_equal(one->fix, "");
			assert_null(strstr(one->advice, "unmanaged-devices="));
		}
	}
	assert_true(findings_have(&found, "firewall-mixed"));
	assert_true(findings_have(&found, "network-manager"));
	findings_done(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fact_is_found_and_nothing_else),
		cmocka_unit_test(fixes_fit_the_case),
		cmocka_unit_test(fixes_are_commands_that_are_tried),
		cmocka_unit_test(what_destroys_is_not_advised),
	};

	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
