/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of addresses, e.g. those of the node. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

struct addrset {
	struct addr *addrs; /* owned; sorted by bytes, no address twice */
	size_t n;
};

void addrset_done(struct addrset *s);

/* Add A; no error if it is in the set already. Returns 0 or -ENOMEM. */
int addrset_add(struct addrset *s, const struct addr *a);
void addrset_remove(struct addrset *s, const struct addr *a);
bool addrset_has(const struct addrset *s, const struct addr *a);
