/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/reset.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "kernel/hold.h"
#include "kernel/nft.h"
#include "kernel/reset_iptables.h"
#include "kernel/reset_nft.h"
#include "kernel/link.h"

/* Longer than any reset is asked for. */
#define DURATION_MAX (60 * USEC_PER_SEC)

static struct reset_match make_match(const struct conn *c, const uint8_t *dst, uint16_t dport)
{
	struct reset_match m = { .family = c->key.family };

	memcpy(m.src, c->key.orig.src, sizeof(m.src));
	memcpy(m.dst, dst, sizeof(m.dst));
	m.sport = c->key.orig.sport;
	m.dport = dport;
	return m;
}

/* A connection that is only opening is repeated by the next SYN; one that has ended needs
 * no reset, and its port may be in use again soon. */
static bool is_to_be_told(const struct conn *c)
{
	switch ((enum conn_tcp_state)c->tcp_state) {
	case CONN_TCP_SYN_SENT:
	case CONN_TCP_SYN_SENT2:
	case CONN_TCP_TIME_WAIT:
	case CONN_TCP_CLOSE:
		return false;
	case CONN_TCP_NONE:
	case CONN_TCP_SYN_RECV:
	case CONN_TCP_ESTABLISHED:
	case CONN_TCP_FIN_WAIT:
	case CONN_TCP_CLOSE_WAIT:
	case CONN_TCP_LAST_ACK:
		break;
	}
	return c->key.l4proto == IPPROTO_TCP && addr_size(c->key.family);
}

/* The source is translated after the packet has passed us, the destination
 * before where it is forwarded and after where it is sent: both are matched.
 * RET has room for two per flow. */
static size_t make_matches(const struct conn *const *flows, size_t n, struct reset_match *ret)
{
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		const struct conn *c = flows[i];

		if (!is_to_be_told(c))
			continue;
		ret[m++] = make_match(c, c->key.orig.dst, c->key.orig.dport);
		if (memcmp(c->reply.src, c->key.orig.dst, sizeof(c->reply.src)) != 0 ||
		    c->reply.sport != c->key.orig.dport)
			ret[m++] = make_match(c, c->reply.src, c->reply.sport);
	}
	return m;
}

/* Remove what an earlier run left, in the other backend too, then install. If that cannot be
 * removed, it has at least expired. */
static int reset_install(enum hold_choice backend, int ifindex, const struct reset_match *m,
			 size_t n, usec_t duration, usec_t deadline, char why[REPORT_TEXT_MAX])
{
	int r;

	if (backend == HOLD_NFT && nft_sees_all()) {
		snprintf(why, REPORT_TEXT_MAX, SEES_ALL_WHY);
		return -EOPNOTSUPP;
	}
	(void)reset_iptables_clean(wanted_one, &ifindex, deadline);
	if (backend == HOLD_IPTABLES)
		(void)reset_nft_clean(wanted_one, &ifindex);
	r = backend == HOLD_NFT ? reset_nft_install(ifindex, m, n, duration)
				: reset_iptables_install(ifindex, m, n, duration, deadline, why);
	if (r < 0 && !why[0])
		snprintf(why, REPORT_TEXT_MAX, "%s",
			 r == -EOPNOTSUPP ? "not in this kernel" : strerror(-r));
	return r;
}

static int install_any(enum hold_choice choice, int ifindex, const struct reset_match *m, size_t n,
		       usec_t duration, usec_t deadline, char reason[REPORT_TEXT_MAX])
{
	enum hold_choice order[HOLD_BACKENDS];
	size_t i, count = hold_order(choice, order);
	int r = -EOPNOTSUPP;

	if (!count)
		snprintf(reason, REPORT_TEXT_MAX, "no firewall rules are wanted");
	for (i = 0; i < count && r < 0; i++) {
		char why[REPORT_TEXT_MAX] = "";

		r = reset_install(order[i], ifindex, m, n, duration, deadline, why);
		if (r < 0)
			hold_add_reason(reason, order[i], why);
	}
	return r;
}

int reset_flows(enum hold_choice choice, const struct link *link, const struct conn *const *flows,
		size_t n, usec_t duration, usec_t deadline, char reason[REPORT_TEXT_MAX])
{
	_cleanup_free_ struct reset_match *m = NULL;
	size_t count;
	int r;

	reason[0] = '\0';
	if (link->ifindex <= 0 || !duration)
		return -EINVAL;
	m = calloc(MAX(n, (size_t)1), 2 * sizeof(*m));
	if (!m)
		return -ENOMEM;
	count = make_matches(flows, n, m);
	if (!count)
		return 0;
	r = install_any(choice, link->ifindex, m, count, MIN(duration, DURATION_MAX), deadline,
			reason);
	return r == 0 || r == -ENOMEM || r == -E2BIG ? r : -EOPNOTSUPP;
}

int reset_clean(const struct rule_cleaning *c, usec_t deadline)
{
	struct wanted_busy w = { .c = c };
	int tables, chains;

	tables =
		wanted_tell(&w, reset_nft_clean(wanted_idle, &w), "table inet " RESET_TABLE_PREFIX);
	chains = wanted_tell(&w, reset_iptables_clean(wanted_idle, &w, deadline),
			     "chain " RESET_CHAIN_PREFIX);

	if (tables < 0 || chains < 0)
		return tables < 0 ? tables : chains;
	return tables + chains;
}

/* ---- by a child --------------------------------------------------------------- */

struct cleaning {
	usec_t deadline;
};

static void clean_in_child(void *ud, void *answer)
{
	const struct cleaning *c = ud;
	int nft = reset_nft_clean_ended(), iptables = reset_iptables_clean_ended(c->deadline);

	*(int *)answer = nft < 0 ? nft : iptables < 0 ? iptables : nft + iptables;
}

int reset_clean_begin(usec_t timeout, struct background **ret)
{
	struct cleaning c = { .deadline = os_deadline(timeout) };

	return background_new(clean_in_child, &c, sizeof(int), timeout + USEC_PER_SEC, ret);
}

int reset_clean_end(struct background *b)
{
	int answer, r = background_answer(b, &answer);

	return r < 0 ? r : answer < 0 ? answer : 0;
}
