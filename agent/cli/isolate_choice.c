/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/isolate_choice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/text.h"

/* What net.ipv4.conf.*.arp_ignore makes of a request (arp.c, arp_ignore(), Linux 3.10 to 6.18); the
 * larger value of "all" and of the device counts. */
enum {
	ARP_ANSWERS_ALL = 0,	/* for every address of the node */
	ARP_ANSWERS_OWN = 1,	/* for those of the device it comes in by */
	ARP_ANSWERS_SUBNET = 2, /* the same, in the sender's subnet */
	ARP_ANSWERS_GLOBAL = 3, /* as 0, but for those of scope host */
	ARP_ANSWERS_NOTHING = 8,
};

/* One's own, and the same each time; another one on each node, since the device is up on all of
 * them. udev leaves an address alone that was given. */
static void isolate_mac(const struct isolate_facts *f, const struct addr *vip,
			uint8_t ret[ISOLATE_MAC])
{
	uint64_t h = isolate_hash(vip, hash_bytes(1, f->mac, sizeof(f->mac)));

	for (size_t i = 0; i < ISOLATE_MAC; i++) /* the same on a node of either byte order */
		ret[i] = (uint8_t)(h >> (8 * i));
	ret[0] = (uint8_t)((ret[0] & 0xfc) | 0x02); /* locally administered, unicast */
}

/* ---- may it be done at all ------------------------------------------------------ */

static void _printf_(3, 4) refuse(struct isolate_choice *c, bool may_insist, const char *fmt, ...)
{
	va_list ap;

	if (*c->refusal)
		return; /* the first reason is enough */
	va_start(ap, fmt);
	text_line_va(c->refusal, sizeof(c->refusal), fmt, ap);
	va_end(ap);
	c->may_insist = may_insist;
}

/* What speaks against the device that the address is on. */
static void check_from(const struct isolate_facts *f, struct isolate_choice *c)
{
	if (f->loopback || !strcmp(f->kind, "dummy") || f->is_ours)
		refuse(c, false,
		       "nothing is masqueraded to %s: there it needs no device of its own",
		       f->from);
	else if (*f->master)
		refuse(c, false,
		       "%s belongs to %s: addresses are kept there, and nothing can be put upon it",
		       f->from, f->master);
}

/* What speaks against taking the address away. */
static void check_address(const struct isolate_request *req, const struct isolate_facts *f,
			  struct isolate_choice *c)
{
	const char *family = req->vip.addr.family == AF_INET ? "IPv4" : "IPv6";
	char text[PREFIX_TEXT_MAX];

	prefix_format(&req->vip, text);
	if (!f->there)
		return;
	if (*f->owner && f->owner_agrees && !req->prepare)
		refuse(c, false, "%s: restart it", f->owner);
	else if (*f->owner && !req->prepare)
		refuse(c, false,
		       "%s: make the device only (vipsafe isolate %s dev %s --prepare), write "
		       "\"dev %s\" there, and %s",
		       f->owner, text, f->from, c->device,
		       f->keepalived ? "restart it, where it is BACKUP first" : "vipsafe reload");
	if (f->address.peer.family)
		refuse(c, false, "%s has a peer: it is one end of a point-to-point link", text);
	if (f->address.flags & (IFADDR_TENTATIVE | IFADDR_DADFAILED))
		refuse(c, false, "%s is not in use yet, or another node has it (%s)", text,
		       "duplicate address detection");
	if (f->address.valid_lft != IFADDR_FOREVER)
		refuse(c, false, "%s has a lifetime: DHCP or a router has given it, and renews it",
		       text);
	if (!f->others)
		refuse(c, false, "%s is the last %s address of %s", text, family, f->from);
	if (f->takes_along)
		refuse(c, false,
		       "%s is a primary address, and its secondary ones would go with it: set "
		       "net.ipv4.conf.%s.promote_secondaries=1 first",
		       text, f->from);
	if (!f->subnet_stays)
		refuse(c, false,
		       "the route to the network of %s through %s would go with it: no other "
		       "address there has this network and length",
		       text, f->from);
}

/* ---- which type ----------------------------------------------------------------- */

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Why a dummy cannot serve, in WHY; or true. */
static bool dummy_serves(const struct isolate_request *req, const struct isolate_facts *f,
			 char why[REPORT_TEXT_MAX])
{
	int64_t ignore = larger(f->arp_ignore_all, f->arp_ignore);

	if (!f->ethernet)
		return true;
	if (f->keepalived) {
		text_line(why, REPORT_TEXT_MAX,
			  "keepalived announces an address of a dummy to nobody");
		return false;
	}
	if (req->vip.addr.family == AF_INET6) {
		text_line(why, REPORT_TEXT_MAX,
			  "neighbours ask for an IPv6 address through the device that has it, and "
			  "nothing comes in by a dummy");
		return false;
	}
	if (ignore == ARP_ANSWERS_OWN || ignore == ARP_ANSWERS_SUBNET ||
	    ignore == ARP_ANSWERS_NOTHING) {
		text_line(why, REPORT_TEXT_MAX,
			  "arp_ignore is %lld: %s does not answer for an address of a dummy",
			  (long long)ignore, f->from);
		return false;
	}
	return true;
}

/* Why ARP requests that come in by a macvlan would not be answered as they should, or NULL. */
static const char *macvlan_is_deaf(const struct isolate_facts *f)
{
	int64_t all = f->arp_ignore_all;

	if (all == ARP_ANSWERS_SUBNET)
		return "net.ipv4.conf.all.arp_ignore is 2: an address with all of its bits as "
		       "prefix is in no subnet, and is not answered for";
	if (all >= ARP_ANSWERS_GLOBAL)
		return "net.ipv4.conf.all.arp_ignore is 3 or more: the new device would answer for "
		       "the node's other addresses, or for none";
	if (f->arp_filter_all > 0 && larger(all, f->arp_ignore) != ARP_ANSWERS_ALL)
		return "net.ipv4.conf.all.arp_filter is 1: no device answers that the way back "
		       "does not lead through";
	return NULL;
}

static bool macvlan_serves(const struct isolate_request *req, const struct isolate_facts *f,
			   char why[REPORT_TEXT_MAX], bool *ret_may_insist)
{
	const char *deaf = req->vip.addr.family == AF_INET ? macvlan_is_deaf(f) : NULL;

	*ret_may_insist = false;
	if (!f->ethernet)
		text_line(why, REPORT_TEXT_MAX, "%s is no Ethernet device", f->from);
	else if (f->wireless)
		text_line(why, REPORT_TEXT_MAX,
			  "%s is wireless: its access point admits one MAC address only", f->from);
	else if (!strcmp(f->kind, "ipvlan"))
		text_line(why, REPORT_TEXT_MAX, "%s is an ipvlan, which can carry no macvlan",
			  f->from);
	else if (f->cannot_macvlan)
		text_line(why, REPORT_TEXT_MAX, "this kernel has no macvlan");
	else if (deaf)
		text_line(why, REPORT_TEXT_MAX, "%s", deaf);
	else if (f->rules && !req->force) {
		*ret_may_insist = true;
		text_line(why, REPORT_TEXT_MAX,
			  "%u firewall rule%s by the incoming device or the way back, and the "
			  "address's packets would come in by a new one: %s",
			  f->rules, f->rules == 1 ? " matches" : "s match", f->rule);
	} else {
		return true;
	}
	return false;
}

static void choose_type(const struct isolate_request *req, const struct isolate_facts *f,
			struct isolate_choice *c)
{
	char no_macvlan[REPORT_TEXT_MAX] = "", no_dummy[REPORT_TEXT_MAX] = "";
	bool may_insist;
	bool macvlan = macvlan_serves(req, f, no_macvlan, &may_insist);
	bool dummy = dummy_serves(req, f, no_dummy);
	enum isolate_type wanted = f->exists ? f->exists_as : req->type;

	if (wanted == ISOLATE_MACVLAN && !macvlan)
		refuse(c, may_insist, "a macvlan cannot serve: %s%s", no_macvlan,
		       dummy ? " (a dummy can: \"type dummy\")" : "");
	else if (wanted == ISOLATE_DUMMY && !dummy)
		refuse(c, false, "a dummy cannot serve: %s%s", no_dummy,
		       macvlan ? " (a macvlan can: \"type macvlan\")" : "");
	else if (!macvlan && !dummy)
		refuse(c, may_insist, "%.200s; and %.100s", no_macvlan, no_dummy);
	c->type = wanted != ISOLATE_AUTO ? wanted : macvlan ? ISOLATE_MACVLAN : ISOLATE_DUMMY;
	if (c->type == ISOLATE_DUMMY && !f->ethernet)
		text_line(c->why, sizeof(c->why), "neighbours need not be answered on %s", f->from);
	else if (c->type == ISOLATE_DUMMY)
		text_line(c->why, sizeof(c->why), "%s answers for all addresses of the node%s%s",
			  f->from,
			  macvlan ? "" : "; a macvlan cannot serve: ", macvlan ? "" : no_macvlan);
	else
		text_line(c->why, sizeof(c->why), "it answers for its address itself%s%s",
			  dummy ? "" : "; a dummy cannot serve: ", no_dummy);
}

/* ---- settings of the new device --------------------------------------------------- */

static void isolate_setting_put(struct isolate_choice *c, const char *family, const char *key,
				int64_t value)
{
	struct isolate_setting *s = &c->settings[c->n_settings++];

	s->family = family;
	s->key = key;
	snprintf(s->value, sizeof(s->value), "%d", (int)value);
}

/* Without them a macvlan would answer for the node's other addresses as well (arp_ignore 0), would
 * drop what comes in by it (rp_filter 1: the way back is through the old device), would not forward
 * for those who have the address as their gateway, or would take addresses and routes from router
 * advertisements. */
static void choose_settings(const struct isolate_request *req, const struct isolate_facts *f,
			    struct isolate_choice *c)
{
	bool is4 = req->vip.addr.family == AF_INET;

	if (c->type != ISOLATE_MACVLAN)
		return;
	isolate_setting_put(c, "ipv4", "arp_ignore", is4 ? ARP_ANSWERS_OWN : ARP_ANSWERS_NOTHING);
	isolate_setting_put(c, "ipv4", "proxy_arp", 0);
	if (is4) {
		isolate_setting_put(c, "ipv4", "arp_filter", 0);
		isolate_setting_put(c, "ipv4", "rp_filter",
				    larger(f->rp_filter_all, f->rp_filter) > 0 ? 2 : 0);
		isolate_setting_put(c, "ipv4", "forwarding", f->forwarding4 > 0);
		if (f->has_ipv6)
			isolate_setting_put(c, "ipv6", "disable_ipv6", 1);
		return;
	}
	isolate_setting_put(c, "ipv6", "disable_ipv6", 0);
	isolate_setting_put(c, "ipv6", "accept_ra", 0);
	isolate_setting_put(c, "ipv6", "autoconf", 0);
	isolate_setting_put(c, "ipv6", "proxy_ndp", 0);
	isolate_setting_put(c, "ipv6", "forwarding", f->forwarding6 > 0);
}

void isolate_decide(const struct isolate_request *req, const struct isolate_facts *f,
		    struct isolate_choice *ret)
{
	*ret = (struct isolate_choice){ .n_settings = 0 };
	isolate_name(req, ret->device);
	check_from(f, ret);
	check_address(req, f, ret);
	if (f->name_taken)
		refuse(ret, false,
		       "there is a device %s that was not made for this address: "
		       "give another name (\"name N\")",
		       ret->device);
	choose_type(req, f, ret);
	if (f->exists)
		memcpy(ret->mac, f->own_mac, sizeof(ret->mac));
	else
		isolate_mac(f, &req->vip.addr, ret->mac);
	choose_settings(req, f, ret);
}
