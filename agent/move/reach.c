/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/reach.h"

#include <sys/socket.h>

int reach_read(const struct run *run, struct reach *ret)
{
	size_t i;
	int r = 0;

	*ret = (struct reach){ .own4 = false };
	for (i = 0; i < run->before.n && r == 0; i++) {
		const struct ifaddr *a = &run->before.items[i];

		/* local holds leaving addresses too when their flows are to stay */
		if (a->ifindex != run->link.ifindex || !addrset_has(&run->local, &a->prefix.addr))
			continue;
		r = addrset_add(&ret->on_device, &a->prefix.addr);
		ret->own4 = ret->own4 || (a->prefix.addr.family == AF_INET && !a->scope);
		ret->own6 = ret->own6 || (a->prefix.addr.family == AF_INET6 && !a->scope);
	}
	return r;
}

void reach_done(struct reach *r)
{
	addrset_done(&r->on_device);
}

bool reach_has(const struct reach *r, const struct conn *c)
{
	struct addr as = tuple_dst(&c->reply, c->key.family);
	bool has_own = c->key.family == AF_INET ? r->own4 : r->own6;

	return !has_own || addrset_has(&r->on_device, &as);
}
