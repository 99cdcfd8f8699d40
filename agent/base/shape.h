/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an entry must look like so that it can be created again as it is. The
 * reply tuple is the inverse of the original one but for the translations that
 * the status announces: that is what the NAT core makes, and what ctnetlink can
 * be asked for. Anything else was altered by somebody else, who called
 * nf_conntrack_alter_reply() himself or told the kernel so: it is not ours to
 * touch unless it is known how to ask for it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/conn.h"

/* What of an entry its status does not account for. */
enum alteration {
	ALTERATION_NONE,
	/* Replies come from another server than was asked, and DST_NAT does not
	 * say so: IPVS in NAT mode with vs.conntrack=1 (ip_vs_nfct.c:
	 * ip_vs_update_conntrack()). It can be asked for: shape_reply(). */
	ALTERATION_SERVER,
	/* A source that is not announced, a translation that is announced and
	 * not there, another kind of answer: it cannot be asked for. */
	ALTERATION_OTHER,
};

enum alteration conn_alteration(const struct conn *c);

/* The reply tuple that C has to be created with: as it is, each announced
 * translation undone, since the kernel derives the status from what is left to
 * be done (nf_nat_setup_info()). Of an entry that nobody altered it is the
 * inverse of the original tuple. */
struct tuple shape_reply(const struct conn *c);

/* All that decides how an entry is created, as one number: family, protocol,
 * which addresses and ports are translated, by whom, and what hangs on it.
 * Entries of one shape are created alike or not at all. */
uint32_t conn_shape(const struct conn *c);

/* What is known of a shape on this kernel. */
enum shape_trust {
	SHAPE_UNTRIED,
	SHAPE_PROVEN,  /* one was created and read back as asked */
	SHAPE_REFUSED, /* one came out otherwise */
};

#define SHAPES_MAX 64

/* Zero-filled: nothing is known. Of more than SHAPES_MAX the oldest are
 * forgotten, and tried again. */
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
