/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linux 3.10, 4.4 and 4.9 create an entry with the helper that is asked for and
 * then forget it (verify.c), so that a pin would cost FTP and the like their next
 * data connection. Which kernels do is found out by trying, on an entry between
 * addresses that are nobody's (RFC 5737, RFC 3849). */
#include "steps/guard_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define TRIAL_SECONDS 5

/* 192.0.2.N and 2001:db8::N */
static void set_address(uint8_t family, uint8_t bytes[16], uint8_t n)
{
	static const uint8_t test4[] = { 192, 0, 2 }, test6[] = { 0x20, 0x01, 0x0d, 0xb8 };

	memset(bytes, 0, 16);
	if (family == AF_INET) {
		memcpy(bytes, test4, sizeof(test4));
		bytes[3] = n;
	} else {
		memcpy(bytes, test6, sizeof(test6));
		bytes[15] = n;
	}
}

/* Like C, but from N.1 to N.2, and translated to N.3: it is while the translation
 * is set up that the helper is forgotten. */
static struct conn trial_of(const struct conn *c)
{
	struct conn trial = *c;
	struct tuple orig = c->key.orig;

	set_address(c->key.family, orig.src, 1);
	set_address(c->key.family, orig.dst, 2);
	trial.key = conn_key_make(c->key.family, c->key.l4proto, &orig, c->key.zone,
				  (enum conn_zone_dir)c->key.zone_dir);
	trial.reply = tuple_invert(&orig, c->key.l4proto);
	set_address(c->key.family, trial.reply.dst, 3);
	trial.status = CONN_CONFIRMED | CONN_SEEN_REPLY | CONN_SRC_NAT | CONN_SRC_NAT_DONE |
		       CONN_DST_NAT_DONE;
	trial.has_master = false;
	trial.id = 0;
	return trial;
}

enum guard_helpers guard_try_helper(struct guard *g, const struct connset *sample)
{
	const struct kernel *k = &g->env.kernel;
	struct conn trial = trial_of(connset_get(sample, 0)), found;
	struct ct_op ops[] = {
		{ .verb = CT_CREATE, .conn = &trial, .orphan = true, .timeout = TRIAL_SECONDS },
		{ .verb = CT_GET, .conn = &trial, .found = &found },
		{ .verb = CT_DELETE, .conn = &trial },
	};
	size_t len;

	ops[0].payload = connset_payload(sample, 0, &len);
	ops[0].payload_len = (uint16_t)len;
	if (k->ops->ct_batch(k->ctx, ops, ARRAY_SIZE(ops)) < 0 || ops[0].result < 0 ||
	    ops[1].result < 0)
		return HELPERS_UNKNOWN;
	return found.has_helper ? HELPERS_KEPT : HELPERS_FORGOTTEN;
}
