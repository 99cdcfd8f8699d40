/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/notes.h"

#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "show/history_file.h"

static void note_write(struct publisher *t, const struct history_note *n, struct history_time at)
{
	struct history_note named = *n;
	_cleanup_free_ char *line = NULL;
	char id[32];

	snprintf(id, sizeof(id), "%012llx",
		 (unsigned long long)(t->env->seed ^ (at.at << 8 | (++t->notes & 0xff))) &
			 0xffffffffffffULL);
	named.id = id;
	line = history_note_line(&named, at);
	if (line)
		(void)history_append(t->env->settings->run_dir, t->env->boot_id, line);
}

static bool note_has_address(const struct note_kept *k, const char *address)
{
	size_t i;

	for (i = 0; i < k->note.n_addresses; i++)
		if (!strcmp(k->addresses[i], address))
			return true;
	return false;
}

static void note_add_address(struct note_kept *k, const char *address)
{
	if (note_has_address(k, address))
		return;
	if (k->note.n_addresses == NOTE_ADDRESSES_MAX) {
		k->note.n_addresses--;
		memmove(k->addresses[0], k->addresses[1],
			k->note.n_addresses * sizeof(k->addresses[0]));
	}
	snprintf(k->addresses[k->note.n_addresses++], NOTE_ADDRESS_MAX, "%s", address);
}

/* Whether the same process did both. */
static bool note_is_by(const struct history_note *a, const struct history_note *b)
{
	return a->by.is_known == b->by.is_known && a->ended == b->ended && a->by.pid == b->by.pid &&
	       !strcmp(a->by.command, b->by.command);
}

/* What two have in common stays, numbers are added up, and the rest is the later one's. */
static void note_merge(struct note_kept *k, const struct history_note *n, struct history_time at)
{
	struct history_note *m = &k->note;
	size_t i;

	if (m->times && !note_is_by(m, n)) {
		m->by = (struct asker){ .is_known = false };
		m->likely = m->ended = false;
	} else {
		m->by = n->by;
		m->likely = n->likely;
		m->ended = n->ended;
	}
	m->op = n->op;
	m->foreign = n->foreign;
	m->candidates = MAX(m->candidates, n->candidates);
	m->pinned = MAX(m->pinned, n->pinned);
	m->restored += n->restored;
	m->superseded += n->superseded;
	m->lost += n->lost;
	m->removed += n->removed;
	m->times += MAX(n->times, (uint64_t)1);
	m->took = n->took;
	for (i = 0; i < n->n_addresses; i++)
		note_add_address(k, n->addresses[i]);
	for (i = 0; i < m->n_addresses; i++)
		k->list[i] = k->addresses[i];
	snprintf(k->device, sizeof(k->device), "%s", n->device ? n->device : "");
	snprintf(k->result, sizeof(k->result), "%s", n->result);
	snprintf(k->text, sizeof(k->text), "%s", n->text ? n->text : "");
	m->addresses = k->list;
	m->device = k->device;
	m->result = k->result;
	m->text = k->text;
	k->time = at;
}

void notes_put(struct notes *w, struct publisher *t, const struct history_note *n,
	       struct history_time at)
{
	struct note_kept **k = &w->kept[n->op];

	if (!*k && ratelimit_take(&w->limits[n->op], os_now(), NOTES_BURST, NOTES_EVERY)) {
		note_write(t, n, at);
		return;
	}
	if (!*k)
		*k = calloc(1, sizeof(**k));
	if (*k)
		note_merge(*k, n, at);
}

void notes_flush(struct notes *w, struct publisher *t, bool all)
{
	unsigned op;

	for (op = 0; op < HISTORY_OP_COUNT; op++) {
		struct note_kept *k = w->kept[op];

		if (!k ||
		    (!all && !ratelimit_take(&w->limits[op], os_now(), NOTES_BURST, NOTES_EVERY)))
			continue;
		note_write(t, &k->note, k->time);
		free(k);
		w->kept[op] = NULL;
	}
}
