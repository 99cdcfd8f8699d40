/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The least a program can do to have the kernel's part of the work done: what
 * vipsafe is held against. Uses nothing of agent/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tape.h"

/* A netfilter netlink socket with buffers like vipsafe's, or a negative errno. */
int bare_open(void);

/* A socket that takes the events of creates, changes and deletes, some 20 000. */
int bare_events(void);

/* Receive what events there are and count them. */
int bare_count(int fd, size_t *ret_count);

/* A route netlink socket, and what `ip addr add` or `ip addr del` asks of it for
 * the IPv4 address TEXT ("A/N"), until the kernel has answered. */
int bare_route(void);
int bare_address(int fd, const char *device, const char *text, bool add);

/* A socket for which the kernel makes events of creates and changes, and which
 * takes none of them. */
int bare_listen(void);

/* Ask for all entries of FAMILY and count the messages. */
int bare_dump(int fd, uint8_t family, size_t *ret_count);

/* Send each datagram of T and read until the answer to its last message.
 * Returns 0, or the first error the kernel answered. */
int bare_replay(int fd, const struct tape *t);
