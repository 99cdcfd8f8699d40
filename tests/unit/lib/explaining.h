/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends, a living connection and facts, as show/explain is given them, by clocks that stand still.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "show/explain.h"

/* 2026-11-30 02:58:31 UTC, 5000 s after the boot */
#define WALL ((usec_t)1796007511 * USEC_PER_SEC)
#define NOW (5000 * USEC_PER_SEC)

static struct device_settings device = { .name = "br-mgmt",
					 .pin = PIN_ON_DEMAND,
					 .linger = 5 * USEC_PER_SEC };
static struct settings settings = { .devices = &device, .n_devices = 1 };

static inline const char *instance(void *ud _unused_, const char *address)
{
	return strncmp(address, "192.168.11.100", 14) ? NULL : "VI_1";
}

static inline struct explain_context context(void)
{
	return (struct explain_context){
		.now = NOW,
		.wall = WALL,
		.settings = &settings,
		.instance = instance,
		.source = EXPLAIN_FROM_DAEMON,
		.recorded_since = 3400 * USEC_PER_SEC,
		.recorded_max = 65536,
	};
}

#define WHO                                                                                \
	"\"device\":\"br-mgmt\",\"proto\":\"tcp\",\"src\":\"10.232.1.5\",\"sport\":33862," \
	"\"dst\":\"10.232.3.28\",\"dport\":8899,\"zone\":0,"                               \
	"\"as\":{\"addr\":\"192.168.11.7\",\"port\":31445},\"state\":\"ESTABLISHED\","     \
	"\"answered\":true,\"assured\":true,\"pinned\":false"
#define DEED(what, by)                                                                            \
	"\"deed\":{\"what\":\"" what "\",\"at_us\":4987900000,\"address\":\"192.168.11.100/32\"," \
	"\"device\":\"br-mgmt\"," by "}"
#define KEEPALIVED \
	"\"by\":\"program\",\"comm\":\"keepalived\",\"pid\":812,\"port\":812,\"operation\":\"\""
#define IP_PROGRAM "\"by\":\"program\",\"comm\":\"ip\",\"pid\":4711,\"port\":4711"

/* An end of CAUSE at 4988 s, with MORE. */
static inline json_t *explained(const char *cause, const char *more)
{
	const struct explain_context c = context();
	json_t *end, *item;
	char text[2048];

	snprintf(text, sizeof(text), "{\"at_us\":4988000000,\"cause\":\"%s\"," WHO "%s%s}", cause,
		 *more ? "," : "", more);
	end = json_loads(text, 0, NULL);
	if (!end)
		fail_msg("%s", text);
	item = explain_end(&c, end);
	json_decref(end);
	assert_non_null(item);
	return item;
}

static inline const char *text_in(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static inline const char *line(void *ctx _unused_, const struct conn_record *record _unused_,
			       char buf[CONN_LINE_MAX])
{
	snprintf(buf, CONN_LINE_MAX,
		 "tcp      6 431990 ESTABLISHED src=10.232.1.5 dst=10.232.3.28 sport=33862 "
		 "dport=8899 src=10.232.3.28 dst=192.168.11.7 sport=8899 dport=31445 [ASSURED]");
	return buf;
}

static inline json_t *alive(enum protection p)
{
	static const struct kernel_ops ops = { .ct_line = line };
	struct explain_context c = context();
	const struct kernel k = { .ops = &ops };
	struct conn conn;
	struct tuple t;
	const struct conn_record record = { .conn = &conn };

	memset(&t, 0, sizeof(t));
	memset(&conn, 0, sizeof(conn));
	inet_pton(AF_INET, "10.232.1.5", t.src);
	inet_pton(AF_INET, "10.232.3.28", t.dst);
	t.sport = htons(33862);
	t.dport = htons(8899);
	conn.key = conn_key_make(AF_INET, IPPROTO_TCP, &t, 0, CONN_ZONE_BOTH);
	conn.reply = tuple_invert(&t, IPPROTO_TCP);
	inet_pton(AF_INET, "192.168.11.7", conn.reply.dst);
	conn.reply.dport = htons(31445);
	conn.status = CONN_SRC_NAT_DONE | CONN_SEEN_REPLY;
	conn.tcp_state = CONN_TCP_ESTABLISHED;
	conn.timeout = 431990;
	c.unended = true;
	return explain_alive(&c, &k, &record, "br-mgmt", p);
}

/* ---- what it may be ----------------------------------------------------------------------------
 */

static inline struct explain_facts facts(void)
{
	return (struct explain_facts){
		.notrack = "", .rules_unseen = "", .collision = "", .ipvs = ""
	};
}
