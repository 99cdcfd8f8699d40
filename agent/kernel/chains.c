/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/chains.h"

#include <stdio.h>
#include <string.h>

#include "kernel/hold_text.h"

#define CHAIN_NAME_MAX 32

static bool chains_append(char buf[CHAINS_SCRIPT_MAX], const char *text, const char *rest)
{
	size_t len = strlen(buf), need = strlen(text) + strlen(rest) + 1;

	if (CHAINS_SCRIPT_MAX - len <= need)
		return false;
	snprintf(buf + len, CHAINS_SCRIPT_MAX - len, "%s%s\n", text, rest);
	return true;
}

/* ":NAME POLICY [COUNTERS]" of a chain of ours, its name into NAME. */
static bool is_chain(const struct chains_kind *kind, const char *line, char name[CHAIN_NAME_MAX],
		     int *ret_ifindex)
{
	size_t len = strcspn(line, " ");

	if (line[0] != ':' || len > CHAIN_NAME_MAX - 1)
		return false;
	snprintf(name, CHAIN_NAME_MAX, "%.*s", (int)len - 1, line + 1);
	return hold_text_number(name, kind->prefix, "", ret_ifindex);
}

/* A jump to a chain of ours: the target is the last word, where no foreign
 * comment can be, and our mark stands right before it. */
static bool is_jump(const struct chains_kind *kind, const char *line, int *ret_ifindex)
{
	const char *target = strrchr(line, ' ');
	char tail[64];
	size_t len = (size_t)snprintf(tail, sizeof(tail), " %s -j ", kind->mark),
	       before = target ? (size_t)(target + 1 - line) : 0;

	return strncmp(line, "-A ", 3) == 0 && before > len &&
	       strncmp(line + before - len, tail, len) == 0 &&
	       hold_text_number(target + 1, kind->prefix, "", ret_ifindex);
}

void chains_undo_line(void *ud, const char *line)
{
	struct chains_undo *u = ud;
	char name[CHAIN_NAME_MAX];
	size_t before;
	int ifindex;

	if (is_jump(u->kind, line, &ifindex) && u->wanted(u->ud, ifindex)) {
		u->left_jumps |= !chains_append(u->jumps, "-D", line + strlen("-A"));
	} else if (is_chain(u->kind, line, name, &ifindex) && u->wanted(u->ud, ifindex)) {
		before = strlen(u->chains);
		if (chains_append(u->chains, "-F ", name) &&
		    chains_append(u->chains, "-X ", name)) {
			u->n++;
		} else {
			u->chains[before] = '\0';
			u->left_chains = true;
		}
	}
}

void chains_undo_script(const struct chains_undo *u, char ret[2 * CHAINS_SCRIPT_MAX + 16])
{
	const char *chains = u->left_jumps ? "" : u->chains;

	ret[0] = '\0';
	if (u->jumps[0] || chains[0])
		snprintf(ret, 2 * CHAINS_SCRIPT_MAX + 16, "*%s\n%s%sCOMMIT\n", u->kind->table,
			 u->jumps, chains);
}
