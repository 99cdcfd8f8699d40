/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the lint finds because of what a version of keepalived does. */
#include "lib/linting.h"

#define ROUTED \
	" virtual_ipaddress {\n 10.0.0.1/24\n }\n virtual_routes {\n default via 10.0.0.254\n } }"

static const struct lint_case provoked[] = {
	/* a group has none there */
	{ "notify-stop-missing", "1.3.9", DECOY,
	  V DECOY_LINE " notify /n\n }\n" GROUP_OF_TWO " notify /n\n notify_stop /s\n }",
	  SEVERITY_WARNING, "/hooks/notify_stop INSTANCE V\"" },
	/* and one of one member is none */
	{ "notify-missing", "1.3.9", DECOY, V DECOY_LINE "}\n" GROUP_OF_ONE " notify /n\n }",
	  SEVERITY_WARNING, "/hooks/notify" },
	{ "group-removed", "1.3.9", DECOY, V DECOY_LINE "}\n" GROUP_OF_ONE " notify /n\n }",
	  SEVERITY_WARNING, "in the vrrp_instance" },
	{ "notify-twice", "1.3.9", "agent\n", V " notify_backup /a\n notify_backup /b\n }",
	  SEVERITY_WARNING, "one script" },
	{ "notify-twice", "1.3.5", "agent\n", GROUP_OF_ONE " notify /a\n notify /b\n }",
	  SEVERITY_WARNING, "one script" },
	{ "notify-twice", "", "agent\n", V " notify_stop /a\n notify_stop /b\n }", SEVERITY_WARNING,
	  "one script" },
	{ "decoy-on-lo", "1.3.5", DECOY, V DECOY_LINE "}", SEVERITY_CRITICAL,
	  "169.254.77.5/32 dev vipsafe-decoy" },
	{ "decoy-on-lo", "1.2.24", "agent\n", V DECOY_LINE "}", SEVERITY_CRITICAL,
	  "169.254.77.5/32 dev vipsafe-decoy" },
	{ "decoy-on-lo", "1.2.13", DECOY, V " virtual_ipaddress {\n 10.0.0.1\n } }",
	  SEVERITY_CRITICAL, "169.254.77.5/32 dev vipsafe-decoy" },
	{ "decoy-on-lo", "", DECOY, V DECOY_LINE "}", SEVERITY_WARNING,
	  "169.254.77.5/32 dev vipsafe-decoy" },
	/* what is advised there has to be taken there */
	{ "decoy-missing", "1.3.5", "agent\n", V " version 3\n }", SEVERITY_CRITICAL,
	  "169.254.77.5/32 dev vipsafe-decoy" },
	{ "vip-owned-twice", "1.3.5", OWN, V " virtual_ipaddress {\n 10.0.0.1/24\n } }",
	  SEVERITY_CRITICAL, "169.254.77.5/32 dev vipsafe-decoy" },
	/* the one that vipsafe.conf has already */
	{ "vip-owned-twice", "2.2.7", OWN "decoy = 169.254.1.1/32 dev lo\n",
	  V " virtual_ipaddress {\n 10.0.0.1/24\n } }", SEVERITY_CRITICAL,
	  "in virtual_ipaddress: 169.254.1.1/32 dev lo" },
	{ "decoy-missing", "1.3.5", OWN "decoy = 169.254.1.1/32 dev lo\n", V " version 3\n }",
	  SEVERITY_CRITICAL, "169.254.1.1/32 dev vipsafe-decoy" },
	{ "decoy-shared", "2.2.7", "agent\n",
	  V DECOY_LINE "}\nvrrp_instance W {\n virtual_router_id 6\n" DECOY_LINE "}",
	  SEVERITY_CRITICAL, "169.254.77.6/32 dev lo" },
	/* keepalived puts it where vipsafed does not look */
	{ "decoy-differs", "2.2.7", DECOY, V " virtual_ipaddress {\n 169.254.77.5/32\n } }",
	  SEVERITY_WARNING, "in virtual_ipaddress: 169.254.77.5/32 dev lo" },
	{ "routes-need-address", "2.2.7", OWN, V " virtual_routes {\n default via 10.0.0.254\n } }",
	  SEVERITY_CRITICAL, "owner = keepalived" },
	{ "routes-need-address", "2.2.7", OWN, V " virtual_rules {\n from 10.0.0.1 table 7\n } }",
	  SEVERITY_WARNING, "owner = keepalived" },
	/* a decoy in the place of the address would take the route away */
	{ "vip-owned-twice", "2.2.7", DECOY, V ROUTED, SEVERITY_CRITICAL,
	  "in [instance V] of vipsafe.conf: owner = keepalived" },
	{ "address-not-in-kernel", "2.2.7", OWN, V " dpdk_interface d\n }", SEVERITY_CRITICAL,
	  "no section" },
	{ "killed-keeps-addresses", "2.0.12", "agent\n", V " }", SEVERITY_WARNING, "2.0.13" },
};

static const struct lint_case silent[] = {
	{ "notify-missing", "1.4.0", DECOY, V DECOY_LINE "}\n" GROUP_OF_ONE " notify /n\n }" },
	{ "notify-missing", "1.3.9", DECOY, V DECOY_LINE "}\n" GROUP_OF_TWO " notify /n\n }" },
	{ "notify-stop-missing", "1.3.9", DECOY,
	  V DECOY_LINE "}\n" GROUP_OF_TWO " notify /n\n }" FIFO },
	{ "group-removed", "1.4.0", DECOY, V DECOY_LINE "}\n" GROUP_OF_ONE " notify /n\n }" },
	{ "group-removed", "1.3.9", DECOY, V DECOY_LINE "}\n" GROUP_OF_TWO " notify /n\n }" },
	{ "group-removed", "1.3.9", DECOY, V DECOY_LINE "}\n" GROUP_OF_ONE "}" },
	{ "notify-twice", "1.3.9", "agent\n", V " notify_backup /a\n notify_fault /b\n }" },
	/* they are those of two nodes */
	{ "notify-twice", "1.3.9", "agent\n", V " @a notify_backup /a\n @b notify_backup /b\n }" },
	{ "decoy-on-lo", "1.3.6", DECOY, V DECOY_LINE "}" },
	{ "decoy-on-lo", "1.3.5", OWN "decoy = 169.254.77.5/32 dev vipsafe-decoy\n",
	  V " virtual_ipaddress {\n 169.254.77.5/32 dev vipsafe-decoy\n } }" },
	{ "decoy-differs", "1.3.5", OWN "decoy = 169.254.77.5/32 dev vipsafe-decoy\n",
	  V " virtual_ipaddress {\n 169.254.77.5/32 dev vipsafe-decoy\n } }" },
	/* advice to put it on lo there would leave nobody with an address */
	{ "decoy-differs", "1.3.5", DECOY, V " virtual_ipaddress {\n 10.0.0.1\n } }" },
	{ "decoy-shared", "2.2.7", "agent\n", V DECOY_LINE "}" },
	{ "routes-need-address", "2.2.7", OWN "owner = keepalived\n",
	  V " virtual_routes {\n default via 10.0.0.254\n } }" },
	{ "routes-need-address", "2.2.7", OWN, V " virtual_routes {\n }\n }" },
	{ "decoy-differs", "2.2.7", DECOY, V ROUTED },
	{ "no-track-missing", "2.2.7", DECOY, V ROUTED },
	{ "notify-missing", "2.2.7", DECOY, V ROUTED },
	{ "address-not-in-kernel", "2.2.7", OWN, V " }" },
	{ "killed-keeps-addresses", "2.0.13", "agent\n", V " }" },
	{ "killed-keeps-addresses", "", "agent\n", V " }" },
};

static void finds_what_a_version_does(void **state)
{
	assert_found(*state, provoked, ARRAY_SIZE(provoked));
}

static void is_silent_about_others(void **state)
{
	assert_not_found(*state, silent, ARRAY_SIZE(silent));
}

/* Which line is ignored, and which counts. */
static void names_both_lines(void **state)
{
	static const char text[] = V " notify_backup /a\n notify_backup /b\n }";
	static const struct {
		const char *version, *says;
	} cases[] = {
		{ "1.3.6", "k:5: keepalived ignores this notify_backup: that of k:4 counts" },
		{ "1.3.5", "k:4: keepalived ignores this notify_backup: that of k:5 counts" },
		{ "", "k:5: notify_backup is given by k:4 as well: since 1.3.6 the first counts" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct findings f = lint(*state, cases[i].version, "agent\n", text);
		const struct finding *one = find(&f, "notify-twice");

		assert_non_null(one);
		assert_non_null(strstr(one->text, cases[i].says));
		findings_done(&f);
	}
}

/* The script of the line that counts is the one that is looked into. */
static void looks_into_the_one_that_counts(void **state)
{
	static const char twice[] = V " notify_backup %/script\n notify_backup %/other\n }";
	static const char nodes[] = V " @a notify_backup %/script\n @b notify_backup %/other\n }";
	static const char checks[] = "vrrp_script c {\n script %/script\n script %/other\n }";
	static const char node_checks[] =
		"vrrp_script c {\n @a script %/script\n @b script %/other\n }";
	struct place *p = *state;
	static const struct {
		const char *version;
		bool first, second;
		const char *text;
	} cases[] = {
		{ "1.3.9", true, false, twice },  { "1.3.5", false, true, twice },
		{ "", true, true, twice },	  { "2.2.7", true, true, nodes },
		{ "2.2.7", false, true, checks }, { "2.2.7", true, true, node_checks },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct findings f;

		put_file(p, "script", 0755, "#!/bin/sh\nconntrackd -t\n");
		put_file(p, "other", 0755, "#!/bin/sh\ntrue\n");
		f = lint(p, cases[i].version, "agent\n", cases[i].text);
		assert_int_equal(findings_have(&f, "conntrackd-flush"), cases[i].first);
		findings_done(&f);
		put_file(p, "script", 0755, "#!/bin/sh\ntrue\n");
		put_file(p, "other", 0755, "#!/bin/sh\nconntrackd -t\n");
		f = lint(p, cases[i].version, "agent\n", cases[i].text);
		assert_int_equal(findings_have(&f, "conntrackd-flush"), cases[i].second);
		findings_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_what_a_version_does, place_make,
						place_remove),
		cmocka_unit_test_setup_teardown(is_silent_about_others, place_make, place_remove),
		cmocka_unit_test_setup_teardown(names_both_lines, place_make, place_remove),
		cmocka_unit_test_setup_teardown(looks_into_the_one_that_counts, place_make,
						place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
