/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instead of kernel/nlsock.c: a netlink kernel that answers each request as the test says.
 * There is one for all sockets; what it says waits until it is read, one message a datagram, or
 * until a socket is closed. */
#pragma once

#include "kernel/nlsock.h"

/* Called with each message of each request. */
typedef void (*netlink_answer)(const struct nlmsghdr *request);

struct fake_netlink {
	netlink_answer answer;
	unsigned sends, requests;	       /* datagrams, messages in them */
	unsigned opened, closed;	       /* sockets */
	unsigned groups;		       /* joined */
	int new_error, join_error, send_error; /* negative errno of each such call */
};

/* Begin anew: nothing has been asked, nothing is said. */
struct fake_netlink *netlink_begin(netlink_answer answer);

/* Say something, of REQUEST or (NULL) an event: a message of TYPE with the LEN bytes of BODY. */
struct nlmsghdr *netlink_say(const struct nlmsghdr *request, uint16_t type, uint16_t flags,
			     const void *body, size_t len);
/* Say a whole message as it stands, with the number of REQUEST. */
struct nlmsghdr *netlink_say_whole(const struct nlmsghdr *request, const void *message);
/* Say what has one attribute, a text, of a subsystem of netfilter. */
void netlink_say_text(const struct nlmsghdr *request, uint16_t type, uint16_t flags, uint16_t attr,
		      const char *text);
/* NLMSG_ERROR (0: the ACK), and the end of a list. */
void netlink_verdict(const struct nlmsghdr *request, int error);
void netlink_end(const struct nlmsghdr *request, uint16_t flags, int error);
/* The reading that comes to it ends with ERROR (-ENOBUFS …). */
void netlink_fault(int error);
/* What has been said and not read. */
unsigned netlink_unread(void);

/* With -Wl,--wrap=access: all modules are there, unless the test says otherwise. */
int __wrap_access(const char *path, int mode);
