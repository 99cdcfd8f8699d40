/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Read settings of the kernel. Nothing here, or anywhere, writes one. */
#pragma once

#include <stdint.h>

#include "base/ports.h"

/* Read /proc/sys/NAME as one number. -ENOENT: this kernel does not have it;
 * -EBADMSG: no number. */
int sysctl_read(const char *name, uint32_t *ret);

/* The settings of this network namespace that say how local ports are chosen. */
/* -ENOENT: no such setting (no IPv4); -EBADMSG. */
int localports_read(struct ports *ret);
