/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of generic netlink's family IPVS, under the kernel's names; those at the
 * end are later than the headers of RHEL 7 (Linux 3.10). */
#pragma once

#include <linux/ip_vs.h>

#define IPVS_DEST_ATTR_ADDR_FAMILY 11 /* Linux 3.18 */
#define IPVS_DEST_ATTR_TUN_TYPE 13    /* 5.2, and what follows 5.3 */
#define IPVS_DEST_ATTR_TUN_PORT 14
#define IPVS_DEST_ATTR_TUN_FLAGS 15
