/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections through LVS services, and direct ones to the same servers, that are to leave from
 * ports of their own: what the kernel is to be told, as a value. TCP; ports are in host order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/addr.h"
#include "base/conn.h"

#define APART_WINDOWS 4
#define APART_CLIENTS_MAX 8

/* Lower ports are left alone: some servers take a client at its word who has one. */
#define APART_LOWEST 1024

struct apart_dest {
	struct addr addr;
	uint16_t port; /* 0: all */
};

struct apart_list {
	struct apart_dest *list; /* owned */
	size_t n;
};

struct apart_window {
	uint16_t low, high;
	struct apart_list services;
};

/* Clients behind this node that its own rules translate to TO: they have to be translated before
 * those rules are asked. */
struct apart_client {
	struct prefix from;
	struct addr to;
};

bool apart_client_equal(const struct apart_client *a, const struct apart_client *b);

/* Initially zero: nothing is kept apart. */
struct apart {
	/* Services of one window have no real server in common. */
	struct apart_window windows[APART_WINDOWS];
	size_t n_windows;
	struct apart_list servers;    /* direct connections to these are kept out of all windows */
	uint16_t rest_low, rest_high; /* the ports of those */
	struct apart_client clients[APART_CLIENTS_MAX];
	size_t n_clients;
};

/* Connections to LIST leave from ports LOW to HIGH. */
struct apart_group {
	const struct apart_list *list; /* A's */
	uint16_t low, high;
};

/* Of the windows, and of the servers. Returns how many: one more than there are windows. */
size_t apart_groups(const struct apart *a, struct apart_group ret[APART_WINDOWS + 1]);

/* Whether A has anything to do for FAMILY. */
bool apart_has_family(const struct apart *a, uint8_t family);

/* As for qsort(): by address, then by port. */
int apart_dest_compare(const void *a, const void *b);
int apart_list_add(struct apart_list *l, const struct addr *addr, uint16_t port); /* 0, -ENOMEM */

bool apart_equal(const struct apart *a, const struct apart *b);
void apart_done(struct apart *a);

/* Whether CONN is open, and has its own address but another port than its client chose: it breaks
 * when the kernel stops translating. */
bool apart_needs(const struct conn *conn);
