/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sock_diag lists. */
#include "lib/fuzz.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "kernel/sockets.h"
#include "lib/wire.h"

static int take(void *ud, const struct flow *f)
{
	size_t *n = ud;

	CLAIM(f->family == AF_INET || f->family == AF_INET6);
	CLAIM(f->l4proto == IPPROTO_TCP || f->l4proto == IPPROTO_UDP);
	CLAIM(!f->dport == (f->state == FLOW_LISTENING) && f->origin == FLOW_SOCKET);
	return ++*n == 100 ? -1 : 0;
}

void wire_sent(const struct nlmsghdr *nlh)
{
	CLAIM(nlh->nlmsg_type == 20); /* only ever asks */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = 0;

	wire_load(data, size);
	(void)socklist_dump(SOCK_LISTENERS | SOCK_TIMES, take, &n);
	CLAIM(n <= 100);
	return 0;
}
