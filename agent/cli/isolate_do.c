/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a move to a device of its own and back. The address is set at the one place before
 * it is taken from the other. What a kill leaves shows in the alias of the device: nothing is
 * remembered elsewhere. */
#include "cli/isolate.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/os.h"
#include "cli/move.h"

/* ---- the address -------------------------------------------------------------------- */

/* The words of a move of A on DEVICE; OPTIONS: further ones. They are split in place. */
struct isolate_words {
	char text[ISOLATE_ALIAS_MAX];
	char *argv[ISOLATE_ALIAS_WORDS];
	int n;
};

static void words_make(struct isolate_words *w, const struct prefix *p, const char *device,
		       const char *options)
{
	char text[PREFIX_TEXT_MAX];

	snprintf(w->text, sizeof(w->text), "%s dev %s%s", prefix_format(p, text), device, options);
	w->n = isolate_split(w->text, w->argv, ISOLATE_ALIAS_WORDS);
}

/* Do OP with WORDS, LOCAL: without the daemon. An error goes into the outcome. Returns whether it
 * is done. */
static bool isolate_move(struct isolation *i, enum op op, struct isolate_words *w, bool local,
			 bool force, FILE *err, struct isolate_outcome *o)
{
	struct request req = move_request(i->cli, op, i->req.plan);
	struct request_error e;
	struct move_part part;
	struct move *m;
	json_t **to = op == OP_ADD ? &o->add : &o->del;
	const char *error;

	req.vip_flows = VIP_FLOWS_KEEP; /* it stays on this node */
	req.any_label = true;
	req.force = force;
	if (request_parse(&req, w->n, w->argv, &e) < 0) {
		report_fail(&o->report, RESULT_FAILED, EXIT_KERNEL_REFUSED, "%s", e.text);
		return false;
	}
	m = move_part_run(i->cli, &req, w->argv, w->n, local, err, &part);
	if (o->moves[op])
		move_part_free(o->moves[op]);
	o->moves[op] = m;
	json_decref(*to);
	*to = part.result;
	error = part.result ? json_string_value(json_object_get(part.result, "error")) : NULL;
	switch (part.exit_code) {
	case EXIT_DONE:
	case EXIT_PARTIAL:
	case EXIT_UNPROTECTED:
		if (op == OP_DEL) {
			o->report.exit_code = (enum exit_code)part.exit_code;
			o->report.result = part.exit_code == EXIT_DONE	    ? RESULT_OK
					   : part.exit_code == EXIT_PARTIAL ? RESULT_PARTIAL
									    : RESULT_UNPROTECTED;
		}
		return true;
	default: /* of the exit codes of all commands */
		report_fail(&o->report,
			    part.exit_code == EXIT_UNSAFE ? RESULT_REFUSED : RESULT_FAILED,
			    (enum exit_code)part.exit_code, "%s",
			    error && *error ? error : "the move failed");
		return false;
	}
}

static void isolate_announce(struct isolation *i, const char *device)
{
	const struct announce_settings *s = &i->cli->settings.announce;
	struct link link;
	unsigned n;

	if (i->k.ops->link_get(i->k.ctx, device, &link) < 0)
		return;
	for (n = 0; n < s->count; n++) {
		if (n && s->interval)
			i->k.ops->sleep(i->k.ctx, s->interval);
		(void)i->k.ops->announce(i->k.ctx, &link, &i->req.vip.addr);
	}
}

/* Nothing is masqueraded to the new device: its address goes without ado. */
static void take_from_new(struct isolation *i)
{
	struct prefix own = isolate_own_prefix(&i->req.vip);
	struct ifaddr a;

	if (i->device && isolate_is_on(i, i->device, &own, &a) > 0)
		(void)i->k.ops->addr_del(i->k.ctx, &a);
}

/* The address stays where it is. What neighbours have been told is taken back. */
static void isolate_take_back(struct isolation *i, struct isolate_outcome *o)
{
	bool made = o->made;

	if (!i->facts.on_new)
		take_from_new(i);
	if (made && !i->facts.on_new)
		isolate_delete(i, o);
	else
		(void)isolate_mark(i, ISOLATE_SETTLED);
	o->made = o->deleted = false;
	isolate_announce(i, i->facts.from);
}

static bool isolate_add(struct isolation *i, FILE *err, struct isolate_outcome *o)
{
	struct prefix own = isolate_own_prefix(&i->req.vip);
	const struct ifaddr *a = &i->facts.address;
	struct isolate_words w;
	char options[64] = "";

	if (own.addr.family == AF_INET6)
		snprintf(options, sizeof(options), " noprefixroute preferred_lft %s",
			 a->preferred_lft == IFADDR_FOREVER ? "forever" : "0");
	else if (a->scope)
		snprintf(options, sizeof(options), " scope %d", a->scope);
	words_make(&w, &own, i->choice.device, options);
	return isolate_move(i, OP_ADD, &w, true, false, err, o) &&
	       isolate_is_on(i, i->device, &own, NULL) > 0;
}

/* After an answer that leaves it open, the kernel knows where the address is. */
static bool isolate_del(struct isolation *i, FILE *err, struct isolate_outcome *o)
{
	struct isolate_words w;

	words_make(&w, &i->req.vip, i->facts.from, "");
	/* --force insists on the type; nothing else may go with the address */
	if (isolate_move(i, OP_DEL, &w, false, false, err, o))
		return true;
	if (isolate_is_on(i, i->from, &i->req.vip, NULL) != 0)
		return false;
	o->report.error[0] = '\0';
	o->report.result = RESULT_UNPROTECTED;
	o->report.exit_code = EXIT_UNPROTECTED;
	return true;
}

/* ---- there ---------------------------------------------------------------------------- */

static void outcome_begin(struct isolation *i, struct isolate_outcome *o)
{
	struct request req = move_request(i->cli, OP_DEL, i->req.plan);

	memcpy(req.device, i->req.from, sizeof(req.device));
	req.vips[0].prefix = i->req.vip;
	req.n_vips = 1;
	*o = (struct isolate_outcome){ .made = false };
	report_init(&o->report, &req);
}

/* False: the outcome says why not. */
static bool isolate_may(struct isolation *i, struct isolate_outcome *o)
{
	char text[PREFIX_TEXT_MAX];

	isolate_decide(&i->req, &i->facts, &i->choice);
	if (!i->facts.there && !i->facts.on_new && !i->req.prepare) {
		report_fail(&o->report, RESULT_FAILED, EXIT_KERNEL_REFUSED,
			    "%s is not on %s; nothing changed (--prepare makes the device all the "
			    "same)",
			    prefix_format(&i->req.vip, text), i->facts.from);
		return false;
	}
	if (*i->choice.refusal && !(i->choice.may_insist && i->req.force)) {
		report_fail(&o->report, RESULT_REFUSED, EXIT_UNSAFE, "%.260s; nothing changed%s",
			    i->choice.refusal, i->choice.may_insist ? "; --force insists" : "");
		return false;
	}
	return true;
}

static void isolate_warn(const struct isolation *i, struct isolate_outcome *o)
{
	if (i->facts.rules)
		report_warn(&o->report, "rules-by-device", "",
			    "firewall rules match packets by the device they come in by, and those "
			    "for the address come in by %s: %s",
			    i->choice.device, i->facts.rule);
	else if (i->facts.rules_unread && i->choice.type == ISOLATE_MACVLAN)
		report_warn(&o->report, "rules-unread", "",
			    "firewall rules cannot be read: if some match packets by the device "
			    "they come in by, those for the address come in by %s",
			    i->choice.device);
	if (i->choice.type == ISOLATE_DUMMY && i->facts.ethernet)
		report_warn(&o->report, "announced-by-vipsafe-only", "",
			    "others than vipsafe (keepalived) announce an address of %s to nobody, "
			    "since it leads nowhere",
			    i->choice.device);
	if (!i->facts.up)
		report_warn(&o->report, "device-down", "",
			    "%s is down: the address answers only "
			    "when it is up",
			    i->facts.from);
}

static void isolate_move_there(struct isolation *i, FILE *err, struct isolate_outcome *o)
{
	if ((!i->facts.on_new || i->facts.unfinished) && !isolate_add(i, err, o)) {
		if (!*o->report.error)
			report_fail(&o->report, RESULT_FAILED, EXIT_KERNEL_REFUSED,
				    "the address did not come to %s; nothing changed",
				    i->choice.device);
		isolate_take_back(i, o);
		return;
	}
	/* udev may have set up the new device anew, as it does with any */
	if (isolate_settle(i) < 0 || !isolate_del(i, err, o)) {
		if (!*o->report.error)
			isolate_fail(o, -EIO, "cannot set up", i->choice.device);
		isolate_take_back(i, o);
		return;
	}
	o->report.changed = true;
}

void isolate_do(struct isolation *i, FILE *err, struct isolate_outcome *ret)
{
	struct isolate_words w;
	int r;

	outcome_begin(i, ret);
	if (!isolate_may(i, ret))
		return;
	isolate_warn(i, ret);
	if (i->req.plan) {
		words_make(&w, &i->req.vip, i->facts.from, "");
		if (i->facts.there && !i->req.prepare)
			(void)isolate_move(i, OP_DEL, &w, false, false, err, ret);
		return;
	}
	r = isolate_have_device(i, ret);
	if (r == -EOPNOTSUPP && i->choice.type == ISOLATE_MACVLAN) {
		i->facts.cannot_macvlan = true;
		if (!isolate_may(i, ret))
			return;
		r = isolate_have_device(i, ret);
	}
	if (r < 0)
		return;
	if (!i->req.prepare && i->facts.there)
		isolate_move_there(i, err, ret);
	else if (!i->req.prepare && i->facts.unfinished)
		(void)isolate_del(i, err, ret);
	if (*ret->report.error)
		return;
	(void)isolate_settle(i);
	(void)isolate_mark(i, ISOLATE_SETTLED);
	if (!i->req.prepare)
		isolate_announce(i, i->choice.device);
}

/* ---- and back --------------------------------------------------------------------------- */

static bool is_usual_label(const struct request *req)
{
	return !strncmp(req->vips[0].label, req->device,
			MIN(strlen(req->device), strlen(req->vips[0].label)));
}

static bool add_back(struct isolation *i, FILE *err, struct isolate_outcome *o)
{
	struct link_detail d;
	struct request req;
	struct isolate_words w;
	const char *rest;
	enum isolate_state state;

	if (link_detail_get(i->route, NULL, i->device, &d) < 0 ||
	    !isolate_alias_read(d.alias, &req, &state, &rest))
		return false;
	snprintf(w.text, sizeof(w.text), "%s", rest);
	w.n = isolate_split(w.text, w.argv, ISOLATE_ALIAS_WORDS);
	/* keepalived's labels may be any text; the daemon takes only those of ip(8) */
	return isolate_move(i, OP_ADD, &w, !is_usual_label(&req), false, err, o) &&
	       isolate_is_on(i, i->from, &i->req.vip, NULL) > 0;
}

static bool del_new(struct isolation *i, FILE *err, struct isolate_outcome *o)
{
	struct prefix own = isolate_own_prefix(&i->req.vip);
	struct isolate_words w;

	words_make(&w, &own, i->choice.device, "");
	return isolate_move(i, OP_DEL, &w, true, i->req.force, err, o);
}

void isolate_undo(struct isolation *i, FILE *err, struct isolate_outcome *ret)
{
	char text[PREFIX_TEXT_MAX];
	struct prefix other;
	int r;

	outcome_begin(i, ret);
	if (*i->facts.owner && i->facts.owner_agrees) {
		report_fail(&ret->report, RESULT_REFUSED, EXIT_UNSAFE,
			    "%s: restart it; nothing changed", i->facts.owner);
		return;
	}
	if (*i->facts.owner) {
		report_fail(&ret->report, RESULT_REFUSED, EXIT_UNSAFE,
			    "%s: write \"dev %s\" there, and %s; nothing changed", i->facts.owner,
			    i->facts.from,
			    i->facts.keepalived ? "restart it, where it is BACKUP first"
						: "vipsafe reload");
		return;
	}
	r = isolate_other_address(i, &other);
	if (r > 0) {
		report_fail(&ret->report, RESULT_REFUSED, EXIT_UNSAFE,
			    "%s has other addresses, which would go with it, such as %s; nothing "
			    "changed",
			    i->choice.device, prefix_format(&other, text));
		return;
	}
	if (r < 0) {
		isolate_fail(ret, r, "cannot look at", i->choice.device);
		return;
	}
	if (i->req.plan)
		return;
	(void)isolate_mark(i, ISOLATE_RETURNING);
	if (i->facts.on_new && (!i->facts.there || i->facts.unfinished) && !add_back(i, err, ret)) {
		if (!*ret->report.error)
			report_fail(&ret->report, RESULT_FAILED, EXIT_KERNEL_REFUSED,
				    "the address did not come to %s; nothing changed",
				    i->facts.from);
		(void)isolate_mark(i, ISOLATE_SETTLED);
		return;
	}
	if ((i->facts.on_new || i->facts.unfinished) && !del_new(i, err, ret))
		return;
	isolate_delete(i, ret);
	ret->report.changed = i->facts.on_new;
	if (i->facts.on_new)
		isolate_announce(i, i->facts.from);
}

/* ---- afterwards --------------------------------------------------------------------------- */

void isolate_after(struct isolation *i, struct isolate_outcome *o)
{
	size_t n;

	for (n = 0; n < ARRAY_SIZE(o->moves); n++)
		if (o->moves[n])
			move_part_after(o->moves[n]);
	/* the last that may set it up anew has done so by now */
	if (i->device && !*o->report.error)
		(void)isolate_settle(i);
}

void isolate_outcome_done(struct isolate_outcome *o)
{
	size_t n;

	for (n = 0; n < ARRAY_SIZE(o->moves); n++)
		o->moves[n] = move_part_free(o->moves[n]);
	json_decref(o->add);
	json_decref(o->del);
}

/* ---- after a kill -----------------------------------------------------------------------------
 */

struct isolate_recovery {
	struct isolation *i;
	isolate_sink sink;
	void *ud;
	FILE *err;
	int n;
};

/* The device waits for its address, as before. */
static void recover_prepared(struct isolation *i)
{
	i->req.prepare = true;
	isolate_decide(&i->req, &i->facts, &i->choice);
	(void)isolate_mark(i, ISOLATE_SETTLED);
}

/* A move to the device goes on only if the address is there already: the move away may have been
 * asked of the daemon, which may still make it. */
static void recover_one(struct isolation *i, enum isolate_state state, FILE *err,
			struct isolate_outcome *o)
{
	int r = isolate_take(i);

	outcome_begin(i, o);
	if (r < 0) {
		isolate_fail(o, r, "cannot look at", i->req.from);
		return;
	}
	switch (state) {
	case ISOLATE_GOING:
		if (i->facts.on_new)
			isolate_do(i, err, o);
		else
			isolate_delete(i, o);
		break;
	case ISOLATE_ENTERING:
		if (i->facts.on_new)
			isolate_do(i, err, o);
		else
			recover_prepared(i);
		break;
	case ISOLATE_RETURNING:
		isolate_undo(i, err, o);
		break;
	case ISOLATE_SETTLED:
		break;
	}
}

static int recover_device_of(void *ud, const struct link_detail *d)
{
	struct isolate_recovery *rec = ud;
	struct isolation *i = rec->i;
	enum isolate_state state;
	struct isolate_outcome o;
	struct request words;

	if (!isolate_alias_read(d->alias, &words, &state, NULL) || state == ISOLATE_SETTLED)
		return 0;
	memset(&i->facts, 0, sizeof(i->facts));
	i->req = (struct isolate_request){ .vip = words.vips[0].prefix,
					   .undo = state == ISOLATE_RETURNING };
	memcpy(i->req.from, words.device, sizeof(i->req.from));
	memcpy(i->req.name, d->name, sizeof(i->req.name));
	memcpy(i->choice.device, d->name, sizeof(i->choice.device));
	i->device = d->ifindex;
	recover_one(i, state, rec->err, &o);
	rec->n++;
	rec->sink(rec->ud, i, &o);
	isolate_outcome_done(&o);
	return 0;
}

int isolate_recover(struct cli *cli, isolate_sink sink, void *ud, FILE *err)
{
	struct isolation i = { .cli = cli };
	struct isolate_recovery rec = { .i = &i, .sink = sink, .ud = ud, .err = err };
	_cleanup_close_ int lock = -1;
	int r = isolation_open(&i);

	if (r == 0)
		lock = isolate_lock(&i, 0);
	if (r == 0 && lock != -ETIMEDOUT) { /* else one is under way */
		isolate_remove_unnamed(&i);
		r = link_detail_list(i.route, recover_device_of, &rec);
	}
	isolation_done(&i);
	return r < 0 ? r : rec.n;
}
