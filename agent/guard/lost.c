/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections that a guard could not keep are counted, and the latest are named. */
#include "guard/parts.h"

#include <string.h>

void guard_note_lost(struct guard *g, const struct conn *c)
{
	g->status.lost++;
	if (g->n_named == GUARD_NAMED_MAX) {
		memmove(g->named[0], g->named[1], sizeof(g->named) - sizeof(g->named[0]));
		g->n_named--;
	}
	conn_format(c, g->named[g->n_named++]);
}

size_t guard_take_lost(struct guard *g, char ret[GUARD_NAMED_MAX][CONN_TEXT_MAX])
{
	size_t n = g->n_named;

	memcpy(ret, g->named, n * sizeof(g->named[0]));
	g->n_named = 0;
	return n;
}
