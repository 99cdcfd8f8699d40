/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/apart.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/os.h"
#include "daemon/log.h"
#include "kernel/apart.h"
#include "lvs/apart.h"
#include "lvs/scan.h"
#include "lvs/settings.h"
#include "lvs/text.h"

#define LOOK_EVERY USEC_PER_SEC
#define THOROUGH 30 /* of so many looks one */

struct keeper {
	struct loop *loop;
	const struct run_env *env;
	struct loop_timer timer; /* for what others change */
	unsigned looks;
	struct apart rules;	  /* in force; owned */
	enum hold_choice tool;	  /* with which they were made */
	bool everywhere;	  /* there may be rules of ip_tables */
	struct lvs_window window; /* HIGH 0: none was chosen yet */
	struct status_apart status;
};

/* ---- what is needed -------------------------------------------------------------------- */

/* Remove what is in force, or was left by somebody killed. */
static void rules_remove(struct keeper *k)
{
	enum apart_removed removed;
	int r = apart_remove(&k->env->kernel, k->everywhere, &removed);

	k->everywhere = false;

	apart_done(&k->rules);
	if (r < 0)
		log_line(LOG_WARNING,
			 "msg=\"the rules that kept LVS connections apart cannot be removed\" "
			 "error=%s",
			 strerror(-r));
	else if (removed == APART_EMPTIED)
		log_line(LOG_NOTICE,
			 "msg=\"LVS connections are no longer kept apart: the rules stay, without "
			 "effect, for open connections that are translated\" fix=\"vipsafe "
			 "recover, when they have ended\"");
	else if (removed == APART_REMOVED)
		log_line(LOG_NOTICE, "msg=\"LVS connections are no longer kept apart\"");
}

static int keeper_take_listener(void *ud, const struct flow *f)
{
	struct ports *p = ud;

	if (!f->dport)
		p->reserved[f->cport / 8] |= (uint8_t)(1 << f->cport % 8);
	return 0;
}

static int keeper_plan(struct keeper *k, const struct lvs_map *map, struct lvs_apart *ret)
{
	_cleanup_free_ struct lvs_live *live = calloc(1, sizeof(*live));
	const struct kernel *kernel = &k->env->kernel;
	struct lvs_scan scan;
	int r = live ? lvs_scan_run(kernel, map, LVS_SCAN_ALL, NULL, k->env->seed, &scan) : -ENOMEM;

	if (r < 0)
		return r;
	(void)collide_flows(scan.flows, lvs_live_take, live);
	/* those of its own programs are better not used for something else */
	(void)kernel->ops->sock_list(kernel->ctx, SOCK_LISTENERS, keeper_take_listener,
				     &scan.ports);
	r = lvs_apart_plan(map, &scan.ports, live, &k->window, ret);
	lvs_scan_done(&scan);
	return r;
}

/* ---- what is said ---------------------------------------------------------------------- */

static void status_take(struct status_apart *s, const struct lvs_map *map,
			const struct lvs_apart *plan)
{
	const struct lvs_message words = { .map = map };
	char dest[LVS_RANGE_MAX];
	size_t i;

	s->low = plan->window.low;
	s->high = plan->window.high;
	s->direct = plan->window.direct;
	s->kept = (uint32_t)plan->n_kept;
	s->left = (uint32_t)(plan->n_items - plan->n_kept);
	for (i = 0; i < plan->n_items && s->n_rows < STATUS_APART_ROWS; i++) {
		const struct lvs_apart_item *item = &plan->items[i];
		const struct apart_window *w = &plan->rules.windows[item->window];
		struct status_apart_row *row = &s->rows[s->n_rows++];

		lvs_range_format(&item->match->first, &item->match->last, item->match->port, dest);
		lvs_service_text(&words, item->service, dest, row->service);
		row->low = w->low;
		row->high = w->high;
		row->shares = item->shares;
		row->why = lvs_apart_why_text(item->why);
	}
}

static void keeper_refuse(struct keeper *k, const char *why)
{
	rules_remove(k);
	k->timer.due = USEC_NEVER;
	k->status.in_force = false;
	snprintf(k->status.reason, sizeof(k->status.reason), "%s", why);
	log_line(LOG_WARNING, "msg=\"LVS connections are not kept apart\" error=%s", why);
}

/* ---- the rules ------------------------------------------------------------------------- */

static int keeper_take_addr(void *ud, const struct ifaddr *a)
{
	struct status_apart *s = ud;
	size_t i;

	for (i = 0; i < s->n_clients; i++)
		s->clients[i].in_force |= addr_equal(&a->prefix.addr, &s->clients[i].client.to);
	return 0;
}

/* The clients whose address this node has now. */
static void keeper_take_clients(struct keeper *k, struct apart *ret)
{
	struct status_apart *s = &k->status;
	size_t i;

	for (i = 0; i < s->n_clients; i++)
		s->clients[i].in_force = false;
	if (s->n_clients)
		(void)k->env->kernel.ops->addr_list(k->env->kernel.ctx, keeper_take_addr, s);
	ret->n_clients = 0;
	for (i = 0; i < s->n_clients; i++)
		if (s->clients[i].in_force)
			ret->clients[ret->n_clients++] = s->clients[i].client;
}

static void keeper_apply(struct keeper *k, struct lvs_apart *plan)
{
	char reason[REPORT_TEXT_MAX];
	bool news;

	keeper_take_clients(k, &plan->rules);
	news = !apart_equal(&k->rules, &plan->rules);
	k->window = plan->window;
	k->everywhere = true;
	if (news && apart_install(&plan->rules, k->tool, reason) < 0) {
		keeper_refuse(k, reason);
		return;
	}
	k->status.in_force = true;
	k->timer.due = os_now() + LOOK_EVERY;
	apart_done(&k->rules);
	k->rules = plan->rules;
	plan->rules = (struct apart){ .n_windows = 0 };
	if (news)
		log_line(LOG_NOTICE,
			 "msg=\"LVS connections are kept apart\" services=%u left_alone=%u "
			 "ports=%u-%u",
			 k->status.kept, k->status.left, k->status.low, k->status.high);
}

/* An address of clients may have come or gone, or somebody has removed all rules there were. */
static void keeper_on_timer(void *ud)
{
	struct keeper *k = ud;
	struct apart now = k->rules; /* its lists are K's */
	char reason[REPORT_TEXT_MAX];
	bool there;

	k->timer.due = os_now() + LOOK_EVERY;
	keeper_take_clients(k, &now);
	there = apart_is_there(&k->rules, k->tool, ++k->looks % THOROUGH == 0);
	if (!there)
		log_line(LOG_WARNING, "msg=\"somebody has removed the rules that keep LVS "
				      "connections apart: they are made again\"");
	else if (apart_equal(&k->rules, &now))
		return;
	if (apart_install(&now, k->tool, reason) < 0)
		keeper_refuse(k, reason);
	else
		k->rules = now;
}

static void keeper_take_settings(struct keeper *k, const struct lvs_settings *s)
{
	k->status = (struct status_apart){ .asked = s->keep_apart };
	for (; k->status.n_clients < s->n_apart_clients; k->status.n_clients++)
		k->status.clients[k->status.n_clients].client =
			s->apart_clients[k->status.n_clients];
}

void keeper_follow(struct keeper *k, const struct lvs_map *map)
{
	struct lvs_apart plan;
	int r;

	keeper_take_settings(k, k->env->settings->lvs);
	k->timer.due = USEC_NEVER;
	if (k->tool != k->env->settings->hold)
		rules_remove(k);
	k->tool = k->env->settings->hold;
	if (!k->status.asked || !map) {
		rules_remove(k);
		return;
	}
	if (lvs_scan_node(&k->env->kernel, map).director) {
		keeper_refuse(k, "this node is a director: its IPVS translates as well");
		return;
	}
	r = keeper_plan(k, map, &plan);
	if (r < 0) {
		keeper_refuse(k, r == -ENOSPC  ? "no range of ports is free of direct connections"
				 : r == -E2BIG ? "there are too many real servers"
					       : strerror(-r));
		return;
	}
	status_take(&k->status, map, &plan);
	if (plan.n_kept)
		keeper_apply(k, &plan);
	else
		rules_remove(k);
	if (!plan.n_kept)
		snprintf(k->status.reason, sizeof(k->status.reason),
			 "no service is described for which it can be done");
	lvs_apart_done(&plan);
}

struct keeper *keeper_new(struct loop *l, const struct run_env *env)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->loop = l;
	k->env = env;
	k->everywhere = true; /* a killed daemon's */
	k->timer = (struct loop_timer){ .due = USEC_NEVER, .fn = keeper_on_timer, .ud = k };
	loop_add_timer(l, &k->timer);
	return k;
}

struct keeper *keeper_free(struct keeper *k)
{
	if (!k)
		return NULL;
	loop_remove_timer(k->loop, &k->timer);
	rules_remove(k);
	free(k);
	return NULL;
}

struct counting {
	const struct status_apart *status;
	uint64_t outside;
};

static int count_outside(void *ud, const struct flow *f, const struct lvs_side *side)
{
	struct counting *c = ud;

	c->outside += f->l4proto == IPPROTO_TCP && collide_is_via(side) && !flow_is_over(f) &&
		      (f->cport < c->status->low || f->cport > c->status->high);
	return 0;
}

void keeper_status(const struct keeper *k, const struct collide *flows, struct status_apart *ret)
{
	struct counting c = { .status = &k->status };

	*ret = k->status;
	if (k->status.in_force && flows)
		(void)collide_flows(flows, count_outside, &c);
	ret->outside = c.outside;
}
