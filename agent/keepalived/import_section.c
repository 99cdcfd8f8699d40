/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of an instance's section: addresses, announcements. */
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "keepalived/import_parts.h"

#define DURATION_DIGITS_MAX 16

static void option(char *buf, size_t size, const char *word, const char *value)
{
	size_t n = strlen(buf);

	if (value)
		snprintf(buf + n, size - n, " %s%s%s", word, *value ? " " : "", value);
}

/* Whether the kernel would treat both as the same address. */
static bool section_is_same(const struct vrrp_instance *v, const struct vrrp_address *a,
			    const struct vrrp_instance *w, const struct vrrp_address *b)
{
	const char *device = vrrp_address_device(v, a), *other = vrrp_address_device(w, b);

	if (!b->valid || !device || !other || strcmp(device, other) != 0)
		return false;
	/* two instances would take turns deleting it, whatever the prefix length; IPv6 keeps an
	 * address once per device */
	if (v != w || a->prefix.addr.family == AF_INET6)
		return addr_equal(&a->prefix.addr, &b->prefix.addr);
	return prefix_equal(&a->prefix, &b->prefix);
}

/* Another instance that also has the address, or NULL. */
static const struct vrrp_instance *
find_other(const struct importer *im, const struct vrrp_instance *v, const struct vrrp_address *a)
{
	const struct vrrp_conf *c = im->what->vrrp;
	size_t i, k;

	for (i = 0; i < c->n_instances; i++) {
		const struct vrrp_instance *w = &c->instances[i];

		for (k = 0; w != v && k < w->n_addresses; k++)
			if (section_is_same(v, a, w, &w->addresses[k]))
				return w;
	}
	return NULL;
}

/* The index of an earlier line of V with the address of line I; I: there is none. */
static size_t find_before(const struct vrrp_instance *v, size_t i)
{
	size_t k;

	for (k = 0; k < i && v->addresses[i].valid; k++)
		if (section_is_same(v, &v->addresses[i], v, &v->addresses[k]))
			return k;
	return i;
}

/* Report options that are not carried over and matter little. */
static void address_notes(struct importer *im, const struct vrrp_address *a)
{
	bool ipv6 = a->prefix.addr.family == AF_INET6;
	const char *ignored = ipv6 && a->label		  ? "label"
			      : ipv6 && a->scope	  ? "scope"
			      : !ipv6 && a->preferred_lft ? "preferred_lft"
							  : NULL;

	if (ignored)
		fprintf(im->out, "# without its %s, as keepalived ignores it for %s\n", ignored,
			ipv6 ? "IPv6" : "IPv4");
	if (a->dad)
		importer_leave(im, a->at,
			       "-nodad: an instance's address comes without duplicate address"
			       " detection");
	if (a->home && !ipv6)
		importer_leave(im, a->at, "home: only IPv6 has that");
	if (a->mngtmpaddr)
		importer_leave(im, a->at, "mngtmpaddr");
	if (a->autojoin)
		importer_leave(im, a->at, "autojoin");
}

/* keepalived ignores label and scope for IPv6, and preferred_lft for IPv4 (vrrp_ipaddress.c:
 * alloc_ipaddress(), netlink_ipaddress()). */
static bool put_address(struct importer *im, const struct vrrp_instance *v,
			const struct vrrp_address *a)
{
	bool ipv6 = a->prefix.addr.family == AF_INET6;
	const char *device = vrrp_address_device(v, a);
	bool is_other = !v->interface || strcmp(device, v->interface) != 0;
	char text[256], prefix[PREFIX_TEXT_MAX], peer[PREFIX_TEXT_MAX];

	snprintf(text, sizeof(text), "%s", prefix_format(&a->prefix, prefix));
	option(text, sizeof(text), "peer",
	       a->peer_at.addr.family ? prefix_format(&a->peer_at, peer) : NULL);
	option(text, sizeof(text), "dev", is_other ? device : NULL);
	option(text, sizeof(text), "label", ipv6 ? NULL : a->label);
	option(text, sizeof(text), "scope", ipv6 ? NULL : a->scope);
	option(text, sizeof(text), "brd", a->broadcast);
	option(text, sizeof(text), "noprefixroute", a->noprefixroute ? "" : NULL);
	option(text, sizeof(text), "home", ipv6 && a->home ? "" : NULL);
	/* keepalived's default: an IPv6 VIP is never chosen as a source address */
	if (ipv6)
		option(text, sizeof(text), "preferred_lft",
		       a->preferred_lft	      ? a->preferred_lft
		       : a->prefix.len == 128 ? "0"
					      : NULL);
	if (!importer_put(im, a->at, "address", text))
		return false;
	address_notes(im, a);
	return true;
}

/* Returns whether vipsafe gets the address. */
static bool take_address(struct importer *im, const struct vrrp_instance *v,
			 const struct vrrp_address *a)
{
	const char *why = vrrp_address_stays(a), *word = a->at->words[0];
	const struct vrrp_instance *other;

	if (!why && vrrp_address_is_ignored(im->what->vrrp, v, a))
		why = "it is not of the instance's family, and keepalived ignores it";
	if (!why && vrrp_address_is_apart(im->what->vrrp, v, a))
		why = "it sits on a device of its own";
	if (why) {
		importer_leave(im, a->at, "%.60s stays with keepalived: %s", word, why);
		return false;
	}
	if (!importer_is_device(vrrp_address_device(v, a))) {
		importer_leave(im, a->at, "%.60s: neither the line nor the instance names a device",
			       word);
		return false;
	}
	other = find_other(im, v, a);
	if (!other)
		return put_address(im, v, a);
	importer_leave(im, a->at, "%.60s stays with keepalived: vrrp_instance %.48s has it as well",
		       word, other->name);
	return false;
}

size_t section_put_addresses(struct importer *im, const struct vrrp_instance *v, struct planned *p)
{
	size_t i, before, n = 0;

	for (i = 0; i < v->n_addresses; i++) {
		const struct vrrp_address *a = &v->addresses[i];

		p->is_decoy[i] = importer_is_decoy(im, v, a);
		if (p->is_decoy[i])
			continue;
		before = find_before(v, i);
		if (before == i) {
			p->addresses[i] = take_address(im, v, a);
			n += p->addresses[i];
			continue;
		}
		/* a repeated line: the decision about the first one holds */
		p->addresses[i] = p->addresses[before];
		importer_leave(im, a->at, "%.60s is already given on an earlier line",
			       a->at->words[0]);
	}
	return n;
}

/* ---- announcements ---- */

/* Convert seconds with a fraction, as in keepalived.conf, to a duration of vipsafe.conf. */
static bool seconds(const char *text, char buf[DURATION_TEXT_MAX])
{
	size_t whole = strspn(text, "0123456789"), part = 0, i;
	uint64_t n = 0, us = 0;
	char digits[DURATION_DIGITS_MAX] = "0";

	if (whole >= sizeof(digits) || (!whole && text[0] != '.'))
		return false;
	if (whole) {
		memcpy(digits, text, whole);
		digits[whole] = '\0';
	}
	if (text_number(digits, 0, 1000000, &n) < 0)
		return false;
	if (text[whole] == '.') {
		part = strspn(text + whole + 1, "0123456789");
		for (i = 0; i < 6; i++)
			us = us * 10 + (i < part ? (uint64_t)(text[whole + 1 + i] - '0') : 0);
		part++;
	}
	if (text[whole + part])
		return false;
	duration_format(n * USEC_PER_SEC + us, buf);
	return true;
}

static void put_duration(struct importer *im, const struct vrrp_instance *v, const char *key,
			 const char *value)
{
	char text[DURATION_TEXT_MAX];

	if (value && !seconds(value, text))
		importer_leave(im, v->at, "%s: \"%.32s\" is no time", key, value);
	else if (value)
		importer_put(im, v->at, key, text);
}

void section_put_announce(struct importer *im, const struct vrrp_instance *v)
{
	const struct vrrp_announce *a = &v->announce;

	if (a->repeat)
		importer_put(im, v->at, "garp", a->repeat);
	put_duration(im, v, "garp_interval", a->interval);
	if (a->delay && !strcmp(a->delay, "0")) {
		importer_put(im, v->at, "garp_again", "0");
	} else {
		if (a->repeat)
			importer_put(im, v->at, "garp_again", a->repeat);
		put_duration(im, v, "garp_again_after", a->delay);
	}
	put_duration(im, v, "garp_refresh", a->refresh);
	if (a->refresh_repeat)
		importer_put(im, v->at, "garp_refresh_count", a->refresh_repeat);
}
