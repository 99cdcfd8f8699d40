/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What import leaves to keepalived as a whole, and what it proposes to which
 * version of it. */
#include "lib/importing.h"

#include <sys/stat.h>

#define HEAD "vrrp_instance V {\n interface e\n virtual_router_id 5\n"
#define VIP " virtual_ipaddress {\n 10.0.0.1/24\n }\n"

/* Each of them keeps its address, and is not to be changed. */
static const struct import_case kept[] = {
	{ HEAD VIP " use_vmac\n}", "#! k.conf:7: vrrp_instance V stays with keepalived: its", 1 },
	{ HEAD VIP " use_ipvlan\n}", "#! k.conf:7: vrrp_instance V stays with keepalived: its", 1 },
	/* keepalived sets them as soon as it has set its addresses */
	{ HEAD VIP " virtual_routes {\n default via 10.0.0.254\n }\n}",
	  "#! k.conf:7: vrrp_instance V stays with keepalived: virtual_routes", 1 },
	{ HEAD VIP " virtual_rules {\n from 10.0.0.1 table 7\n }\n}",
	  "#! k.conf:7: vrrp_instance V stays with keepalived: virtual_rules", 1 },
	/* the words of a fork, or of a slip of the pen */
	{ HEAD VIP " dpdk_interface dpdk0\n}",
	  "#! k.conf:7: vrrp_instance V stays with keepalived: with dpdk_interface", 1 },
	{ HEAD VIP " offload_interface xyz0\n}",
	  "#! k.conf:7: vrrp_instance V stays with keepalived: \"offload_interface\" is no", 1 },
	{ HEAD VIP " proxy {\n a b\n }\n}",
	  "#! k.conf:7: vrrp_instance V stays with keepalived: \"proxy\" is no keyword", 1 },
	/* where the addresses are to be, or which, is not known */
	{ HEAD VIP " @a interface f\n}", "stays with keepalived: not all of it is understood", 2 },
	{ HEAD " virtual_ipaddress {\n 10.0.0.1\n ~SEQ(I, 2, 9) 10.0.0.$I\n }\n}",
	  "#! k.conf:4: vrrp_instance V stays with keepalived: not all of it", 2 },
	{ HEAD VIP " include more.conf\n}",
	  "#! k.conf:1: vrrp_instance V stays with keepalived: not all of it", 2 },
	{ HEAD VIP " @a virtual_routes {\n default via 10.0.0.254\n }\n}", "stays with", 2 },
	/* no address, or none that vipsafe can have */
	{ HEAD "}", "#! k.conf:1: vrrp_instance V has no address\n", 1 },
	{ HEAD " virtual_ipaddress {\n }\n no_virtual_ipaddress\n}",
	  "#! k.conf:1: vrrp_instance V has no address\n", 1 },
	{ HEAD " virtual_ipaddress {\n 10.0.0.1 peer fd00::2\n } }",
	  "#! k.conf:1: vrrp_instance V stays with keepalived: vipsafe can have none", 2 },
	{ HEAD " virtual_ipaddress {\n 10.0.0.1 scope blue\n } }",
	  "#! k.conf:1: vrrp_instance V stays with keepalived: vipsafe can have none", 2 },
	/* imported before: its address is nobody's */
	{ HEAD " virtual_ipaddress {\n 169.254.77.5/32 dev lo scope host\n }\n"
	       " notify \"/hooks/notify\"\n}",
	  "#! k.conf:1: vrrp_instance V is imported already", 1 },
	{ HEAD " virtual_ipaddress {\n 169.254.77.5/32 dev vipsafe-decoy scope host\n } }",
	  "#! k.conf:1: vrrp_instance V is imported already", 1 },
	{ HEAD " virtual_ipaddress {\n fe80::77:5/128 dev lo\n } }",
	  "#! k.conf:1: vrrp_instance V is imported already", 1 },
	{ HEAD " virtual_ipaddress {\n 169.254.1.5/32 dev own0\n }\n"
	       " notify_master \"/hooks/notify_master INSTANCE V\"\n}",
	  "#! k.conf:1: vrrp_instance V is imported already", 1 },
	{ HEAD " virtual_ipaddress {\n 169.254.77.5/32 dev lo\n 10.0.0.1 peer fd00::2\n } }",
	  "#! k.conf:1: vrrp_instance V is imported already", 1 },
	{ HEAD " notify \"/hooks/notify\"\n}",
	  "#! k.conf:1: vrrp_instance V has no address: it is imported already", 1 },
};

static void leaves_the_whole(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		struct made m;

		assert_case(&kept[i], OWNER_VIPSAFE, "2.2.7");
		m = import(kept[i].text, OWNER_VIPSAFE, "2.2.7");
		assert_silent(&m, "[instance");
		assert_silent(&m, "What to change");
		assert_int_equal(m.settings.n_instances, 0);
		made_done(&m);
	}
}

/* Its addresses are still deleted on that device, by keepalived. */
static void guards_what_stays(void **state _unused_)
{
	struct made m = import(HEAD VIP " use_vmac\n virtual_ipaddress_excluded {\n"
					" 10.0.1.1 dev f\n 2001:db8::5\n }\n}",
			       OWNER_VIPSAFE, "2.2.7");

	assert_says(&m, "# 10.0.0.1/24 has a device of its own");
	assert_says(&m, "\n[device f]\npin = continuous\n\n[device e]\npin = continuous\n");
	made_done(&m);
	/* without "dev" all are on the device of the instance there */
	m = import(HEAD VIP " use_vmac\n virtual_ipaddress_excluded {\n 2001:db8::5\n }\n}",
		   OWNER_VIPSAFE, "2.1.5");
	assert_silent(&m, "[device");
	made_done(&m);
	m = import(HEAD " virtual_ipaddress {\n 10.0.0.1 dev e\n }\n use_vmac\n}", OWNER_VIPSAFE,
		   "2.1.5");
	assert_says(&m, "\n[device e]\n");
	made_done(&m);
	/* the version not known, all that may be needed */
	m = import(HEAD " virtual_ipaddress {\n 10.0.0.1 dev e\n }\n use_vmac\n}", OWNER_VIPSAFE,
		   NULL);
	assert_says(&m, "\n[device e]\n");
	made_done(&m);
	m = import(HEAD VIP " use_vmac\n use_vmac_addr\n virtual_ipaddress_excluded {\n"
			    " 2001:db8::5 dev f\n }\n}",
		   OWNER_VIPSAFE, "2.2.7");
	assert_silent(&m, "[device");
	made_done(&m);
	m = import(HEAD VIP " virtual_routes {\n default via 10.0.0.254\n }\n}", OWNER_VIPSAFE,
		   "2.2.7");
	assert_says(&m, "\n[device e]\npin = continuous\n");
	made_done(&m);
	/* but the kernel has none of these */
	m = import(HEAD VIP " dpdk_interface dpdk0\n}", OWNER_VIPSAFE, "2.2.7");
	assert_silent(&m, "[device");
	made_done(&m);
}

static void looks_at_what_keepalived_owns(void **state _unused_)
{
	struct made m = import(HEAD VIP " use_vmac vrrp5\n virtual_ipaddress_excluded {\n"
					" 10.0.1.1/32 dev f\n 2001:db8::5/64\n }\n}",
			       OWNER_KEEPALIVED, "2.2.7");

	assert_says(&m, "#! k.conf:5: 10.0.0.1/24 stays with keepalived: it sits on a device of");
	assert_says(&m, "\naddress = 10.0.1.1/32 dev f\naddress = 2001:db8::5/64\n");
	assert_says(&m, "\n[device f]\npin = continuous\n\n[device e]\npin = continuous\n");
	assert_int_equal(m.left, 1);
	made_done(&m);
	/* nothing is changed for it: routes and unknown words are as they were */
	m = import(HEAD VIP " virtual_routes {\n default via 10.0.0.254\n }\n}", OWNER_KEEPALIVED,
		   "2.2.7");
	assert_says(&m, "\nowner = keepalived\ndevice = e\naddress = 10.0.0.1/24\n");
	assert_int_equal(m.left, 0);
	made_done(&m);
	m = import(HEAD VIP " offload_interface xyz0\n}", OWNER_KEEPALIVED, "2.2.7");
	assert_says(&m, "#! k.conf:7: vrrp_instance V: \"offload_interface\" is not known here\n");
	made_done(&m);
	m = import(HEAD VIP " dpdk_interface dpdk0\n}", OWNER_KEEPALIVED, "2.2.7");
	assert_int_equal(m.settings.n_instances + m.settings.n_devices, 0);
	assert_int_equal(m.left, 1);
	made_done(&m);
	m = import(HEAD " virtual_ipaddress {\n 169.254.77.5/32 dev lo\n } }", OWNER_KEEPALIVED,
		   "2.2.7");
	assert_int_equal(m.settings.n_instances, 0);
	assert_int_equal(m.left, 1);
	made_done(&m);
}

/* A route may need the address of another instance. */
static void follows_routes_to_others(void **state _unused_)
{
	static const char routes[] = "vrrp_instance R {\n interface f\n virtual_router_id 6\n"
				     " virtual_ipaddress {\n 10.9.0.1\n }\n virtual_routes {\n"
				     " 10.8.0.0/16 %s dev e\n }\n}\n" HEAD VIP "}\n";
	static const struct {
		const char *words;
		bool needs;
	} cases[] = {
		{ "via 10.0.0.254", true }, { "src 10.0.0.1", true },	   { "gw 10.0.0.7", true },
		{ "via 10.0.1.1", false },  { "via inet 10.0.0.7", true }, { "metric 7", false },
	};
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct made m;

		snprintf(text, sizeof(text), routes, cases[i].words);
		m = import(text, OWNER_VIPSAFE, "2.2.7");
		assert_null(instance_settings_find(&m.settings, "R"));
		if (!instance_settings_find(&m.settings, "V") != cases[i].needs)
			fail_msg("%s\n%s", cases[i].words, m.text);
		made_done(&m);
	}
}

/* No line about an instance, a group or the FIFO when vipsafe gets nothing. */
static void changes_nothing_for_nothing(void **state _unused_)
{
	static const char group[] = "vrrp_sync_group G {\n group {\n V\n W\n }\n}\n";
	char text[512];
	struct made m;

	snprintf(text, sizeof(text), "%s%s", group, HEAD VIP " use_vmac\n}\n");
	m = import(text, OWNER_VIPSAFE, "2.2.7");
	assert_silent(&m, "keepalived.conf, the same");
	assert_silent(&m, "fifo");
	assert_silent(&m, "notify");
	made_done(&m);
	/* an instance that vipsafe gets, in no group, asks for no hook of the group */
	snprintf(text, sizeof(text), "%s%s%s", group, HEAD VIP " use_vmac\n}\n",
		 "vrrp_instance X {\n interface e\n virtual_ipaddress {\n 10.1.0.1\n }\n}\n");
	m = import(text, OWNER_VIPSAFE, "2.2.7");
	assert_says(&m, "vrrp_notify_fifo /f");
	assert_says(&m, "vrrp_instance X\n");
	assert_silent(&m, "vrrp_sync_group");
	assert_silent(&m, "line 7: vrrp_instance V\n");
	made_done(&m);
}

/* ---- versions ---- */

static void proposes_a_decoy_that_is_taken(void **state _unused_)
{
	static const char *const old[] = { "1.2.13", "1.2.24", "1.3.2", "1.3.5" };
	static const char *const newer[] = { "1.3.6", "1.3.9", "2.0.10", "2.2.7", "2.4.3" };
	struct made m;

	for (size_t i = 0; i < ARRAY_SIZE(old); i++) {
		m = import(HEAD VIP "}", OWNER_VIPSAFE, old[i]);
		assert_says(&m, "\ndecoy = 169.254.77.5/32 dev vipsafe-decoy\n");
		assert_says(&m, "#         169.254.77.5/32 dev vipsafe-decoy scope host\n");
		assert_says(&m, "restart keepalived");
		assert_silent(&m, "dev lo");
		assert_int_equal(m.left, 0);
		made_done(&m);
	}
	for (size_t i = 0; i < ARRAY_SIZE(newer); i++) {
		m = import(HEAD VIP "}", OWNER_VIPSAFE, newer[i]);
		assert_says(&m, "\ndecoy = 169.254.77.5/32 dev lo\n");
		assert_silent(&m, "vipsafe-decoy");
		assert_int_equal(m.left, 0);
		made_done(&m);
	}
	/* with a version that is not known it may be the wrong one */
	m = import(HEAD VIP "}", OWNER_VIPSAFE, NULL);
	assert_says(&m, "\n#! the version of keepalived is not known: before 1.3.6 it refuses");
	assert_int_equal(m.left, 1);
	made_done(&m);
	/* one on lo that is to be kept moves */
	m = import(HEAD " virtual_ipaddress {\n 169.254.1.2/32 dev lo\n 10.0.0.1\n } }",
		   OWNER_VIPSAFE, "1.3.5");
	assert_says(&m, "#         169.254.1.2/32 dev vipsafe-decoy scope host\n#     }\n");
	made_done(&m);
}

static void gives_each_a_decoy_of_its_own(void **state _unused_)
{
	/* assert_sections() compares them */
	static const char one[] = "vrrp_instance %s {\n interface e\n virtual_router_id %u\n"
				  " virtual_ipaddress {\n %s\n }\n}\n";
	char *text = NULL, name[16], address[64];
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct made m;

	assert_non_null(f);
	for (unsigned i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "A%u", i);
		snprintf(address, sizeof(address), i % 3 ? "10.0.0.%u/24" : "2001:db8::%u", i + 1);
		fprintf(f, one, name, i % 2 ? 5U : 6U, address);
	}
	/* decoys that are there are nobody else's, be they those of two */
	fprintf(f, one, "B", 5U, "169.254.78.5/32 dev lo\n 10.1.0.1");
	fprintf(f, one, "C", 7U, "169.254.78.5/32 dev lo\n 10.1.0.2");
	fprintf(f, one, "D", 6U, "169.254.77.7/32\n 10.1.0.3");
	fclose(f);
	m = import(text, OWNER_VIPSAFE, "2.2.7");
	assert_int_equal(m.settings.n_instances, 153);
	assert_says(&m, "[instance B]\n# line 1051\ndevice = e\ndecoy = 169.254.78.5/32 dev lo\n");
	made_done(&m);
	free(text);
}

static void has_no_decoy_for_too_many(void **state _unused_)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct made m;

	assert_non_null(f);
	for (unsigned i = 0; i < 200; i++)
		fprintf(f, "vrrp_instance A%u { interface e\n virtual_ipaddress { 10.0.%u.1 } }\n",
			i, i);
	fclose(f);
	m = import(text, OWNER_VIPSAFE, "2.2.7");
	assert_int_equal(m.settings.n_instances, 178);
	assert_says(&m, "vrrp_instance A178: all decoys for its virtual_router_id are in use\n");
	made_done(&m);
	free(text);
}

#define GROUP "vrrp_sync_group G {\n group {\n V\n }\n notify_stop /old\n}\n"
#define GROUP_OF_TWO                                     \
	"vrrp_sync_group G {\n group {\n V\n W\n }\n}\n" \
	"vrrp_instance W {\n interface f\n virtual_ipaddress {\n 10.1.0.1\n }\n}\n"

static void hangs_hooks_where_they_are_called(void **state _unused_)
{
	struct made m = import(GROUP HEAD VIP "}", OWNER_VIPSAFE, "1.3.9");

	/* a group has no notify_stop there, and one of one member is removed */
	assert_says(&m, "# line 1: vrrp_sync_group G\n#   keepalived removes a group of one");
	assert_silent(&m, "notify_stop GROUP");
	assert_silent(&m, "/old");
	assert_says(&m, "#     notify \"/hooks/notify\"\n"
			"#     notify_stop \"/hooks/notify_stop INSTANCE V\"\n");
	made_done(&m);
	m = import(GROUP_OF_TWO HEAD VIP "}", OWNER_VIPSAFE, "1.3.9");
	assert_says(&m, "# line 1: vrrp_sync_group G\n#     notify \"/hooks/notify\"\n#\n");
	assert_says(&m, "#     notify_stop \"/hooks/notify_stop INSTANCE W\"\n");
	assert_says(&m, "#     notify_stop \"/hooks/notify_stop INSTANCE V\"\n");
	made_done(&m);
	m = import(GROUP HEAD VIP "}", OWNER_VIPSAFE, "1.4.0");
	assert_says(&m, "# line 1: vrrp_sync_group G\n#     notify \"/hooks/notify\"\n#\n");
	made_done(&m);
}

static void asks_for_a_user_where_there_is_none(void **state _unused_)
{
	static const char user[] = "#     script_user root\n#     enable_script_security\n";
	static const char caution[] =
		"#   keepalived then disables scripts that run as root and that "
		"somebody else may change\n";
	struct made m = import(HEAD VIP "}", OWNER_VIPSAFE, "1.3.0");

	assert_says(&m, user);
	made_done(&m);
	m = import(HEAD VIP "}", OWNER_VIPSAFE, "1.2.24");
	assert_silent(&m, "script_user");
	made_done(&m);
	m = import("global_defs {\n x\n script_user other\n}\n" HEAD VIP "}", OWNER_VIPSAFE,
		   "2.2.7");
	assert_silent(&m, "script_user");
	/* not before it: a FIFO would have keepalived look for another user */
	assert_says(&m, "# global_defs, after line 3\n#     enable_script_security\n");
	made_done(&m);
	/* it is said what that does to scripts of others */
	m = import(HEAD VIP " notify_backup /other\n}", OWNER_VIPSAFE, "2.2.7");
	assert_says(&m, caution);
	made_done(&m);
	m = import(HEAD VIP "}\nvrrp_script c {\n script /check\n}", OWNER_VIPSAFE, "2.2.7");
	assert_says(&m, caution);
	made_done(&m);
}

#define TWICE HEAD VIP " notify /one\n notify /two\n}"

static void knows_which_of_two_lines_counts(void **state _unused_)
{
	struct made m = import(TWICE, OWNER_VIPSAFE, "1.3.9");

	assert_says(&m, "#   line 8: keepalived ignores this notify: that of line 7 counts\n"
			"#   line 7: let /one\n");
	made_done(&m);
	m = import(TWICE, OWNER_VIPSAFE, "1.3.5");
	assert_says(&m, "#   line 7: keepalived ignores this notify: that of line 8 counts\n"
			"#   line 8: let /two\n");
	made_done(&m);
	m = import(TWICE, OWNER_VIPSAFE, NULL);
	assert_says(&m, "#   line 7 and line 8: since 1.3.6 the first notify counts");
	made_done(&m);
}

/* ---- files ---- */

static void names_the_file_that_is_included(void **state _unused_)
{
	char dir[] = "/tmp/vipsafe-stays.XXXXXX", main_file[64], other[64], want[160];
	struct keepalived_conf *conf = NULL;
	struct made m;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(main_file, sizeof(main_file), "%s/k.conf", dir);
	snprintf(other, sizeof(other), "%s/v.conf", dir);
	f = fopen(main_file, "w");
	assert_non_null(f);
	fputs("\ninclude v.conf\n", f);
	assert_int_equal(fclose(f), 0);
	f = fopen(other, "w");
	assert_non_null(f);
	fputs(HEAD VIP " notify /one\n}\nvrrp_instance W {\n interface e\n}\n", f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(keepalived_conf_read(main_file, &conf), 0);
	m = import_conf(conf, OWNER_VIPSAFE, "2.2.7");
	snprintf(want, sizeof(want), "[instance V]\n# line 1 of %s\n", other);
	assert_says(&m, want);
	snprintf(want, sizeof(want), "#! %s:9: vrrp_instance W has no address\n", other);
	assert_says(&m, want);
	snprintf(want, sizeof(want), "# line 1 of %s: vrrp_instance V\n", other);
	assert_says(&m, want);
	snprintf(want, sizeof(want), "#   line 4 of %s: instead of virtual_ipaddress\n", other);
	assert_says(&m, want);
	snprintf(want, sizeof(want), "#   line 7 of %s: let /one\n", other);
	assert_says(&m, want);
	made_done(&m);
	unlink(main_file);
	unlink(other);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_the_whole),
		cmocka_unit_test(guards_what_stays),
		cmocka_unit_test(looks_at_what_keepalived_owns),
		cmocka_unit_test(follows_routes_to_others),
		cmocka_unit_test(changes_nothing_for_nothing),
		cmocka_unit_test(proposes_a_decoy_that_is_taken),
		cmocka_unit_test(gives_each_a_decoy_of_its_own),
		cmocka_unit_test(has_no_decoy_for_too_many),
		cmocka_unit_test(hangs_hooks_where_they_are_called),
		cmocka_unit_test(asks_for_a_user_where_there_is_none),
		cmocka_unit_test(knows_which_of_two_lines_counts),
		cmocka_unit_test(names_the_file_that_is_included),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
