/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

#include "base/text.h"
#include "keepalived/instance_settings.h"

/* asm-generic/socket.h, Linux 4.13 */
#define PEER_GROUPS 59

#define GROUPS_MAX 65536

#define STATUS_SIZE 16384

int peer_read(int fd, struct peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	*ret = (struct peer){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	if (len != sizeof(cred))
		return -EBADMSG;
	*ret = (struct peer){ .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
	return 0;
}

/* -ENOPROTOOPT: an older kernel. */
static int in_groups(int fd, gid_t gid, bool *ret)
{
	_cleanup_free_ gid_t *list = malloc(GROUPS_MAX * sizeof(*list));
	socklen_t len = GROUPS_MAX * sizeof(*list);
	size_t i;

	if (!list)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, PEER_GROUPS, list, &len) < 0)
		return -errno;
	*ret = false;
	for (i = 0; i < len / sizeof(*list); i++)
		*ret |= list[i] == gid;
	return 0;
}

/* "Groups:\t4 24 27 \n" */
static bool line_has(char *line, gid_t gid)
{
	char *save = NULL, *word;
	uint64_t n;

	for (word = strtok_r(line, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
		if (!text_number(word, 0, UINT32_MAX, &n) && n == gid)
			return true;
	return false;
}

/* Reads the process that has the number PID now: after the peer's exit this may
 * be another one, which older kernels cannot show. */
static bool in_status(pid_t pid, gid_t gid)
{
	static const char key[] = "\nGroups:";
	char path[64], text[STATUS_SIZE], *line, *end;
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	line = strstr(text, key);
	end = line ? strchr(line + 1, '\n') : NULL;
	if (!end) /* cut short: not all groups are in it */
		return false;
	*end = '\0';
	return line_has(line + strlen(key), gid);
}

static bool peer_is_member(const struct peer *p, int fd, gid_t gid)
{
	bool member = false;
	int r;

	if (p->gid == gid)
		return true;
	r = in_groups(fd, gid, &member);
	if (r == -ENOPROTOOPT)
		return in_status(p->pid, gid);
	return r == 0 && member;
}

enum peer_rights peer_rights(const struct peer *p, int fd, gid_t gid)
{
	if (p->uid == 0 || p->uid == geteuid())
		return PEER_ROOT;
	return gid != (gid_t)-1 && peer_is_member(p, fd, gid) ? PEER_GROUP : PEER_NOBODY;
}

gid_t peer_group(const char *name)
{
	const struct group *g = strcmp(name, "none") ? getgrnam(name) : NULL;

	return g ? g->gr_gid : (gid_t)-1;
}

const char *peer_refusal(gid_t gid, char buf[PEER_TEXT_MAX])
{
	const struct group *g = gid != (gid_t)-1 ? getgrgid(gid) : NULL;

	text_line(buf, PEER_TEXT_MAX, "only root and the configured group %.64s may ask",
		  g ? g->gr_name : "(there is none)");
	return buf;
}

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
	case WIRE_CONNECTIONS:
	case WIRE_HISTORY:
	case WIRE_EXPLAIN:
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
