/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/apart.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "kernel/probe_choice.h"

static bool is_by_nft(enum hold_choice tool)
{
	struct utsname u;

	return tool != HOLD_IPTABLES && uname(&u) == 0 && probe_nat_is_in_turn(u.release);
}

int apart_install(const struct apart *a, enum hold_choice tool, char reason[REPORT_TEXT_MAX])
{
	return is_by_nft(tool) ? apart_nft_install(a, reason) : apart_iptables_install(a, reason);
}

bool apart_is_there(const struct apart *a, enum hold_choice tool, bool thorough)
{
	int n = apart_has_family(a, AF_INET) + apart_has_family(a, AF_INET6), there;

	if (!is_by_nft(tool))
		return !thorough || apart_iptables_is_there();
	there = apart_nft_count();
	return there < 0 || there >= n;
}

static int apart_take_conn(void *ud, const struct conn_record *record)
{
	bool *needed = ud;

	*needed |= apart_needs(record->conn);
	return 0;
}

int apart_remove(const struct kernel *k, bool everywhere, enum apart_removed *ret)
{
	int r, tables = apart_nft_count();
	bool needed = false, chains = everywhere && apart_iptables_is_there();

	*ret = APART_NONE;
	if (tables < 0 || !(tables || chains))
		return tables;
	r = k->ops->ct_dump(k->ctx, AF_UNSPEC, apart_take_conn, &needed);
	needed |= r < 0 && r != -EPROTONOSUPPORT; /* it cannot be seen */
	r = tables ? apart_nft_remove(needed) : 0;
	if (chains && r >= 0)
		r = apart_iptables_remove(needed);
	*ret = needed ? APART_EMPTIED : APART_REMOVED;
	return MIN(r, 0);
}
