/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/apart.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Addresses of services that are listed one by one; and of servers. */
#define DESTS_MAX 4096

static const char *const why_texts[] = {
	[LVS_APART_KEPT] = "",
	[LVS_APART_PROTO] = "it is not TCP",
	[LVS_APART_MARK] = "it is a firewall mark without addresses",
	[LVS_APART_MANY] = "it has too many addresses",
};

const char *lvs_apart_why_text(enum lvs_apart_why why)
{
	return why_texts[why];
}

/* While the plan is made. */
struct planning {
	const struct lvs_map *map;
	struct lvs_apart *plan;
	uint8_t *used; /* the windows of each server's services, a bit each */
	bool any_port; /* a service of all ports: servers are compared by address */
};

/* The server's port as it is seen from a service's. */
static uint16_t server_port(const struct planning *p, const struct lvs_real *real,
			    const struct lvs_match *match)
{
	return p->any_port ? 0 : real->port ? real->port : match->port;
}

static bool addr_next(struct addr *a, const struct addr *last)
{
	size_t i = addr_size(a->family);

	if (addr_equal(a, last))
		return false;
	while (i && !++a->bytes[--i])
		;
	return true;
}

static size_t range_count(const struct lvs_match *match)
{
	struct addr a = match->first;
	size_t n = 1;

	while (n <= DESTS_MAX && addr_next(&a, &match->last))
		n++;
	return n;
}

static enum lvs_apart_why item_judge(const struct lvs_match *match, size_t *dests)
{
	size_t n;

	if (!match->l4proto || !match->first.family)
		return LVS_APART_MARK;
	if (match->l4proto != IPPROTO_TCP)
		return LVS_APART_PROTO;
	n = range_count(match);
	if (*dests + n > DESTS_MAX)
		return LVS_APART_MANY;
	*dests += n;
	return LVS_APART_KEPT;
}

static int collect_items(struct planning *p)
{
	size_t i, dests = 0;
	uint32_t n;

	for (n = 0; n < lvs_map_services(p->map); n++) {
		const struct lvs_service *s = lvs_map_service(p->map, n);

		for (i = 0; i < s->n_matches && s->visible; i++) {
			struct lvs_apart_item *item =
				array_append(&p->plan->items, &p->plan->n_items, sizeof(*item));

			if (!item)
				return -ENOMEM;
			item->service = n;
			item->match = &s->matches[i];
			item->why = item_judge(item->match, &dests);
			p->plan->n_kept += item->why == LVS_APART_KEPT;
			p->any_port |= item->why == LVS_APART_KEPT && !item->match->port;
		}
	}
	return 0;
}

/* ---- their servers --------------------------------------------------------------------- */

static void list_sort(struct apart_list *l)
{
	size_t i, n = 0;

	if (l->n)
		qsort(l->list, l->n, sizeof(*l->list), apart_dest_compare);
	for (i = 0; i < l->n; i++)
		if (!n || apart_dest_compare(&l->list[n - 1], &l->list[i]))
			l->list[n++] = l->list[i];
	l->n = n;
}

static int collect_servers(struct planning *p)
{
	struct apart_list *servers = &p->plan->rules.servers;
	size_t i, j;

	for (i = 0; i < p->plan->n_items; i++) {
		const struct lvs_apart_item *item = &p->plan->items[i];
		const struct lvs_service *s = lvs_map_service(p->map, item->service);

		if (item->why != LVS_APART_KEPT)
			continue;
		for (j = 0; j < s->n_reals; j++)
			if (lvs_real_is_visible(s, &s->reals[j]) &&
			    apart_list_add(servers, &s->reals[j].addr,
					   server_port(p, &s->reals[j], item->match)) < 0)
				return -ENOMEM;
		if (servers->n > DESTS_MAX)
			list_sort(servers); /* services may have the same ones */
	}
	list_sort(servers);
	if (servers->n > DESTS_MAX)
		return -E2BIG;
	p->used = calloc(servers->n + 1, 1);
	return p->used ? 0 : -ENOMEM;
}

/* The windows that the servers of ITEM have already; ADD: what they have now besides. */
static unsigned servers_use(struct planning *p, const struct lvs_apart_item *item, unsigned add)
{
	const struct apart_list *servers = &p->plan->rules.servers;
	const struct lvs_service *s = lvs_map_service(p->map, item->service);
	unsigned used = 0;
	size_t i;

	for (i = 0; i < s->n_reals; i++) {
		const struct lvs_real *real = &s->reals[i];
		struct apart_dest key = { real->addr, server_port(p, real, item->match) };
		const struct apart_dest *found =
			bsearch(&key, servers->list, servers->n, sizeof(key), apart_dest_compare);
		uint8_t *has = found ? &p->used[found - servers->list] : NULL;

		if (has)
			used |= *has |= (uint8_t)add;
	}
	return used;
}

/* ---- windows --------------------------------------------------------------------------- */

/* Add ITEM's addresses to the first window that its servers do not have yet: else two services
 * could cross. */
static int place(struct planning *p, struct lvs_apart_item *item)
{
	struct apart *rules = &p->plan->rules;
	struct addr a = item->match->first;
	unsigned used = servers_use(p, item, 0), w = 0;

	while (w + 1 < APART_WINDOWS && used & 1U << w)
		w++;
	item->window = (uint8_t)w;
	item->shares = used & 1U << w || !addr_equal(&a, &item->match->last);
	(void)servers_use(p, item, 1U << w);
	rules->n_windows = MAX(rules->n_windows, w + 1U);
	do {
		if (apart_list_add(&rules->windows[w].services, &a, item->match->port) < 0)
			return -ENOMEM;
	} while (addr_next(&a, &item->match->last));
	return 0;
}

static int windows_choose(const struct ports *p, const struct lvs_live *live,
			  const struct lvs_window *before, struct lvs_apart *plan)
{
	struct apart *rules = &plan->rules;
	struct lvs_window *w = &plan->window;
	uint32_t size, i;

	*w = *before;
	if (!w->high || lvs_live_count(live->direct, w->low, w->high))
		if (!lvs_window_apart(p, live->direct, w))
			return -ENOSPC;
	size = (w->high - w->low + 1U) / (uint32_t)MAX(rules->n_windows, 1U);
	for (i = 0; i < rules->n_windows; i++) {
		rules->windows[i].low = (uint16_t)(w->low + i * size);
		rules->windows[i].high = (uint16_t)(w->low + (i + 1) * size - 1);
	}
	w->direct = lvs_live_count(live->direct, w->low, w->high);
	if (w->low - APART_LOWEST > UINT16_MAX - w->high) {
		rules->rest_low = APART_LOWEST;
		rules->rest_high = (uint16_t)(w->low - 1);
	} else {
		rules->rest_low = (uint16_t)(w->high + 1);
		rules->rest_high = UINT16_MAX;
	}
	return 0;
}

int lvs_apart_plan(const struct lvs_map *m, const struct ports *p, const struct lvs_live *live,
		   const struct lvs_window *before, struct lvs_apart *ret)
{
	struct planning planning = { .map = m, .plan = ret };
	size_t i;
	int r;

	*ret = (struct lvs_apart){ .items = NULL };
	r = collect_items(&planning);
	if (r == 0)
		r = collect_servers(&planning);
	for (i = 0; i < ret->n_items && r == 0; i++)
		if (ret->items[i].why == LVS_APART_KEPT)
			r = place(&planning, &ret->items[i]);
	for (i = 0; i < ret->rules.n_windows; i++)
		list_sort(&ret->rules.windows[i].services);
	if (r == 0 && ret->n_kept)
		r = windows_choose(p, live, before, ret);
	free(planning.used);
	if (r < 0)
		lvs_apart_done(ret);
	return r;
}

void lvs_apart_done(struct lvs_apart *a)
{
	apart_done(&a->rules);
	free(a->items);
	*a = (struct lvs_apart){ .items = NULL };
}
