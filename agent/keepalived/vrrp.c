/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/vrrp.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/text.h"
#include "keepalived/conf_tree.h"

/* Defaults from global_defs, where the options begin with "vrrp_"; in an instance they do not. */
struct global {
	unsigned version;
	bool strict;
	struct vrrp_announce announce;
};

static const struct {
	const char *name;
	size_t offset;
} announce_words[] = {
	{ "garp_master_repeat", offsetof(struct vrrp_announce, repeat) },
	{ "garp_master_delay", offsetof(struct vrrp_announce, delay) },
	{ "garp_master_refresh", offsetof(struct vrrp_announce, refresh) },
	{ "garp_master_refresh_repeat", offsetof(struct vrrp_announce, refresh_repeat) },
	{ "garp_interval", offsetof(struct vrrp_announce, interval) },
};

static bool vrrp_word_is(const struct keepalived_directive *d, const char *keyword)
{
	return d->n_words && !strcmp(d->words[0], keyword);
}

/* keepalived's notion of true: no value, or none of its words for false. */
static bool vrrp_is_on(const struct keepalived_directive *d)
{
	const char *w = keepalived_word(d, 1);

	return !w || (strcmp(w, "off") && strcmp(w, "false") && strcmp(w, "no"));
}

static void number_set(const struct keepalived_directive *d, uint64_t max, unsigned *ret)
{
	uint64_t n;

	if (d->n_words > 1 && !text_number(d->words[1], 0, max, &n))
		*ret = (unsigned)n;
}

static void script_set(const struct keepalived_directive *d, const struct vrrp_conf *c,
		       struct vrrp_script *ret)
{
	const char *command = keepalived_word(d, 1);

	if (!command)
		return;
	if (ret->at && !keepalived_version_before(&c->version, 1, 3, 6)) {
		ret->other = d;
		return;
	}
	*ret = (struct vrrp_script){ d, command, keepalived_word(d, 2), ret->at };
}

static void scripts_set(const struct keepalived_directive *d, const struct vrrp_conf *c,
			struct vrrp_script list[VRRP_EVENTS])
{
	enum vrrp_event e;

	for (e = 0; e < VRRP_EVENTS; e++) {
		if (vrrp_word_is(d, vrrp_event_keyword(e)))
			script_set(d, c, &list[e]);
	}
}

static void announce_set(const struct keepalived_directive *d, const char *prefix,
			 struct vrrp_announce *a)
{
	size_t n = strlen(prefix), i;

	if (d->n_words < 2 || strncmp(d->words[0], prefix, n))
		return;
	for (i = 0; i < ARRAY_SIZE(announce_words); i++) {
		if (!strcmp(d->words[0] + n, announce_words[i].name))
			*(const char **)((char *)a + announce_words[i].offset) = d->words[1];
	}
}

static int addresses_read(struct vrrp_conf *c, struct vrrp_instance *v,
			  const struct keepalived_directive *block, bool excluded)
{
	const struct keepalived_directive *d;

	for (d = block->first; d; d = d->next) {
		struct vrrp_address *a;

		if (!d->n_words)
			continue;
		if (c->n_addresses == VRRP_ADDRESSES_MAX) {
			c->dropped++;
			v->cut = true;
			continue;
		}
		c->n_addresses++;
		a = array_append(&v->addresses, &v->n_addresses, sizeof(*a));
		if (!a)
			return -ENOMEM;
		*a = vrrp_address_read(d, excluded);
	}
	return 0;
}

static void first_set(const struct keepalived_directive **ret, const struct keepalived_directive *d)
{
	if (!*ret)
		*ret = d;
}

/* Note the first line that decides where the addresses are and whose effect is uncertain. */
static void doubt_set(struct vrrp_instance *v, const struct keepalived_directive *d)
{
	static const char *const words[] = { "interface",      "use_vmac",	"use_vmac_addr",
					     "use_ipvlan",     "native_ipv6",	"virtual_router_id",
					     "virtual_routes", "virtual_rules", "no_accept" };
	bool is_block = vrrp_word_is(d, "virtual_ipaddress") ||
			vrrp_word_is(d, "virtual_ipaddress_excluded");
	size_t i;

	if (d->incomplete || (is_block && d->condition))
		first_set(&v->doubt, d);
	for (i = 0; i < ARRAY_SIZE(words) && d->doubtful; i++)
		if (vrrp_word_is(d, words[i]))
			first_set(&v->doubt, d);
}

static void device_line(struct vrrp_instance *v, const struct keepalived_directive *d)
{
	if (vrrp_word_is(d, "interface")) {
		v->interface = keepalived_word(d, 1);
	} else if (vrrp_word_is(d, "use_vmac") || vrrp_word_is(d, "use_ipvlan")) {
		v->own_device = vrrp_word_is(d, "use_vmac") ? VRRP_DEVICE_VMAC : VRRP_DEVICE_IPVLAN;
		v->own_device_at = d;
	} else if (vrrp_word_is(d, "use_vmac_addr")) {
		v->vmac_everywhere = true;
	} else if (vrrp_word_is(d, "dpdk_interface")) {
		first_set(&v->not_kernel, d);
	} else if (!d->n_words || !keepalived_is_instance_keyword(d->words[0])) {
		first_set(&v->unknown, d);
	}
}

static void options_line(struct vrrp_instance *v, const struct keepalived_directive *d)
{
	if (vrrp_word_is(d, "virtual_router_id"))
		number_set(d, 255, &v->id);
	else if (vrrp_word_is(d, "version") || vrrp_word_is(d, "vrrp_version"))
		number_set(d, 3, &v->version);
	else if (vrrp_word_is(d, "strict_mode"))
		v->strict = vrrp_is_on(d);
	else if (vrrp_word_is(d, "no_accept") || vrrp_word_is(d, "accept"))
		v->no_accept = vrrp_word_is(d, "no_accept");
	else if (vrrp_word_is(d, "no_virtual_ipaddress"))
		v->none_wanted = true;
	else if (vrrp_word_is(d, "virtual_routes") && d->first)
		first_set(&v->routes, d);
	else if (vrrp_word_is(d, "virtual_rules") && d->first)
		first_set(&v->rules, d);
}

static int instance_line(struct vrrp_conf *c, struct vrrp_instance *v,
			 const struct keepalived_directive *d)
{
	if (!v->family)
		v->family = vrrp_line_family(d);
	device_line(v, d);
	options_line(v, d);
	doubt_set(v, d);
	scripts_set(d, c, v->scripts);
	announce_set(d, "", &v->announce);
	if (vrrp_word_is(d, "virtual_ipaddress")) {
		first_set(&v->block, d);
		return addresses_read(c, v, d, false);
	}
	if (vrrp_word_is(d, "virtual_ipaddress_excluded")) {
		first_set(&v->excluded, d);
		return addresses_read(c, v, d, true);
	}
	return 0;
}

static int instance_read(struct vrrp_conf *c, const struct global *g,
			 const struct keepalived_directive *at)
{
	const struct keepalived_directive *d;
	const char *name = keepalived_word(at, 1);
	struct vrrp_instance *v;
	int r = 0;

	if (c->n_instances == VRRP_INSTANCES_MAX) {
		c->dropped++;
		return 0;
	}
	v = array_append(&c->instances, &c->n_instances, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->at = at;
	v->name = name ? name : "";
	v->strict = g->strict;
	v->version = g->version;
	v->announce = g->announce;
	for (d = at->first; d && r >= 0; d = d->next)
		r = instance_line(c, v, d);
	if (at->incomplete)
		first_set(&v->doubt, at);
	v->no_accept = v->no_accept || v->strict;
	v->ipv6 = v->family == AF_INET6;
	if (v->ipv6)
		v->version = 3;
	else if (!v->version)
		v->version = 2;
	return r;
}

static int group_read(struct vrrp_conf *c, const struct keepalived_directive *at)
{
	const struct keepalived_directive *d;
	const char *name = keepalived_word(at, 1);
	struct vrrp_group *g;

	if (c->n_groups == VRRP_INSTANCES_MAX) {
		c->dropped++;
		return 0;
	}
	g = array_append(&c->groups, &c->n_groups, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->at = at;
	g->name = name ? name : "";
	for (d = at->first; d; d = d->next)
		scripts_set(d, c, g->scripts);
	return 0;
}

static bool vrrp_is_member(const struct vrrp_group *g, const char *name)
{
	const struct keepalived_directive *block, *d;
	unsigned i;

	for (block = keepalived_find(g->at->first, "group"); block;
	     block = keepalived_find(block->next, "group")) {
		for (d = block->first; d; d = d->next) {
			for (i = 0; i < d->n_words; i++)
				if (!strcmp(d->words[i], name))
					return true;
		}
	}
	return false;
}

static void groups_assign(struct vrrp_conf *c)
{
	size_t i, j;

	for (i = 0; i < c->n_instances; i++) {
		for (j = 0; j < c->n_groups; j++) {
			if (!vrrp_is_member(&c->groups[j], c->instances[i].name))
				continue;
			c->groups[j].members++;
			c->instances[i].group = &c->groups[j];
		}
	}
}

static int other_script(struct vrrp_conf *c, const struct keepalived_directive *d)
{
	struct vrrp_script *s;

	if (d->n_words < 2)
		return 0;
	s = array_append(&c->others, &c->n_others, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct vrrp_script){ .at = d, .command = d->words[1], .user = keepalived_word(d, 2) };
	return 0;
}

static int global_line(struct vrrp_conf *c, struct global *g, const struct keepalived_directive *d)
{
	const struct keepalived_directive **fifo = vrrp_word_is(d, "notify_fifo") ? &c->fifo
						   : vrrp_word_is(d, "vrrp_notify_fifo")
							   ? &c->vrrp_fifo
							   : NULL;

	if (fifo && d->n_words > 1)
		*fifo = d;
	else if (vrrp_word_is(d, "vrrp_version"))
		number_set(d, 3, &g->version);
	else if (vrrp_word_is(d, "vrrp_strict"))
		g->strict = vrrp_is_on(d);
	else if (vrrp_word_is(d, "script_user"))
		c->script_user = keepalived_word(d, 1), c->script_user_at = d;
	else if (vrrp_word_is(d, "enable_script_security"))
		c->script_security = true;
	else if (vrrp_word_is(d, "vrrp_min_garp") && vrrp_is_on(d))
		g->announce.repeat = "1", g->announce.delay = "0";
	announce_set(d, "vrrp_", &g->announce);
	if (vrrp_word_is(d, "notify_fifo_script"))
		c->fifo_script = d;
	else if (vrrp_word_is(d, "vrrp_notify_fifo_script"))
		c->vrrp_fifo_script = d;
	else if (!vrrp_word_is(d, "startup_script") && !vrrp_word_is(d, "shutdown_script"))
		return 0;
	return other_script(c, d);
}

static int top_line(struct vrrp_conf *c, struct global *g, const struct keepalived_directive *at)
{
	const struct keepalived_directive *d, *script = NULL;
	int r = 0;

	if (vrrp_word_is(at, "global_defs")) {
		for (d = at->first; d && r >= 0; d = d->next)
			r = global_line(c, g, d);
	} else if (vrrp_word_is(at, "vrrp_sync_group")) {
		r = group_read(c, at);
	} else if (vrrp_word_is(at, "vrrp_script")) {
		/* if given twice, the last one counts in all versions */
		for (d = at->first; d && r >= 0; d = d->next) {
			if (vrrp_word_is(d, "script") && d->condition)
				r = other_script(c, d);
			else if (vrrp_word_is(d, "script"))
				script = d;
		}
		r = script && r >= 0 ? other_script(c, script) : r;
	}
	return r;
}

int vrrp_conf_read(const struct keepalived_conf *from, const struct keepalived_version *version,
		   struct vrrp_conf *ret)
{
	const struct keepalived_directive *first = keepalived_conf_first(from), *d;
	struct vrrp_conf c = { .version = version ? *version : (struct keepalived_version){ 0 } };
	struct global g = { 0 };
	int r = 0;

	/* global_defs may stand after the instances for which it has the defaults */
	for (d = first; d && r >= 0; d = d->next)
		r = top_line(&c, &g, d);
	for (d = first; d && r >= 0; d = d->next)
		if (vrrp_word_is(d, "vrrp_instance"))
			r = instance_read(&c, &g, d);
	if (r < 0) {
		vrrp_conf_done(&c);
		return r;
	}
	groups_assign(&c);
	*ret = c;
	return 0;
}

void vrrp_conf_done(struct vrrp_conf *c)
{
	size_t i;

	for (i = 0; i < c->n_instances; i++)
		free(c->instances[i].addresses);
	free(c->instances);
	free(c->groups);
	free(c->others);
	*c = (struct vrrp_conf){ 0 };
}
