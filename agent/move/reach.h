/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries a flush of the run's device can take. Private to move. */
#pragma once

#include "move/stage.h"

struct reach {
	struct addrset on_device; /* addresses the device keeps */
	bool own4, own6;	  /* one of them, of that family, is a usual source */
};

/* By the addresses as run->before has them. 0 or -ENOMEM. */
int reach_read(const struct run *run, struct reach *ret);
void reach_done(struct reach *r);

/* Whether C is masqueraded to an address of the device. A device without one of
 * global scope borrows another's, so then every entry may be meant
 * (inet_select_addr(), ipv6_dev_get_saddr()). */
bool reach_has(const struct reach *r, const struct conn *c);
