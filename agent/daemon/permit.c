/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/permit.h"

#include <string.h>

#include "keepalived/instance_settings.h"

/* One keepalived may have hundreds of instances that all change state at the
 * same moment. */
#define MOVES_BURST 600
#define MOVES_EVERY (10 * USEC_PER_MSEC)
#define OTHERS_BURST 200
#define OTHERS_EVERY (20 * USEC_PER_MSEC)
/* Each reads files, may restart guards and is logged. */
#define RELOADS_BURST 20
#define RELOADS_EVERY (500 * USEC_PER_MSEC)

/* Whether P is an address of an instance, with the same length, on the same
 * device. */
static bool permit_is_of_instance(const struct settings *s, const char *device,
				  const struct prefix *p)
{
	size_t i, j;

	for (i = 0; i < s->n_instances; i++) {
		const struct instance_settings *one = &s->instances[i];

		for (j = 0; j < one->n_addresses; j++)
			if (prefix_equal(&one->addresses[j].vip.prefix, p) &&
			    !strcmp(one->addresses[j].device, device))
				return true;
	}
	return false;
}

/* Whether the whole network of P is allowed, so that no route beyond it is
 * added. */
static bool is_allowed(const struct settings *s, const struct prefix *p)
{
	size_t i;

	for (i = 0; i < s->n_allow; i++)
		if (p->len >= s->allow[i].len && prefix_covers(&s->allow[i], &p->addr))
			return true;
	return false;
}

/* Whether the broadcast address is outside V's network: the node would take it
 * for its own, and traffic to it would be lost. */
static bool has_strange_broadcast(const struct vip *v)
{
	return v->broadcast_mode == BROADCAST_GIVEN && !prefix_covers(&v->prefix, &v->broadcast);
}

static bool permit_move(const struct settings *s, const struct request *r,
			struct request_error *ret_why)
{
	char text[PREFIX_TEXT_MAX];
	size_t i;

	if (r->force) {
		request_error_set(ret_why, "--force is only for root");
		return false;
	}
	for (i = 0; i < r->n_vips; i++) {
		const struct vip *v = &r->vips[i];

		if (!permit_is_of_instance(s, r->device, &v->prefix) &&
		    !is_allowed(s, &v->prefix)) {
			request_error_set(ret_why,
					  "%s dev %s is only for root: it is no address of an "
					  "[instance], nor within \"allow\" of [agent]",
					  prefix_format(&v->prefix, text), r->device);
			return false;
		}
		if (has_strange_broadcast(v)) {
			request_error_set(ret_why,
					  "%s: a broadcast address outside its own network is "
					  "only for root",
					  prefix_format(&v->prefix, text));
			return false;
		}
	}
	return true;
}

bool permit_request(const struct settings *s, enum peer_rights rights, const struct wire_request *r,
		    struct request_error *ret_why)
{
	if (rights == PEER_ROOT)
		return true;
	if (rights == PEER_NOBODY) {
		request_error_set(ret_why, "only root and the configured group may ask");
		return false;
	}
	switch (r->op) {
	case WIRE_MOVE:
		return r->move.plan || permit_move(s, &r->move, ret_why);
	case WIRE_RELOAD:
		request_error_set(ret_why, "reload is only for root");
		return false;
	case WIRE_STATUS:
	case WIRE_METRICS:
	case WIRE_WATCH:
	case WIRE_NOTIFY:
		return true;
	}
	return false;
}

/* The entry of UID; if there is none and no room, reuse the one that asked
 * longest ago. */
static struct permit_user *find_user(struct permit_rates *p, uid_t uid)
{
	struct permit_user *oldest = &p->users[0];
	size_t i;

	for (i = 0; i < PERMIT_USERS_MAX; i++) {
		struct permit_user *u = &p->users[i];

		if (u->is_used && u->uid == uid)
			return u;
		if (!u->is_used || (oldest->is_used && u->last < oldest->last))
			oldest = u;
	}
	*oldest = (struct permit_user){ .uid = uid, .is_used = true };
	return oldest;
}

bool permit_rate(struct permit_rates *p, uid_t uid, enum peer_rights rights,
		 const struct wire_request *r, usec_t now)
{
	bool is_move = (r->op == WIRE_MOVE && !r->move.plan) || r->op == WIRE_NOTIFY;
	struct permit_user *u;

	if (r->op == WIRE_RELOAD)
		return ratelimit_take(&p->reloads, now, RELOADS_BURST, RELOADS_EVERY);
	if (rights == PEER_ROOT)
		return true;
	u = find_user(p, uid);
	u->last = now;
	return is_move ? ratelimit_take(&u->moves, now, MOVES_BURST, MOVES_EVERY)
		       : ratelimit_take(&u->others, now, OTHERS_BURST, OTHERS_EVERY);
}
