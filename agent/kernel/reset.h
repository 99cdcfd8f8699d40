/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resets for the clients of forwarded flows whose translated address leaves:
 * rules of our own that answer the next packet of each with a TCP reset and
 * cease to match by themselves. They match what a packet carries where it is
 * forwarded, not its conntrack entry: that is deleted with the address. For as
 * long, a new connection between the same two ports is refused. Nothing else in
 * the ruleset is touched. */
#pragma once

#include "base/kernel.h"

#include "base/background.h"

/* The addresses and ports of packets to be answered, in network order. */
struct reset_match {
	uint8_t family;
	uint8_t src[16], dst[16]; /* IPv4 in the first four bytes */
	uint16_t sport, dport;
};

/* As reset_flows of struct kernel_ops; -E2BIG: more flows than the backend can
 * take. On failure no rule stays. */
int reset_flows(enum hold_choice choice, const struct link *link, const struct conn *const *flows,
		size_t n, usec_t duration, usec_t deadline, char reason[REPORT_TEXT_MAX]);

/* Remove what is left of the rules of devices other than those for which BUSY
 * returns true. Returns how many tables or chains, or a negative errno. */
int reset_clean(const struct rule_cleaning *c, usec_t deadline);

/* Remove the rules whose time is over, of any device, in a child. END returns -EAGAIN while it
 * is under way, then 0 or the error because of which some stay. */
int reset_clean_begin(usec_t timeout, struct background **ret);
int reset_clean_end(struct background *b);
