/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of NAT rules. Private to cli/nat_*.c. */
#pragma once

#include "cli/firewall_words.h"
#include "cli/nat_rule.h"

/* A condition while it is put together. */
struct nat_condition {
	char text[NAT_CONDITION_MAX];
	size_t n;
	bool unfit; /* too long, or a character that cannot be said again */
};

void nat_put(struct nat_condition *c, char byte);

/* Append W with a space before it, quoted for the shell if needed. In the word a backslash stands
 * before the character that is meant. */
void nat_put_word(struct nat_condition *c, const struct word *w);

/* Make C one of the conditions of P. Returns whether it is fit. */
bool nat_keep(struct nat_parts *p, const struct nat_condition *c);

/* Copy W to RET if it fits, and if a shell takes it for a plain word. */
bool nat_copy(char *ret, size_t size, const struct word *w);

/* "1024-65535" */
bool nat_take_ports(struct nat_parts *p, const struct word *w);

/* Whether TEXT is a name that a shell and the programs take as it is. */
bool nat_text_is_plain(const char *text);

/* Take TEXT, a line of iptables-save or of "nft list", apart. Returns false at the first word
 * that is not understood. */
bool nat_words_of_iptables(const char *text, struct nat_parts *ret);
bool nat_words_of_nft(const char *text, struct nat_parts *ret);
