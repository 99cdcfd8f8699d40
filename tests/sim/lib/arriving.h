/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries to an address that comes to the node of the scene: those that the node has forwarded,
 * masqueraded, to where it was, and one of each kind that is to stay. */
#pragma once

#include "scene.h"

#define NEW4 "192.168.11.50"
#define NEW6 "fd00:11::50"

/* To NEW4, all of them to stay. */
enum kind { PLAIN, SERVICE, ALTERED, TCP, HANDSHAKE, SCTP, FOREIGN, KINDS };

/* A pin gives a foreign one what tells the node's own: the guard's cases are without it. */
#define KNOWN_KINDS FOREIGN

/* What each of them is found to be. */
extern const enum arrival arriving_kinds[KINDS];

/* A pod's datagrams to NEW4, which the node forwarded as HOST4. */
struct conn arriving_led_away(uint16_t n);

/* Put C in the table, masqueraded on br-mgmt. */
void arriving_put(struct scene *s, struct conn c);
void arriving_begin(struct scene *s, struct conn c); /* and whoever listens is told */
bool arriving_is_there(const struct scene *s, const struct conn *c);

/* The usual table, N of those that lead away, and the first KINDS kinds that stay. */
void arriving_populate(struct scene *s, uint16_t n, int kinds);

/* How many of the N are still there. */
size_t arriving_left(const struct scene *s, uint16_t n);

/* The first KINDS kinds work as before, in a table of THERE entries. */
void arriving_expect_others(const struct scene *s, int kinds, size_t there);
void arriving_expect_counts(const struct scene *s, uint64_t removed, uint64_t left);
