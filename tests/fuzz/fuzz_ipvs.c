/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What generic netlink answers about IPVS. */
#include "lib/fuzz.h"

#include <string.h>
#include <sys/socket.h>

#include "kernel/ipvs.h"
#include "lib/wire.h"

static bool is_family(uint8_t family)
{
	return family == AF_INET || family == AF_INET6;
}

static int take(void *ud, const struct ipvs_service *s, const struct ipvs_dest *d)
{
	size_t *n = ud;

	CLAIM(is_family(s->addr.family));
	CLAIM(!s->fwmark == (s->proto != 0));
	CLAIM(memchr(s->sched, '\0', sizeof(s->sched)) && memchr(s->pe, '\0', sizeof(s->pe)));
	CLAIM(!d || (is_family(d->addr.family) && d->forward <= IPVS_BYPASS));
	return ++*n == 100 ? -1 : 0;
}

void wire_sent(const struct nlmsghdr *nlh)
{
	CLAIM(nlh->nlmsg_len >= NLMSG_LENGTH(4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = 0;

	wire_load(data, size);
	(void)ipvs_list(take, &n);
	CLAIM(n <= 100);
	return 0;
}
