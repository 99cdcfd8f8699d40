/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries to an address that has come to this node, from when it was elsewhere. Those that were
 * translated for the way there still are: a UDP server here that listens on any address takes this
 * node for the client, and its answer goes astray until the entry ends. */
#pragma once

#include "base/kernel.h"

#include "base/report.h"

/* What C, whose original destination has come to this node, is by itself. Of those that
 * LED_AWAY some may have a socket of this node: arrive_look_up() tells. */
enum arrival arrive_judge(const struct conn *c);

struct arrival_item {
	struct conn conn;
	uint8_t what; /* enum arrival */
	bool removed;
};

/* All zero: none. */
struct arrivals {
	struct arrival_item *items; /* owned: those that LED_AWAY by themselves */
	size_t n;
	uint64_t others[ARRIVAL_COUNT]; /* how many there are of each other kind */
};

void arrivals_done(struct arrivals *a);

/* A conn_sink, UD is a struct arrivals: judge the entry. It may be listed twice. */
int arrive_take(void *ud, const struct conn_record *record);

/* Tell those that a connected socket of this node has from the others. */
void arrive_look_up(const struct kernel *k, struct arrivals *a);

/* The same of all items, whatever they are. 0 or a negative errno: it is not known. */
int arrive_find_sockets(const struct kernel *k, struct arrivals *a);

/* Remove those that led away. 0 or a negative errno: some are not removed. */
int arrive_remove(const struct kernel *k, struct arrivals *a);

/* Add to RET what A has; with PLANNED those that would be removed count as removed. */
void arrive_count(const struct arrivals *a, bool planned, struct arrival_counts *ret);
