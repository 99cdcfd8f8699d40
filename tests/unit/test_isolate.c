/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether an address may have a device of its own, of which type and with which settings: for each
 * reason a fact that provokes it, on a node where nothing speaks against it. And the words of the
 * command, names, and the mark of a device. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "cli/isolate_choice.h"

static struct isolate_request asked(const char *vip)
{
	struct isolate_request r = { .from = "br0" };

	assert_int_equal(prefix_parse(vip, PREFIX_LEN_REQUIRED, &r.vip), 0);
	return r;
}

/* An Ethernet bridge with other addresses. */
static struct isolate_facts usual(const struct isolate_request *r)
{
	struct isolate_facts f = { .there = true,
				   .subnet_stays = true,
				   .others = true,
				   .from = "br0",
				   .kind = "bridge",
				   .up = true,
				   .ethernet = true,
				   .mac = { 0x52, 0x54, 0, 1, 2, 3 },
				   .has_ipv6 = true };

	f.address.prefix = r->vip;
	f.address.valid_lft = IFADDR_FOREVER;
	f.address.preferred_lft = IFADDR_FOREVER;
	return f;
}

static const char *setting(const struct isolate_choice *c, const char *family, const char *key)
{
	size_t i;

	for (i = 0; i < c->n_settings; i++)
		if (!strcmp(c->settings[i].family, family) && !strcmp(c->settings[i].key, key))
			return c->settings[i].value;
	return "(none)";
}

static void macvlan_is_usual(void **state _unused_)
{
	struct isolate_request r = asked("192.168.11.100/32");
	struct isolate_facts f = usual(&r);
	struct isolate_choice c, other;

	isolate_decide(&r, &f, &c);
	assert_string_equal(c.refusal, "");
	assert_int_equal(c.type, ISOLATE_MACVLAN);
	assert_string_equal(c.device, "vip-c0a80b64");
	assert_string_equal(setting(&c, "ipv4", "arp_ignore"), "1");
	assert_string_equal(setting(&c, "ipv4", "rp_filter"), "0");
	assert_string_equal(setting(&c, "ipv4", "forwarding"), "0");
	assert_string_equal(setting(&c, "ipv6", "disable_ipv6"), "1");
	/* unicast, locally administered, of its own on each node and for each address */
	assert_int_equal(c.mac[0] & 3, 2);
	f.mac[5]++;
	isolate_decide(&r, &f, &other);
	assert_memory_not_equal(c.mac, other.mac, sizeof(c.mac));
	f.mac[5]--;
	r.vip.addr.bytes[3]++;
	isolate_decide(&r, &f, &other);
	assert_memory_not_equal(c.mac, other.mac, sizeof(c.mac));
	/* what filters by the way back has to be made loose, as the larger value counts */
	f.rp_filter_all = 1;
	f.forwarding4 = 1;
	isolate_decide(&r, &f, &c);
	assert_string_equal(setting(&c, "ipv4", "rp_filter"), "2");
	assert_string_equal(setting(&c, "ipv4", "forwarding"), "1");
}

static void ipv6_takes_no_router_advertisements(void **state _unused_)
{
	struct isolate_request r = asked("fd00:11::100/128");
	struct isolate_facts f = usual(&r);
	struct isolate_choice c;

	f.forwarding6 = 1;
	f.arp_ignore_all = 8; /* concerns IPv4 only */
	isolate_decide(&r, &f, &c);
	assert_string_equal(c.refusal, "");
	assert_int_equal(c.type, ISOLATE_MACVLAN);
	assert_memory_equal(c.device, "vip6-", 5);
	assert_int_equal(strlen(c.device), 15);
	assert_string_equal(setting(&c, "ipv4", "arp_ignore"), "8");
	assert_string_equal(setting(&c, "ipv6", "accept_ra"), "0");
	assert_string_equal(setting(&c, "ipv6", "disable_ipv6"), "0");
	assert_string_equal(setting(&c, "ipv6", "forwarding"), "1");
	r.type = ISOLATE_DUMMY;
	isolate_decide(&r, &f, &c);
	assert_non_null(strstr(c.refusal, "a dummy cannot serve"));
}

/* What arp_ignore, the larger of "all" and the device's, leaves of the two types. */
static const struct {
	int64_t all, own, filter_all;
	const char *macvlan, *dummy; /* part of the refusal; "": it serves */
} arp_cases[] = {
	{ 0, 0, 0, "", "" },
	{ 0, 0, 1, "", "" }, /* the old device answers */
	{ 0, 1, 0, "", "arp_ignore is 1" },
	{ 1, 0, 0, "", "arp_ignore is 1" },
	{ 0, 1, 1, "arp_filter is 1", "arp_ignore is 1" },
	{ 0, 2, 0, "", "arp_ignore is 2" },
	{ 2, 0, 0, "all.arp_ignore is 2", "arp_ignore is 2" },
	{ 3, 0, 0, "arp_ignore is 3 or more", "" },
	{ 0, 3, 0, "", "" },
	{ 0, 8, 0, "", "arp_ignore is 8" },
	{ 8, 0, 0, "arp_ignore is 3 or more", "arp_ignore is 8" },
};

static void arp_decides(void **state _unused_)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(arp_cases); i++) {
		const char *wanted[] = { [ISOLATE_MACVLAN] = arp_cases[i].macvlan,
					 [ISOLATE_DUMMY] = arp_cases[i].dummy };
		struct isolate_request r = asked("192.168.11.100/32");
		struct isolate_facts f = usual(&r);
		struct isolate_choice c;
		int type;

		f.arp_ignore_all = arp_cases[i].all;
		f.arp_ignore = arp_cases[i].own;
		f.arp_filter_all = arp_cases[i].filter_all;
		for (type = ISOLATE_MACVLAN; type <= ISOLATE_DUMMY; type++) {
			r.type = (enum isolate_type)type;
			isolate_decide(&r, &f, &c);
			if (!*wanted[type] != !*c.refusal || !strstr(c.refusal, wanted[type]))
				fail_msg("case %zu, %s: \"%s\" instead of \"%s\"", i,
					 isolate_words[type], c.refusal, wanted[type]);
		}
		r.type = ISOLATE_AUTO;
		isolate_decide(&r, &f, &c);
		assert_int_equal(!*c.refusal, !*arp_cases[i].macvlan || !*arp_cases[i].dummy);
		if (!*c.refusal)
			assert_int_equal(c.type,
					 *arp_cases[i].macvlan ? ISOLATE_DUMMY : ISOLATE_MACVLAN);
	}
}

/* ---- reasons ---- */

static void loopback(struct isolate_facts *f)
{
	f->loopback = true;
}

static void dummy(struct isolate_facts *f)
{
	strcpy(f->kind, "dummy");
}

static void ours(struct isolate_facts *f)
{
	f->is_ours = true;
}

static void port(struct isolate_facts *f)
{
	strcpy(f->master, "br1");
}

static void last(struct isolate_facts *f)
{
	f->others = false;
}

static void subnet(struct isolate_facts *f)
{
	f->subnet_stays = false;
}

static void primary(struct isolate_facts *f)
{
	f->takes_along = true;
}

static void lease(struct isolate_facts *f)
{
	f->address.valid_lft = 3600;
}

static void peer(struct isolate_facts *f)
{
	f->address.peer = f->address.prefix.addr;
}

static void duplicate(struct isolate_facts *f)
{
	f->address.flags = IFADDR_DADFAILED;
}

static void owned(struct isolate_facts *f)
{
	strcpy(f->owner, "somebody has it");
}

static void taken(struct isolate_facts *f)
{
	f->name_taken = true;
}

static void wireless_and_silent(struct isolate_facts *f)
{
	f->wireless = true;
	f->arp_ignore = 1;
}

static void no_macvlan_and_silent(struct isolate_facts *f)
{
	f->cannot_macvlan = true;
	f->arp_ignore = 1;
}

static void rules_and_silent(struct isolate_facts *f)
{
	f->rules = 1;
	strcpy(f->rule, "-A INPUT -i br0 -j ACCEPT");
	f->arp_ignore = 1;
}

static const struct {
	void (*provoke)(struct isolate_facts *f);
	const char *says;
	bool may_insist;
} reasons[] = {
	{ loopback, "nothing is masqueraded to br0", false },
	{ dummy, "nothing is masqueraded to br0", false },
	{ ours, "nothing is masqueraded to br0", false },
	{ port, "belongs to br1", false },
	{ last, "the last IPv4 address of br0", false },
	{ subnet, "the route to the network", false },
	{ primary, "its secondary ones would go with it", false },
	{ lease, "has a lifetime", false },
	{ peer, "has a peer", false },
	{ duplicate, "duplicate address detection", false },
	{ owned,
	  "somebody has it: make the device only (vipsafe isolate 192.168.11.100/32 dev br0 "
	  "--prepare)",
	  false },
	{ taken, "there is a device vip-c0a80b64", false },
	{ wireless_and_silent, "is wireless", false },
	{ no_macvlan_and_silent, "this kernel has no macvlan", false },
	{ rules_and_silent, "-A INPUT -i br0 -j ACCEPT", true },
};

static void each_reason_refuses(void **state _unused_)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		struct isolate_request r = asked("192.168.11.100/32");
		struct isolate_facts f = usual(&r);
		struct isolate_choice c;

		reasons[i].provoke(&f);
		isolate_decide(&r, &f, &c);
		if (!strstr(c.refusal, reasons[i].says) || !*c.refusal)
			fail_msg("%zu: \"%s\" does not say \"%s\"", i, c.refusal, reasons[i].says);
		assert_int_equal(c.may_insist, reasons[i].may_insist);
	}
}

static void a_dummy_where_a_macvlan_cannot(void **state _unused_)
{
	struct isolate_request r = asked("192.168.11.100/32"), r6 = asked("fd00::1/128");
	struct isolate_facts f = usual(&r), f6 = usual(&r6);
	struct isolate_choice c;

	f.wireless = true;
	isolate_decide(&r, &f, &c);
	assert_string_equal(c.refusal, "");
	assert_int_equal(c.type, ISOLATE_DUMMY);
	assert_int_equal(c.n_settings, 0);
	assert_non_null(strstr(c.why, "is wireless"));
	/* keepalived announces the addresses of a device on that device */
	f.keepalived = true;
	isolate_decide(&r, &f, &c);
	assert_non_null(strstr(c.refusal, "keepalived announces"));
	/* where nobody asks for addresses, it serves both families */
	f6.ethernet = false;
	isolate_decide(&r6, &f6, &c);
	assert_string_equal(c.refusal, "");
	assert_int_equal(c.type, ISOLATE_DUMMY);
}

static void insisting_overrides_rules(void **state _unused_)
{
	struct isolate_request r = asked("192.168.11.100/32");
	struct isolate_facts f = usual(&r);
	struct isolate_choice c;

	rules_and_silent(&f);
	r.force = true;
	isolate_decide(&r, &f, &c);
	assert_string_equal(c.refusal, "");
	assert_int_equal(c.type, ISOLATE_MACVLAN);
}

static void preparing_asks_no_owner(void **state _unused_)
{
	struct isolate_request r = asked("192.168.11.100/32");
	struct isolate_facts f = usual(&r);
	struct isolate_choice c;

	owned(&f);
	r.prepare = true;
	isolate_decide(&r, &f, &c);
	assert_string_equal(c.refusal, "");
}

/* What has been made goes on as it is. */
static void keeps_what_is_there(void **state _unused_)
{
	struct isolate_request r = asked("192.168.11.100/32");
	struct isolate_facts f = usual(&r);
	struct isolate_choice c;

	f.exists = true;
	f.exists_as = ISOLATE_DUMMY;
	f.own_mac[5] = 7;
	isolate_decide(&r, &f, &c);
	assert_string_equal(c.refusal, "");
	assert_int_equal(c.type, ISOLATE_DUMMY);
	assert_int_equal(c.mac[5], 7);
}

/* ---- words ---- */

static const struct {
	const char *line;
	bool undo, prepare;
	const char *says; /* "": it is right */
} lines[] = {
	{ "192.168.11.100/32 dev br0", false, false, "" },
	{ "fd00::1/128 dev br0 type macvlan name six", false, true, "" },
	{ "name n dev br0", false, false, "\"name\" is not an address" },
	{ "", false, false, "isolate what?" },
	{ "192.168.11.100 dev br0", false, false, "needs its length" },
	{ "192.168.11.100/33 dev br0", false, false, "is not an address" },
	{ "224.0.0.1/32 dev br0", false, false, "cannot be a virtual IP" },
	{ "192.168.11.100/32", false, false, "\"dev DEV\" is missing" },
	{ "192.168.11.100/32 dev", false, false, "\"dev\" needs a value" },
	{ "192.168.11.100/32 dev br0 dev br1", false, false, "\"dev\" is given twice" },
	{ "192.168.11.100/32 dev br0 type bridge", false, false, "neither macvlan nor dummy" },
	{ "192.168.11.100/32 dev br0 type auto", false, false, "neither macvlan nor dummy" },
	{ "192.168.11.100/32 dev br0 name 0123456789abcdef", false, false, "longer than 15" },
	{ "192.168.11.100/32 dev br0 name a/b", false, false, "a/b" },
	{ "192.168.11.100/32 dev br0 colour red", false, false, "unknown word \"colour\"" },
	{ "192.168.11.100/32 192.168.11.101/32 dev br0", false, false, "unknown word" },
	{ "", true, false, "" },
	{ "192.168.11.100", true, false, "" },
	{ "fd00::1 dev six", true, false, "" },
	{ "dev six", true, false, "" },
	{ "dev six name x", true, false, "\"name\" does not go with --undo" },
	{ "", true, true, "contradictory options" },
};

static void words_are_checked(void **state _unused_)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		struct isolate_request r = { .undo = lines[i].undo, .prepare = lines[i].prepare };
		struct request_error e = { "" };
		char text[128], *argv[16];
		int n, result;

		snprintf(text, sizeof(text), "%s", lines[i].line);
		n = isolate_split(text, argv, 16);
		result = isolate_parse(&r, n, argv, &e);
		if (*lines[i].says ? result != -EINVAL || !strstr(e.text, lines[i].says) : result)
			fail_msg("\"%s\": %d \"%s\"", lines[i].line, result, e.text);
	}
}

/* ---- the mark ---- */

static const char *const marks[] = {
	"vipsafe: isolated 192.168.11.100/32 dev br0",
	("vipsafe: isolating 192.168.11.100/24 dev br0 label br0:1 scope 253 brd 192.168.11.255 "
	 "metric 7"),
	"vipsafe: entering 192.168.11.100/32 dev br0",
	"vipsafe: returning fd00:11::100/128 dev br0 noprefixroute preferred_lft 0",
	"vipsafe: isolated fd00:11::100/64 dev br0 preferred_lft forever",
	"vipsafe: isolated fd00:11::100/64 dev br0 preferred_lft 0 metric 7 proto 18 home",
};

/* What a mark says makes the same mark again. */
static void mark_tells_all(void **state _unused_)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		enum isolate_state is;
		struct request req;
		struct ifaddr a = { .valid_lft = IFADDR_FOREVER };
		char again[ISOLATE_ALIAS_MAX];
		const char *words;
		const struct vip *v = &req.vips[0];

		assert_true(isolate_alias_read(marks[i], &req, &is, &words));
		a.prefix = v->prefix;
		memcpy(a.label, v->label, sizeof(a.label));
		a.scope = v->scope < 0 ? 0 : (uint8_t)v->scope;
		a.broadcast = v->broadcast;
		a.flags = v->noprefixroute ? IFADDR_NOPREFIXROUTE : 0;
		a.preferred_lft = v->has_preferred_lft ? v->preferred_lft : IFADDR_FOREVER;
		a.flags |= v->extra.home ? IFADDR_HOME : 0;
		a.metric = v->metric;
		a.proto = v->extra.proto;
		isolate_alias(&a, req.device, is, again);
		assert_string_equal(again, marks[i]);
		isolate_alias_again(words, is, again);
		assert_string_equal(again, marks[i]);
	}
}

static const char *const no_marks[] = {
	"",
	"vipsafe: ",
	"vipsafe: isolated",
	"vipsafe: isolated ",
	"vipsafe: isolated 192.168.11.100/32",
	"vipsafe: isolated 192.168.11.100/32 dev",
	"vipsafe: isolated 192.168.11.100/99 dev br0",
	"vipsafe: isolated 192.168.11.100/32 192.168.11.101/32 dev br0",
	"vipsafe: isolated 192.168.11.100/32 dev br0 and more",
	"the uplink of vipsafe: isolated 192.168.11.100/32 dev br0",
};

static void others_marks_are_none(void **state _unused_)
{
	enum isolate_state is;
	struct request req;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(no_marks); i++)
		assert_false(isolate_alias_read(no_marks[i], &req, &is, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(macvlan_is_usual),
		cmocka_unit_test(ipv6_takes_no_router_advertisements),
		cmocka_unit_test(arp_decides),
		cmocka_unit_test(each_reason_refuses),
		cmocka_unit_test(a_dummy_where_a_macvlan_cannot),
		cmocka_unit_test(insisting_overrides_rules),
		cmocka_unit_test(preparing_asks_no_owner),
		cmocka_unit_test(keeps_what_is_there),
		cmocka_unit_test(words_are_checked),
		cmocka_unit_test(mark_tells_all),
		cmocka_unit_test(others_marks_are_none),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
