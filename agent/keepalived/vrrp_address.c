/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of virtual_ipaddress: options, and where the address sits; and what scripts and decoys an
 * instance has. */
#include "keepalived/vrrp_address.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/request.h"
#include "keepalived/vrrp.h"

static const struct {
	const char *name;
	size_t offset;
	bool has_value;
} options[] = {
	{ "dev", offsetof(struct vrrp_address, device), true },
	{ "label", offsetof(struct vrrp_address, label), true },
	{ "brd", offsetof(struct vrrp_address, broadcast), true },
	{ "broadcast", offsetof(struct vrrp_address, broadcast), true },
	{ "scope", offsetof(struct vrrp_address, scope), true },
	{ "peer", offsetof(struct vrrp_address, peer), true },
	{ "preferred_lft", offsetof(struct vrrp_address, preferred_lft), true },
	{ "-nodad", offsetof(struct vrrp_address, dad), false },
	{ "noprefixroute", offsetof(struct vrrp_address, noprefixroute), false },
	{ "no_track", offsetof(struct vrrp_address, no_track), false },
	{ "home", offsetof(struct vrrp_address, home), false },
	{ "mngtmpaddr", offsetof(struct vrrp_address, mngtmpaddr), false },
	{ "autojoin", offsetof(struct vrrp_address, autojoin), false },
	{ "use_vmac", offsetof(struct vrrp_address, use_vmac), false },
};

/* Read the option at word I. Returns how many words it takes. */
static unsigned option_read(struct vrrp_address *a, unsigned i)
{
	const struct keepalived_directive *d = a->at;
	size_t k;

	for (k = 0; k < ARRAY_SIZE(options); k++) {
		void *field = (char *)a + options[k].offset;
		const char **value = field;

		if (strcmp(d->words[i], options[k].name))
			continue;
		if (!options[k].has_value) {
			*(bool *)field = true;
			return 1;
		}
		if (i + 1 == d->n_words)
			break;
		if (*value)
			a->repeated = options[k].name;
		*value = d->words[i + 1];
		return 2;
	}
	if (!a->unknown)
		a->unknown = d->words[i];
	return 1;
}

struct vrrp_address vrrp_address_read(const struct keepalived_directive *d, bool excluded)
{
	struct vrrp_address a = { .at = d, .excluded = excluded };
	unsigned i;

	a.valid = prefix_parse(d->words[0], PREFIX_LEN_OPTIONAL, &a.prefix) == 0;
	for (i = 1; i < d->n_words;)
		i += option_read(&a, i);
	if (a.valid && a.peer && prefix_parse(a.peer, PREFIX_LEN_OPTIONAL, &a.peer_at) == 0 &&
	    a.peer_at.addr.family == a.prefix.addr.family)
		a.prefix.len = a.peer_at.len;
	else
		a.peer_at = (struct prefix){ .len = 0 };
	return a;
}

const char *vrrp_address_device(const struct vrrp_instance *v, const struct vrrp_address *a)
{
	return a->device ? a->device : v->interface;
}

/* The family of the first address in BLOCK. */
static uint8_t block_family(const struct keepalived_directive *block)
{
	const struct keepalived_directive *d;
	struct prefix p;

	for (d = block->first; d; d = d->next)
		if (d->n_words && prefix_parse(d->words[0], PREFIX_LEN_OPTIONAL, &p) == 0)
			return p.addr.family;
	return AF_UNSPEC;
}

uint8_t vrrp_line_family(const struct keepalived_directive *d)
{
	const char *word = keepalived_word(d, 0), *value = keepalived_word(d, 1);
	struct addr a;

	if (!word)
		return AF_UNSPEC;
	if (!strcmp(word, "native_ipv6"))
		return AF_INET6;
	if (!strcmp(word, "virtual_ipaddress") || !strcmp(word, "unicast_peer"))
		return block_family(d);
	if (strcmp(word, "unicast_src_ip") != 0 && strcmp(word, "mcast_src_ip") != 0)
		return AF_UNSPEC;
	return value && addr_parse(value, &a) == 0 ? a.family : AF_UNSPEC;
}

bool vrrp_address_is_ignored(const struct vrrp_conf *c, const struct vrrp_instance *v,
			     const struct vrrp_address *a)
{
	return a->valid && !a->excluded && a->prefix.addr.family != v->family &&
	       !keepalived_version_before(&c->version, 1, 2, 20);
}

static bool address_is_of_instance(const struct vrrp_instance *v, const struct vrrp_address *a)
{
	return a->valid && v->ipv6 == (a->prefix.addr.family == AF_INET6);
}

bool vrrp_address_is_apart(const struct vrrp_conf *c, const struct vrrp_instance *v,
			   const struct vrrp_address *a)
{
	bool no_dev = !a->device;
	bool no_other = no_dev || (v->interface && !strcmp(a->device, v->interface));

	if (v->own_device == VRRP_DEVICE_SHARED)
		return a->use_vmac ||
		       (v->vmac_everywhere && (!no_other || !address_is_of_instance(v, a)));
	if (a->use_vmac || v->vmac_everywhere)
		return true;
	/* since 2.2.0 its address may be on the interface itself */
	if (v->own_device == VRRP_DEVICE_IPVLAN)
		return no_dev && keepalived_version_before(&c->version, 2, 2, 0);
	if (keepalived_version_before(&c->version, 2, 2, 0))
		return no_dev;
	return (c->version.major ? no_other : no_dev) && address_is_of_instance(v, a);
}

const char *vrrp_address_stays(const struct vrrp_address *a)
{
	if (a->at->condition)
		return "it depends on how keepalived is started";
	if (a->at->doubtful)
		return "not all of the line is understood";
	if (!a->valid || !addr_is_usable(&a->prefix.addr))
		return "it is no address for a virtual IP";
	if (a->use_vmac)
		return "it sits on a device of its own";
	if (a->peer &&
	    (!addr_is_usable(&a->peer_at.addr) || addr_equal(&a->peer_at.addr, &a->prefix.addr)))
		return "its peer is no other address of its family";
	if (a->unknown)
		return "it has an option that is not known";
	if (a->repeated)
		return "it has an option twice";
	/* keepalived leaves it out: "trying to assign a broadcast to the IPv6 address" */
	if (a->broadcast && a->prefix.addr.family == AF_INET6)
		return "it has a broadcast address, which IPv6 has not";
	/* 2.0.11 and later leave out such an address, also for IPv6 */
	if (a->label && strlen(a->label) >= LABEL_MAX)
		return "its label is longer than a name of a device";
	if (a->label && (!*a->label || strpbrk(a->label, " \t")))
		return "vipsafe.conf cannot have such a label";
	return NULL;
}

static bool address_is_link_local(const struct addr *a)
{
	static const uint8_t ipv4[] = { 169, 254 }, ipv6[] = { 0xfe, 0x80 };
	const uint8_t *prefix = a->family == AF_INET ? ipv4 : ipv6;

	return !memcmp(a->bytes, prefix, sizeof(ipv4));
}

bool vrrp_address_is_decoy(const struct vrrp_address *a)
{
	return a->valid && !a->excluded && a->device && address_is_link_local(&a->prefix.addr) &&
	       (!strcmp(a->device, "lo") || !strcmp(a->device, DECOY_DEVICE));
}

/* Questions about an instance as a whole. */

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

bool vrrp_any_script(const struct vrrp_script scripts[VRRP_EVENTS])
{
	enum vrrp_event e;

	for (e = 0; e < VRRP_EVENTS; e++)
		if (scripts[e].at)
			return true;
	return false;
}

bool vrrp_conf_has_script(const struct vrrp_conf *c)
{
	size_t i;

	for (i = 0; i < c->n_instances; i++)
		if (vrrp_any_script(c->instances[i].scripts))
			return true;
	for (i = 0; i < c->n_groups; i++)
		if (vrrp_any_script(c->groups[i].scripts))
			return true;
	return false;
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

/* Proposed addresses: 169.254.NET.ID and fe80::NET:ID. */
#define FIRST_NET 77
#define LAST_NET 254

const char *decoy_device(const struct vrrp_conf *c)
{
	return keepalived_version_before(&c->version, 1, 3, 6) ? DECOY_DEVICE : "lo";
}

/* Whether no instance before V has the same decoy. */
static bool vrrp_decoy_is_own(const struct vrrp_conf *c, const struct vrrp_instance *v,
			      const struct vrrp_address *decoy)
{
	const struct vrrp_instance *w;

	for (w = c->instances; w < v; w++) {
		const struct vrrp_address *other = vrrp_instance_decoy(w);

		if (other && addr_equal(&other->prefix.addr, &decoy->prefix.addr))
			return false;
	}
	return true;
}

/* How many instances before V would get a decoy with the same numbers. */
static unsigned namesakes(const struct vrrp_conf *c, const struct vrrp_instance *v)
{
	const struct vrrp_instance *w;
	unsigned n = 0;

	for (w = c->instances; w < v; w++)
		n += w->id == v->id && w->ipv6 == v->ipv6;
	return n;
}

/* Whether any instance has the address. */
static bool is_used(const struct vrrp_conf *c, const struct addr *a)
{
	size_t i, k;

	for (i = 0; i < c->n_instances; i++) {
		const struct vrrp_instance *w = &c->instances[i];

		for (k = 0; k < w->n_addresses; k++)
			if (w->addresses[k].valid && addr_equal(&w->addresses[k].prefix.addr, a))
				return true;
	}
	return false;
}

const char *decoy_propose(const struct vrrp_conf *c, const struct vrrp_instance *v,
			  char buf[DECOY_TEXT_MAX])
{
	const struct vrrp_address *has = vrrp_instance_decoy(v);
	const char *device = decoy_device(c);
	unsigned net, n = namesakes(c, v);
	char prefix[PREFIX_TEXT_MAX];
	struct prefix p;

	if (has && vrrp_decoy_is_own(c, v, has)) {
		/* a device that suits an old keepalived suits a newer one as well */
		if (!strcmp(device, "lo"))
			device = has->device;
		snprintf(buf, DECOY_TEXT_MAX, "%s dev %s", prefix_format(&has->prefix, prefix),
			 device);
		return buf;
	}
	for (net = FIRST_NET; net <= LAST_NET; net++) {
		if (v->ipv6)
			snprintf(prefix, sizeof(prefix), "fe80::%u:%u/128", net, v->id);
		else
			snprintf(prefix, sizeof(prefix), "169.254.%u.%u/32", net, v->id);
		if (prefix_parse(prefix, PREFIX_LEN_REQUIRED, &p) < 0 || is_used(c, &p.addr) || n--)
			continue;
		snprintf(buf, DECOY_TEXT_MAX, "%s dev %s", prefix, device);
		return buf;
	}
	return NULL;
}
