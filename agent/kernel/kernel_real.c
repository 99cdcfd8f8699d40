/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kernel_real.h"

#include <errno.h>
#include <sched.h>

#include "base/os.h"
#include "kernel/ifaddr.h"
#include "kernel/announce.h"
#include "kernel/ct.h"
#include "kernel/ctcodec.h"
#include "kernel/ctstats.h"
#include "kernel/cttext.h"
#include "kernel/heard.h"
#include "kernel/hold.h"
#include "kernel/ipvs.h"
#include "kernel/link.h"
#include "kernel/link_own.h"
#include "kernel/localports.h"
#include "kernel/portowner.h"
#include "kernel/probe.h"
#include "kernel/reset.h"
#include "kernel/nlsock.h"
#include "kernel/sockends.h"
#include "kernel/sockets.h"
#include "kernel/sockreset.h"

/* For a hold that nobody has closed. */
#define CLOSE_TIMEOUT (250 * USEC_PER_MSEC)

struct kernel_real {
	int announce; /* socket; -1 until something is announced */
	struct nlsock *route;
	/* Opened when first needed: addresses move without conntrack too. */
	struct ct *ct;
	struct ct_list *list;	 /* NULL: none is under way */
	bool no_filter;		 /* ct_dump_to() */
	struct ctevents *events; /* NULL until something is watched */
	struct nlsock *addr_events;
	struct sockends *sock_ends; /* NULL: not watched */
	struct heard heard;
	struct lease lease;
	struct background *cleaning; /* may be NULL */
};

static int real_link_get(void *ctx, const char *name, struct link *ret)
{
	struct kernel_real *k = ctx;

	return link_get(k->route, name, ret);
}

static int real_link_make_lonely(void *ctx, const char *name)
{
	struct kernel_real *k = ctx;

	return link_make_lonely(k->route, name);
}

static int real_addr_list(void *ctx, ifaddr_sink sink, void *ud)
{
	struct kernel_real *k = ctx;

	return ifaddr_list(k->route, sink, ud);
}

static int real_addr_add(void *ctx, const struct ifaddr *a)
{
	struct kernel_real *k = ctx;

	return ifaddr_add(k->route, a);
}

static int real_addr_del(void *ctx, const struct ifaddr *a)
{
	struct kernel_real *k = ctx;

	return ifaddr_del(k->route, a);
}

static int real_promotes_secondaries(void *ctx _unused_, const struct link *link)
{
	return link_promotes_secondaries(link);
}

static int real_announce(void *ctx, const struct link *link, const struct addr *a)
{
	struct kernel_real *k = ctx;
	struct link voice;
	int r = link_own_voice(k->route, link, &voice);

	if (r < 0)
		return r;
	if (k->announce < 0)
		k->announce = announce_open();
	return k->announce < 0 ? k->announce : announce_send(k->announce, &voice, a);
}

static int real_heard_watch(void *ctx, const struct link *link, const struct addr *addrs, size_t n)
{
	struct kernel_real *k = ctx;

	return heard_listen(&k->heard, link, addrs, n);
}

static int real_heard_events(void *ctx, heard_sink sink, void *ud)
{
	struct kernel_real *k = ctx;

	return heard_read(&k->heard, sink, ud);
}

static int real_ct_dump(void *ctx, uint8_t family, conn_sink sink, void *ud)
{
	struct kernel_real *k = ctx;
	int r = ct_need(&k->ct);

	return r < 0 ? r : ct_dump(k->ct, family, sink, ud);
}

static void real_ct_list_end(void *ctx)
{
	struct kernel_real *k = ctx;

	k->list = ct_list_free(k->list);
}

static int real_ct_list_begin(void *ctx, uint8_t family)
{
	struct kernel_real *k = ctx;

	real_ct_list_end(k);
	return ct_list_new(family, &k->list);
}

static int real_ct_list_step(void *ctx, conn_sink sink, void *ud)
{
	struct kernel_real *k = ctx;
	int r = k->list ? ct_list_step(k->list, sink, ud) : 0;

	if (r == 1)
		return -EAGAIN;
	real_ct_list_end(k);
	return r;
}

static bool real_ct_list_waits(void *ctx)
{
	return ct_list_waits(((struct kernel_real *)ctx)->list);
}

static int real_ct_dump_to(void *ctx, const struct addrset *to, bool cheaply, conn_sink sink,
			   void *ud)
{
	struct kernel_real *k = ctx;
	int r = ct_need(&k->ct);

	return r < 0 ? r : ct_dump_to(k->ct, &k->no_filter, to, cheaply, sink, ud);
}

static int real_ct_batch(void *ctx, struct ct_op *ops, size_t n)
{
	struct kernel_real *k = ctx;
	int r = ct_need(&k->ct);

	return r < 0 ? r : ct_batch(k->ct, ops, n);
}

static int real_ct_early_drops(void *ctx _unused_, uint64_t *ret)
{
	return ctstats_early_drops(ret);
}

static int real_port_owner(void *ctx _unused_, enum port_kind kind, uint32_t port, bool search,
			   struct port_owner *ret)
{
	return port_owner(kind, port, search, ret);
}

static int real_ct_watch(void *ctx, uint8_t family, bool deaths)
{
	struct kernel_real *k = ctx;
	int r = ct_need(&k->ct); /* whose own doings are to be told apart */

	k->events = ctevents_free(k->events);
	return r < 0 ? r : ctevents_new(family, deaths, ct_port(k->ct), &k->events);
}

static int real_ct_events(void *ctx, conn_sink sink, void *ud)
{
	struct kernel_real *k = ctx;

	return k->events ? ctevents_read(k->events, sink, ud) : 0;
}

static int real_addr_watch(void *ctx)
{
	struct kernel_real *k = ctx;

	k->addr_events = nlsock_free(k->addr_events);
	return addrevents_new(&k->addr_events);
}

static int real_addr_events(void *ctx, addrevents_sink sink, void *ud)
{
	struct kernel_real *k = ctx;

	return k->addr_events ? addrevents_read(k->addr_events, sink, ud) : 0;
}

static const char *real_ct_line(void *ctx _unused_, const struct conn_record *record,
				char buf[CONN_LINE_MAX])
{
	return cttext_line(record, buf);
}

static bool real_ct_mark(void *ctx _unused_, const struct conn_record *record, uint32_t *ret)
{
	return ctcodec_mark(record, ret);
}

static int real_ct_usage(void *ctx _unused_, uint32_t *ret_count, uint32_t *ret_max)
{
	return ct_usage(ret_count, ret_max);
}

static struct lease *lease_of(void *ctx)
{
	struct kernel_real *k = ctx;

	return &k->lease;
}

static int real_hold_open(void *ctx, enum hold_choice choice, const struct link *link,
			  usec_t deadline, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX])
{
	return lease_open(lease_of(ctx), choice, link, deadline, ret_used, reason);
}

static int real_hold_open_begin(void *ctx, enum hold_choice choice, const struct link *link,
				usec_t timeout)
{
	return lease_open_begin(lease_of(ctx), choice, link, timeout);
}

static int real_hold_open_end(void *ctx, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX])
{
	return lease_open_end(lease_of(ctx), ret_used, reason);
}

static int real_hold_arm(void *ctx, usec_t duration)
{
	return hold_arm(lease_hold(lease_of(ctx)), duration);
}

static int real_hold_disarm(void *ctx)
{
	return hold_disarm(lease_hold(lease_of(ctx)));
}

static int real_hold_check(void *ctx)
{
	return hold_check(lease_hold(lease_of(ctx)));
}

static int real_hold_close(void *ctx, usec_t deadline)
{
	return lease_close(lease_of(ctx), deadline);
}

static enum hold_choice real_hold_look(void *ctx _unused_, enum hold_choice choice,
				       char reason[REPORT_TEXT_MAX])
{
	return hold_look(choice, reason);
}

static int real_hold_clean(void *ctx _unused_, const struct rule_cleaning *c, usec_t deadline)
{
	int holds = hold_clean(c, deadline);
	int resets = c->holds_only ? 0 : reset_clean(c, deadline);

	return holds < 0 ? holds : resets < 0 ? resets : holds + resets;
}

static int real_sock_destroy(void *ctx _unused_, const struct addr *a, uint64_t *ret_closed)
{
	return sockets_destroy(a, ret_closed);
}

static int real_reset_flows(void *ctx _unused_, enum hold_choice choice, const struct link *link,
			    const struct conn *const *flows, size_t n, usec_t duration,
			    usec_t deadline, char reason[REPORT_TEXT_MAX])
{
	return reset_flows(choice, link, flows, n, duration, deadline, reason);
}

static int real_reset_clean_begin(void *ctx, usec_t timeout)
{
	struct kernel_real *k = ctx;

	k->cleaning = background_free(k->cleaning);
	return reset_clean_begin(timeout, &k->cleaning);
}

static int real_reset_clean_end(void *ctx)
{
	struct kernel_real *k = ctx;
	int r = k->cleaning ? reset_clean_end(k->cleaning) : 0;

	if (r != -EAGAIN)
		k->cleaning = background_free(k->cleaning);
	return r;
}

static int real_ipvs_list(void *ctx _unused_, ipvs_sink sink, void *ud)
{
	return ipvs_list(sink, ud);
}

static int real_ipvs_conns(void *ctx _unused_, flow_sink sink, void *ud)
{
	return ipvs_conns(sink, ud);
}

static int real_ipvs_tracks(void *ctx _unused_)
{
	return ipvs_tracks();
}

static int real_sock_list(void *ctx _unused_, enum sock_extent extent, flow_sink sink, void *ud)
{
	return socklist_dump(extent, sink, ud);
}

static int real_sock_watch(void *ctx)
{
	struct kernel_real *k = ctx;

	k->sock_ends = sockends_free(k->sock_ends);
	return sockends_new(&k->sock_ends);
}

static int real_sock_ends(void *ctx, flow_sink sink, void *ud)
{
	struct kernel_real *k = ctx;

	return k->sock_ends ? sockends_read(k->sock_ends, sink, ud) : 0;
}

static int real_sock_tickle(void *ctx _unused_, const struct conn *flows, size_t n,
			    uint64_t *ret_sent)
{
	return sockreset_tickle(flows, n, ret_sent);
}

static bool real_sock_can_destroy(void *ctx _unused_)
{
	return sockets_can_destroy();
}

static int real_local_ports(void *ctx _unused_, struct ports *ret)
{
	return localports_read(ret);
}

static int real_probe(void *ctx _unused_, bool asked, usec_t timeout, struct probe_result *ret)
{
	probe_run(asked, timeout, ret);
	return 0;
}

static usec_t real_now(void *ctx _unused_)
{
	return os_now();
}

static void real_step_aside(void *ctx _unused_)
{
	sched_yield();
}

static void real_sleep(void *ctx _unused_, usec_t duration)
{
	os_sleep(duration);
}

static const struct kernel_ops real_ops = {
	.link_get = real_link_get,
	.link_make_lonely = real_link_make_lonely,
	.addr_list = real_addr_list,
	.addr_add = real_addr_add,
	.addr_del = real_addr_del,
	.promotes_secondaries = real_promotes_secondaries,
	.announce = real_announce,
	.heard_watch = real_heard_watch,
	.heard_events = real_heard_events,
	.ct_dump = real_ct_dump,
	.ct_dump_to = real_ct_dump_to,
	.ct_list_begin = real_ct_list_begin,
	.ct_list_step = real_ct_list_step,
	.ct_list_end = real_ct_list_end,
	.ct_list_waits = real_ct_list_waits,
	.ct_batch = real_ct_batch,
	.ct_line = real_ct_line,
	.ct_mark = real_ct_mark,
	.ct_usage = real_ct_usage,
	.ct_early_drops = real_ct_early_drops,
	.port_owner = real_port_owner,
	.ct_watch = real_ct_watch,
	.ct_events = real_ct_events,
	.addr_watch = real_addr_watch,
	.addr_events = real_addr_events,
	.hold_open = real_hold_open,
	.hold_open_begin = real_hold_open_begin,
	.hold_open_end = real_hold_open_end,
	.hold_arm = real_hold_arm,
	.hold_disarm = real_hold_disarm,
	.hold_check = real_hold_check,
	.hold_close = real_hold_close,
	.hold_look = real_hold_look,
	.hold_clean = real_hold_clean,
	.sock_destroy = real_sock_destroy,
	.sock_tickle = real_sock_tickle,
	.reset_flows = real_reset_flows,
	.reset_clean_begin = real_reset_clean_begin,
	.reset_clean_end = real_reset_clean_end,
	.ipvs_list = real_ipvs_list,
	.ipvs_conns = real_ipvs_conns,
	.ipvs_tracks = real_ipvs_tracks,
	.sock_list = real_sock_list,
	.sock_watch = real_sock_watch,
	.sock_ends = real_sock_ends,
	.sock_can_destroy = real_sock_can_destroy,
	.local_ports = real_local_ports,
	.probe = real_probe,
	.now = real_now,
	.sleep = real_sleep,
	.step_aside = real_step_aside,
};

int kernel_real_new(struct kernel_real **ret)
{
	struct kernel_real *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->announce = -1;
	k->heard = (struct heard)HEARD_CLOSED;
	r = nlsock_new(NETLINK_ROUTE, 0, 0, &k->route);
	if (r < 0) {
		kernel_real_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

int kernel_real_beside(struct kernel_real *of, struct kernel_real **ret)
{
	int r = kernel_real_new(ret);

	if (r == 0)
		(*ret)->lease.lender = &of->lease;
	return r;
}

struct kernel_real *kernel_real_free(struct kernel_real *k)
{
	if (!k)
		return NULL;
	lease_done(&k->lease, real_now(k) + CLOSE_TIMEOUT);
	if (k->cleaning)
		background_free(k->cleaning);
	heard_close(&k->heard);
	nlsock_free(k->addr_events);
	sockends_free(k->sock_ends);
	ctevents_free(k->events);
	ct_list_free(k->list);
	ct_free(k->ct);
	nlsock_free(k->route);
	if (k->announce >= 0)
		close(k->announce);
	free(k);
	return NULL;
}

struct kernel kernel_real_get(struct kernel_real *k)
{
	return (struct kernel){ .ops = &real_ops, .ctx = k };
}

void kernel_real_fds(const struct kernel_real *k, int ret[KERNEL_FDS])
{
	ret[0] = k->events ? ctevents_fd(k->events) : -1;
	ret[1] = k->addr_events ? nlsock_fd(k->addr_events) : -1;
	ret[2] = k->heard.fds[0];
	ret[3] = k->heard.fds[1];
}
