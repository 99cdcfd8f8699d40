/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which program has a netlink socket, by the port that events of the kernel name. */
#pragma once

#include <stdint.h>

#include "base/kernel.h"

/* As the member of struct kernel_ops with this name. */
int port_owner(enum port_kind kind, uint32_t port, bool search, struct port_owner *ret);
