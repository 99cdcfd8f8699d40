/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tells this run and this boot from others. */
#pragma once

#include <stdint.h>

#define BOOT_ID_MAX 40

/* Random, for hash tables and names of runs. */
uint64_t identity_seed(void);

/* The kernel's name for this boot, or "unknown" where it tells none. */
void identity_boot_id(char buf[BOOT_ID_MAX]);

/* The number of our network namespace if it is another than that of the first
 * process we see (as with "ip netns exec"), else 0; also 0 where nobody tells. */
unsigned long identity_other_netns(void);

struct asker; /* base/request.h */

/* The process PID of user UID as who asked for something. */
void identity_asker(int64_t pid, uint32_t uid, struct asker *ret);
