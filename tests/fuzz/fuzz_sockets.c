/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sock_diag answers, and that only sockets of the leaving address are
 * closed, or reset with packets, of which none is sent here. First byte: odd for IPv6. */
#include "lib/fuzz.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/inet_diag.h>

#include "kernel/sockreset.h"
#include "kernel/sockets.h"
#include "lib/wire.h"

enum {
	DIAG_BY_FAMILY = 20,
	DIAG_DESTROY = 21,
};

static const uint8_t own4[4] = { 192, 0, 2, 10 }, own6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 10 };
static const uint8_t own4_mapped[16] = { [10] = 0xff, 0xff, 192, 0, 2, 10 };
static size_t destroyed, given;

void wire_sent(const struct nlmsghdr *nlh)
{
	struct inet_diag_req_v2 q;
	const void *src = q.id.idiag_src;

	CLAIM(nlh->nlmsg_len >= NLMSG_LENGTH(sizeof(q)));
	memcpy(&q, NLMSG_DATA(nlh), sizeof(q));
	CLAIM(q.sdiag_protocol == IPPROTO_TCP);
	if (nlh->nlmsg_type == DIAG_BY_FAMILY)
		return;
	CLAIM(nlh->nlmsg_type == DIAG_DESTROY);
	destroyed++;
	if (q.sdiag_family == AF_INET)
		CLAIM(memcmp(src, own4, sizeof(own4)) == 0);
	else
		CLAIM(q.sdiag_family == AF_INET6 &&
		      (memcmp(src, own6, sizeof(own6)) == 0 ||
		       memcmp(src, own4_mapped, sizeof(own4_mapped)) == 0));
}

/* In place of the one that sends. */
int sockreset(const struct addr *own, struct sockreset_end *ends, size_t n, uint64_t *ret_closed)
{
	for (size_t i = 0; i < n; i++)
		CLAIM(ends[i].peer.family == own->family && !ends[i].done);
	given += n;
	*ret_closed += n;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	bool six = input_byte(&in) % 2;
	struct addr own = six ? addr_make(AF_INET6, own6) : addr_make(AF_INET, own4);
	uint64_t closed = 0;

	destroyed = given = 0;
	wire_load(in.data, in.left);
	(void)sockets_destroy(&own, &closed);
	CLAIM(closed <= destroyed + given);
	return 0;
}
