/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/cttext.h"

#include <stdio.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#include "kernel/ctcodec.h"

/* Both tuples with IPv6 addresses, and all else that is shown, take 320 bytes. */
#define ENTRY_MAX 1024

/* Tuples are handed over as a message and not one by one: that library has no way to set the
 * translated id of an ICMP query (ATTR_ICMP_ID sets both tuples, src/conntrack/setter.c, 1.0.9).
 * A malformed attribute makes that library call exit() (src/conntrack/parse_mnl.c,
 * abi_breakage()): ctcodec_entry() writes none. */
static bool cttext_render(const struct conn_record *record, char buf[CONN_LINE_MAX])
{
	uint8_t message[ENTRY_MAX] __attribute__((aligned(8)));
	struct nf_conntrack *ct = nfct_new();
	int n = -1;

	if (!ct)
		return false;
	if (ctcodec_entry(message, sizeof(message), record) > 0 &&
	    nfct_nlmsg_parse((const struct nlmsghdr *)(const void *)message, ct) == 0)
		n = nfct_snprintf(buf, CONN_LINE_MAX, ct, NFCT_T_UNKNOWN, NFCT_O_DEFAULT, 0);
	nfct_destroy(ct);
	return n > 0;
}

const char *cttext_line(const struct conn_record *record, char buf[CONN_LINE_MAX])
{
	if (!cttext_render(record, buf))
		conn_format(record->conn, buf);
	return buf;
}
