/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A finding about a line of keepalived.conf. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "keepalived/lint.h"

void lint_found(struct findings *f, enum severity severity, const char *code,
		const struct keepalived_directive *at, const char *fix, const char *fmt, ...)
{
	char raw[FINDING_TEXT_MAX], text[FINDING_TEXT_MAX], safe[FINDING_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_line(text, sizeof(text), "%.120s:%u: %s", at->file, at->line, raw);
	findings_add(f, severity, code, fix ? text_escape(fix, safe, sizeof(safe)) : NULL, "%s",
		     text);
}

/* Whether vipsafe gets the events of an instance: scripts and the FIFO. */

static bool is_fifo(const struct keepalived_lint *l, const struct keepalived_directive *fifo)
{
	const char *path = fifo ? keepalived_word(fifo, 1) : NULL;

	return path && !strcmp(path, l->settings->fifo);
}

static bool has_fifo(const struct keepalived_lint *l)
{
	return is_fifo(l, l->vrrp->fifo) || is_fifo(l, l->vrrp->vrrp_fifo);
}

void keepalived_lint_fifo(const struct keepalived_lint *l, struct findings *f)
{
	const struct vrrp_conf *c = l->vrrp;
	const struct {
		const struct keepalived_directive *fifo, *script;
	} pairs[] = { { c->fifo, c->fifo_script }, { c->vrrp_fifo, c->vrrp_fifo_script } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (!is_fifo(l, pairs[i].fifo))
			continue;
		if (keepalived_version_before(&l->vrrp->version, 1, 3, 6))
			lint_found(f, SEVERITY_CRITICAL, "fifo-unknown", pairs[i].fifo,
				   "notify and notify_stop in each vrrp_instance",
				   "keepalived before 1.3.6 has no FIFO: nobody tells vipsafe "
				   "anything");
		if (pairs[i].script)
			lint_found(
				f, SEVERITY_CRITICAL, "fifo-script", pairs[i].script,
				"another FIFO for the script: notify_fifo and vrrp_notify_fifo both"
				" get the lines",
				"this script and vipsafed read the same FIFO: each line goes to one"
				" of them");
	}
}

static bool tells(const struct vrrp_conf *c, const struct vrrp_instance *v)
{
	return vrrp_instance_has_script(c, v, VRRP_NOTIFY, true) ||
	       (vrrp_instance_has_script(c, v, VRRP_MASTER, true) &&
		vrrp_instance_has_script(c, v, VRRP_BACKUP, true));
}

static void lint_group(const struct keepalived_lint *l, const struct vrrp_instance *v,
		       struct findings *f)
{
	const struct vrrp_group *g = v->group;

	if (g && vrrp_any_script(g->scripts) && vrrp_group_is_removed(l->vrrp, g))
		lint_found(f, SEVERITY_WARNING, "group-removed", g->at,
			   "its scripts in the vrrp_instance",
			   "keepalived before 1.4.0 removes vrrp_sync_group %.48s, of which only"
			   " %.48s is a member, and its scripts with it",
			   g->name, v->name);
}

static void lint_stop(const struct keepalived_lint *l, const struct vrrp_instance *v,
		      struct findings *f)
{
	const struct keepalived_version *version = &l->vrrp->version;
	bool in_group = v->group && v->group->scripts[VRRP_STOP].at;
	char fix[FINDING_TEXT_MAX];

	if (!keepalived_version_before(version, 2, 0, 0) ||
	    vrrp_instance_has_script(l->vrrp, v, VRRP_STOP, true))
		return;
	if (has_fifo(l) && !keepalived_version_before(version, 1, 3, 6))
		return;
	snprintf(fix, sizeof(fix), "notify_stop \"%.140s/notify_stop INSTANCE %.60s\"", l->hooks,
		 v->name);
	lint_found(f, SEVERITY_WARNING, "notify-stop-missing", v->at, fix,
		   "before 2.0 only notify_stop%s tells that keepalived stops: the addresses of"
		   " %.60s would stay",
		   in_group ? " of the vrrp_instance (a vrrp_sync_group has none)" : "", v->name);
}

void keepalived_lint_events(const struct keepalived_lint *l, const struct vrrp_instance *v,
			    const struct instance_settings *ours, struct findings *f)
{
	char fix[FINDING_TEXT_MAX];

	lint_group(l, v, f);
	if (!tells(l->vrrp, v) && !has_fifo(l)) {
		snprintf(fix, sizeof(fix), "notify %.140s/notify", l->hooks);
		/* a running vipsafed sees the decoy by itself */
		lint_found(f, ours->has_decoy ? SEVERITY_WARNING : SEVERITY_CRITICAL,
			   "notify-missing", v->at, fix,
			   "vipsafe gets no events of vrrp_instance %.60s: no notify script calls "
			   "it, and it reads no FIFO",
			   v->name);
	}
	lint_stop(l, v, f);
}

static void lint_arguments(const struct keepalived_lint *l, const struct vrrp_script *s,
			   struct findings *f)
{
	bool old = keepalived_version_before(&l->vrrp->version, 2, 0, 0);

	if (!s->at || !strpbrk(s->command, " \t") || (l->vrrp->version.major && !old))
		return;
	lint_found(f, old ? SEVERITY_CRITICAL : SEVERITY_WARNING, "notify-arguments", s->at,
		   "a script without arguments, or notify_master, notify_backup, notify_fault and"
		   " notify_stop",
		   "before 2.0 keepalived takes all of \"%.80s\" as a file name: arguments are not "
		   "possible",
		   s->command);
}

/* Report a keyword that is given twice: keepalived ignores one of the lines. */
static void lint_twice(const struct keepalived_lint *l, const struct vrrp_script *s,
		       struct findings *f)
{
	const struct keepalived_directive *at = s->at, *other = s->other;

	if (!vrrp_script_is_twice(s))
		return;
	if (l->vrrp->version.major)
		lint_found(f, SEVERITY_WARNING, "notify-twice", other,
			   "one script that does what both do",
			   "keepalived ignores this %.32s: that of %.80s:%u counts",
			   other->words[0], at->file, at->line);
	else
		lint_found(f, SEVERITY_WARNING, "notify-twice", other,
			   "one script that does what both do",
			   "%.32s is given by %.80s:%u as well: since 1.3.6 the first counts, and"
			   " before the last",
			   other->words[0], at->file, at->line);
}

void keepalived_lint_notify(const struct keepalived_lint *l,
			    const struct vrrp_script scripts[VRRP_EVENTS], struct findings *f)
{
	enum vrrp_event e;

	lint_arguments(l, &scripts[VRRP_NOTIFY], f);
	for (e = 0; e < VRRP_EVENTS; e++)
		lint_twice(l, &scripts[e], f);
}
