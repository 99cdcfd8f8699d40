/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries to an address that comes lead elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "move/arrive.h"

enum {
	DONE = CONN_CONFIRMED | CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE,
	SNAT = DONE | CONN_SRC_NAT,
	DNAT = DONE | CONN_DST_NAT,
};

/* From a pod to the VIP; AS: whom the far end sees; SERVER: who answers. */
static struct conn entry(uint8_t family, uint8_t proto, uint32_t status, uint8_t as, uint8_t server)
{
	struct tuple t;
	struct conn c;

	memset(&t, 0, sizeof(t));
	t.src[0] = 10, t.src[3] = 5;
	t.dst[0] = 192, t.dst[3] = 100;
	if (l4proto_is_icmp(proto))
		t.icmp.id = htons(77), t.icmp.type = proto == IPPROTO_ICMP ? 8 : 128;
	else if (l4proto_has_ports(proto))
		t.sport = htons(5000), t.dport = htons(53);
	memset(&c, 0, sizeof(c));
	c.key = conn_key_make(family, proto, &t, 0, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, proto);
	if (as)
		c.reply.dst[0] = 192, c.reply.dst[3] = as;
	if (server)
		c.reply.src[0] = 172, c.reply.src[3] = server;
	c.status = status;
	c.tcp_state = proto == IPPROTO_TCP ? CONN_TCP_ESTABLISHED : CONN_TCP_NONE;
	c.id = 1;
	return c;
}

static void each_kind(void **state)
{
	static const struct {
		uint8_t proto;
		uint32_t status;
		uint8_t as, server;
		enum arrival want;
	} rows[] = {
		/* translated for the way elsewhere, answered or not */
		{ IPPROTO_UDP, SNAT | CONN_SEEN_REPLY | CONN_ASSURED, 7, 0, ARRIVAL_LED_AWAY },
		{ IPPROTO_UDP, SNAT, 7, 0, ARRIVAL_LED_AWAY },
		{ IPPROTO_ICMP, SNAT, 7, 0, ARRIVAL_LED_AWAY },
		{ IPPROTO_GRE, SNAT, 7, 0, ARRIVAL_LED_AWAY },
		{ IPPROTO_ESP, SNAT, 7, 0, ARRIVAL_LED_AWAY },
		{ IPPROTO_UDPLITE, SNAT, 7, 0, ARRIVAL_LED_AWAY },
		/* the kernel answers by itself */
		{ IPPROTO_TCP, SNAT, 7, 0, ARRIVAL_STREAM },
		{ IPPROTO_SCTP, SNAT, 7, 0, ARRIVAL_STREAM },
		{ IPPROTO_DCCP, SNAT, 7, 0, ARRIVAL_STREAM },
		/* masqueraded to what it was, or not at all */
		{ IPPROTO_UDP, DONE, 0, 0, ARRIVAL_PLAIN },
		{ IPPROTO_TCP, DONE, 0, 0, ARRIVAL_PLAIN },
		{ IPPROTO_UDP, CONN_CONFIRMED, 0, 0, ARRIVAL_PLAIN },
		/* to a backend, as kube-proxy does with and without masquerading */
		{ IPPROTO_UDP, DNAT, 0, 9, ARRIVAL_SERVICE },
		{ IPPROTO_UDP, SNAT | DNAT, 7, 9, ARRIVAL_SERVICE },
		{ IPPROTO_TCP, SNAT | DNAT, 7, 9, ARRIVAL_SERVICE },
		/* IPVS, and what nobody can explain */
		{ IPPROTO_UDP, SNAT, 7, 9, ARRIVAL_ALTERED },
		{ IPPROTO_TCP, DONE, 0, 9, ARRIVAL_ALTERED },
		{ IPPROTO_UDP, DONE, 7, 0, ARRIVAL_ALTERED },
		{ IPPROTO_UDP, SNAT, 0, 0, ARRIVAL_ALTERED },
		/* Open vSwitch */
		{ IPPROTO_UDP, SNAT & ~CONN_DST_NAT_DONE, 7, 0, ARRIVAL_FOREIGN },
		{ IPPROTO_TCP, SNAT & ~CONN_DST_NAT_DONE, 7, 0, ARRIVAL_FOREIGN },
	};
	const uint8_t families[] = { AF_INET, AF_INET6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
			uint8_t proto = rows[i].proto;
			struct conn c;

			if (proto == IPPROTO_ICMP && families[f] == AF_INET6)
				proto = IPPROTO_ICMPV6;
			c = entry(families[f], proto, rows[i].status, rows[i].as, rows[i].server);
			if (arrive_judge(&c) != rows[i].want)
				fail_msg("row %zu: %s", i, arrival_name(arrive_judge(&c)));
		}
}

static void the_dying_are_nobodys(void **state)
{
	struct conn c = entry(AF_INET, IPPROTO_UDP, SNAT | CONN_DYING, 7, 0);
	struct conn_record record = { .conn = &c };
	struct arrival_counts counts = { 0 };
	struct arrivals a = { 0 };

	(void)state;
	assert_int_equal(arrive_take(&a, &record), 0);
	arrive_count(&a, true, &counts);
	assert_int_equal(counts.found, 0);
	arrivals_done(&a);
}

static void each_kind_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < ARRIVAL_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(arrival_name((enum arrival)i),
						arrival_name((enum arrival)j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind),
		cmocka_unit_test(the_dying_are_nobodys),
		cmocka_unit_test(each_kind_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
