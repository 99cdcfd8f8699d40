/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linux 3.10, 4.4 and 4.9 create an entry with the helper that is asked for and
 * then forget it (verify.c), so that a pin would cost FTP and the like their next
 * data connection. Which kernels do is found out by trying. */
#include "guard/parts.h"

#include <string.h>

/* Like C, but with its source translated to another address: only then is the helper
 * forgotten. */
static struct conn translated(const struct conn *c)
{
	struct conn t = *c;

	t.reply = tuple_invert(&c->key.orig, c->key.l4proto);
	t.reply.dst[0] ^= 1;
	t.status = CONN_CONFIRMED | CONN_SEEN_REPLY | CONN_SRC_NAT | CONN_SRC_NAT_DONE |
		   CONN_DST_NAT_DONE;
	return t;
}

enum guard_helpers guard_try_helper(struct guard *g, const struct connset *sample)
{
	struct conn c = translated(connset_get(sample, 0)), asked, found;
	const void *payload;
	size_t len;

	payload = connset_payload(sample, 0, &len);
	if (trial_create(&g->env.kernel, &c, payload, len, &asked, &found) < 0)
		return HELPERS_UNKNOWN;
	return found.has_helper ? HELPERS_KEPT : HELPERS_FORGOTTEN;
}
