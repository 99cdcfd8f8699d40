/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links, addresses and the clock of the fake kernel. */
#include "fake_kernel.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* One call of a kind: costs time, counts, and fails when it is its turn. */
int fake_enter(struct fake *f, struct fake_call *call)
{
	unsigned n = ++call->calls;
	const struct fake_fault *fault = &call->fault;

	fake_advance(f, f->call_cost);
	if (fault->nth && n >= fault->nth && n - fault->nth < MAX(fault->times, 1u))
		return fault->error;
	return 0;
}

void fake_advance(struct fake *f, usec_t by)
{
	f->clock += by;
	fake_births_tick(f);
	/* Stepwise: a conflict planned for one flush may fall to the next. */
	for (size_t i = 0; i < f->n_pending;) {
		struct fake_pending p = f->pending[i];

		if (p.due > f->clock || f->flush_starves) {
			i++;
			continue;
		}
		f->pending[i] = f->pending[--f->n_pending];
		fake_flush_for(f, p.ifindex, &p.addr);
	}
	fake_conntrack_tick(f);
}

static usec_t fake_now(void *ctx)
{
	struct fake *f = ctx;

	fake_advance(f, 1);
	return f->clock;
}

static void fake_sleep(void *ctx, usec_t duration)
{
	struct fake *f = ctx;
	bool starves = f->flush_starves;

	f->slept++;
	f->flush_starves = false;
	fake_advance(f, duration + f->wakes_late);
	f->flush_starves = starves;
}

static void fake_step_aside(void *ctx)
{
	struct fake *f = ctx;

	f->stepped_aside++;
	f->held_aside += fake_is_held(f);
	fake_advance(f, f->others_take);
}

static void remove_at(struct fake *f, size_t i);

static struct link *find_link(struct fake *f, const char *name)
{
	for (size_t i = 0; i < f->n_links; i++)
		if (!strcmp(f->links[i].name, name) ||
		    (!f->short_attributes && f->altnames[i][0] && !strcmp(f->altnames[i], name)))
			return &f->links[i];
	return NULL;
}

static bool has_link(const struct fake *f, int ifindex)
{
	for (size_t i = 0; i < f->n_links; i++)
		if (f->links[i].ifindex == ifindex)
			return true;
	return false;
}

static int fake_link_get(void *ctx, const char *name, struct link *ret)
{
	struct fake *f = ctx;
	int r = fake_enter(f, &f->link_get);
	const struct link *l = find_link(f, name);

	if (r < 0)
		return r;
	if (!l)
		return f->short_attributes && strlen(name) >= LINK_NAME_MAX ? -EOPNOTSUPP : -ENODEV;
	*ret = *l;
	return 0;
}

int fake_link_add(struct fake *f, const char *name, const char *altname)
{
	struct link *l = &f->links[f->n_links];

	assert(f->n_links < FAKE_LINKS_MAX && strlen(name) < LINK_NAME_MAX);
	*l = (struct link){ .up = true, .running = true, .type = 1, .mac_len = 6 };
	l->ifindex = 10 + (int)f->n_links;
	strncpy(l->name, name, sizeof(l->name) - 1);
	memcpy(l->mac, "\x02vip01", 6);
	if (altname)
		snprintf(f->altnames[f->n_links], sizeof(f->altnames[0]), "%s", altname);
	f->n_links++;
	return l->ifindex;
}

void fake_link_remove(struct fake *f, const char *name)
{
	struct link *l = find_link(f, name);
	int ifindex;
	size_t at, kept = 0;

	assert(l);
	ifindex = l->ifindex;
	at = (size_t)(l - f->links);
	f->n_links--;
	memmove(&f->links[at], &f->links[at + 1], (f->n_links - at) * sizeof(f->links[0]));
	memmove(&f->altnames[at], &f->altnames[at + 1], (f->n_links - at) * sizeof(f->altnames[0]));
	for (size_t i = 0; i < f->n_addrs; i++)
		if (f->addrs[i].ifindex != ifindex) {
			f->addr_since[kept] = f->addr_since[i];
			f->addrs[kept++] = f->addrs[i];
		} else {
			fake_tell_addr(f, &f->addrs[i], true);
		}
	f->n_addrs = kept;
	fake_flush_device(f, ifindex);
}

void fake_link_set(struct fake *f, const char *name, bool up)
{
	struct link *l = find_link(f, name);
	struct ifaddr none = { .ifindex = 0 };
	int ifindex;

	assert(l);
	ifindex = none.ifindex = l->ifindex;
	l->up = l->running = up;
	fake_tell_addr(f, &none, !up);
	for (size_t i = 0; i < f->n_addrs && !up;)
		if (f->addrs[i].ifindex == ifindex && f->addrs[i].prefix.addr.family == AF_INET6)
			remove_at(f, i);
		else
			i++;
	if (!up)
		fake_flush_device(f, ifindex);
}

/* Tentative and failed addresses come of age as the clock passes. */
static struct ifaddr listed(const struct fake *f, size_t i)
{
	struct ifaddr a = f->addrs[i];
	usec_t dad = f->dad_time ? f->dad_time : USEC_PER_SEC;

	if (!(a.flags & IFADDR_TENTATIVE) || f->clock - f->addr_since[i] < dad)
		return a;
	a.flags &= ~(uint32_t)IFADDR_TENTATIVE;
	if (f->dad_fails)
		a.flags |= IFADDR_DADFAILED | IFADDR_TENTATIVE;
	return a;
}

static int fake_addr_list(void *ctx, ifaddr_sink sink, void *ud)
{
	struct fake *f = ctx;
	int r = fake_enter(f, &f->addr_list);

	for (size_t i = 0; r == 0 && i < f->n_addrs; i++) {
		struct ifaddr a = listed(f, i);

		r = sink(ud, &a);
		if (r > 0)
			r = 0;
	}
	return r;
}

/* Same device, length and network: the later one is a secondary. */
static bool same_subnet(const struct ifaddr *a, const struct ifaddr *b)
{
	const struct prefix subnet = { .addr = a->peer.family ? a->peer : a->prefix.addr,
				       .len = a->prefix.len };

	return a->ifindex == b->ifindex && a->prefix.addr.family == AF_INET &&
	       b->prefix.addr.family == AF_INET && subnet.len == b->prefix.len &&
	       prefix_covers(&subnet, b->peer.family ? &b->peer : &b->prefix.addr);
}

static int insert_addr(struct fake *f, const struct ifaddr *a)
{
	struct ifaddr n = *a;
	uint8_t family = a->prefix.addr.family;

	if (!has_link(f, a->ifindex))
		return -ENODEV;
	n.flags &= IFADDR_NODAD | IFADDR_HOME | IFADDR_NOPREFIXROUTE | IFADDR_AUTOJOIN;
	if (f->short_attributes) {
		n.metric = n.proto = 0;
		n.flags &= ~(uint32_t)IFADDR_AUTOJOIN;
	}
	for (size_t i = 0; i < f->n_addrs; i++) {
		const struct ifaddr *o = &f->addrs[i];

		if (o->ifindex != a->ifindex || o->prefix.addr.family != family)
			continue;
		/* IPv6 knows an address once per device, whatever the length. */
		if (addr_equal(&o->prefix.addr, &a->prefix.addr) &&
		    (family == AF_INET6 || same_subnet(o, a)))
			return -EEXIST;
		if (same_subnet(o, a) && !(o->flags & IFADDR_SECONDARY))
			n.flags |= IFADDR_SECONDARY;
	}
	if (f->n_addrs == FAKE_ADDRS_MAX)
		return -ENOBUFS;
	if (n.valid_lft == IFADDR_FOREVER)
		n.flags |= IFADDR_PERMANENT;
	if (family == AF_INET6 && n.preferred_lft == 0)
		n.flags |= IFADDR_DEPRECATED;
	if (family == AF_INET6 && !(n.flags & IFADDR_NODAD))
		n.flags |= IFADDR_TENTATIVE;
	f->addr_since[f->n_addrs] = f->clock;
	f->addrs[f->n_addrs++] = n;
	fake_tell_addr(f, &n, false);
	return 0;
}

static int fake_addr_add(void *ctx, const struct ifaddr *a)
{
	struct fake *f = ctx;
	int r = fake_enter(f, &f->addr_add);

	f->writes++;
	r = r < 0 ? r : insert_addr(f, a);
	return r == 0 && f->unacknowledged && f->unacknowledged-- ? -ENOBUFS : r;
}

/* The notifier chain of one deleted address. */
static void announce_gone(struct fake *f, const struct ifaddr *a)
{
	if (f->flush_after == 0) {
		fake_flush_for(f, a->ifindex, &a->prefix.addr);
		return;
	}
	if (f->n_pending == FAKE_PENDING_MAX)
		return; /* the kernel drops it silently, too */
	f->pending[f->n_pending++] = (struct fake_pending){ .due = f->clock + f->flush_after,
							    .ifindex = a->ifindex,
							    .addr = a->prefix.addr };
}

static void remove_at(struct fake *f, size_t i)
{
	struct ifaddr gone = f->addrs[i];

	gone.by = f->addr_by;
	f->n_addrs--;
	memmove(&f->addrs[i], &f->addrs[i + 1], (f->n_addrs - i) * sizeof(f->addrs[0]));
	memmove(&f->addr_since[i], &f->addr_since[i + 1],
		(f->n_addrs - i) * sizeof(f->addr_since[0]));
	fake_tell_addr(f, &gone, true);
	announce_gone(f, &gone);
}

static int delete_addr(struct fake *f, const struct ifaddr *a)
{
	struct ifaddr gone;
	size_t i;

	if (!has_link(f, a->ifindex))
		return -ENODEV;
	for (i = 0; i < f->n_addrs; i++)
		if (f->addrs[i].ifindex == a->ifindex &&
		    prefix_equal(&f->addrs[i].prefix, &a->prefix) &&
		    addr_equal(&f->addrs[i].peer, &a->peer))
			break;
	if (i == f->n_addrs)
		return -EADDRNOTAVAIL;
	gone = f->addrs[i];
	remove_at(f, i);
	if (gone.prefix.addr.family != AF_INET || gone.flags & IFADDR_SECONDARY)
		return 0;
	for (i = 0; i < f->n_addrs;) {
		if (!same_subnet(&gone, &f->addrs[i])) {
			i++;
		} else if (f->promote_secondaries) {
			f->addrs[i].flags &= ~(uint32_t)IFADDR_SECONDARY;
			break;
		} else {
			remove_at(f, i);
		}
	}
	return 0;
}

static int fake_addr_del_op(void *ctx, const struct ifaddr *a)
{
	struct fake *f = ctx;
	int r = fake_enter(f, &f->addr_del);

	f->writes++;
	if (r == 0) {
		r = delete_addr(f, a);
		fake_advance(f, f->delete_cost);
	}
	return r == 0 && f->unacknowledged && f->unacknowledged-- ? -ENOBUFS : r;
}

static int fake_promotes(void *ctx, const struct link *link)
{
	struct fake *f = ctx;

	return has_link(f, link->ifindex) ? f->promote_secondaries : -ENODEV;
}

static int fake_announce(void *ctx, const struct link *link, const struct addr *a)
{
	struct fake *f = ctx;
	int r = fake_enter(f, &f->announce);

	if (r < 0)
		return r;
	if (!has_link(f, link->ifindex))
		return -ENODEV;
	assert(f->n_announced < ARRAY_SIZE(f->announced));
	f->announced[f->n_announced++] = (struct fake_announcement){ .when = f->clock,
								     .ifindex = link->ifindex,
								     .addr = *a };
	return 0;
}

static int fake_probe(void *ctx, bool asked, usec_t timeout, struct probe_result *ret)
{
	struct fake *f = ctx;
	bool unknown = f->probe4 == KERNEL_UNKNOWN || f->probe6 == KERNEL_UNKNOWN;

	*ret = (struct probe_result){
		.helpers = f->forgets_helpers ? HELPERS_FORGOTTEN : HELPERS_KEPT,
	};
	if (f->hooks_are_global && !asked) {
		snprintf(ret->reason, REPORT_TEXT_MAX, "the fake's hooks are global");
		return 0;
	}
	/* with a NAT chain, in a namespace of its own */
	f->experiments++;
	f->binds_null = f->hooks_are_global;
	fake_advance(f, MIN(timeout, 20 * USEC_PER_MSEC));
	f->binds_null = false;
	ret->ipv4 = f->probe4;
	ret->ipv6 = f->probe6;
	snprintf(ret->reason, REPORT_TEXT_MAX, "%s", unknown ? "the fake was told to say so" : "");
	return 0;
}

static const struct kernel_ops fake_ops = {
	.link_get = fake_link_get,
	.addr_list = fake_addr_list,
	.addr_add = fake_addr_add,
	.addr_del = fake_addr_del_op,
	.promotes_secondaries = fake_promotes,
	.announce = fake_announce,
	.heard_watch = fake_heard_watch,
	.heard_events = fake_heard_events,
	.ct_dump = fake_ct_dump,
	.ct_dump_to = fake_ct_dump_to,
	.ct_list_begin = fake_ct_list_begin,
	.ct_list_step = fake_ct_list_step,
	.ct_list_end = fake_ct_list_end,
	.ct_list_waits = fake_ct_list_waits,
	.ct_batch = fake_ct_batch,
	.ct_line = fake_ct_line,
	.ct_mark = fake_ct_mark,
	.ct_usage = fake_ct_usage,
	.ct_early_drops = fake_ct_early_drops,
	.port_owner = fake_port_owner,
	.ct_watch = fake_ct_watch,
	.ct_events = fake_ct_events,
	.addr_watch = fake_addr_watch,
	.addr_events = fake_addr_events,
	.hold_open = fake_hold_open,
	.hold_open_begin = fake_hold_open_begin,
	.hold_open_end = fake_hold_open_end,
	.hold_arm = fake_hold_arm,
	.hold_disarm = fake_hold_disarm,
	.hold_check = fake_hold_check,
	.hold_close = fake_hold_close,
	.hold_look = fake_hold_look,
	.hold_clean = fake_hold_clean,
	.sock_destroy = fake_sock_destroy,
	.sock_tickle = fake_sock_tickle,
	.reset_flows = fake_reset_flows,
	.reset_clean_begin = fake_reset_clean_begin,
	.reset_clean_end = fake_reset_clean_end,
	.ipvs_list = fake_ipvs_list,
	.ipvs_conns = fake_ipvs_conns,
	.ipvs_tracks = fake_ipvs_tracks,
	.sock_list = fake_sock_list,
	.sock_watch = fake_sock_watch,
	.sock_ends = fake_sock_ends,
	.sock_can_destroy = fake_sock_can_destroy,
	.local_ports = fake_local_ports,
	.probe = fake_probe,
	.now = fake_now,
	.sleep = fake_sleep,
	.step_aside = fake_step_aside,
};

struct fake *fake_new(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->found = calloc(1, sizeof(*f->found));
	f->kernel = (struct kernel){ .ops = &fake_ops, .ctx = f };
	f->clock = 1000 * USEC_PER_SEC;
	f->next_id = 0x5000;
	f->ct_max = 262144;
	f->list_waits = 1; /* so early pins are in every order that is tried */
	f->call_cost = 20;
	if (getenv("VIPSAFE_SIM_KERNEL"))
		fake_profile(f, getenv("VIPSAFE_SIM_KERNEL"));
	f->ports.low = 32768;
	f->ports.high = 60999;
	return f;
}

struct fake *fake_free(struct fake *f)
{
	if (!f)
		return NULL;
	fake_ct_list_end(f);
	free(f->store);
	free(f->found);
	free(f->conflicts);
	free(f->births);
	free(f->reset);
	free(f->events);
	free(f->addr_events);
	free(f->heard_for);
	free(f);
	return NULL;
}

static struct ifaddr make_ifaddr(int ifindex, const char *prefix)
{
	struct ifaddr a = { .ifindex = ifindex,
			    .flags = IFADDR_NODAD,
			    .preferred_lft = IFADDR_FOREVER,
			    .valid_lft = IFADDR_FOREVER };

	if (prefix_parse(prefix, PREFIX_LEN_REQUIRED, &a.prefix) < 0)
		abort();
	return a;
}

void fake_addr(struct fake *f, int ifindex, const char *prefix, const char *label)
{
	struct ifaddr a = make_ifaddr(ifindex, prefix);

	if (label)
		strncpy(a.label, label, sizeof(a.label) - 1);
	if (insert_addr(f, &a) < 0)
		abort();
}

bool fake_has_addr(const struct fake *f, int ifindex, const char *prefix)
{
	struct ifaddr a = make_ifaddr(ifindex, prefix);

	for (size_t i = 0; i < f->n_addrs; i++)
		if (f->addrs[i].ifindex == ifindex && prefix_equal(&f->addrs[i].prefix, &a.prefix))
			return true;
	return false;
}

size_t fake_count_addrs(const struct fake *f, int ifindex)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_addrs; i++)
		n += f->addrs[i].ifindex == ifindex;
	return n;
}

int fake_addr_del(struct fake *f, int ifindex, const char *prefix)
{
	struct ifaddr a = make_ifaddr(ifindex, prefix);

	return delete_addr(f, &a);
}
