/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of virtual_ipaddress: options, and where the address sits. */
#include "keepalived/vrrp.h"

#include <string.h>
#include <sys/socket.h>

#include "base/request.h"
#include "keepalived/vrrp_decoy.h"

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
	if (a->peer)
		return "vipsafe has no \"peer\"";
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
