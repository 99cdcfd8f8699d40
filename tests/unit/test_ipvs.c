/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells of IPVS, of sockets and of local ports, read from
 * messages that libnl has written and from lines as the kernel writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>

#include <linux/genetlink.h>
#include <linux/inet_diag.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "base/ports.h"
#include "kernel/ipvs.h"
#include "kernel/ipvsconn.h"
#include "kernel/sockets.h"

/* later than the oldest headers this is built with (Linux 3.10) */
#define IPVS_DEST_ATTR_ADDR_FAMILY 11
#define IPVS_DEST_ATTR_TUN_TYPE 13

#define FAMILY 29 /* any that generic netlink may give */

static uint8_t buf[512] __attribute__((aligned(8)));

static struct nl_msg *answer(uint16_t type, uint8_t cmd)
{
	struct genlmsghdr genl = { .cmd = cmd, .version = 1 };
	struct nl_msg *m = nlmsg_alloc_simple(type, 0);

	assert_non_null(m);
	assert_int_equal(nlmsg_append(m, &genl, sizeof(genl), NLMSG_ALIGNTO), 0);
	return m;
}

static void put_addr(struct nl_msg *m, int type, const char *text)
{
	uint8_t bytes[16] = { 0 };

	assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, bytes), 1);
	assert_int_equal(nla_put(m, type, sizeof(bytes), bytes), 0);
}

/* A service with all there is. */
static struct nl_msg *service_message(void)
{
	struct nl_msg *m = answer(FAMILY, IPVS_CMD_NEW_SERVICE);
	struct ip_vs_flags flags = { .flags = IP_VS_SVC_F_PERSISTENT | IP_VS_SVC_F_HASHED,
				     .mask = UINT32_MAX };
	struct nlattr *svc = nla_nest_start(m, IPVS_CMD_ATTR_SERVICE), *stats;

	nla_put_u16(m, IPVS_SVC_ATTR_AF, AF_INET);
	nla_put_u16(m, IPVS_SVC_ATTR_PROTOCOL, IPPROTO_TCP);
	put_addr(m, IPVS_SVC_ATTR_ADDR, "10.9.9.1");
	nla_put_u16(m, IPVS_SVC_ATTR_PORT, htons(3306));
	nla_put_string(m, IPVS_SVC_ATTR_SCHED_NAME, "wlc");
	nla_put_string(m, IPVS_SVC_ATTR_PE_NAME, "sip");
	nla_put(m, IPVS_SVC_ATTR_FLAGS, sizeof(flags), &flags);
	nla_put_u32(m, IPVS_SVC_ATTR_TIMEOUT, 600);
	nla_put_u32(m, IPVS_SVC_ATTR_NETMASK, inet_addr("255.255.255.0"));
	stats = nla_nest_start(m, IPVS_SVC_ATTR_STATS);
	nla_put_u32(m, IPVS_STATS_ATTR_CONNS, 70000);
	nla_put_u32(m, IPVS_STATS_ATTR_CPS, 51);
	nla_nest_end(m, stats);
	nla_nest_end(m, svc);
	return m;
}

static void reads_a_service(void **state _unused_)
{
	struct nl_msg *m = service_message();
	struct ipvs_service s;
	char text[PREFIX_TEXT_MAX];

	assert_int_equal(ipvscodec_service(nlmsg_hdr(m), FAMILY, &s), 0);
	assert_string_equal(addr_format(&s.addr, text), "10.9.9.1");
	assert_int_equal(s.port, 3306);
	assert_int_equal(s.proto, IPPROTO_TCP);
	assert_int_equal(s.fwmark, 0);
	assert_int_equal(s.flags, IPVS_PERSISTENT | IPVS_HASHED);
	assert_int_equal(s.timeout, 600);
	assert_int_equal(s.netmask, inet_addr("255.255.255.0"));
	assert_int_equal(s.conns_per_second, 51);
	assert_string_equal(s.sched, "wlc");
	assert_string_equal(s.pe, "sip");
	/* of another family, or another command of this one */
	assert_int_equal(ipvscodec_service(nlmsg_hdr(m), FAMILY + 1, &s), -ENOMSG);
	nlmsg_free(m);
	m = answer(FAMILY, IPVS_CMD_NEW_DEST);
	assert_int_equal(ipvscodec_service(nlmsg_hdr(m), FAMILY, &s), -ENOMSG);
	nlmsg_free(m);
}

static void reads_a_service_by_mark(void **state _unused_)
{
	struct nl_msg *m = answer(FAMILY, IPVS_CMD_NEW_SERVICE);
	struct nlattr *svc = nla_nest_start(m, IPVS_CMD_ATTR_SERVICE);
	struct ipvs_service s;

	nla_put_u16(m, IPVS_SVC_ATTR_AF, AF_INET6);
	nla_put_u32(m, IPVS_SVC_ATTR_FWMARK, 77);
	nla_nest_end(m, svc);
	assert_int_equal(ipvscodec_service(nlmsg_hdr(m), FAMILY, &s), 0);
	assert_int_equal(s.fwmark, 77);
	assert_int_equal(s.addr.family, AF_INET6);
	assert_int_equal(s.port + s.proto + s.flags + s.timeout, 0);
	assert_string_equal(s.sched, "");
	nlmsg_free(m);
}

static struct nl_msg *dest_message(const char *addr, int family)
{
	struct nl_msg *m = answer(FAMILY, IPVS_CMD_NEW_DEST);
	struct nlattr *dest = nla_nest_start(m, IPVS_CMD_ATTR_DEST);

	put_addr(m, IPVS_DEST_ATTR_ADDR, addr);
	nla_put_u16(m, IPVS_DEST_ATTR_PORT, htons(3269));
	/* connection flags come along in the same number */
	nla_put_u32(m, IPVS_DEST_ATTR_FWD_METHOD, IP_VS_CONN_F_TUNNEL | IP_VS_CONN_F_NOOUTPUT);
	nla_put_u32(m, IPVS_DEST_ATTR_WEIGHT, 5);
	nla_put_u32(m, IPVS_DEST_ATTR_ACTIVE_CONNS, 1);
	nla_put_u32(m, IPVS_DEST_ATTR_INACT_CONNS, 2);
	nla_put_u32(m, IPVS_DEST_ATTR_PERSIST_CONNS, 3);
	if (family)
		nla_put_u16(m, IPVS_DEST_ATTR_ADDR_FAMILY, (uint16_t)family);
	nla_put_u8(m, 13, 1); /* IPVS_DEST_ATTR_TUN_TYPE: gue */
	nla_put_u16(m, 14, htons(6080));
	nla_put_u16(m, 15, 2);
	nla_nest_end(m, dest);
	return m;
}

static void reads_a_real_server(void **state _unused_)
{
	struct ipvs_service six = { .addr.family = AF_INET6 }, four = { .addr.family = AF_INET };
	struct nl_msg *m = dest_message("10.9.2.2", 0);
	char text[PREFIX_TEXT_MAX];
	struct ipvs_dest d;

	/* before Linux 3.18: of the family of the service */
	assert_int_equal(ipvscodec_dest(nlmsg_hdr(m), FAMILY, &four, &d), 0);
	assert_string_equal(addr_format(&d.addr, text), "10.9.2.2");
	assert_int_equal(d.port, 3269);
	assert_int_equal(d.forward, IPVS_TUNNEL);
	assert_int_equal(d.weight, 5);
	assert_int_equal(d.active * 100 + d.inactive * 10 + d.persistent, 123);
	assert_int_equal(d.tun_type, IPVS_TUNNEL_GUE);
	assert_int_equal(d.tun_port, 6080);
	assert_int_equal(d.tun_flags, 2);
	nlmsg_free(m);

	m = dest_message("10.9.2.2", AF_INET);
	assert_int_equal(ipvscodec_dest(nlmsg_hdr(m), FAMILY, &six, &d), 0);
	assert_string_equal(addr_format(&d.addr, text), "10.9.2.2");
	nlmsg_free(m);

	m = dest_message("fd00::2", AF_UNIX);
	assert_int_equal(ipvscodec_dest(nlmsg_hdr(m), FAMILY, &six, &d), -EBADMSG);
	nlmsg_free(m);
}

/* Cut short anywhere, a message is refused or complete; never read beyond. */
static void refuses_what_is_cut(void **state _unused_)
{
	struct nl_msg *m = service_message();
	size_t whole = nlmsg_hdr(m)->nlmsg_len;
	struct ipvs_service s;

	for (size_t len = NLMSG_HDRLEN; len < whole; len++) {
		struct nlmsghdr *cut = test_malloc(len);

		memcpy(cut, nlmsg_hdr(m), len);
		cut->nlmsg_len = (uint32_t)len;
		assert_int_equal(ipvscodec_service(cut, FAMILY, &s), -EBADMSG);
		test_free(cut);
	}
	nlmsg_free(m);
	m = answer(FAMILY, IPVS_CMD_NEW_SERVICE);
	assert_int_equal(ipvscodec_service(nlmsg_hdr(m), FAMILY, &s), -EBADMSG);
	nlmsg_free(m);
}

static void finds_the_family(void **state _unused_)
{
	struct nl_msg *m = answer(GENL_ID_CTRL, CTRL_CMD_NEWFAMILY);
	struct nlmsghdr *nlh = (void *)buf;
	struct nlattr *name;
	uint16_t id = 0;

	nla_put_string(m, CTRL_ATTR_FAMILY_NAME, "IPVS");
	assert_int_equal(ipvscodec_family(nlmsg_hdr(m), &id), -EBADMSG);
	nla_put_u16(m, CTRL_ATTR_FAMILY_ID, FAMILY);
	assert_int_equal(ipvscodec_family(nlmsg_hdr(m), &id), 0);
	assert_int_equal(id, FAMILY);
	nlmsg_free(m);

	assert_true(ipvscodec_find_family(buf, sizeof(buf), 7) > 0);
	assert_int_equal(nlh->nlmsg_type, GENL_ID_CTRL);
	assert_int_equal(nlh->nlmsg_seq, 7);
	name = nlmsg_find_attr(nlh, GENL_HDRLEN, CTRL_ATTR_FAMILY_NAME);
	assert_non_null(name);
	assert_string_equal(nla_get_string(name), "IPVS");
	assert_int_equal(ipvscodec_find_family(buf, 24, 7), -EMSGSIZE);
}

/* What is asked for names the service the way the kernel wants it. */
static void asks_for_real_servers(void **state _unused_)
{
	struct ipvs_service s = { .port = 443, .proto = IPPROTO_TCP };
	struct nlmsghdr *nlh = (void *)buf;
	struct nlattr *tb[IPVS_SVC_ATTR_MAX + 1], *svc;

	assert_int_equal(addr_parse("fd00::1", &s.addr), 0);
	assert_true(ipvscodec_list_dests(buf, sizeof(buf), 9, FAMILY, &s) > 0);
	assert_int_equal(nlh->nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
	svc = nlmsg_find_attr(nlh, GENL_HDRLEN, IPVS_CMD_ATTR_SERVICE);
	assert_non_null(svc);
	assert_int_equal(nla_parse_nested(tb, IPVS_SVC_ATTR_MAX, svc, NULL), 0);
	assert_int_equal(nla_get_u16(tb[IPVS_SVC_ATTR_AF]), AF_INET6);
	assert_int_equal(nla_get_u16(tb[IPVS_SVC_ATTR_PROTOCOL]), IPPROTO_TCP);
	assert_int_equal(nla_get_u16(tb[IPVS_SVC_ATTR_PORT]), htons(443));
	assert_memory_equal(nla_data(tb[IPVS_SVC_ATTR_ADDR]), s.addr.bytes, 16);

	s.fwmark = 9;
	assert_true(ipvscodec_list_dests(buf, sizeof(buf), 9, FAMILY, &s) > 0);
	svc = nlmsg_find_attr(nlh, GENL_HDRLEN, IPVS_CMD_ATTR_SERVICE);
	assert_int_equal(nla_parse_nested(tb, IPVS_SVC_ATTR_MAX, svc, NULL), 0);
	assert_int_equal(nla_get_u32(tb[IPVS_SVC_ATTR_FWMARK]), 9);
	assert_null(tb[IPVS_SVC_ATTR_ADDR]);
}

static void reads_connections(void **state _unused_)
{
	struct flow f;
	char text[PREFIX_TEXT_MAX];
	struct addr a;

	assert_int_equal(ipvsconn_parse("Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State     "
					"  Expires PEName PEData\n",
					&f),
			 -EBADMSG);
	assert_int_equal(ipvsconn_parse("TCP 0A090102 F226 0A090901 0CEA 0A090202 0CC5 "
					"ESTABLISHED     899\n",
					&f),
			 0);
	a = addr_make(f.family, f.client);
	assert_string_equal(addr_format(&a, text), "10.9.1.2");
	assert_int_equal(f.cport, 61990);
	a = addr_make(f.family, f.dest);
	assert_string_equal(addr_format(&a, text), "10.9.9.1");
	assert_int_equal(f.dport, 3306);
	assert_string_equal(addr_format(&f.rs, text), "10.9.2.2");
	assert_int_equal(f.rport, 3269);
	assert_int_equal(f.l4proto, IPPROTO_TCP);
	assert_int_equal(f.state, FLOW_ESTABLISHED);
	assert_int_equal(f.origin, FLOW_IPVS);
	assert_true(f.has_rs);
	assert_false(f.pin);
}

static void reads_connections_of_all_kinds(void **state _unused_)
{
	static const struct {
		const char *line;
		int result;
		uint8_t family, state;
		bool pin;
	} cases[] = {
		{ "TCP 0A090102 0000 0A090901 0CEA 0A090202 0CC5 NONE            42\n", 0, AF_INET,
		  FLOW_ESTABLISHED, true },
		{ "IP  0A090102 0000 0000004D 0000 0A090202 0000 NONE            42\n", -ENOMSG },
		{ "UDP 0A090102 F226 0A090901 0035 0A090202 0035 UDP             299 sip "
		  "callid@host\n",
		  0, AF_INET, FLOW_ESTABLISHED },
		{ "TCP 0A090102 F226 0A090901 0CEA 0A090202 0CC5 TIME_WAIT       119\n", 0, AF_INET,
		  FLOW_TIME_WAIT },
		{ "TCP 0A090102 F226 0A090901 0CEA 0A090202 0CC5 CLOSE           9\n", 0, AF_INET,
		  FLOW_CLOSED },
		{ "TCP 0A090102 F226 0A090901 0CEA 0A090202 0CC5 SYN_RECV        59\n", 0, AF_INET,
		  FLOW_OPENING },
		{ "TCP 0A090102 F226 0A090901 0CEA 0A090202 0CC5 FIN_WAIT        59\n", 0, AF_INET,
		  FLOW_CLOSING },
		{ "TCP fd00:0000:0000:0000:0000:0000:0000:0002 F226 "
		  "fd00:0000:0000:0000:0000:0000:0000:0001 01BB "
		  "fd00:0002:0000:0000:0000:0000:0000:0002 20FB ESTABLISHED     899\n",
		  0, AF_INET6, FLOW_ESTABLISHED },
		/* IPv6 to a real server of IPv4: a tunnel */
		{ "TCP fd00:0000:0000:0000:0000:0000:0000:0002 F226 "
		  "fd00:0000:0000:0000:0000:0000:0000:0001 01BB 0A090202 01BB ESTABLISHED     "
		  "899\n",
		  0, AF_INET6, FLOW_ESTABLISHED },
		/* client and VIP of two families */
		{ "TCP 0A090102 F226 fd00:0000:0000:0000:0000:0000:0000:0001 01BB 0A090202 01BB "
		  "ESTABLISHED     899\n",
		  -EBADMSG },
		{ "TCP 0A09010G F226 0A090901 0CEA 0A090202 0CC5 ESTABLISHED     899\n", -EBADMSG },
		{ "TCP 0A090102 F22 0A090901 0CEA 0A090202 0CC5 ESTABLISHED     899\n", -EBADMSG },
		{ "TCP 0A090102 F226 0A090901 0CEA 0A090202", -EBADMSG },
		{ "XYZ 0A090102 F226 0A090901 0CEA 0A090202 0CC5 ESTABLISHED     899\n", -EBADMSG },
		{ "", -EBADMSG },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow f = { 0 };

		assert_int_equal(ipvsconn_parse(cases[i].line, &f), cases[i].result);
		if (cases[i].result < 0)
			continue;
		assert_int_equal(f.family, cases[i].family);
		assert_int_equal(f.state, cases[i].state);
		assert_int_equal(f.pin, cases[i].pin);
	}
}

static void reads_sockets(void **state _unused_)
{
	struct inet_diag_msg m = { .idiag_family = AF_INET,
				   .idiag_state = 1,
				   .idiag_timer = 1,
				   .idiag_retrans = 7,
				   .id = { .idiag_sport = htons(61902),
					   .idiag_dport = htons(3269),
					   .idiag_src = { inet_addr("192.168.11.7"), 77 },
					   .idiag_dst = { inet_addr("10.112.61.163"), 77 } } };
	struct flow_times times;
	struct flow f;

	assert_int_equal(socklist_decode(&m, NULL, IPPROTO_TCP, &f, &times), 0);
	assert_int_equal(f.cport, 61902);
	assert_int_equal(f.dport, 3269);
	assert_int_equal(f.state, FLOW_ESTABLISHED);
	assert_int_equal(f.backoff, 7);
	assert_int_equal(f.origin, FLOW_SOCKET);
	assert_int_equal(f.client[4], 0); /* what lies behind an IPv4 address is no part of it */

	m.idiag_timer = 2; /* keepalive: nothing is waiting for an answer */
	assert_int_equal(socklist_decode(&m, NULL, IPPROTO_TCP, &f, &times), 0);
	assert_int_equal(f.backoff, 0);
	m.id.idiag_dport = 0;
	assert_int_equal(socklist_decode(&m, NULL, IPPROTO_UDP, &f, &times), -ENOMSG);
	m.idiag_family = AF_UNIX;
	assert_int_equal(socklist_decode(&m, NULL, IPPROTO_TCP, &f, &times), -EBADMSG);
}

/* What tcp_info says of a socket that waits; a SYN is no data: its time follows from the timer. */
static void reads_times_of_sockets(void **state _unused_)
{
	struct {
		struct nlattr attr;
		struct tcp_info info;
	} a = { .attr = { .nla_len = sizeof(a), .nla_type = INET_DIAG_INFO },
		.info = { .tcpi_retransmits = 3,
			  .tcpi_rto = 1600000,
			  .tcpi_rtt = 25000,
			  .tcpi_last_data_sent = 700,
			  .tcpi_last_ack_recv = 9000,
			  .tcpi_last_data_recv = 9500 } };
	struct inet_diag_msg m = { .idiag_family = AF_INET,
				   .idiag_state = 1,
				   .idiag_timer = 1,
				   .idiag_expires = 900,
				   .id = { .idiag_dport = htons(80), .idiag_cookie = { 7, 1 } } };
	struct flow_times times;
	struct flow f;

	assert_int_equal(socklist_decode(&m, &a.attr, IPPROTO_TCP, &f, &times), 0);
	assert_ptr_equal(f.times, &times);
	assert_true(times.cookie == (1ULL << 32 | 7));
	assert_int_equal(times.retransmits, 3);
	assert_int_equal(times.sent, 700);
	assert_int_equal(times.acked, 9000);
	assert_int_equal(times.received, 9500);
	assert_int_equal(times.rtt, 25);
	assert_int_equal(times.next, 900);
	m.idiag_state = 2; /* SYN_SENT */
	assert_int_equal(socklist_decode(&m, &a.attr, IPPROTO_TCP, &f, &times), 0);
	assert_int_equal(times.sent, 1600 - 900);
	m.idiag_timer = 2; /* keepalive */
	assert_int_equal(socklist_decode(&m, &a.attr, IPPROTO_TCP, &f, &times), 0);
	assert_int_equal(times.retransmits, 0);
	assert_true(times.next == UINT32_MAX);
	assert_int_equal(times.keepalive, 900);
	assert_false(times.window_probes);
	m.idiag_timer = 4;
	assert_int_equal(socklist_decode(&m, &a.attr, IPPROTO_TCP, &f, &times), 0);
	assert_int_equal(times.keepalive, 0);
	assert_true(times.window_probes);
	a.attr.nla_len = NLA_HDRLEN + 8; /* cut short */
	assert_int_equal(socklist_decode(&m, &a.attr, IPPROTO_TCP, &f, &times), 0);
	assert_null(f.times);
	m.idiag_state = 6; /* TIME_WAIT, of 60 s */
	m.idiag_expires = 50000;
	assert_int_equal(socklist_decode(&m, NULL, IPPROTO_TCP, &f, &times), 0);
	assert_int_equal(f.times->acked, 10000);
	m.idiag_state = 10; /* LISTEN */
	m.id.idiag_dport = 0;
	assert_int_equal(socklist_decode(&m, NULL, IPPROTO_TCP, &f, &times), 0);
	assert_int_equal(f.state, FLOW_LISTENING);
}

static void reads_port_settings(void **state _unused_)
{
	struct ports p;

	memset(&p, 0, sizeof(p));
	assert_int_equal(ports_read_range(&p, "32768\t60999\n"), 0);
	assert_int_equal(ports_read_reserved(&p, "\n"), 0);
	assert_int_equal(ports_count(&p, PORTS_ALL), 28232);
	assert_int_equal(ports_count(&p, PORTS_FIRST_PASS), 14116);
	assert_true(ports_has(&p, 32768) && ports_has(&p, 60999) && !ports_has(&p, 61902));

	assert_int_equal(ports_read_reserved(&p, "22,33000-33009,50000,60999-65535\n"), 0);
	assert_true(ports_is_reserved(&p, 22) && ports_is_reserved(&p, 65535));
	assert_false(ports_has(&p, 33005) || ports_has(&p, 50000) || ports_has(&p, 60999));
	assert_int_equal(ports_count(&p, PORTS_ALL), 28232 - 10 - 1 - 1);
	assert_int_equal(ports_count(&p, PORTS_FIRST_PASS), 14116 - 5 - 1);

	assert_int_equal(ports_read_range(&p, "1024 65535"), 0);
	assert_int_equal(ports_read_reserved(&p, "0-65535"), 0);
	assert_int_equal(ports_count(&p, PORTS_ALL), 0);
	assert_int_equal(ports_read_range(&p, "40000 40000\n"), 0);
	assert_int_equal(ports_read_reserved(&p, ""), 0);
	assert_int_equal(ports_count(&p, PORTS_FIRST_PASS), 1);
}

static void refuses_odd_port_settings(void **state _unused_)
{
	static const char *const ranges[] = { "", "1", "1 x", "60999 32768", "1 65536", "1 2 3" };
	static const char *const lists[] = { "x", "1-", "1,,2", "70000", "1 2", "-1" };
	struct ports p, before;

	memset(&p, 0, sizeof(p));
	assert_int_equal(ports_read_range(&p, "1000 2000"), 0);
	assert_int_equal(ports_read_reserved(&p, "1500"), 0);
	before = p;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		assert_int_equal(ports_read_range(&p, ranges[i]), -EBADMSG);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		assert_int_equal(ports_read_reserved(&p, lists[i]), -EBADMSG);
	assert_memory_equal(&p, &before, sizeof(p));
	/* downwards: none */
	assert_int_equal(ports_read_reserved(&p, "9-1"), 0);
	assert_false(ports_is_reserved(&p, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_service),
		cmocka_unit_test(reads_a_service_by_mark),
		cmocka_unit_test(reads_a_real_server),
		cmocka_unit_test(refuses_what_is_cut),
		cmocka_unit_test(finds_the_family),
		cmocka_unit_test(asks_for_real_servers),
		cmocka_unit_test(reads_connections),
		cmocka_unit_test(reads_connections_of_all_kinds),
		cmocka_unit_test(reads_sockets),
		cmocka_unit_test(reads_times_of_sockets),
		cmocka_unit_test(reads_port_settings),
		cmocka_unit_test(refuses_odd_port_settings),
	};

	return cmocka_run_group_tests_name("ipvs", tests, NULL, NULL);
}
