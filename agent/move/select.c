/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/select.h"

#include "base/shape.h"

/* Whether the flow is that of a leaving address, which is its source, its destination or
 * its translated source: then it goes with the address. */
static bool is_of(const struct conn *c, const struct addrset *set)
{
	struct addr src = tuple_src(&c->key.orig, c->key.family);
	struct addr dst = tuple_dst(&c->key.orig, c->key.family);
	struct addr as = tuple_dst(&c->reply, c->key.family);

	return addrset_has(set, &src) || addrset_has(set, &dst) || addrset_has(set, &as);
}

static bool is_closing(const struct conn *c)
{
	return c->tcp_state == CONN_TCP_TIME_WAIT || c->tcp_state == CONN_TCP_CLOSE;
}

enum skip_reason select_entry(const struct conn *c, const struct select_rules *rules)
{
	struct addr as = tuple_dst(&c->reply, c->key.family);

	if (!(c->status & CONN_SRC_NAT_DONE))
		return SKIP_NOT_NAT;
	if (c->status & CONN_DYING)
		return SKIP_DYING;
	if (is_of(c, rules->leaving))
		return SKIP_OF_VIP;
	if (!addrset_has(rules->local, &as))
		return SKIP_NOT_LOCAL;
	if (is_closing(c))
		return SKIP_CLOSING;
	if (c->timeout <= rules->elapsed)
		return SKIP_EXPIRED;
	if (conn_alteration(c) == ALTERATION_OTHER)
		return SKIP_ALTERED;
	return SKIP_NONE;
}
