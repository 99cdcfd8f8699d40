/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What import makes of a keepalived.conf, and that it is a configuration. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "front/config.h"
#include "front/keepalived_import.h"

struct made {
	char *text;
	size_t size;
	unsigned left;
	struct settings settings; /* as read back */
};

static void read_back(struct made *m)
{
	char path[] = "/tmp/vipsafe-import.XXXXXX";
	struct request_error e = { "" };
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, m->text, m->size), m->size);
	close(fd);
	r = config_load(path, &m->settings, &e);
	unlink(path);
	if (r < 0)
		fail_msg("%s\n%s", e.text, m->text);
}

static struct made import(const char *text, enum instance_owner owner, const char *version)
{
	struct keepalived_import what = { .owner = owner, .fifo = "/f", .hooks = "/hooks" };
	struct keepalived_conf *conf = NULL;
	struct made m = { 0 };
	struct vrrp_conf vrrp;
	FILE *out = open_memstream(&m.text, &m.size);

	assert_non_null(out);
	assert_int_equal(keepalived_conf_parse("k.conf", text, strlen(text), &conf), 0);
	assert_int_equal(vrrp_conf_read(conf, &vrrp), 0);
	if (version)
		assert_int_equal(keepalived_version_parse(version, &what.version), 0);
	what.conf = conf;
	what.vrrp = &vrrp;
	assert_int_equal(keepalived_import(&what, out, &m.left), 0);
	fclose(out);
	vrrp_conf_done(&vrrp);
	keepalived_conf_free(conf);
	read_back(&m);
	return m;
}

static void made_done(struct made *m)
{
	settings_done(&m->settings);
	free(m->text);
}

static void assert_says(const struct made *m, const char *line)
{
	if (!strstr(m->text, line))
		fail_msg("no \"%s\" in\n%s", line, m->text);
}

static void assert_silent(const struct made *m, const char *text)
{
	if (strstr(m->text, text))
		fail_msg("\"%s\" in\n%s", text, m->text);
}

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
	assert_says(&m, "# global_defs\n#     vrrp_notify_fifo /f\n");
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

static const struct {
	const char *text, *says;
	unsigned left;
} cases[] = {
	/* options without a word of ours: the address comes, the option is told */
	{ "vrrp_instance V {\n interface e\n virtual_ipaddress {\n 10.0.0.1/24 -nodad home\n"
	  " 10.0.0.2 mngtmpaddr\n 10.0.0.3 autojoin\n } }",
	  "\naddress = 10.0.0.1/24\n#! k.conf:4: -nodad: ", 4 },
	/* and those that only keepalived can carry stay in its file */
	{ "vrrp_instance V {\n interface e\n virtual_ipaddress {\n 10.0.0.1/24 peer 10.0.0.2\n"
	  " 10.0.0.3 } }",
	  "#         169.254.77.0/32 dev lo scope host\n#         10.0.0.1/24 peer 10.0.0.2\n"
	  "#     }\n",
	  1 },
	{ "vrrp_instance V {\n interface e\n virtual_ipaddress {\n @m 10.0.0.1\n } }",
	  "#! k.conf:4: 10.0.0.1 stays with keepalived: it depends on", 2 },
	{ "vrrp_instance V {\n interface e\n virtual_ipaddress_excluded {\n 10.0.0.1 use_vmac\n"
	  " 10.0.0.2\n } }",
	  "#   line 3: of virtual_ipaddress_excluded keep\n#         10.0.0.1 use_vmac\n", 1 },
	{ "vrrp_instance V {\n interface e\n virtual_ipaddress {\n 10.0.0.999\n } }",
	  "#! k.conf:4: 10.0.0.999 stays with keepalived: it is no address", 1 },
	{ "vrrp_instance V {\n interface e\n virtual_ipaddress {\n 10.0.0.1 blue\n } }",
	  "#! k.conf:4: 10.0.0.1 stays with keepalived: it has an option", 1 },
	{ "vrrp_instance V {\n interface e\n virtual_ipaddress {\n 10.0.0.1 scope blue\n } }",
	  "#! k.conf:4: address: scope \"blue\" is none of", 1 },
	{ "vrrp_instance V {\n use_vmac\n virtual_ipaddress { 10.0.0.1 } }",
	  "#! k.conf:1: vrrp_instance V stays with keepalived", 1 },
	/* no device: settings refuse it as a whole, so it must not be written */
	{ "vrrp_instance V {\n virtual_ipaddress {\n 10.0.0.1\n 10.0.0.2 dev e\n } }",
	  "#! k.conf:3: 10.0.0.1: neither the line nor the instance names a device", 1 },
	{ "vrrp_instance A { interface e\n virtual_ipaddress { 10.0.0.1 } }\n"
	  "vrrp_instance B { interface e\n virtual_ipaddress { 10.0.0.1 } }",
	  "#! k.conf:4: 10.0.0.1 is given before", 1 },
	{ "vrrp_instance \"a]b\" { interface e }",
	  "#! k.conf:1: instance a]b: no name for a section", 1 },
	{ "vrrp_instance 123456789_123456789_123456789_123456789_1 { interface e }",
	  "no name for a section", 1 },
	{ "vrrp_instance V { interface e;f }", "#! k.conf:1: interface e;f: no name of a device",
	  1 },
	{ "vrrp_instance \"\033[31m\" { interface e }", "\\x1b[31m", 1 },
	{ "~SEQ(N,1,2) x", "#! k.conf:1: not understood: a ~SEQ", 1 },
	/* announcements */
	{ "vrrp_instance V { interface e\n garp_master_repeat 3\n garp_master_delay 1.5\n"
	  " garp_master_refresh 60\n garp_master_refresh_repeat 2 }\n"
	  "global_defs { vrrp_garp_interval 0.001 }",
	  "garp = 3\ngarp_interval = 1ms\ngarp_again = 3\ngarp_again_after = 1500ms\n"
	  "garp_refresh = 1min\ngarp_refresh_count = 2\n",
	  0 },
	{ "vrrp_instance V { interface e\n garp_master_delay 0\n }", "garp_again = 0\n", 0 },
	{ "vrrp_instance V { interface e }\nglobal_defs { vrrp_min_garp }",
	  "garp = 1\ngarp_again = 0\n", 0 },
	{ "vrrp_instance V { interface e\n garp_master_delay soon }",
	  "#! k.conf:1: garp_again_after: \"soon\" is no time", 1 },
	/* an IPv6 instance needs a decoy of its family */
	{ "vrrp_instance V { interface e\n virtual_router_id 9\n virtual_ipaddress { ::5 } }",
	  "decoy = fe80::77:9/128 dev lo\n", 0 },
	/* two instances of one router id have decoys of their own */
	{ "vrrp_instance A { interface e\n virtual_router_id 9 }\n"
	  "vrrp_instance B { interface f\n virtual_router_id 9 }",
	  "decoy = 169.254.78.9/32 dev lo\n", 0 },
	/* done before: the decoy stays, and no block is to be changed */
	{ "vrrp_instance V { interface e\n virtual_ipaddress { 169.254.1.2/32 dev lo } }",
	  "decoy = 169.254.1.2/32 dev lo\n", 0 },
	{ "vrrp_sync_group G { group { V } }\nvrrp_instance V { interface e }", "\ngroup = G\n",
	  0 },
	{ "vrrp_sync_group G { group { V } }\nvrrp_instance V { interface e }",
	  "# line 1: vrrp_sync_group G\n#     notify \"/hooks/notify\"\n", 0 },
	/* a script that is there already is not replaced */
	{ "vrrp_instance V { interface e\n notify /mine }",
	  "#   line 2: let /mine\n#     call /hooks/notify with its arguments, too\n", 0 },
	{ "vrrp_instance V { }\nglobal_defs { vrrp_notify_fifo /mine }", "#     notify_fifo /f\n",
	  0 },
};

static void tells_what_it_cannot_carry(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct made m = import(cases[i].text, OWNER_VIPSAFE, "2.2.7");

		assert_says(&m, cases[i].says);
		if (m.left != cases[i].left)
			fail_msg("%u left out, not %u:\n%s", m.left, cases[i].left, m.text);
		made_done(&m);
	}
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
		cmocka_unit_test(writes_what_a_version_knows),
		cmocka_unit_test(tells_what_it_cannot_carry),
		cmocka_unit_test(asks_nothing_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
