/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/guard_history.h"

#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "base/text.h"
#include "base/when.h"
#include "show/status.h"

/* Deletes and repairs within this time are told of together. */
#define TELL_AFTER USEC_PER_SEC

static struct history_time history_time_of(usec_t at)
{
	return (struct history_time){ at, when_of(at, os_wall(), os_now()) };
}

/* ---- deletes and repairs -------------------------------------------------------------- */

static void guard_history_take(struct guard_history *h, struct guard *g)
{
	struct guard_foreign_news news;
	size_t i;

	guard_take_foreign(g, &news);
	h->foreign.beyond += news.beyond;
	for (i = 0; i < news.n; i++)
		if (h->foreign.n < GUARD_FOREIGN_NEWS)
			h->foreign.list[h->foreign.n++] = news.list[i];
		else
			h->foreign.beyond++;
}

static bool history_same_process(const struct deed *a, const struct deed *b)
{
	return a->by == b->by && a->pid == b->pid && !strcmp(a->comm, b->comm);
}

static void history_say_who(struct history_note *n, const struct deed *d)
{
	n->foreign = true;
	n->ended = d->by == BY_ENDED;
	n->likely = d->is_likely;
	n->by.is_known = d->by == BY_PROGRAM;
	n->by.pid = d->pid;
	text_escape(d->comm, n->by.command, sizeof(n->by.command));
}

/* What has happened since the last lines. */
static struct history_note history_since(const struct guard_history *h,
					 const struct guard_status *s)
{
	return (struct history_note){
		.device = s->device,
		.restored = s->restored - h->told.restored,
		.superseded = s->superseded - h->told.superseded,
		.lost = s->lost - h->told.lost,
	};
}

/* The addresses of a line, each once. */
struct history_addresses {
	char text[GUARD_FOREIGN_NEWS][PREFIX_TEXT_MAX];
	const char *list[GUARD_FOREIGN_NEWS];
	size_t n;
};

static void history_add_address(struct history_addresses *a, const struct prefix *p)
{
	size_t i;

	prefix_format(p, a->text[a->n]);
	for (i = 0; i < a->n; i++)
		if (!strcmp(a->text[i], a->text[a->n]))
			return;
	a->list[a->n] = a->text[a->n];
	a->n++;
}

/* One line for what the process of the delete I has deleted; *DONE: those that have been told of.
 */
static void tell_deletes(struct guard_history *h, struct publisher *t, const struct guard_status *s,
			 size_t i, bool *done)
{
	struct history_note n = history_since(h, s);
	struct history_addresses addresses = { .n = 0 };
	uint64_t deletes = i ? 0 : h->foreign.beyond;
	bool quarantined = false;
	size_t k;

	for (k = i; k < h->foreign.n; k++) {
		if (done[k] ||
		    !history_same_process(&h->foreign.list[i].deed, &h->foreign.list[k].deed))
			continue;
		done[k] = true;
		deletes++;
		history_add_address(&addresses, &h->foreign.list[k].deed.address);
		quarantined = quarantined || h->foreign.list[k].quarantined;
	}
	n.op = HISTORY_FOREIGN_DELETE;
	n.addresses = addresses.list;
	n.n_addresses = addresses.n;
	history_say_who(&n, &h->foreign.list[i].deed);
	n.pinned = h->foreign.list[i].pinned;
	n.candidates = h->foreign.list[i].pinned + h->foreign.list[i].unpinned;
	n.times = deletes > addresses.n ? deletes : 1;
	n.result = quarantined ? "quarantined" : result_name(n.lost ? RESULT_PARTIAL : RESULT_OK);
	notes_put(&h->notes, t, &n, history_time_of(h->foreign.list[i].deed.at));
}

static void tell_repair(struct guard_history *h, struct publisher *t, const struct guard_status *s)
{
	struct history_note n = history_since(h, s);
	struct history_addresses addresses = { .n = 0 };
	size_t i;

	if (!n.restored && !n.lost && !n.superseded)
		return;
	for (i = 0; i < h->foreign.n; i++)
		history_add_address(&addresses, &h->foreign.list[i].deed.address);
	n.op = HISTORY_REPAIR;
	n.addresses = addresses.list;
	n.n_addresses = addresses.n;
	n.result = result_name(n.lost ? RESULT_PARTIAL : RESULT_OK);
	notes_put(&h->notes, t, &n, history_time_of(os_now()));
}

static void guard_history_write(struct guard_history *h, struct publisher *t,
				const struct guard_status *s)
{
	bool done[GUARD_FOREIGN_NEWS] = { false };
	size_t i;

	for (i = 0; i < h->foreign.n; i++)
		if (!done[i])
			tell_deletes(h, t, s, i, done);
	tell_repair(h, t, s);
	h->told = *s;
	h->due = 0;
	h->foreign.n = 0;
	h->foreign.beyond = 0;
}

static bool has_news(const struct guard_history *h, const struct guard_status *s)
{
	return h->foreign.n || s->restored != h->told.restored || s->lost != h->told.lost ||
	       s->superseded != h->told.superseded;
}

/* ---- quarantine ----------------------------------------------------------------------- */

static void tell_quarantine(struct guard_history *h, struct publisher *t,
			    const struct guard_status *s)
{
	char text[PREFIX_TEXT_MAX];
	const char *list = prefix_format(&s->foreign_last, text);
	const struct history_note n = {
		.op = HISTORY_QUARANTINE,
		.device = s->device,
		.addresses = &list,
		.n_addresses = 1,
		.result = s->quarantined ? "suspended" : "resumed",
		.text = s->quarantined ? "an address comes and goes again and again: its deletes "
					 "are not repaired for a minute"
				       : "repairs are taken up again",
		.candidates = s->pinned + s->unpinned,
	};

	if (s->quarantined == h->quarantined)
		return;
	h->quarantined = s->quarantined;
	notes_put(&h->notes, t, &n, history_time_of(os_now()));
}

/* ---- linger ----------------------------------------------------------------------------- */

void guard_history_linger(struct guard_history *h, struct publisher *t, const char *device,
			  const struct guard_linger_news *list, size_t n)
{
	char text[GUARD_LINGER_NEWS][PREFIX_TEXT_MAX];
	const char *addresses[GUARD_LINGER_NEWS];
	unsigned what;
	size_t i;

	for (what = LINGER_BACK; what < LINGER_WHAT_COUNT; what++) {
		struct history_note note = { .op = HISTORY_LINGER,
					     .device = device,
					     .addresses = addresses,
					     .result = status_linger_words[what - LINGER_BACK] };
		uint64_t entries = 0;

		for (i = 0; i < n; i++) {
			if (list[i].what != (enum linger_what)what)
				continue;
			addresses[note.n_addresses] =
				addr_format(&list[i].addr, text[note.n_addresses]);
			note.n_addresses++;
			entries += list[i].entries;
			note.took = MAX(note.took, list[i].after);
		}
		if (what == LINGER_BACK)
			note.candidates = entries;
		else
			note.removed = entries;
		if (note.n_addresses)
			notes_put(&h->notes, t, &note, history_time_of(os_now()));
	}
}

/* ---- all of it -------------------------------------------------------------------------- */

void guard_history_tell(struct guard_history *h, struct guard *g, struct publisher *t,
			const struct guard_status *s)
{
	usec_t now = os_now();

	guard_history_take(h, g);
	if (has_news(h, s) && !h->due)
		h->due = now + TELL_AFTER;
	if (h->due && now >= h->due)
		guard_history_write(h, t, s);
	tell_quarantine(h, t, s);
	notes_flush(&h->notes, t, false);
}

void guard_history_end(struct guard_history *h, struct guard *g, struct publisher *t,
		       const struct guard_status *s)
{
	guard_history_take(h, g);
	if (has_news(h, s))
		guard_history_write(h, t, s);
	notes_flush(&h->notes, t, true);
}
