/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nat_words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <vipsafe/base.h>

void nat_put(struct nat_condition *c, char byte)
{
	if (c->n + 1 >= sizeof(c->text))
		c->unfit = true;
	else
		c->text[c->n++] = byte;
	c->text[c->n] = '\0';
}

static bool nat_is_plain(const struct word *w)
{
	size_t i;

	for (i = 0; i < w->len; i++)
		if (!isalnum((unsigned char)w->p[i]) && !strchr("_./:=+@%,-", w->p[i]))
			return false;
	return w->len > 0;
}

bool nat_text_is_plain(const char *text)
{
	struct word w = { .p = text, .len = strlen(text) };

	return nat_is_plain(&w) && *text != '-';
}

void nat_put_word(struct nat_condition *c, const struct word *w)
{
	bool quotes = !nat_is_plain(w) && !word_is(w, "!");
	size_t i;

	if (c->n)
		nat_put(c, ' ');
	if (quotes)
		nat_put(c, '\'');
	for (i = 0; i < w->len; i++) {
		if (w->quoted && w->p[i] == '\\' && i + 1 < w->len)
			i++;
		if (w->p[i] < 0x20 || w->p[i] >= 0x7f || w->p[i] == '\'')
			c->unfit = true;
		nat_put(c, w->p[i]);
	}
	if (quotes)
		nat_put(c, '\'');
}

bool nat_keep(struct nat_parts *p, const struct nat_condition *c)
{
	if (c->unfit || p->n == NAT_CONDITIONS_MAX)
		return false;
	memcpy(p->conditions[p->n++], c->text, c->n + 1);
	return true;
}

bool nat_copy(char *ret, size_t size, const struct word *w)
{
	if (!nat_is_plain(w) || w->len >= size)
		return false;
	snprintf(ret, size, "%.*s", (int)w->len, w->p);
	return true;
}

bool nat_take_ports(struct nat_parts *p, const struct word *w)
{
	return w->len && strspn(w->p, "0123456789-") >= w->len &&
	       nat_copy(p->ports, sizeof(p->ports), w);
}
