/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trial inside the probe's own namespace: a masquerade rule and a connection, an address that
 * goes, and what is left of the entry. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/kernel.h"
#include "base/program.h"
#include "kernel/ct.h"
#include "kernel/nlsock.h"
#include "kernel/probe_choice.h"

/* A masquerade rule inside the probe's own namespace, by whichever program the
 * node has. Private to the probe: there is nothing here to take a rule out
 * again, its namespace goes as a whole. */

#define PROBE_ERROR_MAX PROGRAM_ERROR_MAX

/* The probe's experiment for one address family.
 *
 * The outside device has two addresses of unrelated subnets, and half of the
 * flows are masqueraded behind each. One of the addresses is deleted. Its own
 * flows go on every kernel: that they did proves that a flush took place. The
 * others go only where the flush is by device.
 *
 * Many flows and not one, because the flush may be asynchronous: they hash to
 * random places, so a look in the middle of one pass over the table finding
 * all of the one kind gone and all of the other kind still there would need
 * luck of 1 in 600 million (32 over 16). No wait after the proof is needed. */

#define TRIAL_FLOWS 16 /* of each kind */
#define TRIAL_REASON_MAX 240

struct trial {
	const struct trial_scene *scene;
	struct addr inside, kept, leaving, to_kept, to_leaving;
	int outside_ifindex;
	uint16_t port;			  /* source port of the current flows, network order */
	uint32_t kept_seen, leaving_seen; /* one bit per flow, in the last look */
	bool running;			  /* the address is deleted, no verdict yet */
	enum kernel_kind verdict;
	char reason[TRIAL_REASON_MAX]; /* why UNKNOWN; "" otherwise */
};

/* What of FAMILY is in use on the node, as it is: nothing is asked that would load or register
 * something. To be read in the node's own namespace. RELEASE: uname's. */
struct probe_node trial_node(uint8_t family, const char *release);

/* Everything up to the delete, and the delete: addresses, rule, flows. When
 * it cannot be done the trial is not running and has its reason. */
void trial_start(struct trial *t, uint8_t family, const struct probe_node *node, struct nlsock *s,
		 struct ct *ct);

/* Look whether the flush has shown what it does. When it has, or looking
 * fails, the trial is not running any more. */
void trial_look(struct trial *t, struct ct *ct);

/* Nothing of it shows: the address comes, and goes once more. */
void trial_again(struct trial *t, struct nlsock *s);

/* Time is up: say why a trial that still runs has no verdict. */
void trial_give_up(struct trial *t);
