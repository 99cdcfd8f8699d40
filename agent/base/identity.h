/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What distinguishes this run and this boot from others. */
#pragma once

#include <stdint.h>

#define BOOT_ID_MAX 40

/* A random number, for hash tables and names of runs. */
uint64_t identity_seed(void);

/* The kernel's id of this boot, or "unknown". */
void identity_boot_id(char buf[BOOT_ID_MAX]);

/* The number of our network namespace if it is not the one of process 1 (as with "ip netns
 * exec"); else 0, also if that cannot be read. */
unsigned long identity_other_netns(void);

struct asker; /* base/request.h */

/* Fill RET with process PID of user UID, who asks for something. */
void identity_asker(int64_t pid, uint32_t uid, struct asker *ret);
