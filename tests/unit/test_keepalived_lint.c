/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each finding of the lint: what provokes it, and what it is silent about. */
#include "lib/linting.h"

#include <grp.h>
#include <pwd.h>

static const struct lint_case provoked[] = {
	{ "keepalived-not-understood", "2.2.7", "agent\n", "~SEQ(N,1,2) x", SEVERITY_UNSEEN, "" },
	{ "vip-owned-twice", "2.2.7", OWN, V " virtual_ipaddress {\n 10.0.0.1/24\n } }",
	  SEVERITY_CRITICAL, "in virtual_ipaddress: 169.254.77.5/32 dev lo" },
	{ "vip-owned-twice", "1.3.5", OWN, V " virtual_ipaddress_excluded {\n 10.0.0.1\n } }",
	  SEVERITY_CRITICAL, "169.254.77.5/32" },
	{ "vip-owned-twice", "", OWN,
	  "vrrp_instance W {\n interface f\n virtual_ipaddress {\n 10.0.0.1\n } }",
	  SEVERITY_CRITICAL, "dev lo" },
	{ "no-track-missing", "2.2.7", OWN, V " virtual_ipaddress {\n 10.0.0.1\n } }",
	  SEVERITY_WARNING, "10.0.0.1 no_track" },
	{ "decoy-missing", "2.2.7", "agent\n", V " version 3\n }", SEVERITY_CRITICAL,
	  "169.254.77.5/32 dev lo" },
	{ "decoy-missing", "", "agent\n", V " version 3\n }", SEVERITY_CRITICAL, "dev lo" },
	{ "decoy-missing", "2.2.8", "agent\n", V " version 3\n }", SEVERITY_CRITICAL, "dev lo" },
	{ "decoy-missing", "1.3.9", "agent\n", V " native_ipv6\n }", SEVERITY_CRITICAL,
	  "fe80::77:5/128 dev lo" },
	{ "decoy-missing", "1.3.9", "agent\n", V " strict_mode on\n }", SEVERITY_CRITICAL, "lo" },
	{ "decoy-missing", "2.2.7", "agent\n", V " }", SEVERITY_WARNING, "dev lo" },
	{ "decoy-missing", "2.2.7", "agent\n", V " virtual_ipaddress_excluded {\n 10.0.0.1\n } }",
	  SEVERITY_WARNING, "dev lo" },
	{ "decoy-differs", "2.2.7", DECOY, V " virtual_ipaddress {\n 169.254.1.1/32 dev lo\n } }",
	  SEVERITY_WARNING, "in virtual_ipaddress: 169.254.77.5/32 dev lo" },
	{ "decoy-differs", "2.2.7", OWN, V DECOY_LINE "}", SEVERITY_WARNING,
	  "in [instance V]: decoy = 169.254.77.5/32 dev lo" },
	{ "decoy-no-track", "2.2.7", DECOY,
	  V " virtual_ipaddress {\n 169.254.77.5/32 dev lo no_track\n } }", SEVERITY_WARNING,
	  "169.254.77.5/32 dev lo" },
	{ "instance-unknown", "2.2.7", DECOY, "vrrp_instance W { interface e }", SEVERITY_WARNING,
	  "the name" },
	{ "notify-missing", "2.2.7", OWN, V DECOY_LINE "}", SEVERITY_CRITICAL, "/hooks/notify" },
	{ "notify-missing", "2.2.7", DECOY, V DECOY_LINE "}", SEVERITY_WARNING, "/hooks/notify" },
	{ "notify-missing", "2.2.7", DECOY, V DECOY_LINE " notify_master /m\n }", SEVERITY_WARNING,
	  "/hooks/notify" },
	{ "notify-arguments", "1.3.9", "agent\n", V " notify \"/n x\"\n }", SEVERITY_CRITICAL,
	  "notify_master" },
	{ "notify-arguments", "", "agent\n", V " notify \"/n x\"\n }", SEVERITY_WARNING,
	  "notify_master" },
	{ "notify-arguments", "1.2.24", "agent\n", "vrrp_sync_group G { notify \"/n x\"\n }",
	  SEVERITY_CRITICAL, "notify_master" },
	{ "notify-stop-missing", "1.3.5", DECOY, V DECOY_LINE " notify /n\n }", SEVERITY_WARNING,
	  "/hooks/notify_stop INSTANCE V\"" },
	{ "notify-stop-missing", "1.3.5", DECOY, V DECOY_LINE " notify /n\n }" FIFO,
	  SEVERITY_WARNING, "notify_stop" },
	{ "fifo-unknown", "1.3.5", DECOY, V DECOY_LINE "}" FIFO, SEVERITY_CRITICAL, "notify" },
	{ "fifo-script", "2.2.7", DECOY,
	  "global_defs {\n notify_fifo /run/vipsafe/keepalived.fifo\n notify_fifo_script /s\n }",
	  SEVERITY_CRITICAL, "another FIFO" },
	{ "lifetime-finite", "2.2.7", "agent\n",
	  V " virtual_ipaddress {\n ::5 preferred_lft 60\n } }", SEVERITY_WARNING,
	  "::5 preferred_lft forever" },
	{ "vip-device-missing", "2.2.7", "agent\n",
	  V " virtual_ipaddress {\n 10.0.0.1/32 dev gone0\n } }", SEVERITY_CRITICAL,
	  "vipsafe isolate" },
	{ "vip-unannounced", "2.2.7", "agent\n",
	  V " virtual_ipaddress {\n 10.0.0.1/32 dev dummy0\n } }", SEVERITY_NOTE, "a macvlan" },
	{ "script-missing", "2.2.7", "agent\n", V " notify %/none\n }", SEVERITY_WARNING, "" },
	{ "script-not-executable", "2.2.7", "agent\n", V " notify %/other\n }", SEVERITY_WARNING,
	  "chmod +x " },
	{ "script-unsafe", "2.2.7", "agent\n", V " notify %/open/script\n }", SEVERITY_WARNING,
	  "only root can write" },
	{ "script-unsafe", "2.2.7", "agent\n",
	  V " notify_stop %/open/script\n }\nglobal_defs { enable_script_security }",
	  SEVERITY_CRITICAL, "only root can write" },
	{ "script-unsafe", "2.2.7", "agent\n", "vrrp_script c { script \"%/open/script -x\"\n }",
	  SEVERITY_WARNING, "only root can write" },
	{ "script-user-missing", "2.2.7", "agent\n", V " notify %/script no_such_user_0\n }",
	  SEVERITY_WARNING, "script_user root" },
	{ "script-user-missing", "2.2.7", "agent\n",
	  V " notify %/script\n }\nglobal_defs { script_user no_such_user_0 }", SEVERITY_WARNING,
	  "script_user root" },
	{ "script-user-group", "2.2.7", "agent\ngroup = no_such_group_0\n",
	  V " notify %/hooks/notify nobody\n }", SEVERITY_WARNING,
	  "usermod -a -G no_such_group_0 nobody" },
};

static const struct lint_case silent[] = {
	{ "keepalived-not-understood", "2.2.7", "agent\n", V " }" },
	{ "vip-owned-twice", "2.2.7", OWN, V " virtual_ipaddress {\n 10.0.0.2\n } }" },
	/* keepalived owns it, and vipsafe knows */
	{ "vip-owned-twice", "2.2.7", OWN "owner = keepalived\n",
	  V " virtual_ipaddress {\n 10.0.0.1\n } }" },
	{ "no-track-missing", "2.2.7", OWN, V " virtual_ipaddress {\n 10.0.0.1 no_track\n } }" },
	{ "no-track-missing", "2.0.2", OWN, V " virtual_ipaddress {\n 10.0.0.1\n } }" },
	{ "no-track-missing", "2.2.7", "agent\n", V " virtual_ipaddress {\n 10.0.0.1\n } }" },
	{ "decoy-missing", "1.3.5", "agent\n", V " }" },
	{ "decoy-missing", "2.0.20", "agent\n", V " }" },
	{ "decoy-missing", "2.2.8", "agent\n", V " no_virtual_ipaddress\n }" },
	{ "decoy-missing", "2.2.8", "agent\n", V " version 3\n no_virtual_ipaddress\n }" },
	{ "decoy-missing", "1.3.5", "agent\n", V " version 3\n" DECOY_LINE "}" },
	{ "decoy-differs", "2.2.7", DECOY, V DECOY_LINE "}" },
	{ "decoy-differs", "2.2.7", OWN, V " virtual_ipaddress {\n 10.0.0.2\n } }" },
	{ "decoy-no-track", "2.2.7", DECOY, V DECOY_LINE "}" },
	{ "instance-unknown", "2.2.7", DECOY, V DECOY_LINE "}" },
	{ "notify-missing", "2.2.7", DECOY, V DECOY_LINE " notify /n\n }" },
	{ "notify-missing", "2.2.7", DECOY, V DECOY_LINE "}" FIFO },
	{ "notify-missing", "2.2.7", DECOY,
	  V DECOY_LINE "}\nvrrp_sync_group G { group { V\n }\n notify /n\n }" },
	{ "notify-missing", "1.2.24", DECOY,
	  V DECOY_LINE " notify_master /m\n notify_backup /b\n }" },
	{ "notify-missing", "2.2.7", OWN "owner = keepalived\n", V DECOY_LINE "}" },
	{ "notify-arguments", "2.0.0", "agent\n", V " notify \"/n x\"\n }" },
	{ "notify-arguments", "1.3.9", "agent\n", V " notify /n\n }" },
	/* the script of one state may have arguments */
	{ "notify-arguments", "1.3.9", "agent\n", V " notify_master \"/n x\"\n }" },
	{ "notify-stop-missing", "2.2.7", DECOY, V DECOY_LINE " notify /n\n }" },
	{ "notify-stop-missing", "1.3.5", DECOY, V DECOY_LINE " notify /n\n notify_stop /s\n }" },
	{ "notify-stop-missing", "1.3.6", DECOY, V DECOY_LINE "}" FIFO },
	{ "fifo-unknown", "1.3.6", DECOY, V DECOY_LINE "}" FIFO },
	{ "fifo-unknown", "1.3.5", DECOY, "global_defs { notify_fifo /mine }" },
	{ "fifo-script", "2.2.7", DECOY,
	  "global_defs {\n notify_fifo /mine\n notify_fifo_script /s\n"
	  " vrrp_notify_fifo /run/vipsafe/keepalived.fifo\n }" },
	{ "lifetime-finite", "2.2.7", "agent\n",
	  V " virtual_ipaddress {\n ::5 preferred_lft forever\n ::6 preferred_lft 0\n ::7\n } }" },
	/* keepalived has it for IPv6 only */
	{ "lifetime-finite", "2.2.7", "agent\n",
	  V " virtual_ipaddress {\n 10.0.0.1 preferred_lft 60\n } }" },
	/* where vipsafe isolate has put it, and where it always was */
	{ "vip-device-missing", "2.2.7", "agent\n",
	  V " virtual_ipaddress {\n 10.0.0.1/32 dev vip0\n 10.0.0.2\n } }" },
	{ "vip-device-missing", "2.2.7", "agent\n",
	  V " virtual_ipaddress {\n 10.0.0.1/32 dev gone0\n } }\n"
	    "global_defs {\n x\n }\nglobal_defs {\n dynamic_interfaces\n }" },
	{ "vip-device-missing", "2.2.7", "agent\n",
	  V " virtual_ipaddress {\n 10.0.0.1 dev gone0 use_vmac\n @m 10.0.0.2 dev gone0\n"
	    " 169.254.77.5/32 dev vipsafe-decoy\n } }" },
	{ "vip-unannounced", "2.2.7", "agent\n",
	  V " virtual_ipaddress {\n 10.0.0.1/32 dev vip0\n } }" },
	{ "vip-unannounced", "2.2.7", DECOY, V DECOY_LINE "}" },
	{ "script-missing", "2.2.7", "agent\n", V " notify %/script\n }" },
	{ "script-missing", "2.2.7", "agent\n", "vrrp_script c { script \"pidof haproxy\"\n }" },
	{ "script-not-executable", "2.2.7", "agent\n", V " notify %/script\n }" },
	{ "script-unsafe", "2.2.7", "agent\n", V " notify %/script\n }" },
	{ "script-user-missing", "2.2.7", "agent\n", V " notify %/script root\n }" },
	{ "script-user-missing", "2.2.7", "agent\n", V " notify %/script\n }" },
	{ "script-user-group", "2.2.7", "agent\ngroup = no_such_group_0\n",
	  V " notify %/hooks/notify root\n }" },
	/* not a hook of ours */
	{ "script-user-group", "2.2.7", "agent\ngroup = no_such_group_0\n",
	  V " notify %/script nobody\n }" },
};

static void finds_what_is_wrong(void **state)
{
	put_scripts(*state);
	assert_found(*state, provoked, ARRAY_SIZE(provoked));
}

static void says_nothing_else(void **state)
{
	put_scripts(*state);
	assert_not_found(*state, silent, ARRAY_SIZE(silent));
}

/* The configuration import proposes has nothing that could be found. */
static void is_content_with_its_own(void **state)
{
	struct place *p = *state;
	struct findings f;

	put_scripts(p);
	f = lint(p, "2.2.7", DECOY,
		 V DECOY_LINE " notify %/hooks/notify\n }" FIFO
			      "global_defs { script_user root\n enable_script_security\n }");
	assert_int_equal(f.n, 0);
	findings_done(&f);
}

/* What the lasting configuration of vipsafe isolate asks for, in keepalived.conf alone. */
static void is_content_with_isolated(void **state)
{
	static const char *const versions[] = { "1.3.5", "2.0.20", "2.2.7", "2.4.3", "" };
	struct place *p = *state;
	size_t i;

	put_scripts(p);
	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		struct findings f = lint(p, versions[i], "agent\n",
					 V " garp_master_refresh 60\n virtual_ipaddress {\n"
					   " 10.0.0.1/32 dev vip0\n ::5/128 dev vip0\n } }");
		size_t k;

		for (k = 0; k < f.n; k++)
			assert_string_equal(f.list[k].code, "killed-keeps-addresses");
		findings_done(&f);
	}
}

static void tells_file_and_line(void **state)
{
	struct findings f =
		lint(*state, "2.2.7", OWN, V " virtual_ipaddress {\n \"10.0.0.1\" \033[31m\n } }");
	const struct finding *one = find(&f, "vip-owned-twice");

	assert_non_null(one);
	assert_string_equal(one->text, "k:5: 10.0.0.1 is also in [instance V] of vipsafe.conf: "
				       "keepalived deletes it before it reports the new state, and "
				       "connections are not protected");
	findings_done(&f);
}

/* ---- what scripts call ---- */

static void looks_into_scripts(void **state)
{
	static const char text[] = V " notify \"%/script x\"\n }";
	struct place *p = *state;
	const struct finding *one;
	size_t flushes = 0;
	char call[256];
	struct findings f;

	put_file(p, "script", 0755, "#!/bin/sh\n# conntrackd -t\nconntrackd -c\n");
	f = lint(p, "2.2.7", "agent\n", text);
	assert_null(find(&f, "conntrackd-flush"));
	findings_done(&f);

	put_file(p, "script", 0755, "#!/bin/sh\n\n$CONNTRACKD_BIN -C $C -t\n");
	f = lint(p, "2.2.7", "agent\n", text);
	one = find(&f, "conntrackd-flush");
	assert_non_null(one);
	assert_int_equal(one->severity, SEVERITY_CRITICAL);
	assert_non_null(strstr(one->text, "line 3 of "));
	findings_done(&f);

	/* in a script that is called, and called by that script in turn */
	put_file(p, "other", 0755, "#!/bin/sh\nconntrackd -t\n");
	snprintf(call, sizeof(call), "#!/bin/sh\n\"%s/other\" primary\n%s/script\n", p->dir,
		 p->dir);
	put_file(p, "script", 0755, call);
	f = lint(p, "2.2.7", "agent\n", text);
	one = find(&f, "conntrackd-flush");
	assert_non_null(one);
	assert_non_null(strstr(one->text, "line 2 of "));
	findings_done(&f);

	/* text is no call, and what is one is found wherever it stands */
	put_file(p, "script", 0755,
		 "#!/bin/sh\nif ! $CONNTRACKD_BIN -C $C -t\nthen\n"
		 " logger \"failed to invoke conntrackd -t\"\nfi\nip addr flush dev eth0\n"
		 "ip link set eth0 down\n");
	f = lint(p, "2.2.7", "agent\n", text);
	for (size_t i = 0; i < f.n; i++)
		flushes += !strcmp(f.list[i].code, "conntrackd-flush");
	assert_int_equal(flushes, 1);
	assert_non_null(strstr(find(&f, "conntrackd-flush")->text, "line 2 of "));
	assert_non_null(strstr(find(&f, "address-flush")->text, "line 6 of "));
	assert_non_null(strstr(find(&f, "link-down")->text, "line 7 of "));
	findings_done(&f);

	/* a command without a script */
	f = lint(p, "2.2.7", "agent\n", V " notify_backup \"/usr/sbin/conntrack -F\"\n }");
	assert_non_null(find(&f, "conntrackd-flush"));
	findings_done(&f);

	/* a shell runs what does not say who is to run it */
	put_file(p, "script", 0755, "conntrack -F\n");
	f = lint(p, "2.2.7", "agent\n", text);
	assert_non_null(find(&f, "conntrackd-flush"));
	assert_null(find(&f, "script-language"));
	findings_done(&f);

	/* what another language calls is not known, and said to be */
	put_file(p, "script", 0755, "#!/usr/bin/python3\nimport os\n");
	f = lint(p, "2.2.7", "agent\n", text);
	one = find(&f, "script-language");
	assert_non_null(one);
	assert_int_equal(one->severity, SEVERITY_NOTE);
	assert_null(find(&f, "scripts-unseen"));
	findings_done(&f);

	/* a program is no script */
	put_file(p, "script", 0755, "\177ELF\nconntrackd -t\n");
	f = lint(p, "2.2.7", "agent\n", text);
	assert_null(find(&f, "conntrackd-flush"));
	assert_null(find(&f, "script-language"));
	findings_done(&f);

	/* however large it is */
	snprintf(call, sizeof(call), "%s/script", p->dir);
	assert_int_equal(truncate(call, 1024 * 1024), 0);
	f = lint(p, "2.2.7", "agent\n", text);
	assert_null(find(&f, "scripts-unseen"));
	findings_done(&f);
}

/* ---- the unit ---- */

static const struct {
	const char *unit, *drop_in;
	bool found;
} units[] = {
	{ NULL, NULL, false },
	{ "[Service]\nExecStart=/x\n", NULL, true },
	{ "[Service]\nKillMode=control-group\n", NULL, true },
	{ "[Service]\n KillMode = mixed\n", NULL, true },
	{ "[Service]\nKillMode=process\n", NULL, false },
	{ "[Service]\nKillMode=none\r\n", NULL, false },
	{ "[Service]\n", "[Service]\nKillMode=process\n", false },
	{ "[Service]\nKillMode=process\n", "[Service]\nKillMode=control-group\n", true },
	{ "[Service]\nKillModeX=process\n", NULL, true },
};

static void reads_the_unit(void **state)
{
	static const char unit[] = UNITS "/keepalived.service", drop_in[] = DROP_INS "/kill.conf";
	struct place *p = *state;
	struct findings f;
	char path[160];

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (units[i].unit)
			put_file(p, unit, 0644, units[i].unit);
		if (units[i].drop_in)
			put_file(p, drop_in, 0644, units[i].drop_in);
		f = lint(p, "2.2.7", "agent\n", V " notify n\n }");
		if (findings_have(&f, "kill-mode") != units[i].found)
			fail_msg("kill-mode %sfound: %s", units[i].found ? "not " : "",
				 units[i].unit);
		findings_done(&f);
		/* and who has no script has nothing to lose */
		f = lint(p, "2.2.7", "agent\n", V " }");
		assert_false(findings_have(&f, "kill-mode"));
		findings_done(&f);
		snprintf(path, sizeof(path), "%s/%s", p->dir, drop_in);
		remove(path);
	}
}

/* A user is in the groups that the system's own data say. */
static void knows_who_is_in_a_group(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");
	const struct group *g = nobody ? getgrgid(nobody->pw_gid) : NULL;
	struct place *p = *state;
	struct findings f;
	char config[128];

	if (!g)
		skip();
	put_scripts(p);
	snprintf(config, sizeof(config), "agent\ngroup = %.64s\n", g->gr_name);
	f = lint(p, "2.2.7", config, V " notify %/hooks/notify nobody\n }");
	assert_false(findings_have(&f, "script-user-group"));
	findings_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_what_is_wrong, place_make, place_remove),
		cmocka_unit_test_setup_teardown(says_nothing_else, place_make, place_remove),
		cmocka_unit_test_setup_teardown(is_content_with_its_own, place_make, place_remove),
		cmocka_unit_test_setup_teardown(is_content_with_isolated, place_make, place_remove),
		cmocka_unit_test_setup_teardown(tells_file_and_line, place_make, place_remove),
		cmocka_unit_test_setup_teardown(looks_into_scripts, place_make, place_remove),
		cmocka_unit_test_setup_teardown(reads_the_unit, place_make, place_remove),
		cmocka_unit_test_setup_teardown(knows_who_is_in_a_group, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
