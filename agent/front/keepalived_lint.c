/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "front/keepalived_lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"
#include "front/keepalived_change.h"

/* "FILE:LINE: text", made printable. */
static void found(struct findings *f, enum severity severity, const char *code,
		  const struct keepalived_directive *at, const char *fix, const char *fmt, ...)
	_printf_(6, 7);

static void found(struct findings *f, enum severity severity, const char *code,
		  const struct keepalived_directive *at, const char *fix, const char *fmt, ...)
{
	char raw[FINDING_TEXT_MAX], text[FINDING_TEXT_MAX], safe[FINDING_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_line(text, sizeof(text), "%.120s:%u: %s", at->file, at->line, raw);
	findings_add(f, severity, code, text_escape(fix, safe, sizeof(safe)), "%s", text);
}

static const struct instance_settings *ours(const struct keepalived_lint *l,
					    const struct vrrp_instance *v)
{
	const struct instance_settings *s = instance_settings_find(l->settings, v->name);

	return s && s->owner == OWNER_VIPSAFE ? s : NULL;
}

/* ---- who owns what ---- */

/* The instance of ours that has the address, whatever its prefix length. */
static const struct instance_settings *owner_of(const struct keepalived_lint *l,
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

static void lint_owner(const struct keepalived_lint *l, const struct vrrp_instance *v,
		       const struct vrrp_address *a, struct findings *f)
{
	const struct instance_settings *s = a->valid ? owner_of(l, a) : NULL;
	char decoy[DECOY_TEXT_MAX], fix[FINDING_TEXT_MAX];

	if (!s)
		return;
	snprintf(fix, sizeof(fix), "in its place, in virtual_ipaddress: %s",
		 change_decoy(l->vrrp, v, decoy));
	found(f, SEVERITY_CRITICAL, "vip-owned-twice", a->at, fix,
	      "%.60s is in [instance %.60s] of vipsafe.conf as well: keepalived deletes it"
	      " before it says so, unprotected",
	      a->at->words[0], s->name);
	if (a->no_track || keepalived_version_before(&l->version, 2, 0, 3))
		return;
	snprintf(fix, sizeof(fix), "%.80s no_track", a->at->words[0]);
	found(f, SEVERITY_WARNING, "no-track-missing", a->at, fix,
	      "when vipsafe deletes %.60s, keepalived takes it for a fault and gives up being"
	      " MASTER",
	      a->at->words[0]);
}

static void lint_lifetime(const struct vrrp_address *a, struct findings *f)
{
	char fix[FINDING_TEXT_MAX];
	uint64_t n;

	if (!a->preferred_lft || text_number(a->preferred_lft, 1, UINT32_MAX - 1, &n) < 0)
		return;
	snprintf(fix, sizeof(fix), "%.80s preferred_lft forever", a->at->words[0]);
	found(f, SEVERITY_WARNING, "lifetime-finite", a->at, fix,
	      "%.60s is deprecated after %.20s s, and no connection is opened from it then",
	      a->at->words[0], a->preferred_lft);
}

/* ---- the decoy ---- */

static bool has_none(const struct vrrp_instance *v)
{
	size_t i;

	for (i = 0; i < v->n_addresses; i++)
		if (!v->addresses[i].excluded)
			return false;
	return true;
}

/* An instance without an address: what becomes of it, by version. */
static void lint_none(const struct keepalived_lint *l, const struct vrrp_instance *v,
		      struct findings *f)
{
	bool strict = v->version == 3 || v->strict;
	bool knows_keyword = l->version.major && !keepalived_version_before(&l->version, 2, 2, 8);
	char decoy[DECOY_TEXT_MAX], fix[FINDING_TEXT_MAX];

	if (!has_none(v) || (knows_keyword && v->none_wanted))
		return;
	if (!strict && keepalived_version_before(&l->version, 2, 1, 0))
		return; /* it says nothing, and works */
	snprintf(fix, sizeof(fix), "virtual_ipaddress with the line: %s",
		 change_decoy(l->vrrp, v, decoy));
	if (strict)
		found(f, SEVERITY_CRITICAL, "decoy-missing", v->at, fix,
		      "vrrp_instance %.60s has no address: keepalived%s rejects it", v->name,
		      l->version.major && !knows_keyword ? ""
		      : knows_keyword			 ? " without no_virtual_ipaddress"
							 : " before 2.2.8");
	else
		found(f, SEVERITY_WARNING, "decoy-missing", v->at, fix,
		      "vrrp_instance %.60s has no address: keepalived -t takes that for an error",
		      v->name);
}

static bool same_decoy(const struct vrrp_address *a, const struct instance_address *decoy)
{
	return a->valid && prefix_equal(&a->prefix, &decoy->vip.prefix);
}

static void lint_decoy(const struct keepalived_lint *l, const struct vrrp_instance *v,
		       const struct instance_settings *s, struct findings *f)
{
	char prefix[PREFIX_TEXT_MAX], fix[FINDING_TEXT_MAX];
	const struct vrrp_address *a = vrrp_instance_decoy(v);
	size_t i;

	for (i = 0; s->has_decoy && i < v->n_addresses; i++)
		if (same_decoy(&v->addresses[i], &s->decoy))
			a = &v->addresses[i];
	if (s->has_decoy && !(a && same_decoy(a, &s->decoy))) {
		snprintf(fix, sizeof(fix), "in virtual_ipaddress: %s dev %.40s",
			 prefix_format(&s->decoy.vip.prefix, prefix), s->decoy.device);
		found(f, SEVERITY_WARNING, "decoy-differs", v->at, fix,
		      "the decoy of [instance %.60s] of vipsafe.conf is not in virtual_ipaddress",
		      v->name);
	} else if (a && !s->has_decoy) {
		snprintf(fix, sizeof(fix), "in [instance %.60s]: decoy = %s dev %.40s", v->name,
			 prefix_format(&a->prefix, prefix), a->device);
		found(f, SEVERITY_WARNING, "decoy-differs", a->at, fix,
		      "vipsafe.conf does not name this decoy of [instance %.60s]", v->name);
	}
	if (!a || !a->no_track || keepalived_version_before(&l->version, 2, 0, 3))
		return;
	snprintf(fix, sizeof(fix), "%s dev %.40s", prefix_format(&a->prefix, prefix),
		 a->device ? a->device : "lo");
	found(f, SEVERITY_WARNING, "decoy-no-track", a->at, fix,
	      "with no_track keepalived does not notice that somebody deletes the decoy, and"
	      " stays MASTER while vipsafe deletes the addresses");
}

/* ---- who is told ---- */

static bool is_fifo(const struct keepalived_lint *l, const struct keepalived_directive *fifo)
{
	const char *path = fifo ? keepalived_word(fifo, 1) : NULL;

	return path && !strcmp(path, l->settings->fifo);
}

static bool has_fifo(const struct keepalived_lint *l)
{
	return is_fifo(l, l->vrrp->fifo) || is_fifo(l, l->vrrp->vrrp_fifo);
}

static void lint_fifo(const struct keepalived_lint *l, struct findings *f)
{
	const struct vrrp_conf *c = l->vrrp;
	const struct {
		const struct keepalived_directive *fifo, *script;
	} pairs[] = { { c->fifo, c->fifo_script }, { c->vrrp_fifo, c->vrrp_fifo_script } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (!is_fifo(l, pairs[i].fifo))
			continue;
		if (keepalived_version_before(&l->version, 1, 3, 6))
			found(f, SEVERITY_CRITICAL, "fifo-unknown", pairs[i].fifo,
			      "notify and notify_stop in each vrrp_instance",
			      "keepalived before 1.3.6 has no FIFO: nobody tells vipsafe anything");
		if (pairs[i].script)
			found(f, SEVERITY_CRITICAL, "fifo-script", pairs[i].script,
			      "another FIFO for the script: notify_fifo and vrrp_notify_fifo both"
			      " get the lines",
			      "this script and vipsafed read the same FIFO: each line goes to one"
			      " of them");
	}
}

static bool tells(const struct vrrp_instance *v)
{
	return vrrp_instance_has_script(v, VRRP_NOTIFY, true) ||
	       (vrrp_instance_has_script(v, VRRP_MASTER, true) &&
		vrrp_instance_has_script(v, VRRP_BACKUP, true));
}

static void lint_told(const struct keepalived_lint *l, const struct vrrp_instance *v,
		      const struct instance_settings *s, struct findings *f)
{
	char fix[FINDING_TEXT_MAX];
	bool fifo = has_fifo(l);

	if (!tells(v) && !fifo) {
		snprintf(fix, sizeof(fix), "notify %.140s/notify", l->hooks);
		/* vipsafed, when it runs, sees the decoy by itself */
		found(f, s->has_decoy ? SEVERITY_WARNING : SEVERITY_CRITICAL, "notify-missing",
		      v->at, fix, "nobody tells vipsafe what becomes of vrrp_instance %.60s",
		      v->name);
	}
	if (!keepalived_version_before(&l->version, 2, 0, 0) ||
	    vrrp_instance_has_script(v, VRRP_STOP, true))
		return;
	if (fifo && !keepalived_version_before(&l->version, 1, 3, 6))
		return;
	snprintf(fix, sizeof(fix), "notify_stop \"%.140s/notify_stop INSTANCE %.60s\"", l->hooks,
		 v->name);
	found(f, SEVERITY_WARNING, "notify-stop-missing", v->at, fix,
	      "before 2.0 only notify_stop tells that keepalived stops: the addresses of"
	      " %.60s would stay",
	      v->name);
}

static void lint_arguments(const struct keepalived_lint *l, const struct vrrp_script *s,
			   struct findings *f)
{
	bool old = keepalived_version_before(&l->version, 2, 0, 0);

	if (!s->at || !strpbrk(s->command, " \t") || (l->version.major && !old))
		return;
	found(f, old ? SEVERITY_CRITICAL : SEVERITY_WARNING, "notify-arguments", s->at,
	      "a script without arguments, or notify_master, notify_backup, notify_fault and"
	      " notify_stop",
	      "before 2.0 keepalived takes \"%.80s\" as a whole for the name of a file",
	      s->command);
}

/* ---- all of it ---- */

static void lint_instance(const struct keepalived_lint *l, const struct vrrp_instance *v,
			  struct findings *f)
{
	const struct instance_settings *s = ours(l, v);
	size_t i;

	for (i = 0; i < v->n_addresses; i++) {
		lint_owner(l, v, &v->addresses[i], f);
		lint_lifetime(&v->addresses[i], f);
	}
	lint_none(l, v, f);
	lint_arguments(l, &v->scripts[VRRP_NOTIFY], f);
	if (!s)
		return;
	lint_decoy(l, v, s, f);
	lint_told(l, v, s, f);
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
			found(f, SEVERITY_WARNING, "instance-unknown", &at,
			      "the name that the vrrp_instance has",
			      "there is no vrrp_instance %.60s, which vipsafe.conf has a section "
			      "for",
			      name);
	}
}

static void lint_puzzles(const struct keepalived_lint *l, struct findings *f)
{
	unsigned all = keepalived_conf_puzzles(l->conf, KEEPALIVED_PUZZLES);
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

	lint_puzzles(what, f);
	lint_fifo(what, f);
	for (i = 0; i < c->n_groups; i++)
		lint_arguments(what, &c->groups[i].scripts[VRRP_NOTIFY], f);
	for (i = 0; i < c->n_instances; i++)
		lint_instance(what, &c->instances[i], f);
	lint_unknown(what, f);
	keepalived_lint_scripts(what, f);
	keepalived_lint_unit(what, f);
}
