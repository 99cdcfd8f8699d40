/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about an instance as a whole. */
#include <string.h>

#include "keepalived/vrrp.h"

static const char *const event_keywords[] = {
	[VRRP_NOTIFY] = "notify",	 [VRRP_MASTER] = "notify_master",
	[VRRP_BACKUP] = "notify_backup", [VRRP_FAULT] = "notify_fault",
	[VRRP_STOP] = "notify_stop",	 [VRRP_DELETED] = "notify_deleted",
};

const char *vrrp_event_keyword(enum vrrp_event e)
{
	return event_keywords[e];
}

const struct vrrp_address *vrrp_instance_decoy(const struct vrrp_instance *v)
{
	size_t i;

	for (i = 0; i < v->n_addresses; i++)
		if (vrrp_address_is_decoy(&v->addresses[i]))
			return &v->addresses[i];
	return NULL;
}

bool vrrp_script_is_twice(const struct vrrp_script *s)
{
	return s->other && !s->other->condition && !s->at->condition;
}

bool vrrp_group_is_removed(const struct vrrp_conf *c, const struct vrrp_group *g)
{
	return !g->members || (g->members == 1 && keepalived_version_before(&c->version, 1, 4, 0));
}

static bool group_has_script(const struct vrrp_conf *c, const struct vrrp_group *g,
			     enum vrrp_event e)
{
	if (!g || !g->scripts[e].at || vrrp_group_is_removed(c, g))
		return false;
	return e != VRRP_STOP || !keepalived_version_before(&c->version, 2, 0, 0);
}

bool vrrp_instance_has_script(const struct vrrp_conf *c, const struct vrrp_instance *i,
			      enum vrrp_event e, bool groups_too)
{
	return i->scripts[e].at || (groups_too && group_has_script(c, i->group, e));
}

/* ---- routes ---- */

/* Whether the word after WORD is an address that has to exist, or to be reachable. */
static bool precedes_address(const char *word)
{
	static const char *const words[] = { "via", "src", "gw", "or", "inet", "inet6" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

static bool has_subnet_of(const struct vrrp_instance *v, const char *word)
{
	struct prefix p;
	size_t i;

	if (prefix_parse(word, PREFIX_LEN_OPTIONAL, &p) < 0)
		return false;
	for (i = 0; i < v->n_addresses; i++)
		if (v->addresses[i].valid && prefix_covers(&v->addresses[i].prefix, &p.addr))
			return true;
	return false;
}

/* The first line of BLOCK, or of the blocks in it, that names an address of V. */
static const struct keepalived_directive *find_route(const struct vrrp_instance *v,
						     const struct keepalived_directive *block)
{
	const struct keepalived_directive *d, *in;
	unsigned i;

	for (d = block->first; d; d = d->next) {
		for (i = 1; i < d->n_words; i++)
			if (precedes_address(d->words[i - 1]) && has_subnet_of(v, d->words[i]))
				return d;
		in = find_route(v, d);
		if (in)
			return in;
	}
	return NULL;
}

static const struct keepalived_directive *route_of_others(const struct vrrp_conf *c,
							  const struct vrrp_instance *v)
{
	const struct keepalived_directive *block, *found;
	static const char keyword[] = "virtual_routes";
	size_t i;

	for (i = 0; i < c->n_instances; i++) {
		const struct vrrp_instance *w = &c->instances[i];

		for (block = w == v ? NULL : keepalived_find(w->at->first, keyword); block;
		     block = keepalived_find(block->next, keyword)) {
			found = find_route(v, block);
			if (found)
				return found;
		}
	}
	return NULL;
}

const struct keepalived_directive *
vrrp_instance_route(const struct vrrp_conf *c, const struct vrrp_instance *v, bool *ret_rule)
{
	*ret_rule = false;
	if (v->routes)
		return v->routes;
	*ret_rule = v->rules != NULL;
	return v->rules ? v->rules : route_of_others(c, v);
}
