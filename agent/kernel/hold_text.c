/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_text.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

#define MARK "-m comment --comment \"vipsafe hold\""
#define NOT_PURE_SYN "-m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN"

const struct chains_kind hold_text_chains = {
	.table = "mangle",
	.prefix = HOLD_CHAIN_PREFIX,
	.mark = MARK,
};

bool hold_text_device_ok(const char *device)
{
	size_t i;

	for (i = 0; device[i]; i++)
		if (!(isalnum((unsigned char)device[i]) || strchr("._@-", device[i])))
			return false;
	return i > 0 && device[0] != '-';
}

void hold_text_set(char ret[HOLD_SET_NAME_MAX], int ifindex, uint8_t family)
{
	snprintf(ret, HOLD_SET_NAME_MAX, HOLD_SET_PREFIX "%d-%d", ifindex,
		 family == AF_INET ? 4 : 6);
}

/* The packets to drop; each rule begins with its chain and ends with its mark. */
static size_t put_drops(char *buf, size_t size, int ifindex)
{
	return (size_t)snprintf(buf, size,
				"-A " HOLD_CHAIN_PREFIX "%d -p tcp -m conntrack --ctstate INVALID"
				" " MARK " -j DROP\n"
				"-A " HOLD_CHAIN_PREFIX "%d -p tcp " NOT_PURE_SYN
				" -m conntrack --ctstate NEW " MARK " -j DROP\n",
				ifindex, ifindex);
}

/* VERB and the chain it is about: "-I PREROUTING 1". DIRECTION: "src", of packets by
 * where they came in, or "dst", by where they leave. */
static size_t put_jump(char *buf, size_t size, const char *verb, const char *direction, int ifindex,
		       const char *set)
{
	return (size_t)snprintf(buf, size,
				"%s -p tcp -m set --match-set %s %s,%s " MARK
				" -j " HOLD_CHAIN_PREFIX "%d\n",
				verb, set, direction, direction, ifindex);
}

void hold_text_install(char ret[HOLD_SCRIPT_MAX], int ifindex, uint8_t family)
{
	char set[HOLD_SET_NAME_MAX];
	size_t n, size = HOLD_SCRIPT_MAX;

	hold_text_set(set, ifindex, family);
	/* Under 1200 bytes with the longest names: it always fits. */
	n = (size_t)snprintf(ret, size, "*mangle\n:" HOLD_CHAIN_PREFIX "%d - [0:0]\n", ifindex);
	n += put_drops(ret + n, size - n, ifindex);
	/* first in the chain: a rule that accepts would end it before ours */
	n += put_jump(ret + n, size - n, "-I PREROUTING 1", "src", ifindex, set);
	n += put_jump(ret + n, size - n, "-I FORWARD 1", "dst", ifindex, set);
	n += put_jump(ret + n, size - n, "-I OUTPUT 1", "dst", ifindex, set);
	snprintf(ret + n, size - n, "COMMIT\n");
}

void hold_text_remove(char ret[HOLD_SCRIPT_MAX], int ifindex, uint8_t family)
{
	char set[HOLD_SET_NAME_MAX];
	size_t n, size = HOLD_SCRIPT_MAX;

	hold_text_set(set, ifindex, family);
	n = (size_t)snprintf(ret, size, "*mangle\n");
	n += put_jump(ret + n, size - n, "-D PREROUTING", "src", ifindex, set);
	n += put_jump(ret + n, size - n, "-D FORWARD", "dst", ifindex, set);
	n += put_jump(ret + n, size - n, "-D OUTPUT", "dst", ifindex, set);
	snprintf(ret + n, size - n,
		 "-F " HOLD_CHAIN_PREFIX "%d\n-X " HOLD_CHAIN_PREFIX "%d\nCOMMIT\n", ifindex,
		 ifindex);
}
