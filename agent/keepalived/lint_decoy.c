/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoy: the address that keepalived gets instead of the real ones. */
#include <stdio.h>
#include <string.h>

#include "keepalived/vrrp_address.h"
#include "keepalived/lint.h"

const char *keepalived_lint_decoy_for(const struct keepalived_lint *l,
				      const struct vrrp_instance *v, char buf[DECOY_TEXT_MAX])
{
	const struct instance_settings *s = instance_settings_find(l->settings, v->name);
	const char *device = decoy_device(l->vrrp);
	char prefix[PREFIX_TEXT_MAX];

	if (s && s->has_decoy) {
		if (!strcmp(device, "lo"))
			device = s->decoy.device;
		snprintf(buf, DECOY_TEXT_MAX, "%s dev %.15s",
			 prefix_format(&s->decoy.vip.prefix, prefix), device);
		return buf;
	}
	if (!decoy_propose(l->vrrp, v, buf))
		snprintf(buf, DECOY_TEXT_MAX, "an address of its own that nobody uses");
	return buf;
}

static bool has_none(const struct vrrp_instance *v)
{
	size_t i;

	for (i = 0; i < v->n_addresses; i++)
		if (!v->addresses[i].excluded)
			return false;
	return true;
}

/* Report an instance without addresses; the effect depends on keepalived's version. */
static void lint_none(const struct keepalived_lint *l, const struct vrrp_instance *v,
		      struct findings *f)
{
	bool strict = v->version == 3 || v->strict;
	bool knows_keyword =
		l->vrrp->version.major && !keepalived_version_before(&l->vrrp->version, 2, 2, 8);
	char decoy[DECOY_TEXT_MAX], fix[FINDING_TEXT_MAX];

	if (!has_none(v) || (knows_keyword && v->none_wanted))
		return;
	if (!strict && keepalived_version_before(&l->vrrp->version, 2, 1, 0))
		return; /* it accepts that silently, and works */
	snprintf(fix, sizeof(fix), "virtual_ipaddress with the line: %s",
		 keepalived_lint_decoy_for(l, v, decoy));
	if (strict)
		lint_found(f, SEVERITY_CRITICAL, "decoy-missing", v->at, fix,
			   "vrrp_instance %.60s has no address: keepalived%s rejects it", v->name,
			   l->vrrp->version.major && !knows_keyword ? ""
			   : knows_keyword ? " without no_virtual_ipaddress"
					   : " before 2.2.8");
	else
		lint_found(
			f, SEVERITY_WARNING, "decoy-missing", v->at, fix,
			"vrrp_instance %.60s has no address: keepalived -t takes that for an error",
			v->name);
}

/* The device on which keepalived puts A, "" if unknown. */
static const char *device_of(const struct vrrp_instance *v, const struct vrrp_address *a)
{
	const char *device = vrrp_address_device(v, a);

	return device ? device : "";
}

static bool lint_decoy_same_decoy(const struct vrrp_address *a,
				  const struct instance_address *decoy)
{
	return a->valid && prefix_equal(&a->prefix, &decoy->vip.prefix);
}

/* The decoy in virtual_ipaddress: that of vipsafe.conf, or an address that looks like one. */
static const struct vrrp_address *find_decoy(const struct vrrp_instance *v,
					     const struct instance_settings *s)
{
	size_t i;

	for (i = 0; s->has_decoy && i < v->n_addresses; i++)
		if (lint_decoy_same_decoy(&v->addresses[i], &s->decoy))
			return &v->addresses[i];
	return vrrp_instance_decoy(v);
}

/* keepalived before 1.3.6 refuses addresses on lo; the instance then has no address. */
static void lint_on_lo(const struct keepalived_lint *l, const struct vrrp_instance *v,
		       const struct instance_settings *s, const struct vrrp_address *a,
		       struct findings *f)
{
	bool old = keepalived_version_before(&l->vrrp->version, 1, 3, 6);
	bool lo = a ? !strcmp(device_of(v, a), "lo") : s && s->has_decoy;
	char prefix[PREFIX_TEXT_MAX], fix[FINDING_TEXT_MAX];

	if (!a && lo)
		lo = !strcmp(s->decoy.device, "lo");
	if (!lo || (l->vrrp->version.major && !old))
		return;
	snprintf(fix, sizeof(fix),
		 "here and in vipsafe.conf: %s dev " DECOY_DEVICE
		 ", a device that vipsafed makes, before keepalived is restarted",
		 prefix_format(a ? &a->prefix : &s->decoy.vip.prefix, prefix));
	lint_found(f, old ? SEVERITY_CRITICAL : SEVERITY_WARNING, "decoy-on-lo", a ? a->at : v->at,
		   fix,
		   "keepalived before 1.3.6 refuses addresses on lo: vrrp_instance %.48s "
		   "has no address then, and no node gets the virtual IP",
		   v->name);
}

/* Report a decoy that two instances share: when one is MASTER, both are taken for it. */
static void lint_shared(const struct keepalived_lint *l, const struct vrrp_instance *v,
			const struct vrrp_address *a, struct findings *f)
{
	const struct vrrp_instance *w;
	char decoy[DECOY_TEXT_MAX];

	for (w = l->vrrp->instances; w < v; w++) {
		const struct vrrp_address *other = vrrp_instance_decoy(w);

		if (other && addr_equal(&other->prefix.addr, &a->prefix.addr)) {
			lint_found(f, SEVERITY_CRITICAL, "decoy-shared", a->at,
				   keepalived_lint_decoy_for(l, v, decoy),
				   "vrrp_instance %.48s has the same decoy as %.48s: it does not "
				   "show which of them is MASTER",
				   v->name, w->name);
			return;
		}
	}
}

static void lint_differs(const struct keepalived_lint *l, const struct vrrp_instance *v,
			 const struct instance_settings *s, const struct vrrp_address *a,
			 struct findings *f)
{
	char prefix[PREFIX_TEXT_MAX], fix[FINDING_TEXT_MAX];
	bool refused = keepalived_version_before(&l->vrrp->version, 1, 3, 6) && s->has_decoy &&
		       !strcmp(s->decoy.device, "lo");
	bool same = a && s->has_decoy && lint_decoy_same_decoy(a, &s->decoy);

	if (s->has_decoy && !refused && (!same || strcmp(device_of(v, a), s->decoy.device) != 0)) {
		snprintf(fix, sizeof(fix), "in virtual_ipaddress: %s dev %.40s",
			 prefix_format(&s->decoy.vip.prefix, prefix), s->decoy.device);
		lint_found(f, SEVERITY_WARNING, "decoy-differs", same ? a->at : v->at, fix,
			   "the decoy of [instance %.60s] of vipsafe.conf is not in"
			   " virtual_ipaddress%s%.40s",
			   v->name, same ? " on that device, but on " : "",
			   same ? device_of(v, a) : "");
	} else if (a && !s->has_decoy) {
		snprintf(fix, sizeof(fix), "in [instance %.60s]: decoy = %s dev %.40s", v->name,
			 prefix_format(&a->prefix, prefix), device_of(v, a));
		lint_found(f, SEVERITY_WARNING, "decoy-differs", a->at, fix,
			   "vipsafe.conf does not name this decoy of [instance %.60s]", v->name);
	}
}

static void lint_no_track(const struct keepalived_lint *l, const struct vrrp_instance *v,
			  const struct vrrp_address *a, struct findings *f)
{
	char prefix[PREFIX_TEXT_MAX], fix[FINDING_TEXT_MAX];

	if (!a->no_track || keepalived_version_before(&l->vrrp->version, 2, 0, 3))
		return;
	snprintf(fix, sizeof(fix), "%s dev %.40s", prefix_format(&a->prefix, prefix),
		 device_of(v, a));
	lint_found(f, SEVERITY_WARNING, "decoy-no-track", a->at, fix,
		   "with no_track keepalived does not notice that somebody deletes the decoy, and"
		   " stays MASTER while vipsafe deletes the addresses");
}

void keepalived_lint_decoy(const struct keepalived_lint *l, const struct vrrp_instance *v,
			   const struct instance_settings *ours, struct findings *f)
{
	const struct vrrp_address *a = ours ? find_decoy(v, ours) : vrrp_instance_decoy(v);

	lint_none(l, v, f);
	lint_on_lo(l, v, ours, a, f);
	if (a)
		lint_shared(l, v, a, f);
	if (!ours)
		return;
	lint_differs(l, v, ours, a, f);
	if (a)
		lint_no_track(l, v, a, f);
}
