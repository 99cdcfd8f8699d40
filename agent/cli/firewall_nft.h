/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule of nft while it is read. Private to cli/firewall_nft*.c. */
#pragma once

#include "cli/firewall_reader.h"

#define ALONE "{},()"

struct rule_text {
	struct firewall_reader *reader;
	const char *at;
	struct rule rule;
};

/* Read a verdict: "accept", "jump NAME". If there is one at *AT, returns true, fills RET and
 * moves *AT behind it. */
bool nft_verdict(struct firewall_reader *r, const char **at, struct rule *ret);

/* Add a rule for each element of a map. LIST is "@NAME", or the text inside its braces, up to
 * END. */
void nft_add_by_map(struct rule_text *t, enum map_key key, const char *list, const char *end);

/* Take the condition that begins with W. After one that is not understood the rule may or may not
 * match. Returns true if the rule ends here and has been added. */
bool nft_condition(struct rule_text *t, const struct word *w);

static inline struct word nft_next(struct rule_text *t)
{
	return word_next(&t->at, ALONE);
}

static inline struct word nft_peek(const struct rule_text *t)
{
	return word_peek(t->at, ALONE);
}

/* Skip the next word if it is WORD. Returns whether it was. */
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
