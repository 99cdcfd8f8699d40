/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about what was read (keepalived_vrrp.c). */
#include "front/keepalived_vrrp.h"

#include <string.h>
#include <sys/socket.h>

const char *vrrp_address_device(const struct vrrp_instance *v, const struct vrrp_address *a)
{
	return a->device ? a->device : v->interface;
}

const char *vrrp_address_stays(const struct vrrp_address *a)
{
	if (a->at->condition)
		return "it depends on how keepalived is started";
	if (!a->valid || !addr_is_usable(&a->prefix.addr))
		return "it is no address for a virtual IP";
	if (a->use_vmac)
		return "it sits on a device of its own";
	if (a->peer)
		return "vipsafe has no \"peer\"";
	if (a->unknown)
		return "it has an option that is not known";
	return NULL;
}

static bool is_link_local(const struct addr *a)
{
	static const uint8_t ipv4[] = { 169, 254 }, ipv6[] = { 0xfe, 0x80 };
	const uint8_t *prefix = a->family == AF_INET ? ipv4 : ipv6;

	return !memcmp(a->bytes, prefix, sizeof(ipv4));
}

bool vrrp_address_is_decoy(const struct vrrp_address *a)
{
	return a->valid && !a->excluded && a->device && !strcmp(a->device, "lo") &&
	       is_link_local(&a->prefix.addr);
}

const struct vrrp_address *vrrp_instance_decoy(const struct vrrp_instance *v)
{
	size_t i;

	for (i = 0; i < v->n_addresses; i++)
		if (vrrp_address_is_decoy(&v->addresses[i]))
			return &v->addresses[i];
	return NULL;
}

bool vrrp_instance_has_script(const struct vrrp_instance *i, enum vrrp_event e, bool groups_too)
{
	return i->scripts[e].at || (groups_too && i->group && i->group->scripts[e].at);
}
