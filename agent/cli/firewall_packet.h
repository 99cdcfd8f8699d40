/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What conditions say about the packet that cli/firewall.h speaks of, whichever
 * program printed them. Private to cli/firewall*.c. */
#pragma once

#include "cli/firewall_rules.h"
#include "cli/firewall_words.h"

/* One value of what is compared; several are joined by the caller. */
enum rule_match packet_state(const struct word *w);    /* of conntrack: "INVALID" */
enum rule_match packet_protocol(const struct word *w); /* "tcp", "6" */
enum rule_match packet_device(const struct word *w);   /* it comes in by */
enum rule_match packet_source(const struct word *w);   /* "10.0.0.0/8" */
enum rule_match packet_destination(const struct word *w);
enum rule_match packet_port(const struct word *w); /* its destination */
enum rule_match packet_type(const struct word *w); /* of the link or the address: "host" */
enum rule_match packet_mark(const struct word *w); /* without one; "0x4000/0x4000" */

/* TCP flags: those of MASK that are to be set are those of SET, each "syn,ack". The
 * packet has ACK, and neither SYN nor RST. */
enum rule_match packet_flags(const struct word *mask, const struct word *set);

/* What the target NAME of iptables does, when it is no chain. */
enum rule_verdict target_verdict(const struct word *name);
