/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/firewall_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define FIRST_CAP 64

void rule_store_done(struct rule_store *s)
{
	size_t i;

	for (i = 0; i < s->n_chains; i++)
		free(s->chains[i].name);
	free(s->chains);
	free(s->rules);
	free(s->slots);
	*s = (struct rule_store){ .n_chains = 0 };
}

static uint32_t name_hash(const char *name)
{
	uint32_t h = 2166136261U;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619U;
	return h;
}

/* The slot with the chain NAME, or the free slot for it. */
static uint32_t *rules_slot_of(const struct rule_store *s, const char *name)
{
	size_t i = name_hash(name) & (s->n_slots - 1);

	while (s->slots[i] != NO_INDEX && strcmp(s->chains[s->slots[i]].name, name) != 0)
		i = (i + 1) & (s->n_slots - 1);
	return &s->slots[i];
}

/* Make room for one more chain; at least half of the slots stay free. */
static bool chains_grow(struct rule_store *s)
{
	size_t cap = s->cap_chains ? 2 * s->cap_chains : FIRST_CAP, i;
	struct chain *chains;
	uint32_t *slots;

	if (s->n_chains < s->cap_chains)
		return true;
	if (cap >= NO_INDEX / 4)
		return false;
	slots = malloc(2 * cap * sizeof(*slots));
	if (!slots)
		return false;
	chains = realloc(s->chains, cap * sizeof(*chains));
	if (!chains) {
		free(slots);
		return false;
	}
	free(s->slots);
	s->chains = chains;
	s->cap_chains = cap;
	s->slots = slots;
	s->n_slots = 2 * cap;
	memset(slots, 0xff, s->n_slots * sizeof(*slots)); /* NO_INDEX */
	for (i = 0; i < s->n_chains; i++)
		*rules_slot_of(s, s->chains[i].name) = (uint32_t)i;
	return true;
}

uint32_t rule_store_chain(struct rule_store *s, const char *name)
{
	struct chain *c;
	char *copy;

	if (s->n_slots) {
		uint32_t known = *rules_slot_of(s, name);

		if (known != NO_INDEX)
			return known;
	}
	copy = strdup(name);
	if (!copy || !chains_grow(s)) {
		free(copy);
		s->incomplete = true;
		return NO_INDEX;
	}
	c = &s->chains[s->n_chains];
	*c = (struct chain){ .name = copy, .first = NO_INDEX, .last = NO_INDEX };
	*rules_slot_of(s, name) = (uint32_t)s->n_chains;
	return (uint32_t)s->n_chains++;
}

void rule_store_add(struct rule_store *s, uint32_t chain, const struct rule *r)
{
	struct rule *one = NULL;
	struct chain *c;
	uint32_t at;

	if (r->match == MATCH_NEVER || r->verdict == VERDICT_NONE)
		return; /* it does not affect the packet */
	if (chain != NO_INDEX && s->n_rules < NO_INDEX)
		one = array_append(&s->rules, &s->n_rules, sizeof(*one));
	if (!one) {
		s->incomplete = true;
		return;
	}
	at = (uint32_t)(s->n_rules - 1);
	*one = *r;
	one->next = NO_INDEX;
	c = &s->chains[chain];
	if (c->last == NO_INDEX)
		c->first = at;
	else
		s->rules[c->last].next = at;
	c->last = at;
}
