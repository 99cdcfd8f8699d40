/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/vrrp_decoy.h"

#include <stdio.h>
#include <string.h>

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
