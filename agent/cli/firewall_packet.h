/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a condition matches the packet that cli/firewall.h describes, whichever program printed
 * it. Private to cli/firewall*.c. */
#pragma once

#include "cli/firewall_rules.h"
#include "cli/firewall_words.h"

/* Each takes one value of a condition; the caller combines several. */
enum rule_match packet_state(const struct word *w);    /* conntrack state: "INVALID" */
enum rule_match packet_protocol(const struct word *w); /* "tcp", "6" */
enum rule_match packet_device(const struct word *w);   /* input device */
enum rule_match packet_source(const struct word *w);   /* "10.0.0.0/8" */
enum rule_match packet_destination(const struct word *w);
enum rule_match packet_port(const struct word *w); /* destination port */
enum rule_match packet_type(const struct word *w); /* type of packet or address: "host" */
enum rule_match packet_mark(const struct word *w); /* the packet has no mark; "0x4000/0x4000" */

/* TCP flags: of the flags in MASK exactly those in SET are set, each a list "syn,ack". The packet
 * has ACK, but neither SYN nor RST. */
enum rule_match packet_flags(const struct word *mask, const struct word *set);

/* The verdict of the iptables target NAME, which is not a chain. */
enum rule_verdict target_verdict(const struct word *name);
