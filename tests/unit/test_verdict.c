/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first line of the doctor: which of the three it is, of what, and with which command. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/verdict.h"
#include "lib/doctor_node.h"
#include "lib/screen.h"
#include "show/finding_show.h"

#define GUARD_IT                                                              \
	"(set -C && mkdir -p /etc/vipsafe/conf.d && echo '[device br-mgmt]' " \
	">/etc/vipsafe/conf.d/br-mgmt.conf) && systemctl enable --now vipsafed"

static __attribute__((noinline)) char *line_of(struct facts *f)
{
	struct findings found = { 0 };
	struct verdict v;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	diagnose(f, &found);
	verdict_reach(f, &found, &v);
	verdict_print(&v, 0, out);
	fclose(out);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_true(v.kind == VERDICT_AT_RISK || !(*v.fix || *v.advice));
	assert_true(v.kind != VERDICT_AT_RISK || *v.fix || *v.advice);
	findings_done(&found);
	return text;
}

static void line_is(struct facts *f, const char *expected)
{
	char *text = line_of(f);

	text[strlen(text) - 1] = '\0';
	assert_string_equal(text, expected);
	free(text);
}

static void make_affected(struct doctor_node *n)
{
	doctor_node_make(n);
	n->facts.ipv4 = KERNEL_AFFECTED;
	n->facts.firewall.masquerades = 1;
	strcpy(n->facts.firewall.masquerade, "-A POSTROUTING -j MASQUERADE");
}

static void a_guard_in_force_protects(void **state _unused_)
{
	struct doctor_node n;

	make_affected(&n);
	line_is(&n.facts, "PROTECTED: br-mgmt (continuous); 1432 of 1435 connections are pinned");
	n.facts.ipv4 = KERNEL_FIXED;
	line_is(&n.facts, "PROTECTED: br-mgmt (continuous); 1432 of 1435 connections are pinned");
	n.devices[1] = n.devices[0];
	strcpy(n.devices[1].name, "bond0.1204");
	strcpy(n.devices[1].protection, "on demand");
	n.devices[1].pinned = 0;
	n.devices[1].unpinned = 7;
	n.facts.n_devices = 2;
	line_is(&n.facts, "PROTECTED: br-mgmt (continuous), bond0.1204 (on demand); 1432 of 1442 "
			  "connections are pinned");
	/* a device that is not there has nothing to lose */
	n.devices[1].exists = n.devices[1].in_force = false;
	line_is(&n.facts, "PROTECTED: br-mgmt (continuous); 1432 of 1442 connections are pinned");
}

/* It has its section already. */
static void an_observed_device_is_at_risk(void **state _unused_)
{
	struct doctor_node n;

	make_affected(&n);
	n.devices[0].guarded = n.devices[0].in_force = n.devices[0].managed.guarded = false;
	strcpy(n.devices[0].protection, "observing");
	line_is(&n.facts,
		"AT RISK: br-mgmt is only observed (pin = off): if anybody but vipsafe deletes an "
		"address, this kernel flushes all its masqueraded connections; advice: pin = "
		"continuous in section [device br-mgmt], then: vipsafe reload");
}

static void one_that_is_not_in_force_does_not(void **state _unused_)
{
	struct doctor_node n;

	make_affected(&n);
	n.devices[0].in_force = false;
	strcpy(n.devices[0].state, "degraded");
	strcpy(n.devices[0].reason, "no conntrack events");
	line_is(&n.facts, "AT RISK: the guard of br-mgmt is not in force: degraded: no conntrack "
			  "events; fix: vipsafe -v status");
	n.facts.ipv4 = KERNEL_FIXED;
	line_is(&n.facts, "AT RISK: the guard of br-mgmt is not in force: degraded: no conntrack "
			  "events; fix: vipsafe -v status");
	make_affected(&n);
	n.devices[0].guarded = false; /* it is only observed */
	line_is(&n.facts,
		"AT RISK: br-mgmt has no guard: if anybody but vipsafe deletes an address, "
		"this kernel flushes all its masqueraded connections; fix: (set -C && mkdir -p "
		"/etc/vipsafe/conf.d && echo '[device br-mgmt]' "
		">/etc/vipsafe/conf.d/br-mgmt.conf) && vipsafe reload");
	n.facts.daemon = DAEMON_SILENT;
	line_is(&n.facts, "AT RISK: vipsafed does not answer; fix: systemctl restart vipsafed");
}

static void an_affected_kernel_without_guard_is_a_risk(void **state _unused_)
{
	struct doctor_node n;

	make_affected(&n);
	doctor_node_unguard(&n.facts);
	line_is(&n.facts,
		"AT RISK: br-mgmt has no guard: if anybody but vipsafe deletes an address, "
		"this kernel flushes all its masqueraded connections; fix: systemctl enable --now "
		"vipsafed");
	n.facts.any_configured = false;
	line_is(&n.facts,
		"AT RISK: br-mgmt has no guard: if anybody but vipsafe deletes an address, "
		"this kernel flushes all its masqueraded connections; fix: " GUARD_IT);
	n.devices[1] = n.devices[0];
	strcpy(n.devices[0].name, "lo"); /* it has two addresses, too */
	n.facts.n_devices = 2;
	line_is(&n.facts,
		"AT RISK: br-mgmt has no guard: if anybody but vipsafe deletes an address, "
		"this kernel flushes all its masqueraded connections; fix: " GUARD_IT);
	n.facts.n_devices = 1;
	strcpy(n.devices[0].name, "a;b"); /* nothing to paste for a shell */
	line_is(&n.facts, "AT RISK: a;b has no guard: if anybody but vipsafe deletes an address, "
			  "this kernel flushes all its masqueraded connections; advice: a section "
			  "[device a;b] in "
			  "/etc/vipsafe/vipsafe.conf, then: systemctl enable --now vipsafed");
	strcpy(n.devices[0].name, "br-mgmt");
	n.facts.ipv4 = KERNEL_UNKNOWN;
	line_is(&n.facts,
		"AT RISK: br-mgmt has no guard, and what this kernel flushes when an address "
		"goes is not known; fix: " GUARD_IT);
}

static void what_cannot_be_seen_is_no_good_news(void **state _unused_)
{
	struct doctor_node n;

	make_affected(&n);
	doctor_node_unguard(&n.facts);
	n.facts.daemon = DAEMON_NOT_FOR_US;
	strcpy(n.facts.unseen, "not permitted to ask the daemon: only root may");
	line_is(&n.facts, "AT RISK: not known to be protected: not permitted to ask the daemon: "
			  "only root may; fix: sudo vipsafe doctor");
	n.facts.ipv4 = KERNEL_FIXED;
	line_is(&n.facts, "NOT NEEDED: this kernel is fixed, and no bounce risk was seen");
	n.devices[0].managed.manager = MANAGER_DHCLIENT;
	line_is(&n.facts, "AT RISK: not known to be protected: not permitted to ask the daemon: "
			  "only root may; fix: sudo vipsafe doctor");
}

static void a_fixed_kernel_needs_none_unless_addresses_bounce(void **state _unused_)
{
	struct doctor_node n;

	make_affected(&n);
	n.facts.ipv4 = KERNEL_FIXED;
	doctor_node_unguard(&n.facts);
	line_is(&n.facts, "NOT NEEDED: this kernel is fixed, and no bounce risk was seen");
	n.devices[0].managed.manager = MANAGER_NETWORKMANAGER;
	line_is(&n.facts,
		"AT RISK: br-mgmt: NetworkManager may take its address away and put it back, and "
		"all "
		"that is masqueraded to it is lost; fix: systemctl enable --now vipsafed");
	n.facts.firewall.masquerades = 0;
	line_is(&n.facts, "NOT NEEDED: nothing is masqueraded on this node");
	make_affected(&n);
	n.devices[0].managed.manager = MANAGER_DHCLIENT;
	line_is(&n.facts, "PROTECTED: br-mgmt (continuous); 1432 of 1435 connections are pinned");
	n.devices[0].managed.linger = 0;
	line_is(&n.facts,
		"AT RISK: br-mgmt: dhclient may take its address away and put it back, and "
		"all that is masqueraded to it is lost; advice: linger = 5s in section "
		"[device br-mgmt], then: vipsafe reload");
}

static void without_anything_to_flush_it_is_not_needed(void **state _unused_)
{
	struct doctor_node n;

	make_affected(&n);
	doctor_node_unguard(&n.facts);
	n.facts.firewall.masquerades = 0;
	line_is(&n.facts, "NOT NEEDED: nothing is masqueraded on this node");
	n.facts.firewall.incomplete = true; /* there may be a rule among those not looked at */
	assert_int_equal(verdict_cure(&n.facts), CURE_NONE);
	n.facts.firewall.incomplete = false;
	n.facts.firewall_seen = false;
	assert_int_equal(verdict_cure(&n.facts), CURE_NONE);
	n.facts.conntrack = -EPROTONOSUPPORT;
	line_is(&n.facts, "NOT NEEDED: connections are not tracked on this node");
}

static void isolated_addresses_are_protected(void **state _unused_)
{
	struct doctor_node n;

	make_affected(&n);
	doctor_node_unguard(&n.facts);
	strcpy(n.facts.isolated, "192.168.11.100/32");
	line_is(&n.facts, "PROTECTED: 192.168.11.100/32 has a device of its own: its delete "
			  "flushes nobody's connection");
	n.facts.exposed = 1; /* and another one has not */
	assert_int_equal(verdict_cure(&n.facts), CURE_NONE);
}

static void what_is_critical_comes_first(void **state _unused_)
{
	struct doctor_node n;
	char *text;

	make_affected(&n);
	findings_add(&n.facts.scripts, SEVERITY_CRITICAL, "conntrackd-flush", "put it away",
		     "x:74: a minute later conntrackd empties the table");
	text = line_of(&n.facts);
	assert_string_equal(text, "AT RISK: x:74: a minute later conntrackd empties the table; "
				  "advice: put it away\n");
	free(text);
	findings_done(&n.facts.scripts);
}

static __attribute__((noinline)) void screen_of(const char *name, struct facts *f, bool verbose)
{
	struct findings found = { 0 };
	struct verdict v;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	diagnose(f, &found);
	verdict_reach(f, &found, &v);
	verdict_print(&v, SCREEN_COLUMNS, out);
	findings_print(&found, verbose, SCREEN_COLUMNS, out);
	fclose(out);
	findings_done(&found);
	/* by name, so that a lint finds each */
	if (!strcmp(name, "protected"))
		screen_is("doctor-protected", text);
	else if (!strcmp(name, "not needed"))
		screen_is("doctor-not-needed", text);
	else
		screen_is("doctor-at-risk", text);
	free(text);
}

static void it_looks_like_this_at_80_columns(void **state _unused_)
{
	struct doctor_node n;

	make_affected(&n);
	n.devices[0].managed.manager = MANAGER_NETWORKMANAGER;
	screen_of("protected", &n.facts, true);
	make_affected(&n);
	doctor_node_unguard(&n.facts);
	n.facts.ipv4 = KERNEL_FIXED;
	screen_of("not needed", &n.facts, false);
	make_affected(&n);
	doctor_node_unguard(&n.facts);
	n.devices[0].managed.manager = MANAGER_DHCLIENT;
	n.devices[0].promotes_secondaries = 0;
	screen_of("at risk", &n.facts, false);
}

static void json_has_it_too(void **state _unused_)
{
	json_t *o = json_object();
	struct verdict v = { .kind = VERDICT_AT_RISK,
			     .text = "why",
			     .fix = "vipsafe reload",
			     .pinned = 3,
			     .unpinned = 4 };

	verdict_put(&v, &o);
	assert_string_equal(json_string_value(json_object_get(o, "verdict")), "AT RISK");
	assert_string_equal(json_string_value(json_object_get(o, "reason")), "why");
	assert_string_equal(json_string_value(json_object_get(o, "verdict_fix")), "vipsafe reload");
	assert_int_equal(json_integer_value(json_object_get(o, "pinned")), 3);
	assert_int_equal(json_integer_value(json_object_get(o, "unpinned")), 4);
	json_decref(o);
	assert_string_equal(verdict_name(VERDICT_PROTECTED), "PROTECTED");
	assert_string_equal(verdict_name(VERDICT_NOT_NEEDED), "NOT NEEDED");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guard_in_force_protects),
		cmocka_unit_test(one_that_is_not_in_force_does_not),
		cmocka_unit_test(an_observed_device_is_at_risk),
		cmocka_unit_test(an_affected_kernel_without_guard_is_a_risk),
		cmocka_unit_test(what_cannot_be_seen_is_no_good_news),
		cmocka_unit_test(a_fixed_kernel_needs_none_unless_addresses_bounce),
		cmocka_unit_test(without_anything_to_flush_it_is_not_needed),
		cmocka_unit_test(isolated_addresses_are_protected),
		cmocka_unit_test(what_is_critical_comes_first),
		cmocka_unit_test(it_looks_like_this_at_80_columns),
		cmocka_unit_test(json_has_it_too),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
