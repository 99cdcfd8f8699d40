/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What import makes of a keepalived.conf, and that it is a configuration. */
#include "lib/importing.h"

static const char plain[] = "vrrp_instance VI_1 {\n"
			    " interface br-mgmt\n"
			    " virtual_router_id 51\n"
			    " virtual_ipaddress {\n"
			    "  192.168.11.100\n"
			    "  192.168.11.101/24 brd 192.168.11.255 dev br-mgmt label br-mgmt:1\n"
			    "  10.1.0.1/32 dev eth1 scope link noprefixroute no_track\n"
			    " }\n"
			    " virtual_ipaddress_excluded {\n"
			    "  2001:db8::1\n"
			    "  2001:db8::2/64 preferred_lft forever\n"
			    " }\n"
			    "}\n";

static void writes_sections(void **state _unused_)
{
	struct made m = import(plain, OWNER_VIPSAFE, "2.2.7");
	const struct instance_settings *s = instance_settings_find(&m.settings, "VI_1");

	assert_says(&m, "\n[instance VI_1]\n# line 1\n"
			"device = br-mgmt\n"
			"decoy = 169.254.77.51/32 dev lo\n"
			"address = 192.168.11.100/32\n"
			"address = 192.168.11.101/24 label br-mgmt:1 brd 192.168.11.255\n"
			"address = 10.1.0.1/32 dev eth1 scope link noprefixroute\n"
			"address = 2001:db8::1/128 preferred_lft 0\n"
			"address = 2001:db8::2/64 preferred_lft forever\n"
			"\n[device br-mgmt]\npin = continuous\n"
			"\n[device eth1]\npin = continuous\n");
	assert_says(&m, "# global_defs\n"
			"#     script_user root\n"
			"#     enable_script_security\n"
			"#     vrrp_notify_fifo /f\n");
	assert_says(&m, "# line 1: vrrp_instance VI_1\n"
			"#   line 4: instead of virtual_ipaddress\n"
			"#     virtual_ipaddress {\n"
			"#         169.254.77.51/32 dev lo scope host\n"
			"#     }\n"
			"#   line 9: remove virtual_ipaddress_excluded\n"
			"#     notify \"/hooks/notify\"\n");
	assert_silent(&m, "notify_stop");
	assert_int_equal(m.left, 0);
	assert_non_null(s);
	assert_int_equal(s->owner, OWNER_VIPSAFE);
	assert_int_equal(s->n_addresses, 5);
	assert_true(s->has_decoy);
	made_done(&m);
}

static void leaves_ownership(void **state _unused_)
{
	struct made m = import(plain, OWNER_KEEPALIVED, NULL);
	const struct instance_settings *s = instance_settings_find(&m.settings, "VI_1");

	assert_says(&m, "\nowner = keepalived\n");
	assert_silent(&m, "decoy");
	assert_silent(&m, "notify");
	assert_int_equal(s->owner, OWNER_KEEPALIVED);
	assert_int_equal(s->n_addresses, 5);
	assert_int_equal(m.settings.n_devices, 2);
	made_done(&m);
}

static void writes_what_a_version_knows(void **state _unused_)
{
	struct made m = import(plain, OWNER_VIPSAFE, "1.2.24");

	assert_silent(&m, "notify_fifo");
	assert_says(&m, "#     notify_stop \"/hooks/notify_stop INSTANCE VI_1\"\n");
	made_done(&m);
	m = import(plain, OWNER_VIPSAFE, "1.3.9");
	assert_says(&m, "vrrp_notify_fifo /f");
	assert_says(&m, "notify_stop");
	made_done(&m);
}

/* What the scripts do with conntrackd vipsafe does from now on, and they have to stop. */
static void takes_over_conntrackd(void **state _unused_)
{
	static const char text[] =
		"vrrp_instance V {\n interface e\n virtual_router_id 5\n"
		" virtual_ipaddress {\n  10.0.0.1\n }\n"
		" notify_master \"/usr/sbin/conntrackd -c\"\n notify_backup \"/bin/true\"\n"
		" notify_fault \"/usr/sbin/conntrackd -t\"\n}\n";
	struct made m = import(text, OWNER_VIPSAFE, "2.2.7");

	assert_says(&m, "decoy = 169.254.77.5/32 dev lo\nconntrackd = yes\n");
	assert_says(&m, "#   line 7: take every call of conntrackd but -s out of\n"
			"#     /usr/sbin/conntrackd -c, or remove it: vipsafe calls it now\n"
			"#   line 9: take every call of conntrackd but -s out of\n"
			"#     /usr/sbin/conntrackd -t, or remove it: vipsafe calls it now\n");
	assert_silent(&m, "/bin/true");
	assert_true(instance_settings_find(&m.settings, "V")->conntrackd);
	made_done(&m);
	/* keepalived goes on adding the addresses, and its scripts with them */
	m = import(text, OWNER_KEEPALIVED, "2.2.7");
	assert_silent(&m, "conntrackd");
	made_done(&m);
	/* those of a group are its instance's */
	m = import("vrrp_sync_group G {\n group {\n V\n W\n }\n"
		   " notify_master \"/usr/sbin/conntrackd -R\"\n}\n"
		   "vrrp_instance V {\n interface e\n virtual_router_id 5\n"
		   " virtual_ipaddress {\n  10.0.0.1\n }\n}\n"
		   "vrrp_instance W {\n interface e\n virtual_router_id 6\n"
		   " virtual_ipaddress {\n  10.0.0.2\n }\n}\n",
		   OWNER_VIPSAFE, "2.2.7");
	assert_true(instance_settings_find(&m.settings, "W")->conntrackd);
	assert_says(&m, "#   line 6: take every call of conntrackd but -s out of\n");
	made_done(&m);
	/* only asked */
	m = import("vrrp_instance V {\n interface e\n virtual_router_id 5\n"
		   " virtual_ipaddress {\n  10.0.0.1\n }\n notify \"/usr/sbin/conntrackd -s\"\n}\n",
		   OWNER_VIPSAFE, "2.2.7");
	assert_silent(&m, "conntrackd = yes");
	made_done(&m);
}

#define E "vrrp_instance V {\n interface e\n virtual_router_id 5\n virtual_ipaddress {\n"

static const struct import_case cases[] = {
	/* options without a word of ours: the address comes, the option is told */
	{ E " 10.0.0.1/24 -nodad home\n 10.0.0.2 mngtmpaddr\n 10.0.0.3 autojoin\n } }",
	  "\naddress = 10.0.0.1/24\n#! k.conf:5: -nodad: ", 4 },
	{ E " 10.0.0.1/24 peer 10.0.0.2\n 10.0.0.3 } }",
	  "\naddress = 10.0.0.1/32 peer 10.0.0.2/32\naddress = 10.0.0.3/32\n", 0 },
	{ E " fd00::1 peer fd00::2/64 home\n } }", "\naddress = fd00::1/64 peer fd00::2/64 home\n",
	  0 },
	/* and those that only keepalived can carry stay in its file */
	{ E " 10.0.0.1/24 peer fd00::2\n 10.0.0.3 } }",
	  "#         169.254.77.5/32 dev lo scope host\n#         10.0.0.1/24 peer fd00::2\n"
	  "#     }\n",
	  1 },
	{ E " @m 10.0.0.1\n 10.0.0.2\n } }",
	  "#! k.conf:5: 10.0.0.1 stays with keepalived: it depends on", 2 },
	{ E " @m 10.0.0.1\n 10.0.0.2\n } }", "#         @m 10.0.0.1\n#     }\n", 2 },
	{ "vrrp_instance V {\n interface e\n virtual_ipaddress_excluded {\n 10.0.0.1 use_vmac\n"
	  " 10.0.0.2\n } }",
	  "#   line 3: of virtual_ipaddress_excluded keep\n#         10.0.0.1 use_vmac\n", 1 },
	{ E " 10.0.0.999\n 10.0.0.2\n } }",
	  "#! k.conf:5: 10.0.0.999 stays with keepalived: it is no address", 1 },
	{ E " 10.0.0.1 blue\n 10.0.0.2\n } }",
	  "#! k.conf:5: 10.0.0.1 stays with keepalived: it has an option", 1 },
	{ E " 10.0.0.1 dev e dev f\n 10.0.0.2\n } }",
	  "#! k.conf:5: 10.0.0.1 stays with keepalived: it has an option twice", 1 },
	{ E " 10.0.0.1 dev $F\n 10.0.0.2\n } }",
	  "#! k.conf:5: 10.0.0.1 stays with keepalived: not all of the line", 2 },
	/* what settings refuse stays there as well */
	{ E " 10.0.0.1 scope blue\n 10.0.0.2\n } }",
	  "#! k.conf:5: address: scope \"blue\" is none of", 1 },
	{ E " 10.0.0.1 scope blue\n 10.0.0.2\n } }",
	  "#         169.254.77.5/32 dev lo scope host\n#         10.0.0.1 scope blue\n", 1 },
	{ E " 2001:db8::1 brd 10.0.0.255\n 2001:db8::2\n } }",
	  "#         fe80::77:5/128 dev lo\n#         2001:db8::1 brd 10.0.0.255\n", 1 },
	{ E " 10.0.0.1 label 1234567890123456\n 10.0.0.2\n } }",
	  "#! k.conf:5: 10.0.0.1 stays with keepalived: its label is longer", 1 },
	{ E " 2001:db8::1 preferred_lft x\n 2001:db8::2\n } }",
	  "#         2001:db8::1 preferred_lft x\n", 1 },
	{ E " 10.0.0.1 label \"a b\"\n 10.0.0.2\n } }",
	  "#! k.conf:5: 10.0.0.1 stays with keepalived: vipsafe.conf cannot have such a label", 1 },
	{ E " 10.0.0.1 label \"a b\"\n 10.0.0.2\n } }", "#         10.0.0.1 label \"a b\"\n", 1 },
	{ E " 10.0.0.1 label \"\"\n 10.0.0.2\n } }", "#         10.0.0.1 label \"\"\n", 1 },
	/* a device for what is not on the instance's own */
	{ "vrrp_instance V {\n interface e\n use_vmac_addr\n virtual_ipaddress {\n 10.0.0.1\n"
	  " 10.0.0.2 dev f\n } }",
	  "#! k.conf:6: 10.0.0.2 stays with keepalived: it sits on a device of its own", 1 },
	{ "net_namespace blue\n" E " 10.0.0.1\n } }",
	  "#! k.conf:1: keepalived runs in the network namespace blue: vipsafed has to", 1 },
	/* a label is any name that a device could have */
	{ E " 10.0.0.1 label vip\n } }", "\naddress = 10.0.0.1/32 label vip\n", 0 },
	{ E " 10.0.0.1 label 123456789012345\n } }",
	  "\naddress = 10.0.0.1/32 label 123456789012345\n", 0 },
	/* what keepalived ignores is no loss */
	{ E " 2001:db8::1 label vip scope link\n } }",
	  "\naddress = 2001:db8::1/128 preferred_lft 0\n# without its label, as keepalived", 0 },
	{ E " 2001:db8::1 scope link\n } }", "# without its scope, as keepalived ignores it for",
	  0 },
	{ E " 10.0.0.1 preferred_lft 0\n } }",
	  "\naddress = 10.0.0.1/32\n# without its preferred_lft", 0 },
	/* an IPv6 VIP is deprecated as keepalived has it */
	{ E " 2001:db8::1 preferred_lft forever\n } }",
	  "\naddress = 2001:db8::1/128 preferred_lft forever\n", 0 },
	{ E " 2001:db8::1/64\n } }", "\naddress = 2001:db8::1/64\n", 0 },
	{ E " 2001:db8::1/64 preferred_lft 0\n } }", "\naddress = 2001:db8::1/64 preferred_lft 0\n",
	  0 },
	/* no device: settings refuse it as a whole, so it must not be written */
	{ "vrrp_instance V {\n virtual_ipaddress {\n 10.0.0.1\n 10.0.0.2 dev e\n } }",
	  "#! k.conf:3: 10.0.0.1: neither the line nor the instance names a device", 1 },
	{ "vrrp_instance V {\n virtual_ipaddress {\n 10.0.0.1\n 10.0.0.2 dev e\n } }",
	  "#         169.254.77.0/32 dev lo scope host\n#         10.0.0.1\n", 1 },
	/* keepalived passes over what is not of the family of the instance */
	{ E " 10.0.0.1\n 2001:db8::1\n } }",
	  "#! k.conf:6: 2001:db8::1 stays with keepalived: it is not of the instance's family", 1 },
	{ E " 10.0.0.1\n 2001:db8::1\n } }",
	  "#         169.254.77.5/32 dev lo scope host\n#         2001:db8::1\n", 1 },
	{ "vrrp_instance V {\n interface e\n unicast_src_ip 10.0.0.9\n virtual_ipaddress {\n"
	  " 2001:db8::1\n 10.0.0.1\n } }",
	  "#! k.conf:5: 2001:db8::1 stays with keepalived: it is not of", 1 },
	{ "vrrp_instance V {\n interface e\n unicast_peer {\n 2001:db8::9\n }\n"
	  " virtual_ipaddress {\n 10.0.0.1\n 2001:db8::1\n } }",
	  "#! k.conf:7: 10.0.0.1 stays with keepalived: it is not of", 1 },
	/* the same address twice */
	{ E " 10.0.0.1\n 10.0.0.1/32 dev e\n } }",
	  "#! k.conf:6: 10.0.0.1/32 is already given on an earlier line", 1 },
	{ E " 10.0.0.1\n 10.0.0.1\n 10.0.0.2\n } }\nvrrp_instance W { interface e\n"
	    " virtual_ipaddress {\n 10.0.0.1\n 10.0.0.3\n } }",
	  "#         169.254.77.5/32 dev lo scope host\n#         10.0.0.1\n#         10.0.0.1\n",
	  3 },
	{ E " 10.0.0.1\n 10.0.0.2\n } }\nvrrp_instance W { interface e\n virtual_ipaddress {\n"
	    " 10.0.0.2/24\n 10.0.0.3\n } }",
	  "#! k.conf:6: 10.0.0.2 stays with keepalived: vrrp_instance W has it as well", 2 },
	{ E " 10.0.0.1\n } }\nvrrp_instance W { interface e\n virtual_ipaddress {\n"
	    " 10.0.0.1/24\n 10.0.0.3\n } }",
	  "#! k.conf:9: 10.0.0.1/24 stays with keepalived: vrrp_instance V has it as well", 3 },
	/* names that are none */
	{ "vrrp_instance \"a]b\" { interface e\n virtual_ipaddress { 10.0.0.1 } }",
	  "#! k.conf:1: instance a]b: no name for a section", 2 },
	{ "vrrp_instance 123456789_123456789_123456789_123456789_1 { interface e\n"
	  "virtual_ipaddress { 10.0.0.1 } }",
	  "no name for a section", 2 },
	{ "vrrp_instance V { interface e;f\n virtual_ipaddress { 10.0.0.1 dev g } }",
	  "#! k.conf:1: interface e;f: no name of a device", 1 },
	{ "vrrp_instance \"\033[31m\" { interface e\n virtual_ipaddress { 10.0.0.1 } }",
	  "\\x1b[31m", 2 },
	{ "~SEQ(N,1,2) x", "#! k.conf:1: not understood: a ~SEQ", 1 },
	/* announcements */
	{ E " 10.0.0.1\n }\n garp_master_repeat 3\n garp_master_delay 1.5\n"
	    " garp_master_refresh 60\n garp_master_refresh_repeat 2 }\n"
	    "global_defs { vrrp_garp_interval 0.001 }",
	  "garp = 3\ngarp_interval = 1ms\ngarp_again = 3\ngarp_again_after = 1500ms\n"
	  "garp_refresh = 1min\ngarp_refresh_count = 2\n",
	  0 },
	{ E " 10.0.0.1\n }\n garp_master_delay 0\n }", "garp_again = 0\n", 0 },
	{ E " 10.0.0.1\n } }\nglobal_defs { vrrp_min_garp }", "garp = 1\ngarp_again = 0\n", 0 },
	{ E " 10.0.0.1\n }\n garp_master_delay soon }",
	  "#! k.conf:1: garp_again_after: \"soon\" is no time", 1 },
	/* packets that keepalived drops, and vipsafe does not */
	{ E " 10.0.0.1\n }\n no_accept\n }", "#! k.conf:1: no_accept", 1 },
	{ E " 10.0.0.1\n } }\nglobal_defs { vrrp_strict }", "#! k.conf:1: no_accept", 1 },
	/* an IPv6 instance needs a decoy of its family */
	{ "vrrp_instance V { interface e\n virtual_router_id 9\n virtual_ipaddress { ::5 } }",
	  "decoy = fe80::77:9/128 dev lo\n", 0 },
	{ "vrrp_instance V { interface e\n virtual_router_id 9\n virtual_ipaddress { 10.0.0.1\n }\n"
	  "virtual_ipaddress_excluded { ::5 } }",
	  "decoy = 169.254.77.9/32 dev lo\n", 0 },
	/* both blocks of that name count */
	{ E " 10.0.0.1\n }\n virtual_ipaddress {\n 10.0.0.2\n } }",
	  "#   line 7: remove this virtual_ipaddress, too\n", 0 },
	{ "vrrp_sync_group G { group { V } }\n" E " 10.0.0.1 } }", "\ngroup = G\n", 0 },
	{ "vrrp_sync_group G { group { V } }\n" E " 10.0.0.1 } }",
	  "# line 1: vrrp_sync_group G\n#     notify \"/hooks/notify\"\n", 0 },
	/* a script that is there already is not replaced */
	{ "vrrp_instance V { interface e\n notify /mine\n virtual_ipaddress { 10.0.0.1 } }",
	  "#   line 2: let /mine\n#     call /hooks/notify with its arguments, too\n", 0 },
	{ E " 10.0.0.1 } }\nglobal_defs { vrrp_notify_fifo /mine }", "#     notify_fifo /f\n", 0 },
};

static void tells_what_it_cannot_carry(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_case(&cases[i], OWNER_VIPSAFE, "2.2.7");
}

static void asks_nothing_twice(void **state _unused_)
{
	struct made m = import("vrrp_instance V { interface e\n"
			       " virtual_ipaddress { 169.254.77.0/32 dev lo }\n"
			       " notify \"/hooks/notify\" }\n"
			       "global_defs { vrrp_notify_fifo /f }",
			       OWNER_VIPSAFE, "2.2.7");

	assert_silent(&m, "instead of");
	assert_silent(&m, "notify");
	assert_silent(&m, "global_defs");
	made_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_sections),
		cmocka_unit_test(leaves_ownership),
		cmocka_unit_test(takes_over_conntrackd),
		cmocka_unit_test(writes_what_a_version_knows),
		cmocka_unit_test(tells_what_it_cannot_carry),
		cmocka_unit_test(asks_nothing_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
