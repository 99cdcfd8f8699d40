/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept between the lines of a firewall's programs. Private to cli/firewall*.c. */
#pragma once

#include "cli/firewall_packet.h"
#include "cli/firewall_rules.h"

#define FIREWALL_NAME_MAX 256

/* A verdict of a map of nft; what leads to it does not tell two of them apart. */
struct map_verdict {
	uint32_t map;
	uint8_t match, verdict;
	bool by_state;
	uint32_t target;
};

/* What a condition looks at, and with it a map's keys. */
enum map_key { KEY_OTHER, KEY_STATE, KEY_PROTOCOL, KEY_DEVICE };

struct firewall_reader {
	struct firewall found;
	struct rule_store store;
	uint32_t program; /* that prints: counted */
	char table[FIREWALL_NAME_MAX];
	unsigned families; /* that TABLE is for */
	/* iptables-save */
	bool is_legacy, is_nat;
	/* nft */
	bool in_table, is_ours;
	unsigned depth; /* of braces */
	uint32_t chain; /* whose rules follow, or NO_INDEX */
	uint32_t map;	/* whose elements follow, or NO_INDEX */
	bool in_elements;
	enum map_key map_key;
	bool reads_iptables; /* rules of iptables-nft, which iptables-save has not told of */
	struct map_verdict *verdicts; /* owned */
	size_t n_verdicts;
};

/* Chain NAME, LEN long, of the table that is read; NO_INDEX without memory. */
uint32_t reader_chain(struct firewall_reader *r, const char *name, size_t len);

/* Whether C is told by the program that prints now, not by one before. */
bool reader_knows(const struct firewall_reader *r, const struct chain *c);

void reader_masquerade(struct firewall_reader *r, const char *line, bool is_nft, bool random);

/* Map NAME of the table that is read. */
uint32_t reader_map(struct firewall_reader *r, const char *name, size_t len);

/* Whether it masquerades or uses a flow table. */
void firewall_nft_uses(struct firewall_reader *r, const char *line);

/* A rule of nft, from its first condition on. */
void firewall_nft_rule(struct firewall_reader *r, const char *line);

/* Elements of the map that is read: "invalid : drop, new : jump checks". */
void firewall_nft_elements(struct firewall_reader *r, const char *line);
