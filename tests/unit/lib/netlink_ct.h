/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries as a fake netlink kernel tells them, and who is told of them. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/abi_ct.h"
#include "kernel/attr.h"
#include "kernel/ct.h"
#include "kernel/ctcodec.h"
#include "fake_netlink.h"

#define CT_MESSAGE(type) (NFNL_SUBSYS_CTNETLINK << 8 | (type))

int __wrap_os_read_sysctl(const char *name, uint32_t *ret);

static int usage_error, max_error;
static uint32_t n_entries, events_mode;

int __wrap_os_read_sysctl(const char *name, uint32_t *ret)
{
	bool is_max = strstr(name, "_max");

	*ret = strstr(name, "_events") ? events_mode : is_max ? 65536 : n_entries;
	return is_max ? max_error : usage_error;
}

/* A connection from a port to 198.51.100.TO, not translated. */
static inline struct conn flow(uint16_t port, uint8_t to)
{
	const uint8_t src[4] = { 192, 0, 2, 1 }, dst[4] = { 198, 51, 100, to };
	struct conn c;

	memset(&c, 0, sizeof(c));
	c.key.family = AF_INET;
	c.key.l4proto = IPPROTO_TCP;
	memcpy(c.key.orig.src, src, sizeof(src));
	memcpy(c.key.orig.dst, dst, sizeof(dst));
	c.key.orig.sport = htons(port);
	c.key.orig.dport = htons(3306);
	c.reply = tuple_invert(&c.key.orig, c.key.l4proto);
	c.status = CONN_CONFIRMED | CONN_SEEN_REPLY | CONN_ASSURED;
	c.tcp_state = CONN_TCP_ESTABLISHED;
	return c;
}

static inline struct nlmsghdr *say_entry(const struct nlmsghdr *request, const struct conn *c)
{
	static uint8_t data[1024] __attribute__((aligned(8)));
	const struct ct_create create = { .conn = c, .timeout = 100 };

	assert_in_range(ctcodec_create(data, sizeof(data), 0, 0, &create), 1, sizeof(data));
	return netlink_say_whole(request, data);
}

/* Entries that cannot be read: cut, and without tuples. */
static inline void say_damaged(const struct nlmsghdr *request)
{
	const struct nfgenmsg nfg = { .nfgen_family = AF_INET };

	netlink_say(request, CT_MESSAGE(IPCTNL_MSG_CT_NEW), 0, &nfg, 2);
	netlink_say(request, CT_MESSAGE(IPCTNL_MSG_CT_NEW), 0, &nfg, sizeof(nfg));
}

static unsigned n_seen; /* sum of the last bytes of where they lead */
static int sink_returns;

static inline int see(void *ud _unused_, const struct conn_record *record)
{
	n_seen += record->conn->key.orig.dst[3];
	return sink_returns;
}

static struct fake_netlink *net;
