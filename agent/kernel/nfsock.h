/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A netlink socket, netfilter's above all: libnl opens and binds it, large
 * buffers are asked for, and whole datagrams are read with their sender checked. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <netlink/netlink.h>

/* Open and connect a socket of any PROTOCOL (NETLINK_…); what follows serves
 * it too. -EPROTONOSUPPORT, -ENOMEM, … */
int nfsock_connect(int protocol, struct nl_sock **ret);

/* The same for netfilter, with buffers enlarged: by force where that is
 * permitted and up to the host's limit where not; never by changing that limit. */
int nfsock_open(struct nl_sock **ret, int sndbuf, int rcvbuf);

/* Send LEN bytes of whole messages to the kernel in one datagram. */
int nfsock_send(struct nl_sock *sk, const void *data, size_t len);

/* The kernel answers from within the send, so that a longer silence can only
 * be a lost answer. */
#define NFSOCK_PATIENCE_MS 2000

/* Read one datagram from the kernel into BUF, waiting up to TIMEOUT_MS; what
 * others send is left out. Returns its length, -ETIMEDOUT, -ENOBUFS (answers were
 * dropped), -EMSGSIZE (larger than SIZE), -EPROTO (others send without end) or
 * another errno. */
int nfsock_recv(struct nl_sock *sk, void *buf, size_t size, int timeout_ms);
