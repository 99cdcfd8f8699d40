/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A listing in pieces. Like the kernel, the fake makes two of them before they are asked for: they
 * tell of entries that have ended or changed since. */
#include "fake_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_MAX 64

struct fake_listing {
	struct conn_key *keys; /* owned; what was there as it began */
	size_t n, at;
	struct fake_entry made[2 * PIECE_MAX];
	size_t n_made, piece;
	bool torn;
	unsigned asked; /* whether it waits */
};

static void listing_make(struct fake *f)
{
	struct fake_listing *l = f->listing;

	for (; l->n_made < 2 * l->piece && l->at < l->n; l->at++) {
		const struct fake_entry *e = fake_entry_find(f, &l->keys[l->at]);

		if (e)
			l->made[l->n_made++] = *e;
	}
}

void fake_ct_list_end(void *ctx)
{
	struct fake *f = ctx;

	if (f->listing)
		free(f->listing->keys);
	free(f->listing);
	f->listing = NULL;
}

int fake_ct_list_begin(void *ctx, uint8_t family)
{
	struct fake *f = ctx;
	struct fake_listing *l;
	int r = fake_enter(f, &f->dump);
	size_t i, seen = 0;

	fake_ct_list_end(f);
	if (f->no_conntrack)
		return -EPROTONOSUPPORT;
	if (r < 0)
		return r;
	f->listing = l = calloc(1, sizeof(*l));
	l->piece = f->list_piece ? MIN(f->list_piece, (unsigned)PIECE_MAX) : PIECE_MAX;
	l->keys = calloc(2 * f->n_entries + 1, sizeof(*l->keys));
	l->torn = f->dumps_torn > 0 && f->dump.calls >= f->torn_from;
	f->dumps_torn -= l->torn;
	for (i = 0; i < (l->torn ? f->n_entries / 2 : f->n_entries); i++) {
		if (family && f->entries[i].conn.key.family != family)
			continue;
		if (f->dump.calls == f->hide_dump && ++seen % f->hide_nth == 0)
			continue;
		l->keys[l->n++] = f->entries[i].conn.key;
	}
	/* a bucket that is walked again: the kernel lost its place in it */
	for (i = 0, seen = l->n; f->dump_doubles && i < seen; i += 3)
		l->keys[l->n++] = l->keys[i];
	listing_make(f);
	return 0;
}

bool fake_ct_list_waits(void *ctx)
{
	const struct fake *f = ctx;
	struct fake_listing *l = f->listing;

	return l && f->list_waits && ++l->asked % f->list_waits == 0;
}

int fake_ct_list_step(void *ctx, conn_sink sink, void *ud)
{
	struct fake *f = ctx;
	struct fake_listing *l = f->listing;
	size_t i, n = l ? MIN(l->n_made, l->piece) : 0;
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		fake_advance(f, f->entry_cost);
		r = fake_list_entry(f, &l->made[i], sink, ud);
	}
	if (l) {
		l->n_made -= n;
		memmove(l->made, l->made + n, l->n_made * sizeof(*l->made));
		listing_make(f);
		if (r == 0 && l->n_made)
			return -EAGAIN;
		r = r == 0 && l->torn ? -EINTR : r;
	}
	fake_ct_list_end(f);
	return r;
}
