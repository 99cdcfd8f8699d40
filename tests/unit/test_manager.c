/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor says about whoever configures a device: it depends on who it is, on the guard
 * and on linger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/facts.h"

static struct device_facts device;

/* A guarded device that NetworkManager configures, and to which something is masqueraded. */
static struct facts node(void)
{
	struct facts f = { .ipv4 = KERNEL_FIXED,
			   .ipv6 = KERNEL_FIXED,
			   .net_admin = true,
			   .net_raw = true,
			   .events = 1,
			   .tcp_loose = 1,
			   .devices = &device,
			   .n_devices = 1,
			   .any_configured = true,
			   .firewall_seen = true,
			   .firewall = { .masquerades = 1 },
			   .daemon = DAEMON_RUNNING };

	device = (struct device_facts){ .name = "br0",
					.exists = true,
					.managed = { .manager = MANAGER_NETWORKMANAGER,
						     .guarded = true,
						     .linger = 5 * USEC_PER_SEC } };
	return f;
}

static void as_it_is(struct facts *f _unused_)
{
}

static void no_linger(struct facts *f _unused_)
{
	device.managed.linger = 0;
}

static void unguarded(struct facts *f _unused_)
{
	device.managed.guarded = false;
}

static void no_daemon(struct facts *f)
{
	f->daemon = DAEMON_ABSENT;
}

static void daemon_not_for_us(struct facts *f)
{
	f->daemon = DAEMON_NOT_FOR_US;
}

static void by_hand(struct facts *f)
{
	no_daemon(f);
	device.managed.manager = MANAGER_NONE;
}

static void no_masquerade(struct facts *f)
{
	no_daemon(f);
	f->firewall.masquerades = 0;
}

static void no_firewall(struct facts *f)
{
	no_masquerade(f);
	f->firewall_seen = false;
}

static void leased(struct facts *f _unused_)
{
	struct manager_facts *m = &device.managed;

	m->manager = MANAGER_IFUPDOWN;
	m->client = MANAGER_DHCLIENT;
	m->leased = 1;
	m->left = 3412;
	(void)prefix_parse("192.0.2.7/24", PREFIX_LEN_REQUIRED, &m->lease);
}

#define MAY " may take addresses away and put them back: what is masqueraded to them is then "
#define NM "br0: NetworkManager configures it; \"nmcli connection up\"" MAY

static void it_is_told_with_what_it_costs(void **state _unused_)
{
	static const struct {
		void (*provoke)(struct facts *f);
		enum severity severity;
		const char *text; /* NULL: nothing is told */
	} told[] = {
		{ as_it_is, SEVERITY_NOTE, NM "kept if they are back within linger = 5s" },
		{ daemon_not_for_us, SEVERITY_NOTE, NM "kept if they are back within linger = 5s" },
		{ no_linger, SEVERITY_WARNING, NM "lost (linger = 0)" },
		{ unguarded, SEVERITY_WARNING, NM "lost, on every kernel (no guard)" },
		{ no_daemon, SEVERITY_WARNING, NM "lost, on every kernel (no guard)" },
		{ no_firewall, SEVERITY_WARNING, NM "lost, on every kernel (no guard)" },
		{ leased, SEVERITY_NOTE,
		  "br0: dhclient leases 192.0.2.7/24 (3412 s left); \"ifdown\" and \"ifup\" or the "
		  "end "
		  "of a lease" MAY "kept if they are back within linger = 5s" },
		{ by_hand, SEVERITY_NOTE, NULL },
		{ no_masquerade, SEVERITY_NOTE, NULL },
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(told); i++) {
		struct facts f = node();
		struct findings found = { 0 };
		const struct finding *one = NULL;

		told[i].provoke(&f);
		diagnose(&f, &found);
		for (k = 0; k < found.n; k++)
			if (!strcmp(found.list[k].code, "address-managed"))
				one = &found.list[k];
		assert_int_equal(one != NULL, told[i].text != NULL);
		if (one) {
			assert_string_equal(one->text, told[i].text);
			assert_int_equal(one->severity, told[i].severity);
			assert_true(*one->advice);
		}
		findings_done(&found);
	}
}

/* The longest text fits: every manager, with the longest names. */
static void every_manager_is_told_in_full(void **state _unused_)
{
	struct manager_facts m = { .leased = 1, .left = UINT32_MAX };
	int kind;

	(void)prefix_parse("fd00:1111:2222:3333:4444:5555:6666:7777/128", PREFIX_LEN_REQUIRED,
			   &m.lease);
	for (kind = MANAGER_NETWORKMANAGER; kind <= MANAGER_LEASE; kind++) {
		struct findings found = { 0 };

		m.manager = (enum manager)kind;
		manager_diagnose("eth0123456789ab", &m, &found);
		assert_int_equal(found.n, 1);
		assert_non_null(strstr(found.list[0].text, "(no guard)"));
		assert_string_equal(found.list[0].fix, "");
		findings_done(&found);
	}
}

static void a_client_is_told_by_its_words(void **state _unused_)
{
	static const struct {
		enum manager kind;
		const char *words; /* each ends with | */
		bool is;
	} clients[] = {
		{ MANAGER_DHCLIENT, "dhclient|-4|-v|-i|eth0|", true },
		{ MANAGER_DHCLIENT, "/sbin/dhclient|-d|-cf|/x/dhclient-eth0.conf|eth0|", true },
		{ MANAGER_DHCLIENT, "dhclient|-pf|/run/dhclient.eth0.pid|eth1|", false },
		{ MANAGER_DHCLIENT, "dhclient|eth0", false }, /* cut */
		{ MANAGER_DHCLIENT, "dhclient|eth01|", false },
		{ MANAGER_UDHCPC, "udhcpc|-ieth0|", true },
		{ MANAGER_UDHCPC, "udhcpc|--interface=eth0|-R|", true },
		{ MANAGER_DHCPCD, "dhcpcd: eth0 [ip4] [ip6]|", true },
		{ MANAGER_DHCPCD, "dhcpcd: eth01 [ip4]|", false },
		{ MANAGER_DHCPCD, "", false },
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(clients); i++) {
		struct manager_client c = { .kind = clients[i].kind,
					    .size = strlen(clients[i].words) };

		memcpy(c.words, clients[i].words, c.size);
		for (k = 0; k < c.size; k++)
			c.words[k] = c.words[k] == '|' ? '\0' : c.words[k];
		assert_int_equal(manager_is_for(&c, "eth0"), clients[i].is);
	}
}

/* The files of networkd and NetworkManager are by index: none is that of the device 0. */
static void a_client_for_all_has_what_is_leased(void **state _unused_)
{
	struct manager_programs p = { .clients = { { .kind = MANAGER_DHCPCD } }, .n_clients = 1 };
	static const char *const all[] = { "dhcpcd|", "dhcpcd|-b|-q|",
					   "dhcpcd: [manager] [ip4] [ip6]|" };
	static const char *const others[] = { "dhcpcd|eth1|", "dhcpcd: eth1 [ip4]|" };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(all) + ARRAY_SIZE(others); i++) {
		bool is_all = i < ARRAY_SIZE(all);
		const char *words = is_all ? all[i] : others[i - ARRAY_SIZE(all)];
		struct manager_facts m = { .leased = 1 };

		memset(p.clients[0].words, 0, sizeof(p.clients[0].words));
		p.clients[0].size = strlen(words);
		for (k = 0; words[k]; k++)
			p.clients[0].words[k] = words[k];
		for (k = 0; words[k]; k++)
			if (words[k] == '|')
				p.clients[0].words[k] = '\0';
		manager_look(&p, "no-such-device0", 0, &m);
		assert_int_equal(m.manager, is_all ? MANAGER_DHCPCD : MANAGER_LEASE);
		m.leased = 0;
		manager_look(&p, "no-such-device0", 0, &m);
		assert_int_equal(m.manager, MANAGER_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_told_with_what_it_costs),
		cmocka_unit_test(every_manager_is_told_in_full),
		cmocka_unit_test(a_client_is_told_by_its_words),
		cmocka_unit_test(a_client_for_all_has_what_is_leased),
	};

	return cmocka_run_group_tests_name("manager", tests, NULL, NULL);
}
