/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What helps against a collision, as commands. Each is "" where there is none. */
#pragma once

#include "base/addr.h"
#include "base/finding.h"
#include "base/ports.h"
#include "lvs/collide.h"
#include "lvs/window.h"

#define LVS_NOTE_MAX 640

/* What is known of this node when something is to be prevented on it. */
struct lvs_node {
	const struct ports *ports;
	const struct lvs_live *live;
	const struct addrset *own;  /* its addresses */
	bool (*uses_nft)(void *ud); /* whether its NAT rules are nft's; asked only if needed */
	/* all its NAT chains are asked (Linux 4.18); otherwise one more keeps the others from it */
	bool nat_in_turn;
	void *ud;
};

/* Close the socket HUNG of this node, which does no harm to its peer. */
void lvs_remedy_free(const struct flow *hung, char ret[FINDING_FIX_MAX]);

/* Let connections as the two of C never have one port again. NOTE: what it costs, what is to be
 * opened again for it, how to keep it. NODE NULL: nothing is to be said of it. */
void lvs_remedy_prevent(const struct lvs_node *node, const struct collision *c,
			char ret[FINDING_FIX_MAX], char ret_note[LVS_NOTE_MAX]);

/* Keep connect() from choosing PORT, besides those that are reserved already. IN_USE: a connection
 * has it now. */
void lvs_remedy_reserve(uint16_t port, bool in_use, char ret[FINDING_FIX_MAX],
			char ret_note[LVS_NOTE_MAX]);
