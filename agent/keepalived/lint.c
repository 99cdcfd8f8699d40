/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/lint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

static const struct instance_settings *ours(const struct keepalived_lint *l,
					    const struct vrrp_instance *v)
{
	const struct instance_settings *s = instance_settings_find(l->settings, v->name);

	return s && s->owner == OWNER_VIPSAFE ? s : NULL;
}

/* ---- who owns what ---- */

/* The instance of vipsafe.conf that has the address, whatever its prefix length; NULL: none. */
static const struct instance_settings *lint_owner_of(const struct keepalived_lint *l,
						     const struct vrrp_address *a)
{
	size_t i, k;

	for (i = 0; i < l->settings->n_instances; i++) {
		const struct instance_settings *s = &l->settings->instances[i];

		for (k = 0; s->owner == OWNER_VIPSAFE && k < s->n_addresses; k++)
			if (addr_equal(&s->addresses[k].vip.prefix.addr, &a->prefix.addr))
				return s;
	}
	return NULL;
}

/* Whether only keepalived can manage V's addresses, for their routes or because of where they
 * are. */
static bool lint_needs_keepalived(const struct keepalived_lint *l, const struct vrrp_instance *v)
{
	bool rule;

	return v->not_kernel || vrrp_instance_route(l->vrrp, v, &rule);
}

/* Returns whether vipsafe owns the address, too. */
static bool lint_owner(const struct keepalived_lint *l, const struct vrrp_instance *v,
		       const struct vrrp_address *a, struct findings *f)
{
	const struct instance_settings *s = a->valid ? lint_owner_of(l, a) : NULL;
	char decoy[DECOY_TEXT_MAX], fix[FINDING_TEXT_MAX];

	if (!s)
		return false;
	if (lint_needs_keepalived(l, v))
		snprintf(fix, sizeof(fix),
			 "in [instance %.60s] of vipsafe.conf: owner = keepalived", s->name);
	else
		snprintf(fix, sizeof(fix), "in its place, in virtual_ipaddress: %s",
			 keepalived_lint_decoy_for(l, v, decoy));
	lint_found(f, SEVERITY_CRITICAL, "vip-owned-twice", a->at, fix,
		   "%.60s is also in [instance %.60s] of vipsafe.conf: keepalived deletes it "
		   "before it reports the new state, and connections are not protected",
		   a->at->words[0], s->name);
	if (a->no_track || lint_needs_keepalived(l, v) ||
	    keepalived_version_before(&l->vrrp->version, 2, 0, 3))
		return true;
	snprintf(fix, sizeof(fix), "%.80s no_track", a->at->words[0]);
	lint_found(f, SEVERITY_WARNING, "no-track-missing", a->at, fix,
		   "when vipsafe deletes %.60s, keepalived takes it for a fault and gives up being"
		   " MASTER",
		   a->at->words[0]);
	return true;
}

static void lint_lifetime(const struct vrrp_address *a, struct findings *f)
{
	char fix[FINDING_TEXT_MAX];
	uint64_t n;

	/* keepalived ignores it for IPv4 */
	if (!a->valid || a->prefix.addr.family != AF_INET6 || !a->preferred_lft ||
	    text_number(a->preferred_lft, 1, UINT32_MAX - 1, &n) < 0)
		return;
	snprintf(fix, sizeof(fix), "%.80s preferred_lft forever", a->at->words[0]);
	lint_found(f, SEVERITY_WARNING, "lifetime-finite", a->at, fix,
		   "%.60s is deprecated after %.20s s, and no connection is opened from it then",
		   a->at->words[0], a->preferred_lft);
}

/* ---- the device of an address ---- */

/* Since 2.0.0 keepalived waits for a device that is not there yet, if it is told to. */
static bool lint_waits_for_devices(const struct keepalived_lint *l)
{
	const struct keepalived_directive *d = keepalived_conf_first(l->conf);

	while ((d = keepalived_find(d, "global_defs"))) {
		if (keepalived_find(d->first, "dynamic_interfaces"))
			return true;
		d = d->next;
	}
	return false;
}

/* A device other than the instance's, as vipsafe isolate makes one. keepalived announces an address
 * out of its device (vrrp_arp.c: send_gratuitous_arp(); since 2.0.0 not at all if that has no ARP).
 */
static void lint_device(const struct keepalived_lint *l, const struct instance_settings *s,
			const struct vrrp_address *a, struct findings *f)
{
	bool is_decoy =
		vrrp_address_is_decoy(a) ||
		(s && s->has_decoy && addr_equal(&a->prefix.addr, &s->decoy.vip.prefix.addr));
	int has_arp;

	if (!l->has_arp || !a->valid || !a->device || is_decoy || a->use_vmac || a->at->condition ||
	    a->at->doubtful)
		return;
	has_arp = l->has_arp(a->device);
	if (has_arp == -ENODEV && !lint_waits_for_devices(l))
		lint_found(f, SEVERITY_CRITICAL, "vip-device-missing", a->at,
			   "the device, as vipsafe isolate prints it for the next boot, and"
			   " dynamic_interfaces in global_defs",
			   "there is no device %.48s here: keepalived %s", a->device,
			   keepalived_version_before(&l->vrrp->version, 2, 0, 0)
				   ? "leaves the address out when it starts"
			   : l->vrrp->version.major ? "does not start"
						    : "2.0.0 and later does not start");
	if (has_arp == 0)
		lint_found(f, SEVERITY_NOTE, "vip-unannounced", a->at,
			   "a macvlan instead, as vipsafe isolate makes one",
			   "%.48s has no ARP (a dummy?): no neighbour hears of %.60s when this node"
			   " becomes MASTER",
			   a->device, a->at->words[0]);
}

/* ---- what only keepalived can do ---- */

static void lint_routes(const struct keepalived_lint *l, const struct vrrp_instance *v,
			struct findings *f)
{
	bool rule;
	const struct keepalived_directive *at = vrrp_instance_route(l->vrrp, v, &rule);

	if (!at)
		return;
	lint_found(
		f, rule ? SEVERITY_WARNING : SEVERITY_CRITICAL, "routes-need-address", at,
		"owner = keepalived in its section of vipsafe.conf, and the addresses in"
		" virtual_ipaddress",
		rule ? "virtual_rules go before the addresses of vrrp_instance %.48s, which"
		       " vipsafe deletes later"
		     : "virtual_routes are set before vipsafe adds the addresses of vrrp_instance"
		       " %.48s: the kernel refuses those that need one, and keepalived does not"
		       " try again",
		v->name);
}

static void lint_kernel(const struct vrrp_instance *v, struct findings *f)
{
	if (v->not_kernel)
		lint_found(f, SEVERITY_CRITICAL, "address-not-in-kernel", v->not_kernel,
			   "no section for it in vipsafe.conf, and the addresses in"
			   " virtual_ipaddress",
			   "the addresses of vrrp_instance %.48s are on no kernel device: "
			   "if vipsafe added them, they would not be balanced",
			   v->name);
}

/* A keepalived that is started again does not delete the addresses a killed one left behind, and
 * the next MASTER has them as well. */
static void lint_killed(const struct keepalived_lint *l, struct findings *f)
{
	if (keepalived_version_before(&l->vrrp->version, 2, 0, 13) && l->vrrp->n_instances)
		lint_found(f, SEVERITY_WARNING, "killed-keeps-addresses", l->vrrp->instances[0].at,
			   "keepalived 2.0.13 or later; until then, a look at both nodes after"
			   " keepalived was killed",
			   "keepalived before 2.0.13 leaves its addresses behind when it is killed,"
			   " and does not remove them when it is back as BACKUP: two nodes have"
			   " them");
}

/* ---- all of it ---- */

static void lint_instance(const struct keepalived_lint *l, const struct vrrp_instance *v,
			  struct findings *f)
{
	const struct instance_settings *s = ours(l, v);
	bool twice = false;
	size_t i;

	for (i = 0; i < v->n_addresses; i++) {
		twice |= lint_owner(l, v, &v->addresses[i], f);
		lint_lifetime(&v->addresses[i], f);
		lint_device(l, s, &v->addresses[i], f);
	}
	keepalived_lint_notify(l, v->scripts, f);
	if (s) {
		lint_routes(l, v, f);
		lint_kernel(v, f);
	}
	/* once keepalived has its addresses back, V needs no decoy */
	if (twice && lint_needs_keepalived(l, v))
		return;
	keepalived_lint_decoy(l, v, s, f);
	if (s)
		keepalived_lint_events(l, v, s, f);
}

static bool is_there(const struct vrrp_conf *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_instances; i++)
		if (!strcmp(c->instances[i].name, name))
			return true;
	return false;
}

static void lint_unknown(const struct keepalived_lint *l, struct findings *f)
{
	const struct keepalived_directive at = { .file = keepalived_conf_file(l->conf, 0),
						 .line = 1 };
	size_t i;

	for (i = 0; i < l->settings->n_instances; i++) {
		const char *name = l->settings->instances[i].name;

		if (!is_there(l->vrrp, name))
			lint_found(
				f, SEVERITY_WARNING, "instance-unknown", &at,
				"the name that the vrrp_instance has",
				"there is no vrrp_instance %.60s, which vipsafe.conf has a section "
				"for",
				name);
	}
}

static void lint_unresolved(const struct keepalived_lint *l, struct findings *f)
{
	unsigned all = keepalived_conf_unresolved(l->conf, KEEPALIVED_UNRESOLVED);
	const struct keepalived_note *notes;
	size_t n;

	notes = keepalived_conf_notes(l->conf, &n);
	if (n)
		findings_add(f, SEVERITY_UNSEEN, "keepalived-not-understood", NULL,
			     "%u parts of the file are not understood, and not judged; the first:"
			     " %.80s:%u: %.120s",
			     all, notes[0].file, notes[0].line, notes[0].text);
	if (l->vrrp->dropped)
		findings_add(f, SEVERITY_UNSEEN, "keepalived-not-understood", NULL,
			     "%zu instances, groups or addresses are too many, and not judged",
			     l->vrrp->dropped);
}

void keepalived_lint(const struct keepalived_lint *what, struct findings *f)
{
	const struct vrrp_conf *c = what->vrrp;
	size_t i;

	lint_unresolved(what, f);
	lint_killed(what, f);
	keepalived_lint_fifo(what, f);
	for (i = 0; i < c->n_groups; i++)
		keepalived_lint_notify(what, c->groups[i].scripts, f);
	for (i = 0; i < c->n_instances; i++)
		lint_instance(what, &c->instances[i], f);
	lint_unknown(what, f);
	keepalived_lint_scripts(what, f);
	for (i = 0; i < c->n_instances; i++)
		keepalived_lint_conntrackd(what, &c->instances[i], f);
	keepalived_lint_unit(what, f);
}
