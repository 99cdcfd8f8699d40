/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entries can be created again exactly as they are. The reply tuple must be the inverse of
 * the original one but for the translations that the status announces: this is what the NAT core
 * makes, and what ctnetlink can be asked for. Any other entry was altered by somebody else, who
 * called nf_conntrack_alter_reply() or made the kernel do so: it is not touched unless it is
 * known how to ask for it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/conn.h"

/* What in an entry does not agree with its status. */
enum alteration {
	ALTERATION_NONE,
	/* Replies come from another server than was addressed, without DST_NAT: IPVS in NAT mode
	 * with vs.conntrack=1 (ip_vs_nfct.c: ip_vs_update_conntrack()). Such an entry can be
	 * created: shape_reply(). */
	ALTERATION_SERVER,
	/* A source translation that is not announced, an announced translation that is missing,
	 * or an ICMP type that is not the reply: such an entry cannot be created. */
	ALTERATION_OTHER,
};

enum alteration conn_alteration(const struct conn *c);

/* The reply tuple with which C has to be created: its own with each announced translation undone,
 * because the kernel derives the status from the translations that are still to be made
 * (nf_nat_setup_info()). If nobody altered the entry it is the inverse of the original tuple. */
struct tuple shape_reply(const struct conn *c);

/* All that decides how an entry is created, as one number: family, protocol, zone, which
 * addresses and ports are translated and by which NAT, whether it has a master or a helper.
 * Either all entries of one shape can be created, or none. */
uint32_t conn_shape(const struct conn *c);

/* What is known about a shape on this kernel. */
enum shape_trust {
	SHAPE_UNTRIED,
	SHAPE_PROVEN,  /* one was created, and read back as asked */
	SHAPE_REFUSED, /* one was read back differently */
};

#define SHAPES_MAX 64

/* All zero: nothing is known. Beyond SHAPES_MAX the oldest ones are forgotten, and tried again. */
struct shapes {
	struct {
		uint32_t shape;
		uint8_t trust; /* enum shape_trust */
	} items[SHAPES_MAX];
	size_t n, next;
	bool any_refused;
};

enum shape_trust shapes_get(const struct shapes *s, uint32_t shape);
void shapes_set(struct shapes *s, uint32_t shape, enum shape_trust trust);
