/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/probe_helper.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/abi_ct.h"
#include "kernel/attr.h"
#include "kernel/nft.h"

/* The helpers of the kernel (net/netfilter/nf_conntrack_*.c) but for those that only an
 * expectation begins. */
static const struct {
	const char *name, *module;
	uint8_t l4proto;
} helpers[] = {
	{ "ftp", "nf_conntrack_ftp", IPPROTO_TCP },
	{ "irc", "nf_conntrack_irc", IPPROTO_TCP },
	{ "sane", "nf_conntrack_sane", IPPROTO_TCP },
	{ "pptp", "nf_conntrack_pptp", IPPROTO_TCP },
	{ "Q.931", "nf_conntrack_h323", IPPROTO_TCP },
	{ "RAS", "nf_conntrack_h323", IPPROTO_UDP },
	{ "sip", "nf_conntrack_sip", IPPROTO_UDP },
	{ "tftp", "nf_conntrack_tftp", IPPROTO_UDP },
	{ "amanda", "nf_conntrack_amanda", IPPROTO_UDP },
	{ "snmp", "nf_conntrack_snmp", IPPROTO_UDP },
	{ "netbios-ns", "nf_conntrack_netbios_ns", IPPROTO_UDP },
};

#define PAYLOAD_MAX 64
#define TRIAL_SECONDS 10

/* Loading a module is nothing that a trial may do. */
static bool is_loaded(const char *module)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return access(path, F_OK) == 0;
}

/* An entry between documentation addresses whose source and destination port are translated: then
 * the kernel looks for a helper anew, and by port it finds none (verify.c). */
static struct conn helped(size_t i)
{
	static const uint8_t from[] = { 192, 0, 2, 1 }, to[] = { 198, 51, 100, 1 },
			     as[] = { 203, 0, 113, 1 };
	struct conn c = { .status = CONN_CONFIRMED | CONN_SEEN_REPLY | CONN_ASSURED | CONN_SRC_NAT |
				    CONN_SRC_NAT_DONE | CONN_DST_NAT | CONN_DST_NAT_DONE,
			  .has_helper = true };

	c.key.family = AF_INET;
	c.key.l4proto = helpers[i].l4proto;
	memcpy(c.key.orig.src, from, sizeof(from));
	memcpy(c.key.orig.dst, to, sizeof(to));
	c.key.orig.sport = htons((uint16_t)(40000 + i));
	c.key.orig.dport = htons(50000);
	c.reply = tuple_invert(&c.key.orig, c.key.l4proto);
	memcpy(c.reply.dst, as, sizeof(as));
	c.reply.sport = htons(50001);
	if (c.key.l4proto == IPPROTO_TCP)
		c.tcp_state = CONN_TCP_ESTABLISHED;
	return c;
}

static enum helper_kind try_helper(struct ct *ct, size_t i)
{
	struct conn c = helped(i), found;
	uint8_t payload[PAYLOAD_MAX];
	struct attr_buf b = { .data = payload, .size = sizeof(payload) };
	struct ct_op ops[] = {
		{ .verb = CT_CREATE, .conn = &c, .payload = payload, .timeout = TRIAL_SECONDS },
		{ .verb = CT_GET, .conn = &c, .found = &found },
	};
	size_t nest = buf_nest(&b, CTA_HELP);

	buf_text(&b, CTA_HELP_NAME, helpers[i].name);
	buf_nest_end(&b, nest);
	ops[0].payload_len = (uint16_t)b.len;
	if (ct_batch(ct, ops, ARRAY_SIZE(ops)) < 0 || ops[0].result < 0 || ops[1].result < 0)
		return HELPERS_UNKNOWN;
	return found.has_helper ? HELPERS_KEPT : HELPERS_FORGOTTEN;
}

enum helper_kind probe_helpers(struct ct *ct)
{
	enum helper_kind all = HELPERS_UNKNOWN;

	/* asking for a translation loads NAT, as the trial of a delete does, which is not made
	 * there */
	if (nft_sees_all() && !is_loaded("nf_nat"))
		return all;
	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++) {
		enum helper_kind one =
			is_loaded(helpers[i].module) ? try_helper(ct, i) : HELPERS_UNKNOWN;

		all = MAX(all, one);
	}
	return all;
}
