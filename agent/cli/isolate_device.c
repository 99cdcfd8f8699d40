/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device for an address: made, marked, set up, deleted, found. */
#include "cli/isolate.h"

#include <errno.h>
#include <string.h>

#include "base/rundir.h"

#define LOCK "isolate.lock"

int isolation_open(struct isolation *i)
{
	int r = kernel_real_new(&i->real);

	if (r < 0)
		return r;
	i->k = kernel_real_get(i->real);
	return link_own_open(&i->route);
}

void isolation_done(struct isolation *i)
{
	i->real = kernel_real_free(i->real);
	i->route = nlsock_free(i->route);
}

int isolate_lock(struct isolation *i, usec_t deadline)
{
	_cleanup_close_ int dir = rundir_open(i->cli->settings.run_dir);
	int fd = -1, r;

	if (dir < 0)
		return dir;
	r = lock_file(dir, LOCK, &i->k, deadline, &fd);
	return r < 0 ? r : fd;
}

void isolate_fail(struct isolate_outcome *o, int error, const char *what, const char *name)
{
	enum exit_code code =
		error == -EPERM || error == -EACCES ? EXIT_NOT_PERMITTED : EXIT_KERNEL_REFUSED;
	const char *why = error == -EBUSY ? "something else takes the packets of the device that "
					    "it is to stand on (an ipvlan or another program)"
					  : strerror(-error);

	report_fail(&o->report, RESULT_FAILED, code, "%s %s: %s; nothing changed", what, name, why);
}

/* Settings that this kernel does not have it does not need. */
int isolate_settle(const struct isolation *i)
{
	size_t n;

	for (n = 0; n < i->choice.n_settings; n++) {
		const struct isolate_setting *s = &i->choice.settings[n];
		int r = link_own_configure(i->choice.device, s->family, s->key, s->value);

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

int isolate_mark(const struct isolation *i, enum isolate_state state)
{
	const struct ifaddr given = { .prefix = i->req.vip, .preferred_lft = 0 };
	char alias[ISOLATE_ALIAS_MAX];
	struct link_detail d;
	struct request words;
	const char *rest;
	enum isolate_state before;
	int r;

	if (i->facts.there) {
		isolate_alias(&i->facts.address, i->facts.from, state, alias);
		return link_own_mark(i->route, i->device, alias);
	}
	/* what the mark says of the address stays */
	r = link_detail_get(i->route, NULL, i->device, &d);
	if (r < 0)
		return r;
	isolate_alias(&given, i->facts.from, state, alias);
	if (isolate_alias_read(d.alias, &words, &before, &rest))
		isolate_alias_again(rest, state, alias);
	return link_own_mark(i->route, i->device, alias);
}

void isolate_remove_unnamed(const struct isolation *i)
{
	struct isolation other = *i;
	enum isolate_state state;
	struct link_detail d;
	struct request words;
	struct prefix p;

	if (link_detail_get(i->route, ISOLATE_UNNAMED, 0, &d) < 0 || d.up || d.master)
		return;
	if (*d.alias &&
	    (!isolate_alias_read(d.alias, &words, &state, NULL) || state != ISOLATE_GOING))
		return;
	other.device = d.ifindex;
	if (isolate_other_address(&other, &p) == 0)
		(void)link_own_delete(i->route, d.ifindex);
}

void isolate_delete(struct isolation *i, struct isolate_outcome *o)
{
	char text[PREFIX_TEXT_MAX];
	struct link_detail d;
	struct prefix other;
	int r = link_detail_get(i->route, NULL, i->device, &d);
	int has_other = r < 0 ? r : isolate_other_address(i, &other);

	if (has_other > 0) {
		report_warn(&o->report, "not-deleted", "",
			    "%s is not deleted: it has other addresses, such as %s",
			    i->choice.device, prefix_format(&other, text));
		return;
	}
	r = has_other;
	if (r == 0)
		r = link_own_delete(i->route, i->device);
	if (r < 0 && r != -ENODEV) {
		report_warn(&o->report, "not-deleted", "", "%s could not be deleted: %s",
			    i->choice.device, strerror(-r));
		return;
	}
	o->deleted = r == 0;
	if (r == 0 && i->from && !strcmp(d.kind, "macvlan"))
		(void)link_own_tell_bridge(i->route, i->from, d.mac, false);
	i->device = 0;
}

/* Marked, named, set up and up, in this order: not before it is set up may it answer. */
static int isolate_dress(struct isolation *i)
{
	int r = isolate_mark(i, ISOLATE_GOING);

	if (r == 0)
		r = link_own_rename(i->route, i->device, i->choice.device);
	if (r == 0)
		r = isolate_settle(i);
	if (r == 0)
		r = link_own_up(i->route, i->device);
	if (r == 0 && i->choice.type == ISOLATE_MACVLAN && !strcmp(i->facts.kind, "bridge"))
		(void)link_own_tell_bridge(i->route, i->from, i->choice.mac, true);
	return r;
}

static int isolate_make(struct isolation *i, struct isolate_outcome *o)
{
	bool macvlan = i->choice.type == ISOLATE_MACVLAN;
	struct link_detail d;
	int r;

	isolate_remove_unnamed(i);
	r = link_detail_get(i->route, NULL, i->from, &d);
	if (r == 0)
		r = link_own_make(i->route, ISOLATE_UNNAMED, macvlan ? i->from : 0, i->choice.mac,
				  d.mtu);
	if (r == -EOPNOTSUPP && macvlan)
		return r;
	if (r < 0) {
		isolate_fail(o, r, "cannot make", i->choice.device);
		return r;
	}
	r = link_detail_get(i->route, ISOLATE_UNNAMED, 0, &d);
	i->device = r < 0 ? 0 : d.ifindex;
	o->made = true;
	if (r == 0)
		r = isolate_dress(i);
	if (r == 0)
		return 0;
	isolate_fail(o, r, "cannot set up", i->choice.device);
	isolate_delete(i, o);
	o->made = false;
	return r;
}

/* A device that is there already may have been left half-way. */
int isolate_have_device(struct isolation *i, struct isolate_outcome *o)
{
	bool moves = i->facts.there && !i->req.prepare;
	int r = 0;

	if (!i->facts.exists)
		return isolate_make(i, o);
	if (moves)
		r = isolate_mark(i, i->facts.half_made ? ISOLATE_GOING : ISOLATE_ENTERING);
	if (r == 0)
		r = isolate_settle(i);
	if (r == 0)
		r = link_own_up(i->route, i->device);
	if (r < 0 && moves && !i->facts.half_made)
		(void)isolate_mark(i, ISOLATE_SETTLED);
	if (r < 0)
		isolate_fail(o, r, "cannot set up", i->choice.device);
	return r;
}

/* ---- which device is meant ----------------------------------------------------------------- */

struct finding_ours {
	struct isolation *i;
	int n;
};

static int find_ours(void *ud, const struct link_detail *d)
{
	struct finding_ours *f = ud;
	const struct isolate_request *req = &f->i->req;
	struct request words;
	enum isolate_state state;

	if (!isolate_alias_read(d->alias, &words, &state, NULL) ||
	    (*req->from && strcmp(req->from, d->name) != 0) ||
	    (req->vip.addr.family && !addr_equal(&req->vip.addr, &words.vips[0].prefix.addr)))
		return 0;
	if (f->n++)
		return 0;
	memcpy(f->i->choice.device, d->name, sizeof(d->name));
	return 0;
}

int isolate_find(struct isolation *i)
{
	struct finding_ours f = { .i = i };
	struct request words;
	struct link_detail d;
	enum isolate_state state;
	int r = link_detail_list(i->route, find_ours, &f);

	if (r < 0 || f.n != 1)
		return r < 0 ? r : f.n;
	r = link_detail_get(i->route, i->choice.device, 0, &d);
	if (r < 0 || !isolate_alias_read(d.alias, &words, &state, NULL))
		return r < 0 ? r : 0;
	i->req.vip = words.vips[0].prefix;
	memcpy(i->req.name, d.name, sizeof(d.name));
	memcpy(i->req.from, words.device, sizeof(i->req.from));
	return 1;
}
