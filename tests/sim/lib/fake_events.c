/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Births, and the events of the fake kernel: entries and addresses that come,
 * change and go, told in order, each kind by itself; and what other hosts say. */
#include "fake_kernel.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/os.h"

void fake_plan_birth(struct fake *f, usec_t when, const struct conn *c, int masq)
{
	struct fake_birth *b = array_append(&f->births, &f->n_births, sizeof(*b));

	if (!b)
		abort();
	*b = (struct fake_birth){ when, *c, masq };
}

void fake_births_tick(struct fake *f)
{
	for (size_t i = 0; i < f->n_births;) {
		struct fake_birth b = f->births[i];
		struct fake_entry *e;

		if (b.when > f->clock) {
			i++;
			continue;
		}
		f->births[i] = f->births[--f->n_births];
		e = fake_entry_add(f, &b.conn, NULL, b.masq, 400);
		if (e)
			e->translates = !f->binds_null;
		if (e)
			fake_tell(f, e);
	}
}

static void add_event(struct fake *f, const struct fake_entry *e, bool born, bool gone, uint32_t by)
{
	struct fake_event *event = array_append(&f->events, &f->n_events, sizeof(*event));

	if (!event)
		abort();
	*event = (struct fake_event){ .entry = *e, .born = born, .gone = gone, .by = by };
}

void fake_tell(struct fake *f, const struct fake_entry *e)
{
	struct fake_entry *own = fake_entry_find(f, &e->conn.key);
	bool born = own && !own->told;

	if (!f->watching)
		return;
	if (own)
		own->told = true;
	add_event(f, e, born, false, 0);
}

void fake_tell_death(struct fake *f, const struct fake_entry *e, uint32_t by)
{
	if (f->watching && f->watching_deaths)
		add_event(f, e, false, true, by);
}

int fake_delete_by(struct fake *f, const struct conn_key *key, uint32_t port)
{
	struct fake_entry *e = fake_entry_find(f, key);

	if (!e)
		return -ENOENT;
	fake_tell_death(f, e, port);
	fake_entry_remove_at(f, (size_t)(e - f->entries));
	return 0;
}

int fake_pin_by(struct fake *f, const struct conn_key *key, uint32_t port)
{
	struct fake_entry *e = fake_entry_find(f, key);

	if (!e)
		return -ENOENT;
	fake_tell_death(f, e, port);
	e->conn.id = f->next_id += 0x11;
	e->masq = 0;
	e->created = true;
	if (f->watching)
		add_event(f, e, !f->create_is_update, false, port);
	return 0;
}

int fake_drop_early(struct fake *f, const struct conn_key *key)
{
	f->early_drops++;
	return fake_delete_by(f, key, 0);
}

int fake_ct_early_drops(void *ctx, uint64_t *ret)
{
	const struct fake *f = ctx;

	if (f->no_stats)
		return -EOPNOTSUPP;
	*ret = f->early_drops;
	return 0;
}

void fake_owner_add(struct fake *f, enum port_kind kind, uint32_t port, const char *comm,
		    uint32_t pid)
{
	struct fake_owner *o = &f->owners[f->n_owners++];

	if (f->n_owners > FAKE_OWNERS_MAX)
		abort();
	*o = (struct fake_owner){ kind, port, { .pid = pid, .is_sure = true }, false };
	memcpy(o->owner.comm, comm, strlen(comm) + 1);
}

int fake_port_owner(void *ctx, enum port_kind kind, uint32_t port, bool search,
		    struct port_owner *ret)
{
	struct fake *f = ctx;

	f->owners_asked++;
	for (size_t i = 0; i < f->n_owners; i++)
		if (f->owners[i].kind == kind && f->owners[i].port == port) {
			if (f->owners[i].hidden && !search)
				return -EAGAIN;
			*ret = f->owners[i].owner;
			return 0;
		}
	return -ESRCH;
}

int fake_ct_watch(void *ctx, uint8_t family _unused_, bool deaths)
{
	struct fake *f = ctx;

	if (f->no_conntrack)
		return -EPROTONOSUPPORT;
	if (f->no_events)
		return -ENODATA;
	f->watching = true;
	f->watching_deaths = deaths;
	for (size_t i = 0; i < f->n_entries; i++)
		f->entries[i].told = true;
	f->n_events = 0; /* a new socket */
	return 0;
}

int fake_ct_events(void *ctx, conn_sink sink, void *ud)
{
	struct fake *f = ctx;
	bool lost = f->events_lost > 0, dropped = f->events_dropped > 0;
	int r = f->events_error;
	size_t n;

	f->events_error = 0;
	f->events_lost -= lost;
	f->events_dropped -= dropped;
	f->n_events = dropped ? 0 : f->n_events;
	n = f->events_at_once && !lost ? MIN(f->events_at_once, f->n_events) : f->n_events;
	for (size_t i = 0; i < n && !lost && r == 0; i++)
		r = fake_list_event(f, &f->events[i], sink, ud);
	f->n_events = n < f->n_events && f->events_at_once ? f->n_events - n : 0;
	if (f->n_events) {
		memmove(f->events, f->events + n, f->n_events * sizeof(*f->events));
		r = r == 0 ? -EAGAIN : r;
	}
	errno = ENOBUFS;
	if (lost)
		r = os_received(f->overrun_is_zero ? 0 : -1);
	return r;
}

void fake_tell_addr(struct fake *f, const struct ifaddr *a, bool gone)
{
	struct fake_addr_event *event;

	if (!f->watching_addrs)
		return;
	event = array_append(&f->addr_events, &f->n_addr_events, sizeof(*event));
	if (!event)
		abort();
	*event = (struct fake_addr_event){ .addr = *a, .gone = gone };
}

int fake_addr_watch(void *ctx)
{
	struct fake *f = ctx;

	if (f->no_addr_events)
		return -EPERM;
	f->watching_addrs = true;
	f->n_addr_events = 0;
	return 0;
}

int fake_addr_events(void *ctx, int (*sink)(void *ud, const struct ifaddr *a, bool gone), void *ud)
{
	struct fake *f = ctx;
	bool lost = f->addr_events_lost > 0;
	size_t n = f->n_addr_events;
	int r = 0;

	f->addr_events_lost -= lost;
	for (size_t i = 0; i < n && !lost && r == 0; i++) {
		struct ifaddr a = f->addr_events[i].addr;

		r = sink(ud, &a, f->addr_events[i].gone);
	}
	/* what the sink itself caused comes next time */
	f->n_addr_events -= n;
	for (size_t i = 0; i < f->n_addr_events; i++)
		f->addr_events[i] = f->addr_events[n + i];
	return r < 0 ? r : lost ? -ENOBUFS : 0;
}

int fake_heard_watch(void *ctx, const struct link *link, const struct addr *addrs, size_t n)
{
	struct fake *f = ctx;

	free(f->heard_for);
	f->heard_for = NULL;
	f->n_heard_for = 0;
	f->heard_on = 0;
	if (!n)
		return 0;
	f->heard_watches++;
	if (f->heard_error)
		return f->heard_error;
	f->heard_for = malloc(n * sizeof(*addrs));
	if (!f->heard_for)
		abort();
	memcpy(f->heard_for, addrs, n * sizeof(*addrs));
	f->n_heard_for = n;
	f->heard_on = link->ifindex;
	return 0;
}

bool fake_is_heard(const struct fake *f, int ifindex, const char *addr)
{
	struct addr a;

	if (addr_parse(addr, &a) < 0)
		abort();
	for (size_t i = 0; i < f->n_heard_for; i++)
		if (f->heard_on == ifindex && addr_equal(&f->heard_for[i], &a))
			return true;
	return false;
}

void fake_say(struct fake *f, int ifindex, const char *addr)
{
	struct addr a;

	if (addr_parse(addr, &a) < 0)
		abort();
	if (fake_is_heard(f, ifindex, addr) && f->n_said < FAKE_SAID_MAX)
		f->said[f->n_said++] = a;
}

int fake_heard_events(void *ctx, heard_sink sink, void *ud)
{
	struct fake *f = ctx;
	size_t n = f->n_said;
	int r = 0;

	f->n_said = 0;
	for (size_t i = 0; i < n && r == 0; i++) {
		struct addr a = f->said[i];

		r = sink(ud, &a);
	}
	return r;
}
