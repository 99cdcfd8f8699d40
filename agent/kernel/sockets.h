/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node's own TCP sockets, over sock_diag. */
#pragma once

#include "base/kernel.h"

/* Close those whose own address is A, as an IPv4 one in an IPv6 socket too;
 * their peers are sent a reset. Listeners stay, and so do sockets with nothing
 * left to reset (TIME_WAIT). One that cannot be closed does not save the rest.
 * *RET_CLOSED counts the closed ones, also when the result is an error.
 * -EOPNOTSUPP: the kernel cannot (before Linux 4.5, or without
 * INET_DIAG_DESTROY); not noticed where there is nothing to close. */
int sockets_destroy(const struct addr *a, uint64_t *ret_closed);
