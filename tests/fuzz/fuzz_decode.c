/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctcodec_decode(): the attributes of one entry. First byte: odd for IPv6. */
#include "lib/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/entry.h"
#include "kernel/ctcodec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t payload[CT_PAYLOAD_MAX] __attribute__((aligned(8)));
	const size_t head = NLMSG_SPACE(sizeof(struct nfgenmsg));
	struct input in = { data, size };
	uint8_t family = input_byte(&in) % 2 ? AF_INET6 : AF_INET;
	struct nlmsghdr *nlh = malloc(head + in.left);
	struct conn_record record;
	struct conn_key master;
	struct conn c;

	CLAIM(nlh);
	memset(nlh, 0, head);
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	nlh->nlmsg_len = (uint32_t)(head + in.left);
	((struct nfgenmsg *)NLMSG_DATA(nlh))->nfgen_family = family;
	memcpy((uint8_t *)nlh + head, in.data, in.left);
	if (ctcodec_decode(nlh, &c, &master, payload, &record) == 0) {
		CLAIM(record.conn == &c && c.key.family == family);
		entry_holds(&record);
	}
	free(nlh);
	return 0;
}
