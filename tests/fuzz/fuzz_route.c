/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What route netlink answers about addresses and devices. First byte: odd for
 * devices. */
#include "lib/fuzz.h"

#include <string.h>
#include <sys/socket.h>

#include <linux/rtnetlink.h>

#include "kernel/ifaddr.h"
#include "kernel/link.h"
#include "lib/wire.h"

/* Nothing here changes anything. */
void wire_sent(const struct nlmsghdr *nlh)
{
	CLAIM(nlh->nlmsg_type == RTM_GETADDR || nlh->nlmsg_type == RTM_GETLINK);
}

static void addr_holds(const struct addr *a, bool may_be_unset)
{
	char text[PREFIX_TEXT_MAX];

	CLAIM(addr_size(a->family) || (may_be_unset && !a->family));
	for (size_t i = addr_size(a->family); i < sizeof(a->bytes); i++)
		CLAIM(a->bytes[i] == 0);
	CLAIM(memchr(addr_format(a, text), '\0', sizeof(text)));
}

static int on_addr(void *ud _unused_, const struct ifaddr *a)
{
	addr_holds(&a->prefix.addr, false);
	addr_holds(&a->peer, true);
	addr_holds(&a->broadcast, true);
	CLAIM(a->prefix.len <= 8 * addr_size(a->prefix.addr.family));
	CLAIM(memchr(a->label, '\0', sizeof(a->label)));
	return 0;
}

static void find(struct nlsock *s, const char *name)
{
	struct link link;

	if (link_get(s, name, &link) < 0)
		return;
	CLAIM(link.ifindex > 0);
	CLAIM(memchr(link.name, '\0', sizeof(link.name)));
	CLAIM(link.mac_len <= sizeof(link.mac));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	struct input in = { data, size };
	bool devices = input_byte(&in) % 2;

	wire_load(in.data, in.left);
	CLAIM(nlsock_new(NETLINK_ROUTE, 0, 0, &s) == 0);
	if (devices) {
		find(s, "eth0");
		find(s, "a-name-that-only-an-alternative-one-has");
	} else {
		(void)ifaddr_list(s, on_addr, NULL);
	}
	return 0;
}
