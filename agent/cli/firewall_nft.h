/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule as nft prints it, while it is read. Private to cli/firewall_nft*.c. */
#pragma once

#include "cli/firewall_reader.h"

#define ALONE "{},()"

struct rule_text {
	struct firewall_reader *reader;
	const char *at;
	struct rule rule;
};

/* "accept", "jump NAME": true if the words at *AT are a verdict, which RET then has,
 * and *AT stands behind it. */
bool nft_verdict(struct firewall_reader *r, const char **at, struct rule *ret);

/* Add a rule for each element of the map LIST: what stands in its braces, up to END, or
 * "@NAME". */
void nft_add_by_map(struct rule_text *t, enum map_key key, const char *list, const char *end);

/* The condition that begins with W. What is not understood may or may not be one, and
 * makes the rule one that may or may not be about the packet. Returns true if the rule
 * ends with it, having been added. */
bool nft_condition(struct rule_text *t, const struct word *w);

static inline struct word nft_next(struct rule_text *t)
{
	return word_next(&t->at, ALONE);
}

static inline struct word nft_peek(const struct rule_text *t)
{
	return word_peek(t->at, ALONE);
}

/* Go on if WORD is next. */
static inline bool nft_takes(struct rule_text *t, const char *word)
{
	struct word w = nft_peek(t);

	if (w.quoted || !word_is(&w, word))
		return false;
	nft_next(t);
	return true;
}

static inline void nft_narrow(struct rule_text *t, enum rule_match m)
{
	t->rule.match = (uint8_t)match_both((enum rule_match)t->rule.match, m);
}
