/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The masquerade flush of the fake kernel, and what traffic puts in the place of
 * what it took. */
#include "fake_kernel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

void fake_plan_conflict(struct fake *f, const struct conn_key *key, enum fake_conflict kind)
{
	f->conflicts = realloc(f->conflicts, (f->n_conflicts + 1) * sizeof(*f->conflicts));
	if (!f->conflicts)
		abort();
	f->conflicts[f->n_conflicts++] = (struct fake_planned_conflict){ *key, kind };
}

uint16_t *fake_translated(struct conn *c)
{
	return l4proto_is_icmp(c->key.l4proto) ? &c->reply.icmp.id : &c->reply.dport;
}

static void put_conflict(struct fake *f, const struct fake_entry *old, enum fake_conflict kind)
{
	struct conn c = old->conn;
	uint8_t proto = c.key.l4proto;
	int masq = old->masq;
	const struct fake_entry *e;

	c.status = CONN_CONFIRMED | CONN_SRC_NAT_DONE | CONN_DST_NAT_DONE;
	c.tcp_state = proto == IPPROTO_TCP ? CONN_TCP_ESTABLISHED : CONN_TCP_NONE;
	switch (kind) {
	case CONFLICT_IDENTICAL:
		c.status = old->conn.status;
		break;
	case CONFLICT_OTHER_PORT:
		c.status |= CONN_SRC_NAT;
		*fake_translated(&c) ^= htons(0x0400);
		break;
	case CONFLICT_OTHER_SERVER:
		c.status |= CONN_SRC_NAT;
		c.reply.src[3] ^= 0x10;
		break;
	case CONFLICT_NEW_FLOW:
		c.status |= CONN_SRC_NAT | CONN_SEEN_REPLY;
		*fake_translated(&c) ^= htons(0x0800);
		c.tcp_state = proto == IPPROTO_TCP ? CONN_TCP_SYN_RECV : CONN_TCP_NONE;
		break;
	case CONFLICT_LOCAL:
		c.key.orig = old->conn.reply;
		c.reply = tuple_invert(&c.key.orig, proto);
		masq = 0;
		break;
	case CONFLICT_OTHER_CLIENT:
		c.status |= CONN_SRC_NAT;
		c.key.orig.src[3] ^= 0x80;
		break;
	}
	e = fake_entry_add(f, &c, NULL, masq, 300);
	if (e) /* else its tuples are taken, and the packet is dropped */
		fake_tell(f, e);
}

static void flush_entry(struct fake *f, size_t i)
{
	struct fake_entry old = f->entries[i];

	fake_tell_death(f, &old, 0);
	fake_entry_remove_at(f, i);
	f->flushed++;
	for (size_t t = 0; t < f->n_conflicts; t++)
		if (conn_key_equal(&f->conflicts[t].key, &old.conn.key)) {
			enum fake_conflict kind = f->conflicts[t].kind;

			/* the packet that would make it is dropped, and sent again */
			if (fake_is_held(f) && old.conn.key.l4proto == IPPROTO_TCP &&
			    kind != CONFLICT_NEW_FLOW && kind != CONFLICT_OTHER_CLIENT)
				return;
			f->conflicts[t] = f->conflicts[--f->n_conflicts];
			put_conflict(f, &old, kind);
			return;
		}
}

/* nf_ct_iterate_cleanup() sees each entry once: conflicts that come up behind it
 * stay, so only what was there before is looked at. */
static void flush_where(struct fake *f, int ifindex, uint8_t family, const struct addr *only)
{
	size_t left = f->n_entries;

	for (size_t i = 0; left > 0; left--) {
		const struct conn *c = &f->entries[i].conn;
		struct addr to = tuple_dst(&c->reply, c->key.family);

		if (f->entries[i].masq == ifindex && (!family || c->key.family == family) &&
		    (!only || addr_equal(&to, only)))
			flush_entry(f, i);
		else
			i++;
	}
}

void fake_flush_for(struct fake *f, int ifindex, const struct addr *gone)
{
	switch (gone->family == AF_INET ? f->flush4 : f->flush6) {
	case FLUSH_NONE:
		break;
	case FLUSH_ADDRESS:
		flush_where(f, ifindex, gone->family, gone);
		break;
	case FLUSH_DEVICE:
		flush_where(f, ifindex, gone->family, NULL);
		break;
	}
}

void fake_flush_device(struct fake *f, int ifindex)
{
	flush_where(f, ifindex, 0, NULL);
}
