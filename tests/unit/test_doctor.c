/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor finds: for each finding a fact that provokes it, on a node on
 * which nothing else is wrong and nothing is found; and what it takes from the
 * rules of a firewall. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/facts.h"

/* ---- findings -------------------------------------------------------------------------- */

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
	f->firewall.drops_invalid_forwarded = true;
}

static void invalid_everywhere(struct facts *f)
{
	f->firewall.drops_invalid_forwarded = f->firewall.drops_invalid_local = true;
}

static void flushing(struct facts *f)
{
	strcpy(f->flushes[0].file, "/etc/conntrackd/primary-backup.sh");
	f->flushes[0].line = 74;
	f->n_flushes = 1;
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
	{ invalid_everywhere, "kernel-fixed", EXIT_DONE },
	{ flushing, "kernel-fixed conntrackd-flush", EXIT_CRITICAL },
	{ unread, "kernel-fixed scripts-unseen", EXIT_WARNINGS },
	{ manager, "kernel-fixed network-manager network-manager", EXIT_WARNINGS },
	{ no_rights, "kernel-fixed no-net-admin", EXIT_WARNINGS },
	{ no_raw, "kernel-fixed no-net-raw", EXIT_WARNINGS },
	{ no_daemon, "kernel-fixed no-daemon", EXIT_DONE },
	{ silent, "kernel-fixed daemon-silent", EXIT_CRITICAL },
	{ not_for_us, "kernel-fixed daemon-unseen", EXIT_WARNINGS },
	{ nothing_guarded, "kernel-fixed nothing-guarded", EXIT_WARNINGS },
	{ unsafe, "kernel-fixed run-dir-unsafe", EXIT_CRITICAL },
	{ unseen, "kernel-fixed run-dir-unseen", EXIT_WARNINGS },
	{ killed, "kernel-fixed killed-run", EXIT_WARNINGS },
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
				assert_true(*one->fix);
		}
		assert_string_equal(codes, cases[i].codes);
		assert_int_equal(findings_exit_code(&found), cases[i].exit_code);
		findings_done(&found);
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
	assert_string_equal(found.list[1].fix,
			    "write \"snat to ADDRESS\" instead of \"masquerade\"");
	assert_string_equal(found.list[2].fix, "sysctl -w net.netfilter.nf_conntrack_max=524288");
	assert_string_equal(found.list[3].fix, "sysctl -w net.ipv4.conf.br0.promote_secondaries=1");
	findings_done(&found);
}

/* ---- the firewall's rules ---------------------------------------------------------------- */

static struct firewall read_rules(void (*line)(struct firewall_reader *r, const char *line),
				  const char *text)
{
	struct firewall_reader *r = firewall_reader_new();
	struct firewall f;
	const char *p, *end;
	char one[512];

	assert_non_null(r);
	for (p = text; *p; p = end + 1) {
		end = strchr(p, '\n');
		snprintf(one, sizeof(one), "%.*s", (int)(end - p), p);
		line(r, one);
	}
	firewall_reader_result(r, &f);
	firewall_reader_free(r);
	return f;
}

static struct firewall iptables(const char *text)
{
	return read_rules(firewall_iptables_line, text);
}

static struct firewall nft(const char *text)
{
	return read_rules(firewall_nft_line, text);
}

static void iptables_rules_are_understood(void **state _unused_)
{
	struct firewall f =
		iptables("# Generated by iptables-save v1.8.9 (nf_tables) on Mon\n"
			 "*nat\n"
			 ":POSTROUTING ACCEPT [0:0]\n"
			 ":KUBE-POSTROUTING - [0:0]\n"
			 "-A POSTROUTING -j KUBE-POSTROUTING\n"
			 "-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j SNAT --to-source 1.2.3.4\n"
			 "-A KUBE-POSTROUTING -j MASQUERADE --random-fully\n"
			 "-A POSTROUTING -o br0 -j MASQUERADE\n"
			 "COMMIT\n");

	assert_int_equal(f.masquerades, 2);
	assert_int_equal(f.random, 1);
	assert_string_equal(f.masquerade, "-A KUBE-POSTROUTING -j MASQUERADE --random-fully");
	assert_false(f.masquerade_is_nft);
	assert_int_equal(f.nft_rules, 4);
	assert_int_equal(f.legacy_rules, 0);
	assert_false(f.drops_invalid_forwarded || f.drops_invalid_local || f.offloads);
	f = iptables("# Generated by iptables-save v1.4.21 on Mon\n*filter\n-A INPUT -j ACCEPT\n");
	assert_int_equal(f.legacy_rules, 1);
	assert_int_equal(f.nft_rules, 0);
	f = iptables("*filter\n-A FORWARD -m comment --comment \"-j MASQUERADEX\" -j ACCEPT\n");
	assert_int_equal(f.masquerades, 0);
	f = iptables("*filter\n-A FORWARD -m flowoffload -j FLOWOFFLOAD\n");
	assert_true(f.offloads);
}

static void our_own_rules_are_told_apart(void **state _unused_)
{
	struct firewall f = iptables("*mangle\n:VIPSAFE-HOLD-7 - [0:0]\n"
				     "-A VIPSAFE-HOLD-7 -p tcp -j DROP\n"
				     "-A PREROUTING -m comment --comment \"vipsafe hold\" -j X\n");

	assert_int_equal(f.ours, 1);
	assert_int_equal(f.nft_rules + f.legacy_rules, 0);
	f = nft("table inet vipsafe_hold_7 {\n\tchain a {\n"
		"\t\ttype filter hook forward priority -150; policy accept;\n"
		"\t\tct state invalid drop\n\t}\n}\n");
	assert_int_equal(f.ours, 1);
	assert_int_equal(f.nft_rules, 0);
	assert_false(f.drops_invalid_forwarded);
}

#define INVALID "-m conntrack --ctstate INVALID -j DROP\n"

static void invalid_drops_are_followed_through_chains(void **state _unused_)
{
	struct firewall f = iptables("*filter\n-A FORWARD -j KUBE-FORWARD\n"
				     "-A KUBE-FORWARD " INVALID);

	assert_true(f.drops_invalid_forwarded);
	assert_false(f.drops_invalid_local);
	f = iptables("*filter\n-A FORWARD " INVALID "-A INPUT -g A\n-A A -j B\n-A B " INVALID);
	assert_true(f.drops_invalid_forwarded && f.drops_invalid_local);
	/* a chain nobody comes to, and one of another table */
	f = iptables("*filter\n-A LONELY " INVALID "*mangle\n-A FORWARD " INVALID);
	assert_false(f.drops_invalid_forwarded || f.drops_invalid_local);
	f = iptables("*filter\n-A FORWARD -m conntrack ! --ctstate INVALID -j DROP\n");
	assert_false(f.drops_invalid_forwarded);
	/* chains in a circle: not possible, but text is text */
	f = iptables("*filter\n-A FORWARD -j A\n-A A -j B\n-A B -j A\n");
	assert_false(f.drops_invalid_forwarded);
}

static void nft_rules_are_understood(void **state _unused_)
{
	struct firewall f =
		nft("table ip nat {\n"
		    "\tchain post {\n"
		    "\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
		    "\t\toifname \"br0\" counter packets 0 bytes 0 masquerade fully-random\n"
		    "\t\toifname \"eth0\" snat to 1.2.3.4\n"
		    "\t}\n}\n"
		    "table inet filter {\n"
		    "\tflowtable ft {\n\t\thook ingress priority filter\n\t}\n"
		    "\tchain fwd {\n"
		    "\t\ttype filter hook forward priority filter; policy accept;\n"
		    "\t\tjump checks\n"
		    "\t}\n"
		    "\tchain checks {\n"
		    "\t\tct state invalid counter packets 1 bytes 2 drop\n"
		    "\t}\n"
		    "}\n");

	assert_int_equal(f.masquerades, 1);
	assert_int_equal(f.random, 1);
	assert_true(f.masquerade_is_nft);
	assert_string_equal(f.masquerade,
			    "oifname \"br0\" counter packets 0 bytes 0 masquerade fully-random");
	assert_true(f.offloads);
	assert_true(f.drops_invalid_forwarded);
	assert_false(f.drops_invalid_local);
	assert_int_equal(f.nft_rules, 4);
	/* what iptables-save tells of is not counted twice */
	f = nft("# Warning: table ip nat is managed by iptables-nft, do not touch!\n"
		"table ip nat {\n\tchain POSTROUTING {\n\t\tmasquerade\n\t}\n}\n"
		"table ip mine {\n\tchain x {\n\t\tmasquerade\n\t}\n}\n");
	assert_int_equal(f.masquerades, 1);
	f = nft("");
	assert_int_equal(f.nft_rules + f.masquerades + f.ours, 0);
}

/* Anything at all may come: nothing overflows, and it ends. */
static void garbage_does_no_harm(void **state _unused_)
{
	struct firewall_reader *r = firewall_reader_new();
	struct firewall f;
	char line[4096];
	int i;

	for (i = 0; i < 5000; i++) {
		snprintf(line, sizeof(line), "-A FORWARD -j C%d", i);
		firewall_iptables_line(r, line);
		snprintf(line, sizeof(line), "-A C%d -j FORWARD", i);
		firewall_iptables_line(r, line);
	}
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	memcpy(line, "*", 1);
	firewall_iptables_line(r, line);
	memcpy(line, "-A ", 3);
	firewall_iptables_line(r, line);
	memcpy(line, "table ip ", 9);
	firewall_nft_line(r, line);
	memcpy(line, "chain ", 6);
	firewall_nft_line(r, line);
	firewall_nft_line(r, "jump");
	firewall_nft_line(r, "type filter hook");
	firewall_nft_line(r, "");
	firewall_iptables_line(r, "-A");
	firewall_iptables_line(r, "");
	firewall_reader_result(r, &f);
	assert_true(f.legacy_rules + f.nft_rules >= 10000);
	firewall_reader_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fact_is_found_and_nothing_else),
		cmocka_unit_test(fixes_fit_the_case),
		cmocka_unit_test(iptables_rules_are_understood),
		cmocka_unit_test(our_own_rules_are_told_apart),
		cmocka_unit_test(invalid_drops_are_followed_through_chains),
		cmocka_unit_test(nft_rules_are_understood),
		cmocka_unit_test(garbage_does_no_harm),
	};

	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
