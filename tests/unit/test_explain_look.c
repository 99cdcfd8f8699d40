/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the node's IPVS has forgotten a connection that conntrack still has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/explain.h"

#define IDLE 1000 /* seconds */
#define ESTABLISHED 432000

struct node {
	bool has_ipvs;
	struct ipvs_service service;
	struct flow row;
};

static int services(void *ctx, ipvs_sink sink, void *ud)
{
	const struct node *n = ctx;
	const struct ipvs_dest dest = { .port = 3269 };

	if (!n->has_ipvs)
		return -EOPNOTSUPP;
	return sink(ud, &n->service, NULL) + sink(ud, &n->service, &dest);
}

static int rows(void *ctx, flow_sink sink, void *ud)
{
	const struct node *n = ctx;

	return n->row.family ? sink(ud, &n->row) : 0;
}

static struct node node(void)
{
	struct node n = {
		.has_ipvs = true,
		.service = { .port = 3306, .proto = IPPROTO_TCP },
		.row = { .family = AF_INET, .l4proto = IPPROTO_TCP, .cport = 5000, .dport = 3306 }
	};
	struct addr vip;

	assert_int_equal(addr_parse("10.9.9.1", &vip), 0);
	n.service.addr = vip;
	memcpy(n.row.dest, vip.bytes, sizeof(n.row.dest));
	assert_int_equal(inet_pton(AF_INET, "10.9.1.2", n.row.client), 1);
	return n;
}

/* Whether it is forgotten by N, in STATE. */
static bool forgotten(struct node *n, enum conn_tcp_state state)
{
	static const struct kernel_ops ops = { .ipvs_list = services, .ipvs_conns = rows };
	const struct kernel k = { .ops = &ops, .ctx = n };
	char text[REPORT_TEXT_MAX];
	struct tuple t;
	struct conn c;

	memset(&t, 0, sizeof(t));
	memset(&c, 0, sizeof(c));
	assert_int_equal(inet_pton(AF_INET, "10.9.1.2", t.src), 1);
	assert_int_equal(inet_pton(AF_INET, "10.9.9.1", t.dst), 1);
	t.sport = htons(5000);
	t.dport = htons(3306);
	c.key = conn_key_make(AF_INET, IPPROTO_TCP, &t, 7, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, IPPROTO_TCP);
	c.tcp_state = (uint8_t)state;
	c.timeout = ESTABLISHED - IDLE;
	explain_look_forgotten(&k, &c, ESTABLISHED, text);
	if (*text)
		assert_non_null(strstr(text, "for 1000 s"));
	return *text;
}

static void is_forgotten_without_a_row(void **state _unused_)
{
	struct node n = node();

	assert_false(forgotten(&n, CONN_TCP_ESTABLISHED));
	n.row.cport++; /* another one's */
	assert_true(forgotten(&n, CONN_TCP_ESTABLISHED));
	assert_false(forgotten(&n, CONN_TCP_TIME_WAIT));
	n.row = (struct flow){ .family = 0 };
	assert_true(forgotten(&n, CONN_TCP_ESTABLISHED));
	n.service.port = 0; /* every port */
	assert_true(forgotten(&n, CONN_TCP_ESTABLISHED));
}

/* What binds a client to a real server is no connection. */
static void a_template_is_no_row(void **state _unused_)
{
	struct node n = node();

	n.row.pin = true;
	assert_true(forgotten(&n, CONN_TCP_ESTABLISHED));
}

static void is_not_its_business(void **state _unused_)
{
	struct node n = node();

	n.row = (struct flow){ .family = 0 };
	n.service.port = 3307;
	assert_false(forgotten(&n, CONN_TCP_ESTABLISHED));
	n.service.port = 3306;
	n.service.addr.bytes[3]++;
	assert_false(forgotten(&n, CONN_TCP_ESTABLISHED));
	n.service.addr.bytes[3]--;
	n.service.proto = IPPROTO_UDP;
	assert_false(forgotten(&n, CONN_TCP_ESTABLISHED));
	n.service.proto = IPPROTO_TCP;
	n.has_ipvs = false;
	assert_false(forgotten(&n, CONN_TCP_ESTABLISHED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_forgotten_without_a_row),
		cmocka_unit_test(a_template_is_no_row),
		cmocka_unit_test(is_not_its_business),
	};

	return cmocka_run_group_tests_name("explain_look", tests, NULL, NULL);
}
