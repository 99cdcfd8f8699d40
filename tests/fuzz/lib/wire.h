/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink sockets whose kernel is the input: linked with --wrap (Makefile.am),
 * so that what agent/kernel calls ends here. An answer is two bytes of length,
 * the lower first, and so many bytes; lengths from WIRE_FIRST on are events. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>

enum wire_event {
	WIRE_FIRST = 0xfff0,
	WIRE_STRANGER = 0xfffb, /* the next answer comes from another process */
	WIRE_SILENCE = 0xfffc,	/* nothing comes in time */
	WIRE_LOST = 0xfffd,	/* ENOBUFS */
	WIRE_TORN = 0xfffe,	/* the next answer is longer than the buffer */
	WIRE_EINTR = 0xffff,
};

void wire_load(const uint8_t *data, size_t size);

/* Defined by the target: called for each message that is sent. */
void wire_sent(const struct nlmsghdr *nlh);
