/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conntrack table of the fake kernel: what is in it, until it expires. */
#include "fake_kernel.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SEAL_MAGIC 0x7eb1a5edu

/* What the payload of an entry says: enough to tell whether it came back whole
 * and with the entry it belongs to. Filler of varying length follows. */
struct seal {
	uint32_t magic, len;
	struct conn_key key;
	struct tuple reply;
	struct conn_key master; /* family 0: none */
};

static uint8_t filler(const struct seal *s, size_t i)
{
	return (uint8_t)(i * 7 + s->key.orig.sport + s->reply.dport);
}

static void seal_entry(struct fake_entry *e)
{
	struct seal s;

	memset(&s, 0, sizeof(s));
	s.magic = SEAL_MAGIC;
	s.key = e->conn.key;
	s.reply = e->conn.reply;
	s.master = e->master;
	s.len = (uint32_t)(sizeof(s) + 1 + ntohs(e->conn.key.orig.sport) % 61);
	e->payload_len = s.len;
	memcpy(e->payload, &s, sizeof(s));
	for (size_t i = sizeof(s); i < s.len; i++)
		e->payload[i] = filler(&s, i);
}

bool fake_payload_read(const void *bytes, size_t len, const struct conn *c,
		       struct conn_key *ret_master)
{
	struct seal s;

	if (!bytes || len < sizeof(s))
		return false;
	memcpy(&s, bytes, sizeof(s));
	if (s.magic != SEAL_MAGIC || s.len != len)
		return false;
	for (size_t i = sizeof(s); i < len; i++)
		if (((const uint8_t *)bytes)[i] != filler(&s, i))
			return false;
	*ret_master = s.master;
	return conn_key_equal(&s.key, &c->key) && tuple_equal(&s.reply, &c->reply);
}

enum dir { ORIG, REPLY };

/* nf_ct_zone_id(): a directional zone counts in its direction only. */
static uint16_t zone_of(const struct conn_key *k, enum dir d)
{
	switch ((enum conn_zone_dir)k->zone_dir) {
	case CONN_ZONE_BOTH:
		return k->zone;
	case CONN_ZONE_ORIG:
		return d == ORIG ? k->zone : 0;
	case CONN_ZONE_REPLY:
		return d == REPLY ? k->zone : 0;
	}
	return 0;
}

/* nf_ct_key_equal(): both directions of every entry are in the table. */
struct fake_entry *fake_entry_lookup(const struct fake *f, const struct tuple *t,
				     const struct conn_key *k)
{
	for (size_t i = 0; i < f->n_entries; i++) {
		struct fake_entry *e = &f->entries[i];

		if (e->conn.key.family != k->family || e->conn.key.l4proto != k->l4proto)
			continue;
		if (e->conn.key.orig.sport == t->sport && tuple_equal(&e->conn.key.orig, t) &&
		    zone_of(&e->conn.key, ORIG) == zone_of(k, ORIG))
			return e;
		if (e->conn.reply.sport == t->sport && tuple_equal(&e->conn.reply, t) &&
		    zone_of(&e->conn.key, REPLY) == zone_of(k, REPLY))
			return e;
	}
	return NULL;
}

struct fake_entry *fake_entry_find(const struct fake *f, const struct conn_key *key)
{
	size_t n = f->n_entries, at = *f->found;

	/* mostly it is the one after the one that was looked for before */
	for (size_t i = 0; i < n; i++, at++) {
		struct fake_entry *e;

		at = at < n ? at : 0;
		e = &f->entries[at];
		if (e->conn.key.orig.sport == key->orig.sport &&
		    conn_key_equal(&e->conn.key, key)) {
			*f->found = at + 1;
			return e;
		}
	}
	return NULL;
}

static struct fake_entry *append(struct fake *f)
{
	size_t before = (size_t)(f->entries - f->store);

	if (before + f->n_entries == f->room) {
		if (before <= f->room / 2) {
			f->room = MAX(f->room * 2, 64u);
			f->store = realloc(f->store, f->room * sizeof(*f->store));
			assert(f->store);
		}
		memmove(f->store, f->store + before, f->n_entries * sizeof(*f->store));
		f->entries = f->store;
	}
	memset(&f->entries[f->n_entries], 0, sizeof(*f->entries));
	return &f->entries[f->n_entries++];
}

void fake_entry_remove_at(struct fake *f, size_t i)
{
	f->n_entries--;
	if (i <= f->n_entries / 2)
		f->entries = memmove(f->entries + 1, f->entries, i * sizeof(*f->entries));
	else
		memmove(&f->entries[i], f->entries + i + 1,
			(f->n_entries - i) * sizeof(*f->entries));
}

void fake_entry_expires(struct fake *f, struct fake_entry *e, usec_t when)
{
	e->expires = when;
	f->next_expiry = MIN(f->next_expiry, when);
}

struct fake_entry *fake_entry_add(struct fake *f, const struct conn *c,
				  const struct conn_key *master, int masq, uint32_t ttl)
{
	struct fake_entry *e;

	if (fake_entry_lookup(f, &c->key.orig, &c->key) || fake_entry_lookup(f, &c->reply, &c->key))
		return NULL;
	e = append(f);
	e->conn = *c;
	e->conn.id = f->next_id += 0x11;
	e->conn.has_master = master != NULL;
	if (master)
		e->master = *master;
	e->masq = masq;
	e->translates = true;
	fake_entry_expires(f, e, f->clock + ttl * USEC_PER_SEC);
	seal_entry(e);
	return e;
}

void fake_conntrack_tick(struct fake *f)
{
	usec_t next = USEC_NEVER;

	if (f->clock < f->next_expiry)
		return;
	for (size_t i = 0; i < f->n_entries;)
		if (f->entries[i].expires <= f->clock) {
			fake_tell_death(f, &f->entries[i], 0);
			fake_entry_remove_at(f, i);
		} else {
			next = MIN(next, f->entries[i].expires);
			i++;
		}
	f->next_expiry = next;
}
