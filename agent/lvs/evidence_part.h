/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets that evidence is found in. Private to evidence*.c. */
#pragma once

#include "base/flow.h"
#include "base/kernel.h"
#include "lvs/evidence.h"

/* One bit for each hash of a local end: which are in use once, and which more often. */
#define EVIDENCE_ENDS (1U << 22)

struct lvs_socket {
	struct flow flow; /* without its times, which are … */
	bool timed;
	struct flow_times times;
	usec_t sent, acked, received, due; /* due: the next retransmission; USEC_NEVER: none */
	usec_t existed;			   /* since when it is known to be there */
	usec_t coincided;		   /* SENT of the last coincidence with WITH */
	uint64_t with;
	unsigned coincidences;
	bool crossed; /* with WITH */
};

struct lvs_evidence {
	struct {
		uint8_t once[EVIDENCE_ENDS / 8], twice[EVIDENCE_ENDS / 8];
		uint8_t listens[(UINT16_MAX + 1) / 8]; /* ports */
	} seen;
	struct lvs_socket *list; /* sorted by local end */
	size_t n, cap;
	struct lvs_socket *news; /* of the look that is being taken */
	size_t n_news, cap_news;
	usec_t at;
	usec_t blur; /* the longest listing: so much may two sockets' times be apart */
	const struct kernel *kernel;
};

/* By local end: negative, 0 or positive. */
int evidence_end_compare(const struct flow *a, const struct flow *b);

/* List the sockets of K anew; what was known of those that are still there is kept. 0 or what K
 * answered. */
int evidence_read(struct lvs_evidence *e, const struct kernel *k);
