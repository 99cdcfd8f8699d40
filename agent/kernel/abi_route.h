/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of route netlink, under the kernel's names; those at the end are later than
 * the headers of RHEL 7 (Linux 3.10). */
#pragma once

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#define IFA_FLAGS 8	   /* Linux 3.14 */
#define IFA_RT_PRIORITY 9  /* 4.18 */
#define IFA_PROTO 11	   /* 5.18 */
#define IFLA_ALT_IFNAME 53 /* 5.5 */

#ifndef IFA_F_MANAGETEMPADDR
#define IFA_F_MANAGETEMPADDR 0x100 /* Linux 3.14 */
#endif
#ifndef IFA_F_MCAUTOJOIN
#define IFA_F_MCAUTOJOIN 0x400 /* 4.1 */
#endif
