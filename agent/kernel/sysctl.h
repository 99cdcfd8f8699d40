/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Read settings of the kernel. Nothing here, or anywhere, writes one. */
#pragma once

#include <stdint.h>

/* Read /proc/sys/NAME as one number. -ENOENT: this kernel does not have it;
 * -EBADMSG: no number. */
int sysctl_read(const char *name, uint32_t *ret);
