/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the output of "nft list ruleset": tables with maps and chains. */
#include "cli/firewall_nft.h"

#include <stdio.h>
#include <string.h>

#include <vipsafe/base.h>

/* Characters that are words of their own outside of rules. */
#define MARKS "{},;"

static unsigned families_of(const struct word *family)
{
	if (word_is(family, "ip"))
		return FAMILY_BIT(FIREWALL_IPV4);
	if (word_is(family, "ip6"))
		return FAMILY_BIT(FIREWALL_IPV6);
	return word_is(family, "inet") ? FAMILY_BITS : 0;
}

/* Whether iptables-nft may have made the table. */
static bool is_of_iptables(const char *table)
{
	static const char *const names[] = { "nat", "filter", "mangle", "raw", "security" };
	const char *name = strrchr(table, '/') + 1;
	size_t i;

	if (strncmp(table, "n/ip/", 5) != 0 && strncmp(table, "n/ip6/", 6) != 0)
		return false;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* "table ip filter {" */
static void firewall_nft_take_table(struct firewall_reader *r, const char *at)
{
	struct word family = word_next(&at, MARKS), name = word_next(&at, MARKS);
	struct word brace = word_next(&at, MARKS);

	r->in_table = name.len > 0;
	r->families = families_of(&family);
	snprintf(r->table, sizeof(r->table), "n/%.*s/%.*s", (int)MIN(family.len, (size_t)16),
		 family.p, (int)MIN(name.len, (size_t)200), name.p);
	r->is_owned = false;
	r->is_of_iptables = is_of_iptables(r->table);
	r->is_odd = !word_is(&brace, "{");
	r->is_ours = name.len >= 7 && !memcmp(name.p, "vipsafe", 7);
	r->found.ours += r->is_ours;
	r->chain = r->map = NO_INDEX;
}

/* Begin a chain; one that iptables-save has printed is skipped. */
static void firewall_nft_take_chain(struct firewall_reader *r, const char *at)
{
	struct word name = word_next(&at, MARKS), brace = word_next(&at, MARKS);
	struct chain *c;

	r->map = NO_INDEX;
	r->is_odd_chain = !word_is(&brace, "{");
	r->chain = reader_chain(r, name.p, name.len);
	if (r->chain == NO_INDEX)
		return;
	c = &r->store.chains[r->chain];
	if (!c->defined_by) {
		c->defined_by = r->program;
		c->families = (uint8_t)r->families;
		c->by_nft = true;
		r->reads_iptables |= r->is_of_iptables;
	}
	if (!reader_knows(r, c))
		r->chain = NO_INDEX;
}

static void take_map(struct firewall_reader *r, const char *at)
{
	struct word name = word_next(&at, MARKS);

	r->chain = NO_INDEX;
	r->map_key = KEY_OTHER;
	r->map = reader_map(r, name.p, name.len);
}

/* "type filter hook input priority filter; policy drop;" */
static void take_hook(struct firewall_reader *r, const char *at)
{
	static const struct {
		const char *name;
		enum chain_hook hook;
	} hooks[] = { { "prerouting", HOOK_PREROUTING },
		      { "input", HOOK_INPUT },
		      { "forward", HOOK_FORWARD } };
	struct chain *c = &r->store.chains[r->chain];
	struct word w = word_next(&at, MARKS);
	size_t i;

	c->is_nat = word_is(&w, "nat");
	for (w = word_next(&at, MARKS); w.len; w = word_next(&at, MARKS)) {
		if (word_is(&w, "hook")) {
			w = word_next(&at, MARKS);
			for (i = 0; i < ARRAY_SIZE(hooks); i++)
				if (word_is(&w, hooks[i].name))
					c->hook = (uint8_t)hooks[i].hook;
		} else if (word_is(&w, "policy")) {
			w = word_next(&at, MARKS);
			c->policy_drops = word_is(&w, "drop");
		}
	}
}

/* "type ct_state : verdict" */
static void take_map_type(struct firewall_reader *r, const char *at)
{
	struct word key = word_next(&at, MARKS), colon = word_next(&at, MARKS);

	if (!word_is(&colon, ":")) /* several fields */
		return;
	if (word_is(&key, "ct_state"))
		r->map_key = KEY_STATE;
	else if (word_is(&key, "inet_proto"))
		r->map_key = KEY_PROTOCOL;
	else if (word_is(&key, "ifname") || word_is(&key, "iface_index"))
		r->map_key = KEY_DEVICE;
}

static void take_map_line(struct firewall_reader *r, const char *line)
{
	const char *at = line, *open = strchr(line, '{');
	struct word w = word_next(&at, MARKS);

	if (r->in_elements) {
		firewall_nft_elements(r, line);
	} else if (word_is(&w, "elements") && open) {
		r->in_elements = true;
		firewall_nft_elements(r, open + 1);
	} else if (word_is(&w, "type")) {
		take_map_type(r, at);
	}
}

static void take_chain_line(struct firewall_reader *r, const char *line)
{
	const char *at = line;
	struct word w = word_next(&at, MARKS);

	if (word_is(&w, "type")) {
		take_hook(r, at);
	} else if (word_is(&w, "policy")) {
		w = word_next(&at, MARKS);
		r->store.chains[r->chain].policy_drops = word_is(&w, "drop");
	} else if (w.len && *w.p != '#' && *w.p != '}' && !word_is(&w, "comment")) {
		r->found.nft_rules++;
		firewall_nft_rule(r, line);
	}
}

/* The number of braces that LINE opens minus those it closes, without those in quotes. */
static int braces(const char *line)
{
	struct word w;
	int n = 0;

	for (w = word_next(&line, MARKS); w.len || w.quoted; w = word_next(&line, MARKS))
		if (!w.quoted && w.len == 1)
			n += (*w.p == '{') - (*w.p == '}');
	return n;
}

/* Take a line that opens something in a table. */
static void take_opening(struct firewall_reader *r, const char *line)
{
	const char *at = line;
	struct word w = word_next(&at, MARKS);

	r->chain = r->map = NO_INDEX;
	if (word_is(&w, "chain"))
		firewall_nft_take_chain(r, at);
	else if (word_is(&w, "map"))
		take_map(r, at);
	else if (word_is(&w, "flowtable"))
		r->found.offloads = true;
	else if (word_is(&w, "flags") && strstr(line, "dormant"))
		r->families = 0; /* its chains see no packet */
	else if (word_is(&w, "flags") && strstr(line, "owner"))
		r->is_owned = true;
}

void firewall_nft_line(struct firewall_reader *r, const char *line)
{
	const char *p = line + strspn(line, " \t"), *at = p;
	struct word first = word_next(&at, MARKS);
	unsigned depth = r->depth;
	int n;

	if (!first.len || *p == '#')
		return;
	if (*line == *p && word_is(&first, "table")) {
		firewall_nft_take_table(r, at);
		r->depth = 1;
		r->in_elements = false;
		return;
	}
	if (!r->in_table)
		return;
	n = braces(p);
	r->depth = n < 0 && (unsigned)-n > depth ? 0 : depth + (unsigned)n;
	if (r->is_ours)
		return;
	if (depth <= 1)
		take_opening(r, p);
	else if (r->chain != NO_INDEX && depth == 2)
		take_chain_line(r, p);
	else if (r->chain != NO_INDEX)
		firewall_nft_uses(r, p); /* in an anonymous chain */
	else if (r->map != NO_INDEX)
		take_map_line(r, p);
	if (r->depth <= 2)
		r->in_elements = false;
}

void firewall_nft_complaint(struct firewall_reader *r, const char *line)
{
	if (strstr(line, "XT ") && strstr(line, "not found"))
		r->found.unprinted++;
}
