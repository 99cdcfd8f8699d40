/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the scripts of an instance drive conntrackd, and whether vipsafe does so as well. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "keepalived/conntrackd_calls.h"
#include "keepalived/lint.h"
#include "keepalived/script_walk.h"

/* The calls of one instance's scripts. */
struct drive {
	const struct instance_settings *ours; /* NULL: it has no section */
	struct findings *found;		      /* NULL: not judged */
	struct conntrackd_calls file, all;
	const struct keepalived_directive *first; /* the line that leads to the first call */
};

static void drive_on_order(void *ud, const struct script_place *p, const struct script_order *o)
{
	struct drive *d = ud;

	conntrackd_calls_take(&d->file, o);
	if (!d->first && conntrackd_calls_drive(&d->file))
		d->first = p->at;
}

/* An emptied cache: of the peer's connections before they are committed, or of the own ones without
 * reading the kernel's table again. */
static void drive_lint_flush(const struct drive *d, const struct script_place *p)
{
	const struct conntrackd_calls *c = &d->file;

	if (c->flush && d->ours && d->ours->conntrackd)
		lint_found(d->found, SEVERITY_WARNING, "conntrackd-caches", p->at,
			   "take that call out of the script: vipsafe has conntrackd do what is "
			   "needed",
			   "line %u of %.90s empties conntrackd's caches (-f), perhaps before "
			   "vipsafe has committed them",
			   c->flush, p->path);
	else if (c->flush_early && c->commit)
		lint_found(d->found, SEVERITY_WARNING, "conntrackd-caches", p->at,
			   "conntrackd -c has to come first",
			   "line %u of %.90s empties conntrackd's caches (-f) before -c in line "
			   "%u, which then commits nothing",
			   c->flush_early, p->path, c->commit);
	else if (c->flush_last)
		lint_found(d->found, SEVERITY_WARNING, "conntrackd-caches", p->at,
			   "conntrackd -R after it",
			   "line %u of %.90s empties conntrackd's caches (-f), and no -R fills "
			   "them again: connections that are open are not replicated any more",
			   c->flush_last, p->path);
}

static void drive_on_file(void *ud, const struct script_place *p, int why _unused_,
			  bool called _unused_)
{
	struct drive *d = ud;

	if (d->found)
		drive_lint_flush(d, p);
	conntrackd_calls_add(&d->all, &d->file);
	d->file = (struct conntrackd_calls){ 0 };
}

/* What primary-backup.sh of conntrack-tools calls on the way to MASTER, in this order: -c, -f, -R,
 * -B. */
static void drive_lint_sequence(const struct drive *d, const struct vrrp_instance *v)
{
	const struct conntrackd_calls *c = &d->all;
	const char *missing, *then;

	if (!c->commit) {
		missing = "-c";
		then = "the other node's connections never become entries of this kernel";
	} else if (!c->resync) {
		missing = "-R";
		then = "conntrackd may not know all entries of this kernel when it is MASTER";
	} else if (!c->bulk) {
		missing = "-B";
		then = "what was committed is not sent back, and lost at the next failover";
	} else {
		return;
	}
	lint_found(d->found, SEVERITY_WARNING, "conntrackd-sequence", d->first,
		   "conntrackd -c, -R and -B, in this order, when it becomes MASTER; or leave it "
		   "to vipsafe: conntrackd = yes, in the section of the instance",
		   "vrrp_instance %.64s: its scripts use conntrackd and never call %s: %s", v->name,
		   missing, then);
}

/* Read the scripts of V. */
static void drive_read(struct drive *d, const struct vrrp_instance *v)
{
	struct script_walk walk = {
		.visitor = { .order = drive_on_order, .file_done = drive_on_file, .ud = d }
	};

	script_walk_list(&walk, v->scripts);
	if (v->group)
		script_walk_list(&walk, v->group->scripts);
}

bool keepalived_script_drives_conntrackd(const struct vrrp_script *s)
{
	struct drive d = { .found = NULL };
	struct script_walk walk = { .visitor = { .order = drive_on_order, .ud = &d } };

	if (s->at)
		script_walk(&walk, s->at, s->command);
	return d.first != NULL;
}

bool keepalived_drives_conntrackd(const struct vrrp_instance *v,
				  const struct keepalived_directive **ret_at)
{
	struct drive d = { .found = NULL };

	drive_read(&d, v);
	*ret_at = d.first;
	return d.first != NULL;
}

void keepalived_lint_conntrackd(const struct keepalived_lint *what, const struct vrrp_instance *v,
				struct findings *f)
{
	struct drive d = { .found = f, .ours = instance_settings_find(what->settings, v->name) };

	drive_read(&d, v);
	if (!d.first)
		return;
	if ((!d.ours || !d.ours->conntrackd) && (d.all.commit || d.all.resync || d.all.bulk))
		drive_lint_sequence(&d, v);
	else if (d.ours && d.ours->conntrackd)
		lint_found(f, SEVERITY_WARNING, "conntrackd-both", d.first,
			   "take the calls of conntrackd out of the scripts",
			   "vrrp_instance %.64s: its scripts drive conntrackd, and so does vipsafe "
			   "(conntrackd = yes): each undoes what the other has begun",
			   v->name);
}
