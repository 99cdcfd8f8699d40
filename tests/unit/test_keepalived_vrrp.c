/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keepalived.conf as VRRP values, and versions of keepalived. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keepalived/version.h"
#include "keepalived/vrrp.h"

struct read {
	struct keepalived_conf *conf;
	struct vrrp_conf vrrp;
};

static struct read read_text(const char *text)
{
	struct read r;

	assert_int_equal(keepalived_conf_parse("k", text, strlen(text), &r.conf), 0);
	assert_int_equal(vrrp_conf_read(r.conf, NULL, &r.vrrp), 0);
	return r;
}

static void read_done(struct read *r)
{
	vrrp_conf_done(&r->vrrp);
	keepalived_conf_free(r->conf);
}

static const char whole[] =
	"vrrp_instance VI_1 {\n"
	" interface br-mgmt\n"
	" virtual_router_id 51\n"
	" virtual_ipaddress {\n"
	"  192.168.11.100 dev eth1 label eth1:1 brd + scope link peer 10.0.0.1 preferred_lft 7\n"
	"  192.168.11.101/24 -nodad noprefixroute no_track home mngtmpaddr autojoin use_vmac\n"
	"  10.0.0.9/32 broadcast 10.0.0.255 odd one\n"
	"  nonsense dev\n"
	" }\n"
	" virtual_ipaddress_excluded { 2001:db8::1/64 }\n"
	" notify \"/n x\"\n"
	" notify_stop /s user group\n"
	" garp_master_delay 7\n"
	"}\n"
	"vrrp_instance \"VI 2\" {\n"
	" strict_mode off\n"
	" use_vmac\n"
	" no_virtual_ipaddress\n"
	" virtual_ipaddress { fe80::1 dev lo\n 2001:db8::2 }\n"
	"}\n"
	"vrrp_sync_group G { group { VI_0\n \"VI 2\" }\n notify_master /m\n }\n"
	"vrrp_script chk { script \"/c -t\"\n interval 2 }\n"
	"global_defs {\n"
	" vrrp_strict\n"
	" vrrp_garp_master_delay 1\n vrrp_garp_interval 0.01\n"
	" script_user someone\n enable_script_security\n"
	" vrrp_notify_fifo /f\n notify_fifo /g\n notify_fifo_script \"/reader\"\n"
	"}\n";

static void reads_addresses(void **state _unused_)
{
	struct read r = read_text(whole);
	const struct vrrp_instance *v = &r.vrrp.instances[0];
	const struct vrrp_address *a = v->addresses;
	char text[PREFIX_TEXT_MAX];

	assert_int_equal(r.vrrp.n_instances, 2);
	assert_int_equal(v->n_addresses, 5);
	assert_string_equal(prefix_format(&a[0].prefix, text), "192.168.11.100/32");
	assert_string_equal(a[0].device, "eth1");
	assert_string_equal(a[0].label, "eth1:1");
	assert_string_equal(a[0].broadcast, "+");
	assert_string_equal(a[0].scope, "link");
	assert_string_equal(a[0].peer, "10.0.0.1");
	assert_string_equal(a[0].preferred_lft, "7");
	assert_null(a[0].unknown);
	assert_false(a[0].dad || a[0].noprefixroute || a[0].no_track || a[0].use_vmac);
	assert_true(a[1].dad && a[1].noprefixroute && a[1].no_track && a[1].home);
	assert_true(a[1].mngtmpaddr && a[1].autojoin && a[1].use_vmac);
	assert_null(a[1].unknown);
	assert_string_equal(a[2].broadcast, "10.0.0.255");
	assert_string_equal(a[2].unknown, "odd");
	assert_false(a[3].valid);
	assert_string_equal(a[3].unknown, "dev");
	assert_true(a[4].excluded && a[4].valid && !a[3].excluded);
	assert_string_equal(vrrp_address_device(v, &a[0]), "eth1");
	assert_string_equal(vrrp_address_device(v, &a[1]), "br-mgmt");
	assert_int_equal(a[1].at->line, 6);
	assert_null(vrrp_address_stays(&a[0]));
	assert_non_null(vrrp_address_stays(&a[1]));
	assert_non_null(vrrp_address_stays(&a[2]));
	assert_non_null(vrrp_address_stays(&a[3]));
	assert_null(vrrp_address_stays(&a[4]));
	read_done(&r);
}

static void reads_instances(void **state _unused_)
{
	struct read r = read_text(whole);
	const struct vrrp_instance *v = &r.vrrp.instances[0], *w = v + 1;

	assert_string_equal(v->name, "VI_1");
	assert_string_equal(v->interface, "br-mgmt");
	assert_int_equal(v->id, 51);
	assert_int_equal(v->version, 2);
	assert_true(v->strict && !v->ipv6 && v->own_device == VRRP_DEVICE_SHARED &&
		    !v->none_wanted);
	assert_null(v->group);
	assert_null(vrrp_instance_decoy(v));
	assert_string_equal(v->announce.delay, "7");
	assert_string_equal(v->announce.interval, "0.01");
	assert_null(v->announce.repeat);
	assert_string_equal(v->scripts[VRRP_NOTIFY].command, "/n x");
	assert_null(v->scripts[VRRP_NOTIFY].user);
	assert_string_equal(v->scripts[VRRP_STOP].user, "user");
	assert_null(v->scripts[VRRP_MASTER].at);

	assert_string_equal(w->name, "VI 2");
	assert_null(w->interface);
	assert_int_equal(w->version, 3);
	assert_true(!w->strict && w->ipv6 && w->own_device == VRRP_DEVICE_VMAC && w->none_wanted);
	assert_string_equal(w->announce.delay, "1");
	assert_string_equal(w->group->name, "G");
	assert_ptr_equal(vrrp_instance_decoy(w), &w->addresses[0]);
	assert_true(vrrp_instance_has_script(&r.vrrp, w, VRRP_MASTER, true));
	assert_false(vrrp_instance_has_script(&r.vrrp, w, VRRP_MASTER, false));
	assert_false(vrrp_instance_has_script(&r.vrrp, w, VRRP_STOP, true));
	read_done(&r);
}

static void reads_globals(void **state _unused_)
{
	struct read r = read_text(whole);

	assert_string_equal(r.vrrp.script_user, "someone");
	assert_true(r.vrrp.script_security);
	assert_string_equal(r.vrrp.vrrp_fifo->words[1], "/f");
	assert_string_equal(r.vrrp.fifo->words[1], "/g");
	assert_int_equal(r.vrrp.n_others, 2);
	assert_string_equal(r.vrrp.others[0].command, "/c -t");
	assert_string_equal(r.vrrp.others[1].command, "/reader");
	read_done(&r);
}

static const struct {
	const char *text;
	unsigned version;
	bool ipv6;
} versions[] = {
	{ "vrrp_instance V { virtual_ipaddress { 10.0.0.1 } }", 2, false },
	{ "vrrp_instance V { }", 2, false },
	{ "vrrp_instance V { version 3 }", 3, false },
	{ "global_defs { vrrp_version 3 }\nvrrp_instance V { }", 3, false },
	{ "vrrp_instance V { version 2\n }\nglobal_defs { vrrp_version 3 }", 2, false },
	{ "vrrp_instance V { virtual_ipaddress { ::5 } }", 3, true },
	{ "vrrp_instance V { native_ipv6 }", 3, true },
	/* the family is that of virtual_ipaddress */
	{ "vrrp_instance V { virtual_ipaddress_excluded { ::5 } }", 2, false },
};

static void knows_the_protocol(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct read r = read_text(versions[i].text);

		assert_int_equal(r.vrrp.n_instances, 1);
		assert_int_equal(r.vrrp.instances[0].version, versions[i].version);
		assert_int_equal(r.vrrp.instances[0].ipv6, versions[i].ipv6);
		read_done(&r);
	}
}

static void parses_versions(void **state _unused_)
{
	static const char *const bad[] = { "",
					   "2",
					   "x",
					   "2.",
					   "2.2.",
					   "v",
					   "2.2.7x",
					   "0.7",
					   "Copyright(C) 2001",
					   "99999.1",
					   "1.99999999999999" };
	static const struct {
		const char *text;
		struct keepalived_version v;
	} said[] = {
		{ "Keepalived v1.2.13 (05/28,2014)", { 1, 2, 13 } },
		{ "Keepalived v1.2.24 (06/02,2017)", { 1, 2, 24 } },
		{ "Keepalived v1.3.2 (12/03,2016)", { 1, 3, 2 } },
		{ "Keepalived v1.3.5 (03/19,2017), git commit v1.3.5-6-g6fa32f2", { 1, 3, 5 } },
		{ "Keepalived v1.3.9 (10/21,2017)", { 1, 3, 9 } },
		{ "Keepalived v2.0.10 (11/12,2018)", { 2, 0, 10 } },
		{ "Keepalived v2.4.3 (06/01,2026)", { 2, 4, 3 } },
		{ "1.3.5-19.el7", { 1, 3, 5 } },
		{ "2.2.7+dfsg1", { 2, 2, 7 } },
		{ "2.2.8~rc1", { 2, 2, 8 } },
		{ "1:2.2.7-1", { 2, 2, 7 } },
		{ "keepalived-1.3.5-19.el7.x86_64", { 1, 3, 5 } },
		{ "2.4.0_beta1", { 2, 4, 0 } },
		{ "2.1.5.1", { 2, 1, 5 } },
	};
	struct keepalived_version v = { 0 };

	assert_int_equal(keepalived_version_parse("Keepalived v2.2.7 (01/16,2022)", &v), 0);
	assert_true(v.major == 2 && v.minor == 2 && v.patch == 7);
	assert_int_equal(keepalived_version_parse("1.3.5", &v), 0);
	assert_true(v.major == 1 && v.minor == 3 && v.patch == 5);
	assert_int_equal(keepalived_version_parse("v2.3", &v), 0);
	assert_true(v.major == 2 && v.minor == 3 && v.patch == 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(keepalived_version_parse(bad[i], &v), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		assert_int_equal(keepalived_version_parse(said[i].text, &v), 0);
		assert_true(v.major == said[i].v.major && v.minor == said[i].v.minor &&
			    v.patch == said[i].v.patch);
	}
	v = (struct keepalived_version){ 1, 3, 6 };
	assert_true(keepalived_version_before(&v, 2, 0, 0));
	assert_true(keepalived_version_before(&v, 1, 4, 0));
	assert_true(keepalived_version_before(&v, 1, 3, 7));
	assert_false(keepalived_version_before(&v, 1, 3, 6));
	assert_false(keepalived_version_before(&v, 1, 2, 24));
	assert_false(keepalived_version_before(&v, 0, 9, 9));
	v.major = 0;
	assert_false(keepalived_version_before(&v, 2, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_addresses), cmocka_unit_test(reads_instances),
		cmocka_unit_test(reads_globals),   cmocka_unit_test(knows_the_protocol),
		cmocka_unit_test(parses_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
