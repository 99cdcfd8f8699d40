/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/firewall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "cli/firewall_reader.h"

struct firewall_reader *firewall_reader_new(void)
{
	struct firewall_reader *r = calloc(1, sizeof(*r));

	if (r) {
		r->chain = r->map = NO_INDEX;
		firewall_begin(r, "iptables", false);
	}
	return r;
}

struct firewall_reader *firewall_reader_free(struct firewall_reader *r)
{
	if (r) {
		rule_store_done(&r->store);
		free(r->verdicts);
		nat_rules_done(&r->nat);
	}
	free(r);
	return NULL;
}

void firewall_begin(struct firewall_reader *r, const char *program, bool is_nft)
{
	size_t n = strlen(program);

	if (n > 5 && !strcmp(program + n - 5, "-save"))
		n -= 5;
	snprintf(r->maker, sizeof(r->maker), "%.*s", (int)n, program);
	r->program++;
	r->table[0] = '\0';
	r->in_table = r->in_elements = r->is_nat = r->is_legacy = false;
	r->is_nft = is_nft;
	r->depth = 0;
	r->chain = r->map = NO_INDEX;
}

void firewall_left_out(struct firewall_reader *r)
{
	r->store.incomplete = true;
}

bool firewall_is_legacy(const struct firewall_reader *r)
{
	return r->is_legacy;
}

static uint32_t chain_named(struct firewall_reader *r, const char *mark, const char *name,
			    size_t len)
{
	char full[2 * FIREWALL_NAME_MAX + 8];

	if (!len || len >= FIREWALL_NAME_MAX) {
		r->store.incomplete = true;
		return NO_INDEX;
	}
	snprintf(full, sizeof(full), "%s%s/%.*s", mark, r->table, (int)len, name);
	return rule_store_chain(&r->store, full);
}

uint32_t reader_chain(struct firewall_reader *r, const char *name, size_t len)
{
	return chain_named(r, "", name, len);
}

/* A "@" keeps the names of maps apart from those of chains. */
uint32_t reader_map(struct firewall_reader *r, const char *name, size_t len)
{
	return chain_named(r, "@", name, len);
}

bool reader_knows(const struct firewall_reader *r, const struct chain *c)
{
	return c->defined_by == r->program;
}

void reader_masquerade(struct firewall_reader *r, const char *line, bool is_nft, bool random)
{
	r->found.random += random;
	if (r->found.masquerades++)
		return;
	snprintf(r->found.masquerade, sizeof(r->found.masquerade), "%s",
		 line + strspn(line, " \t"));
	r->found.masquerade_is_nft = is_nft;
}

void reader_notrack(struct firewall_reader *r, const char *line)
{
	if (!*r->found.notrack)
		snprintf(r->found.notrack, sizeof(r->found.notrack), "%s",
			 line + strspn(line, " \t"));
}

/* "n/inet/masq" -> "inet masq" */
static void reader_nat_table(const struct firewall_reader *r, struct nat_rule *ret)
{
	char *slash;

	ret->part |= strlen(r->table) >= sizeof(ret->table);
	snprintf(ret->table, sizeof(ret->table), "%.*s", (int)sizeof(ret->table) - 1, r->table + 2);
	slash = strchr(ret->table, '/');
	if (slash)
		*slash = ' ';
}

static void reader_nat_chain(const struct firewall_reader *r, struct nat_rule *ret)
{
	const struct chain *c;
	const char *name;

	if (r->chain == NO_INDEX) {
		ret->part = true;
		return;
	}
	c = &r->store.chains[r->chain];
	name = c->name + strlen(r->table) + 1;
	ret->part |= strlen(name) >= sizeof(ret->chain);
	snprintf(ret->chain, sizeof(ret->chain), "%.*s", (int)sizeof(ret->chain) - 1, name);
	/* its own chains have capitals, and only chains with a hook are known not to be its own */
	ret->of_iptables = r->is_of_iptables && (!c->is_nat || (*name >= 'A' && *name <= 'Z'));
}

void reader_nat(struct firewall_reader *r, const char *line, const struct word *name,
		bool masquerades)
{
	struct nat_rule rule = { .families = (uint8_t)r->families, .masquerades = masquerades };

	snprintf(rule.program, sizeof(rule.program), "%s", name ? r->maker : "nft");
	reader_nat_table(r, &rule);
	if (name) {
		rule.part = name->len >= sizeof(rule.chain);
		snprintf(rule.chain, sizeof(rule.chain), "%.*s",
			 (int)MIN(name->len, sizeof(rule.chain) - 1), name->p);
	} else {
		reader_nat_chain(r, &rule);
		rule.part |= r->depth != 2 || r->is_odd || r->is_odd_chain;
		rule.owned = r->is_owned;
	}
	if (!nat_rules_add(&r->nat, &rule, line))
		r->store.incomplete = true;
}

void firewall_reader_nat(struct firewall_reader *r, struct nat_rules *ret)
{
	*ret = r->nat;
	r->nat = (struct nat_rules){ .n = 0 };
}

void firewall_reader_result(struct firewall_reader *r, struct firewall *ret)
{
	size_t i;

	/* a rule that nft left out could be anything, unless iptables-save has printed it */
	if (!r->reads_iptables)
		r->found.unprinted = 0;
	if (r->found.unprinted)
		r->store.incomplete = true;
	*ret = r->found;
	for (i = 0; i < FIREWALL_FAMILIES; i++)
		rule_store_judge(&r->store, (enum firewall_family)i, &ret->invalid[i]);
	ret->incomplete = r->store.incomplete && !ret->unprinted;
}
