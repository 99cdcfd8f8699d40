/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/firewall_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void rule_store_done(struct rule_store *s)
{
	size_t i;

	for (i = 0; i < s->n_chains; i++)
		free(s->chains[i].name);
	free(s->chains);
	free(s->rules);
	hash_done(&s->by_name);
	*s = (struct rule_store){ .n_chains = 0 };
}

static uint32_t chain_hash(const char *name)
{
	return hash_bytes(0, name, strlen(name));
}

static uint32_t chain_item_hash(const void *ud, uint32_t i)
{
	const struct rule_store *s = ud;

	return chain_hash(s->chains[i].name);
}

uint32_t rule_store_chain(struct rule_store *s, const char *name)
{
	uint32_t hash = chain_hash(name), i;
	_cleanup_free_ char *copy = NULL;
	struct chain *c = NULL;
	size_t at;

	for (i = hash_first(&s->by_name, hash, &at); i != HASH_NONE;
	     i = hash_next(&s->by_name, hash, &at))
		if (!strcmp(s->chains[i].name, name))
			return i;
	copy = strdup(name);
	if (copy && s->n_chains < NO_INDEX &&
	    hash_reserve(&s->by_name, s->n_chains + 1, chain_item_hash, s) == 0)
		c = array_append(&s->chains, &s->n_chains, sizeof(*c));
	if (!c) {
		s->incomplete = true;
		return NO_INDEX;
	}
	*c = (struct chain){ .name = TAKE_PTR(copy), .first = NO_INDEX, .last = NO_INDEX };
	i = (uint32_t)s->n_chains - 1;
	hash_put(&s->by_name, hash, i);
	return i;
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
