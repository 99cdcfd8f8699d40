/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/firewall.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#define CHAIN_MAX 64
#define JUMPS_MAX 1024
#define INVALIDS_MAX 64
#define DEPTH_MAX 16 /* the kernel's own limit on jumps */

/* Chains are told apart by name and table. */
struct chain {
	char name[CHAIN_MAX];
};

struct firewall_reader {
	struct firewall found;
	char table[CHAIN_MAX];
	struct chain chain; /* nft: whose rules follow */
	bool skip;	    /* nft: a table that iptables-save tells of */
	bool skip_next;
	bool in_table, in_chain, is_ours;
	bool is_legacy; /* iptables-save: its rules are not those of nftables */
	struct {
		struct chain from, to;
	} jumps[JUMPS_MAX];
	size_t n_jumps;
	struct chain invalids[INVALIDS_MAX]; /* chains that drop what is invalid */
	size_t n_invalids;
};

struct firewall_reader *firewall_reader_new(void)
{
	return calloc(1, sizeof(struct firewall_reader));
}

struct firewall_reader *firewall_reader_free(struct firewall_reader *r)
{
	free(r);
	return NULL;
}

/* ---- words ------------------------------------------------------------------------------ */

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

/* Whether WORD is one of the words of LINE. */
static bool has_word(const char *line, const char *word)
{
	size_t len = strlen(word);
	const char *p;

	for (p = skip_space(line); *p; p = skip_space(p)) {
		size_t n = strcspn(p, " \t");

		if (n == len && !memcmp(p, word, len))
			return true;
		p += n;
	}
	return false;
}

/* The word after WORD, of LEN characters, or NULL. */
static const char *after_word(const char *line, const char *word, size_t *ret_len)
{
	size_t len = strlen(word);
	const char *p;

	for (p = skip_space(line); *p; p = skip_space(p)) {
		size_t n = strcspn(p, " \t");
		bool found = n == len && !memcmp(p, word, len);

		p = skip_space(p + n);
		if (found) {
			*ret_len = strcspn(p, " \t");
			return *ret_len ? p : NULL;
		}
	}
	return NULL;
}

static struct chain chain_of(const char *table, const char *name, size_t len)
{
	struct chain c;

	snprintf(c.name, sizeof(c.name), "%.30s/%.*s", table, (int)MIN(len, (size_t)31), name);
	return c;
}

/* ---- what rules do ------------------------------------------------------------------------- */

static void add_jump(struct firewall_reader *r, const struct chain *from, const struct chain *to)
{
	if (r->n_jumps == JUMPS_MAX)
		return;
	r->jumps[r->n_jumps].from = *from;
	r->jumps[r->n_jumps++].to = *to;
}

static void add_invalid(struct firewall_reader *r, const struct chain *in)
{
	if (r->n_invalids < INVALIDS_MAX)
		r->invalids[r->n_invalids++] = *in;
}

static void add_masquerade(struct firewall_reader *r, const char *line, bool is_nft, bool random)
{
	r->found.random += random;
	if (r->found.masquerades++)
		return;
	snprintf(r->found.masquerade, sizeof(r->found.masquerade), "%s", skip_space(line));
	r->found.masquerade_is_nft = is_nft;
}

static bool drops_itself(const struct firewall_reader *r, const struct chain *c)
{
	size_t i;

	for (i = 0; i < r->n_invalids; i++)
		if (!strcmp(r->invalids[i].name, c->name))
			return true;
	return false;
}

/* Whether a packet comes from START to C by one of the jumps TAKEN. */
static bool is_reached(const struct firewall_reader *r, const bool *taken,
		       const struct chain *start, const struct chain *c)
{
	size_t i;

	if (!strcmp(start->name, c->name))
		return true;
	for (i = 0; i < r->n_jumps; i++)
		if (taken[i] && !strcmp(r->jumps[i].to.name, c->name))
			return true;
	return false;
}

/* In START, or where it comes to from there. */
static bool drops_invalid(const struct firewall_reader *r, const struct chain *start)
{
	bool taken[JUMPS_MAX] = { false }, more = true;
	int depth;
	size_t i;

	if (drops_itself(r, start))
		return true;
	for (depth = 0; depth < DEPTH_MAX && more; depth++) {
		more = false;
		for (i = 0; i < r->n_jumps; i++) {
			if (taken[i] || !is_reached(r, taken, start, &r->jumps[i].from))
				continue;
			if (drops_itself(r, &r->jumps[i].to))
				return true;
			taken[i] = more = true;
		}
	}
	return false;
}

/* ---- iptables-save -------------------------------------------------------------------------- */

static void iptables_rule(struct firewall_reader *r, const char *line)
{
	const char *chain, *target;
	size_t chain_len, len;
	struct chain from, to;

	chain = after_word(line, "-A", &chain_len);
	if (!chain || !strncmp(chain, "VIPSAFE-", 8) || strstr(line, "vipsafe hold"))
		return;
	if (r->is_legacy)
		r->found.legacy_rules++;
	else
		r->found.nft_rules++;
	target = after_word(line, "-j", &len);
	if (!target)
		target = after_word(line, "-g", &len);
	if (!target)
		return;
	from = chain_of(r->table, chain, chain_len);
	to = chain_of(r->table, target, len);
	if (len == 10 && !memcmp(target, "MASQUERADE", 10))
		add_masquerade(r, line, false,
			       has_word(line, "--random") || has_word(line, "--random-fully"));
	else if (len == 11 && !memcmp(target, "FLOWOFFLOAD", 11))
		r->found.offloads = true;
	else if (len == 4 && !memcmp(target, "DROP", 4) &&
		 (has_word(line, "INVALID") && !has_word(line, "!")))
		add_invalid(r, &from);
	else
		add_jump(r, &from, &to);
}

void firewall_iptables_line(struct firewall_reader *r, const char *line)
{
	switch (*line) {
	case '#': /* before 1.8 there was but one, and its header names none */
		if (!strncmp(line, "# Generated by ", 15))
			r->is_legacy = !strstr(line, "(nf_tables)");
		break;
	case '*':
		snprintf(r->table, sizeof(r->table), "%.30s", line + 1);
		break;
	case ':':
		r->found.ours += !strncmp(line + 1, "VIPSAFE-", 8);
		break;
	case '-':
		iptables_rule(r, line);
		break;
	default: /* of the program: comments, COMMIT, counters */
		break;
	}
}

/* ---- nft ----------------------------------------------------------------------------------------
 */

static void nft_table(struct firewall_reader *r, const char *line)
{
	const char *name;
	size_t family_len = 0, len;

	name = after_word(line, "table", &family_len);
	name = name ? skip_space(name + family_len) : NULL;
	len = name ? strcspn(name, " \t{") : 0;
	if (!len)
		return;
	snprintf(r->table, sizeof(r->table), "nft %.*s", (int)MIN(len, (size_t)26), name);
	r->is_ours = len >= 7 && !memcmp(name, "vipsafe", 7);
	r->found.ours += r->is_ours;
	r->in_table = true;
	r->in_chain = false;
	r->skip = r->skip_next;
	r->skip_next = false;
}

/* Where packets come into a chain: as the chain of the same name of iptables. */
static void nft_hook(struct firewall_reader *r, const char *line)
{
	struct chain from;
	size_t len;
	const char *hook = after_word(line, "hook", &len);

	if (!hook)
		return;
	if (len == 7 && !memcmp(hook, "forward", 7))
		from = chain_of("filter", "FORWARD", 7);
	else if (len == 5 && !memcmp(hook, "input", 5))
		from = chain_of("filter", "INPUT", 5);
	else
		return;
	add_jump(r, &from, &r->chain);
}

static void nft_rule(struct firewall_reader *r, const char *line)
{
	const char *to;
	struct chain c;
	size_t len;

	if (r->is_ours || *line == '}' || *line == '#')
		return;
	r->found.nft_rules++;
	if (has_word(line, "masquerade"))
		add_masquerade(r, line, true,
			       has_word(line, "random") || has_word(line, "fully-random"));
	if (strstr(line, "flow add @") || strstr(line, "flow offload @"))
		r->found.offloads = true;
	if (strstr(line, "ct state invalid ") && has_word(line, "drop"))
		add_invalid(r, &r->chain);
	to = after_word(line, "jump", &len);
	if (!to)
		to = after_word(line, "goto", &len);
	if (to) {
		c = chain_of(r->table, to, len);
		add_jump(r, &r->chain, &c);
	}
}

void firewall_nft_line(struct firewall_reader *r, const char *line)
{
	const char *p = skip_space(line);
	size_t len;

	if (!strncmp(p, "table ", 6)) {
		nft_table(r, p);
	} else if (strstr(p, "managed by iptables-nft")) {
		r->skip_next = true;
	} else if (r->skip || !r->in_table) {
		return;
	} else if (!strncmp(p, "chain ", 6)) {
		p = after_word(p, "chain", &len);
		if (p)
			r->chain = chain_of(r->table, p, len);
		r->in_chain = p != NULL;
	} else if (!strncmp(p, "flowtable ", 10)) {
		r->found.offloads = true;
	} else if (*p == '}') {
		r->in_chain = false;
	} else if (r->in_chain && !strncmp(p, "type ", 5)) {
		nft_hook(r, p);
	} else if (r->in_chain && *p && strncmp(p, "policy ", 7) != 0) {
		nft_rule(r, p);
	}
}

void firewall_reader_result(const struct firewall_reader *r, struct firewall *ret)
{
	struct chain forward = chain_of("filter", "FORWARD", 7);
	struct chain input = chain_of("filter", "INPUT", 5);

	*ret = r->found;
	ret->drops_invalid_forwarded = drops_invalid(r, &forward);
	ret->drops_invalid_local = drops_invalid(r, &input);
}
