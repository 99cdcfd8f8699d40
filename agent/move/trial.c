/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Find out what this kernel creates from a request, on an entry between addresses for
 * documentation (RFC 5737, RFC 3849) that is deleted at once. */
#include "move/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define TRIAL_SECONDS 5

/* 192.0.2.N and 2001:db8::N */
static void trial_set_address(uint8_t family, uint8_t bytes[16], uint8_t n)
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

/* Like C, but from 192.0.2.1 to .2. If C translates the destination it is .3 in the reply
 * tuple; if it translates the source, that is .4. Ports stay. */
static struct conn trial_of(const struct conn *c)
{
	const struct tuple plain = tuple_invert(&c->key.orig, c->key.l4proto);
	struct tuple orig = c->key.orig;
	struct conn trial = *c;

	trial_set_address(c->key.family, orig.src, 1);
	trial_set_address(c->key.family, orig.dst, 2);
	trial_set_address(c->key.family, trial.reply.src,
			  memcmp(c->reply.src, plain.src, 16) ? 3 : 2);
	trial_set_address(c->key.family, trial.reply.dst,
			  memcmp(c->reply.dst, plain.dst, 16) ? 4 : 1);
	trial.key = conn_key_make(c->key.family, c->key.l4proto, &orig, c->key.zone,
				  (enum conn_zone_dir)c->key.zone_dir);
	trial.has_master = false;
	trial.id = 0;
	return trial;
}

int trial_create(const struct kernel *k, const struct conn *c, const void *payload, size_t len,
		 struct conn *ret_asked, struct conn *ret_found)
{
	struct conn trial = trial_of(c);
	struct ct_op ops[] = {
		{ .verb = CT_CREATE, .conn = &trial, .orphan = true, .timeout = TRIAL_SECONDS },
		{ .verb = CT_GET, .conn = &trial, .found = ret_found },
		{ .verb = CT_DELETE, .conn = &trial },
	};
	int r;

	ops[0].payload = payload;
	ops[0].payload_len = (uint16_t)len;
	r = k->ops->ct_batch(k->ctx, ops, ARRAY_SIZE(ops));
	if (r == 0)
		r = ops[0].result < 0 ? ops[0].result : ops[1].result;
	*ret_asked = trial;
	return r;
}
