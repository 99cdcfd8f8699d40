/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which connections are meant: from filter words, or from a tuple in any notation that people have
 * at hand. Parts that were not said match everything. */
#pragma once

#include "base/addr.h"
#include "base/conn.h"
#include "base/text.h"

enum pattern_part {
	PATTERN_PROTO = 1 << 0,
	PATTERN_SRC = 1 << 1,
	PATTERN_DST = 1 << 2,
	PATTERN_SPORT = 1 << 3, /* of ICMP: the id */
	PATTERN_DPORT = 1 << 4,
	PATTERN_MARK = 1 << 5,
	PATTERN_ZONE = 1 << 6,
};

/* Ports in host order, both included. */
struct pattern_ports {
	uint16_t first, last;
};

/* Initially zero: matches everything. */
struct pattern {
	unsigned parts; /* enum pattern_part */
	/* It may be how either host sees it, before or after translation. Otherwise it is the
	 * original direction, as the words of conntrack(8) are. */
	bool any_side;
	uint8_t l4proto;
	uint16_t zone;
	uint32_t mark, mask;
	struct prefix src, dst;
	struct pattern_ports sport, dport;
};

/* Longest tuple that is read; lines of ss and tcpdump may be cut there. */
#define PATTERN_TEXT_MAX 2048

/* Read filter words, each once at most: proto NAME|N, src ADDR[/LEN], dst ADDR[/LEN],
 * sport N[-N], dport N[-N], mark N[/MASK] (decimal or 0x…), zone N. 0 or -EINVAL. */
int pattern_words(struct pattern *ret, int argc, char *const argv[],
		  struct request_error *ret_error);

/* Read one of them into P, which has it not yet; VALUE may be NULL. 0 or -EINVAL. */
int pattern_apply(struct pattern *p, const char *word, const char *value,
		  struct request_error *ret_error);

/* Whether the parts of P go together: 0 or -EINVAL. */
int pattern_check(const struct pattern *p, struct request_error *ret_error);

/* The number of the protocol NAME, in small letters, or -EINVAL. */
int pattern_proto(const char *name);

/* The words, the I-th; NULL after the last. */
const char *pattern_word(size_t i);

/* Read a tuple: "[PROTO] SRC[:PORT] [DST[:PORT]]", or a line that conntrack -L (or -E),
 * ss -tn, netstat -tn or tcpdump -n has printed, iptables' LOG has logged, or vipsafe itself
 * ("A:P -> B:P as C:P"). What stands before and behind in such a line is passed over. 0 or
 * -EINVAL. */
int pattern_tuple(struct pattern *ret, const char *text, struct request_error *ret_error);

/* P as the words that pattern_words() reads. Returns BUF. */
#define PATTERN_WORDS_MAX 256
const char *pattern_format(const struct pattern *p, char buf[PATTERN_WORDS_MAX]);

/* TEXT with each IPv6 address that may have a port behind it without brackets, as "fd00::1:80",
 * read so:
 * "[fd00::1]:80". False: there is none. What is too long for BUF is cut. */
bool pattern_tuple_ports(const char *text, char *buf, size_t size);

/* Whether C, which has MARK, is meant. */
bool pattern_matches(const struct pattern *p, const struct conn *c, uint32_t mark);
