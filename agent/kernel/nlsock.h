/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A netlink socket of any family: libnl opens and binds it; whole datagrams are
 * sent to the kernel and read from it, with their sender checked. Knows nothing
 * of what they mean. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

#include <linux/netlink.h>

#include <vipsafe/base.h>

struct nlsock;

/* What is read at a time at most. The kernel fills chunks of up to 32 KiB of a dump when it has
 * seen a reader with a buffer that large (netlink_dump(), Linux 4.4). */
#define NLSOCK_READ_SIZE (64U * 1024)

/* Open one for PROTOCOL (NETLINK_…) in the network namespace of the caller, with
 * buffers of so many bytes (0: as the host has it), by force where that is
 * permitted and up to the host's limit where not; that limit is never changed.
 * -EPROTONOSUPPORT, -ENOMEM, … */
int nlsock_new(int protocol, int sndbuf, int rcvbuf, struct nlsock **ret);
struct nlsock *nlsock_free(struct nlsock *s);
DEFINE_CLEANUP(struct nlsock, nlsock_free)

/* Be sent what is multicast to the N GROUPS. */
int nlsock_join(struct nlsock *s, const int *groups, size_t n);

/* To poll; and the address of the socket, which the kernel notes as the origin of
 * what it did. */
int nlsock_fd(const struct nlsock *s);
uint32_t nlsock_port(const struct nlsock *s);

/* The sequence number of the next message; of the first of N. */
uint32_t nlsock_seq(struct nlsock *s);
uint32_t nlsock_seqs(struct nlsock *s, uint32_t n);

/* Send LEN bytes of whole messages to the kernel in one datagram. */
int nlsock_send(struct nlsock *s, const void *data, size_t len);

/* The kernel works within the send and answers from there, so that a longer
 * silence can only be a lost answer. */
#define NLSOCK_PATIENCE (2 * USEC_PER_SEC)

/* Read one datagram of the kernel, waiting until DEADLINE (os_now(); 0: not at
 * all); what others send is left out. *RET is valid until the next call. Returns
 * its length, -ETIMEDOUT, -ENOBUFS (answers were dropped), -EMSGSIZE (larger than
 * the buffer), -EPROTO (others send without end) or another errno. */
int nlsock_receive(struct nlsock *s, usec_t deadline, const void **ret);

/* Events are small and many: some tens of datagrams with one call. */
#define NLSOCK_BURST 32
#define NLSOCK_BURST_SIZE (8192 + 256) /* no power of two: they would share places in the cache */

/* Initially zero. */
struct nlsock_burst {
	int len[NLSOCK_BURST]; /* 0: another sender's */
	bool torn;	       /* one did not fit */
	bool is_set;	       /* the places that the kernel writes to */
	struct mmsghdr msgs[NLSOCK_BURST];
	struct iovec iov[NLSOCK_BURST];
	struct sockaddr_nl from[NLSOCK_BURST];
	uint8_t in[NLSOCK_BURST][NLSOCK_BURST_SIZE] __attribute__((aligned(8)));
};

/* What is there now. Returns how many datagrams, -EAGAIN: none, -ENOBUFS: some were
 * lost (a loss that is noticed after some datagrams is told by the next call). */
int nlsock_receive_burst(struct nlsock *s, struct nlsock_burst *b);
