/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/verdict.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* Devices that a verdict names; others are counted. */
#define NAMED_MAX 4

/* ---- what cures ------------------------------------------------------------------------------ */

/* A device that is not there has no connections. */
static bool verdict_guards(const struct device_facts *d)
{
	return d->exists && d->guarded;
}

/* The first device whose guard does not work; NULL: all do, or there is none. */
static const struct device_facts *verdict_failing(const struct facts *f)
{
	size_t i;

	for (i = 0; i < f->n_devices; i++)
		if (verdict_guards(&f->devices[i]) && !f->devices[i].in_force)
			return &f->devices[i];
	return NULL;
}

static const struct device_facts *verdict_device(const struct facts *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n_devices; i++)
		if (!strcmp(f->devices[i].name, name) || !strcmp(f->devices[i].real_name, name))
			return &f->devices[i];
	return NULL;
}

/* A device without a guard through which connections are masqueraded. NAMED: only if the rule is
 * for it alone. NULL: none is known. */
static const char *verdict_open_outlet(const struct facts *f, bool named)
{
	const struct device_facts *known;
	struct nat_parts p;
	size_t i, k;

	for (i = 0; i < f->nat.n; i++) {
		if (!f->nat.list[i].masquerades)
			continue;
		nat_rule_parse(&f->nat.list[i], &p);
		for (k = 0; k < f->n_outlets && !p.within_host; k++) {
			const struct snat_device *d = &f->outlets[k];

			known = verdict_device(f, d->name);
			if (nat_parts_admit(&p, d->name) && !(known && verdict_guards(known)) &&
			    (nat_parts_names_device(&p) || (!named && d->leads_out)))
				return d->name;
		}
	}
	return NULL;
}

static bool verdict_has_guard(const struct facts *f)
{
	size_t i;

	for (i = 0; i < f->n_devices && f->daemon == DAEMON_RUNNING; i++)
		if (verdict_guards(&f->devices[i]))
			return true;
	return false;
}

/* Whether each rule that masquerades has SNAT in front. */
static bool verdict_all_snat(const struct facts *f)
{
	struct findings unused = { 0 };
	struct snat_result snat;

	snat_advise(&f->firewall, &f->nat, f->outlets, f->n_outlets, SEVERITY_NOTE, &snat, &unused);
	findings_done(&unused);
	return !snat.left;
}

static bool verdict_firewall_known(const struct facts *f)
{
	return f->firewall_seen && !f->firewall.unprinted && !f->firewall.incomplete;
}

static bool verdict_may_flush(const struct facts *f)
{
	return f->ipv4 != KERNEL_FIXED || f->ipv6 != KERNEL_FIXED;
}

enum cure verdict_cure(const struct facts *f)
{
	if (verdict_has_guard(f) && !verdict_failing(f) &&
	    !(verdict_may_flush(f) && verdict_open_outlet(f, true)))
		return CURE_GUARD;
	if (f->conntrack == -EPROTONOSUPPORT)
		return CURE_NO_CONNTRACK;
	if (verdict_firewall_known(f) && !f->firewall.masquerades)
		return CURE_NO_RULE;
	if (verdict_firewall_known(f) && verdict_all_snat(f))
		return CURE_SNAT;
	if (*f->isolated && !f->exposed)
		return CURE_ISOLATED;
	return CURE_NONE;
}

/* ---- the verdict ----------------------------------------------------------------------------- */

const char *verdict_name(enum verdict_kind kind)
{
	switch (kind) {
	case VERDICT_PROTECTED:
		return "PROTECTED";
	case VERDICT_NOT_NEEDED:
		return "NOT NEEDED";
	case VERDICT_AT_RISK:
		break;
	}
	return "AT RISK";
}

static void verdict_risk(struct verdict *v, const char *cure, const char *fmt, ...) _printf_(3, 4);

static void verdict_risk(struct verdict *v, const char *cure, const char *fmt, ...)
{
	va_list ap;

	v->kind = VERDICT_AT_RISK;
	va_start(ap, fmt);
	vsnprintf(v->text, sizeof(v->text), fmt, ap);
	va_end(ap);
	if (remedy_is_command(cure))
		snprintf(v->fix, sizeof(v->fix), "%s", cure);
	else
		snprintf(v->advice, sizeof(v->advice), "%s", cure);
}

/* pin = off: it has a section, and is not protected. */
static bool verdict_observes(const struct facts *f, const char *device)
{
	const struct device_facts *d = verdict_device(f, device);

	return f->daemon == DAEMON_RUNNING && d && !strcmp(d->protection, "observing");
}

/* What makes vipsafed guard DEVICE. The shell refuses to write over a file. */
static void verdict_guard_fix(const struct facts *f, const char *device, char *buf, size_t size)
{
	bool runs = f->daemon == DAEMON_RUNNING;
	const char *then = runs ? "vipsafe reload" : "systemctl enable --now vipsafed";

	if (f->any_configured && !runs) {
		snprintf(buf, size, "%s", then);
		return;
	}
	if (verdict_observes(f, device)) {
		snprintf(buf, size, "pin = continuous in section [device %s], then: %s", device,
			 then);
		return;
	}
	snprintf(buf, size,
		 "(set -C && mkdir -p /etc/vipsafe/conf.d && echo '[device %s]' "
		 ">/etc/vipsafe/conf.d/%s.conf) && %s",
		 device, device, then);
	if ((runs && *f->config) || !remedy_is_command(buf))
		snprintf(buf, size, "a section [device %s] in %s, then: %s", device,
			 runs && *f->config ? f->config : VIPSAFE_CONFIG, then);
}

/* The device to guard: one that is masqueraded to, or the first one with more addresses than its
 * own; never the loopback, of which nobody takes an address. */
static const char *verdict_device_to_guard(const struct facts *f)
{
	bool waits = f->any_configured && f->daemon != DAEMON_RUNNING;
	const char *name = waits ? NULL : verdict_open_outlet(f, false);
	size_t i;

	for (i = 0; i < f->n_devices && !name; i++)
		if (f->devices[i].exists && f->devices[i].addresses > 1 &&
		    strcmp(f->devices[i].name, "lo") != 0)
			name = f->devices[i].name;
	for (i = 0; i < f->n_devices && !name; i++)
		if (strcmp(f->devices[i].name, "lo") != 0)
			name = f->devices[i].name;
	return name ? name : "DEVICE";
}

static bool verdict_on_flush(const struct facts *f, struct verdict *v)
{
	const char *device = verdict_device_to_guard(f);
	const char *lacks =
		verdict_observes(f, device) ? "is only observed (pin = off)" : "has no guard";
	char fix[FINDING_FIX_MAX];

	if (!verdict_may_flush(f) || verdict_cure(f) != CURE_NONE)
		return false;
	verdict_guard_fix(f, device, fix, sizeof(fix));
	if (f->daemon == DAEMON_NOT_FOR_US || !f->net_admin)
		verdict_unseen(*f->unseen ? f->unseen : "this user cannot look", v);
	else if (verdict_has_guard(f))
		verdict_risk(v, fix, "%s is masqueraded to, and %s", device, lacks);
	else if (f->ipv4 == KERNEL_AFFECTED || f->ipv6 == KERNEL_AFFECTED)
		verdict_risk(v, fix,
			     "%s %s: if anybody but vipsafe deletes an address, this "
			     "kernel flushes all its masqueraded connections",
			     device, lacks);
	else
		verdict_risk(v, fix,
			     "%s %s, and what this kernel flushes when an address goes "
			     "is not known",
			     device, lacks);
	return true;
}

static bool verdict_on_bounce(const struct facts *f, struct verdict *v)
{
	enum cure cure = verdict_cure(f);
	char fix[FINDING_FIX_MAX];
	size_t i;

	if (cure == CURE_NO_CONNTRACK || cure == CURE_NO_RULE || cure == CURE_SNAT)
		return false;
	for (i = 0; i < f->n_devices; i++) {
		const struct device_facts *d = &f->devices[i];

		if (!d->exists || !manager_endangers(&d->managed))
			continue;
		if (f->daemon == DAEMON_NOT_FOR_US) {
			verdict_unseen(f->unseen, v);
			return true;
		}
		if (d->managed.guarded)
			snprintf(fix, sizeof(fix),
				 "linger = 5s in section [device %s], then: vipsafe reload",
				 d->name);
		else
			verdict_guard_fix(f, d->name, fix, sizeof(fix));
		verdict_risk(v, fix,
			     "%s: %s may take its address away and put it back, and all that is "
			     "masqueraded to it is lost",
			     d->name, manager_name(&d->managed));
		return true;
	}
	return false;
}

static bool verdict_on_failure(const struct facts *f, const struct findings *found,
			       struct verdict *v)
{
	const struct device_facts *d = verdict_failing(f);
	size_t i;

	for (i = 0; i < found->n; i++) {
		const struct finding *one = &found->list[i];

		if (one->severity != SEVERITY_CRITICAL)
			continue;
		verdict_risk(v, *one->fix ? one->fix : one->advice, "%s", one->text);
		return true;
	}
	if (!d || f->daemon != DAEMON_RUNNING)
		return false;
	verdict_risk(v, "vipsafe -v status", "the guard of %s is not in force: %s%s%s", d->name,
		     d->state, *d->reason ? ": " : "", d->reason);
	return true;
}

static void verdict_count(const struct facts *f, struct verdict *v)
{
	size_t i;

	for (i = 0; i < f->n_devices && f->daemon == DAEMON_RUNNING; i++) {
		v->pinned += f->devices[i].pinned;
		v->unpinned += f->devices[i].unpinned;
	}
}

static void verdict_protected(const struct facts *f, struct verdict *v)
{
	size_t i, k, n = 0, guarded = 0;

	v->kind = VERDICT_PROTECTED;
	for (i = k = 0; i < f->n_devices; i++)
		guarded += verdict_guards(&f->devices[i]);
	for (i = 0; i < f->n_devices && k < NAMED_MAX; i++) {
		if (!verdict_guards(&f->devices[i]))
			continue;
		n += (size_t)snprintf(v->text + n, sizeof(v->text) - n, "%s%s (%s)",
				      k++ ? ", " : "", f->devices[i].name,
				      f->devices[i].protection);
	}
	if (guarded > k)
		n += (size_t)snprintf(v->text + n, sizeof(v->text) - n, ", %zu more", guarded - k);
	snprintf(v->text + n, sizeof(v->text) - n, "; %llu of %llu connections are pinned",
		 (unsigned long long)v->pinned, (unsigned long long)(v->pinned + v->unpinned));
}

static void verdict_not_needed(const struct facts *f, struct verdict *v)
{
	static const char *const reasons[] = {
		[CURE_NONE] = "this kernel is fixed, and no bounce risk was seen",
		[CURE_GUARD] = "",
		[CURE_NO_CONNTRACK] = "connections are not tracked on this node",
		[CURE_NO_RULE] = "nothing is masqueraded on this node",
		[CURE_SNAT] = "SNAT stands in front of each rule that masquerades",
		[CURE_ISOLATED] = "this kernel is fixed, and no bounce risk was seen",
	};

	v->kind = VERDICT_NOT_NEEDED;
	snprintf(v->text, sizeof(v->text), "%s", reasons[verdict_cure(f)]);
}

void verdict_reach(const struct facts *f, const struct findings *found, struct verdict *ret)
{
	enum cure cure = verdict_cure(f);

	memset(ret, 0, sizeof(*ret));
	verdict_count(f, ret);
	if (verdict_on_failure(f, found, ret) || verdict_on_flush(f, ret) ||
	    verdict_on_bounce(f, ret))
		return;
	if (cure == CURE_GUARD) {
		verdict_protected(f, ret);
	} else if (cure == CURE_ISOLATED && verdict_may_flush(f)) {
		ret->kind = VERDICT_PROTECTED;
		snprintf(ret->text, sizeof(ret->text),
			 "%s has a device of its own: its delete flushes nobody's connection",
			 f->isolated);
	} else {
		verdict_not_needed(f, ret);
	}
}

void verdict_unseen(const char *why, struct verdict *ret)
{
	memset(ret, 0, sizeof(*ret));
	verdict_risk(ret, "sudo vipsafe doctor", "not known to be protected: %s", why);
}
