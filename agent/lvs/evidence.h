/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of this node's connections a server has taken for one, as their sockets show it, without
 * knowing of any service: one of two with the same local address and port gets no answers, and
 * each time it asks, the other one is sent an acknowledgement that it did not ask for (docs/lvs.md
 * 10). Sockets that a listener has accepted are left out: they share its port by nature. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/kernel.h"

/* A search for it lasts no longer. */
#define LVS_EVIDENCE_TIME (3 * USEC_PER_SEC)

/* OTHER is sent the answers to HUNG. */
struct lvs_crossing {
	struct flow hung, other;
};

struct lvs_evidence;

struct lvs_evidence *lvs_evidence_new(void); /* NULL: out of memory */
struct lvs_evidence *lvs_evidence_free(struct lvs_evidence *e);
DEFINE_CLEANUP(struct lvs_evidence, lvs_evidence_free)

/* Look at the sockets, and again as long as another look is likely to tell more: a busy socket
 * shows it only right after the other one has asked again. At most for LIMIT (0: one look). CLEAR:
 * also wait for what clears pairs. What earlier calls have found is kept for sockets that are
 * still there. 0 or what K answered. */
int lvs_evidence_search(struct lvs_evidence *e, const struct kernel *k, usec_t limit, bool clear);

/* One look. *RET_NEXT: when another one is likely to tell more; USEC_NEVER: it is not. */
int lvs_evidence_look(struct lvs_evidence *e, const struct kernel *k, bool clear, usec_t *ret_next);

/* The crossings found. */
int lvs_evidence_each(const struct lvs_evidence *e,
		      int (*sink)(void *ud, const struct lvs_crossing *c), void *ud);

/* Whether A gets the answers to B, or B those to A: *RET_HUNG is the one without answers. */
bool lvs_evidence_has(const struct lvs_evidence *e, const struct flow *a, const struct flow *b,
		      const struct flow **ret_hung);

/* Whether FIRST has received something since SECOND was opened (SECOND->since, or when its socket
 * is first known to have been there): the server has both of them. */
bool lvs_evidence_clears(const struct lvs_evidence *e, const struct flow *first,
			 const struct flow *second);

/* Whether F, a socket of this node, gets no answers because another one gets them, which is *RET
 * then. Looks for at most LIMIT. 1, 0, or a negative errno. */
int lvs_evidence_ask(const struct kernel *k, const struct flow *f, usec_t limit, struct flow *ret);

/* Each two connections, not counting those in TIME_WAIT, that have one local address and port.
 * FIRST: the first two of it. A negative return ends it and is returned. */
typedef int (*lvs_shared_sink)(void *ud, const struct flow *a, const struct flow *b, bool first);
int lvs_evidence_each_shared(const struct lvs_evidence *e, lvs_shared_sink sink, void *ud);

/* shared.c: such ports are normal, but what an LVS makes of them is one connection if they lead
 * to one real server. */

/* How many of them are used both to A and to B, which are the key of it. */
struct lvs_shared {
	struct addr a, b;
	uint16_t a_port, b_port;
	uint32_t ports;
};

/* How many local addresses and ports two TCP connections or more have in common. *RET: the pairs
 * of destinations that share most, at most MAX of them. */
uint32_t lvs_shared_count(const struct lvs_evidence *e, struct lvs_shared *ret, size_t max,
			  size_t *ret_n);
