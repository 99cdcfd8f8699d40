/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must be true of an entry, whoever it came from. */
#pragma once

#include <linux/netlink.h>

#include "base/conn.h"

/* Of one that the codec has read. */
void entry_holds(const struct conn_record *r);

/* Of any that may be sent: its messages are well-formed, and the DELETE names
 * a tuple. */
void entry_sends(const struct conn_record *r);

/* A DELETE without a tuple would flush the table. */
void delete_holds(const struct nlmsghdr *nlh);
