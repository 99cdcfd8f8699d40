/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdict maps of nft. */
#include "cli/firewall_nft.h"

#include <stdlib.h>

#include <vipsafe/base.h>

#include "base/array.h"

bool nft_verdict(struct firewall_reader *r, const char **at, struct rule *ret)
{
	const char *p = *at;
	struct word w = word_next(&p, ALONE), target;

	ret->target = NO_INDEX;
	if (w.quoted)
		return false;
	if (word_is(&w, "accept")) {
		ret->verdict = VERDICT_ACCEPT;
	} else if (word_is(&w, "drop")) {
		ret->verdict = VERDICT_DROP;
	} else if (word_is(&w, "return")) {
		ret->verdict = VERDICT_RETURN;
	} else if (word_is(&w, "continue")) {
		ret->verdict = VERDICT_NONE;
	} else if (word_is(&w, "queue")) {
		ret->verdict = VERDICT_UNKNOWN;
	} else if (word_is(&w, "jump") || word_is(&w, "goto")) {
		ret->verdict = word_is(&w, "goto") ? VERDICT_GOTO : VERDICT_JUMP;
		target = word_next(&p, ALONE);
		if (target.len == 1 && *target.p == '{') /* an anonymous chain */
			ret->verdict = VERDICT_UNKNOWN;
		else
			ret->target = reader_chain(r, target.p, target.len);
	} else {
		return false;
	}
	*at = p;
	return true;
}

static enum rule_match key_match(enum map_key key, const struct word *w)
{
	switch (key) {
	case KEY_STATE:
		return packet_state(w);
	case KEY_PROTOCOL:
		return packet_protocol(w);
	case KEY_DEVICE:
		return packet_device(w);
	case KEY_OTHER:
		break;
	}
	return MATCH_MAYBE;
}

/* Read an element "KEY [. KEY…] [comment "…"] : VERDICT", up to the comma. Returns false if
 * there is none. */
static bool take_element(struct firewall_reader *r, enum map_key key, const char **at,
			 struct rule *ret)
{
	struct word first = word_next(at, ALONE), w = first;

	*ret = (struct rule){ .match = MATCH_NEVER, .target = NO_INDEX };
	while (w.len == 1 && *w.p == ',' && !w.quoted)
		first = w = word_next(at, ALONE);
	if ((!w.len && !w.quoted) || (!w.quoted && *w.p == '}'))
		return false;
	while (w.quoted || (w.len && !word_is(&w, ":") && *w.p != ',' && *w.p != '}'))
		w = word_next(at, ALONE);
	ret->by_state = key == KEY_STATE;
	if (word_is(&w, ":") && nft_verdict(r, at, ret))
		ret->match = (uint8_t)key_match(key, &first);
	return true;
}

void firewall_nft_elements(struct firewall_reader *r, const char *line)
{
	struct map_verdict *place;
	struct rule one;
	size_t i;

	while (take_element(r, r->map_key, &line, &one)) {
		struct map_verdict v = { r->map, one.match, one.verdict, one.by_state, one.target };

		for (i = r->n_verdicts; i > 0 && r->verdicts[i - 1].map == r->map; i--) {
			const struct map_verdict *known = &r->verdicts[i - 1];

			if (known->match == v.match && known->verdict == v.verdict &&
			    known->target == v.target)
				break;
		}
		if (one.match == MATCH_NEVER || (i > 0 && r->verdicts[i - 1].map == r->map))
			continue;
		place = array_append(&r->verdicts, &r->n_verdicts, sizeof(*place));
		if (!place) {
			r->store.incomplete = true;
			return;
		}
		*place = v;
	}
}

void nft_add_by_map(struct rule_text *t, enum map_key key, const char *list, const char *end)
{
	struct firewall_reader *r = t->reader;
	struct rule one;
	const char *at = list;
	struct word name;
	uint32_t map;
	size_t i;

	if (*at != '@') {
		while (at < end && take_element(r, key, &at, &one)) {
			one.match = (uint8_t)match_both((enum rule_match)one.match,
							(enum rule_match)t->rule.match);
			one.families = t->rule.families;
			one.by_mark = t->rule.by_mark;
			one.mark = t->rule.mark;
			one.by_state |= t->rule.by_state;
			rule_store_add(&r->store, r->chain, &one);
		}
		return;
	}
	name = word_peek(at + 1, ALONE);
	map = reader_map(r, name.p, name.len);
	for (i = 0; i < r->n_verdicts; i++) {
		const struct map_verdict *v = &r->verdicts[i];

		if (v->map != map)
			continue;
		one = t->rule;
		one.match = (uint8_t)match_both((enum rule_match)v->match,
						(enum rule_match)t->rule.match);
		one.verdict = v->verdict;
		one.target = v->target;
		one.by_state |= v->by_state;
		rule_store_add(&r->store, r->chain, &one);
	}
}
