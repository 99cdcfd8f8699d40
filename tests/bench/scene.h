/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where it is measured: a network namespace of our own with one device, two
 * addresses, and as many connections as asked for. */
#pragma once

#include <stddef.h>

#include "base/kernel.h"

#include "base/connset.h"

#define SCENE_DEVICE "bench0"
#define SCENE_NODE "192.168.11.7"     /* what connections are masqueraded as */
#define SCENE_VIP "192.168.11.100/32" /* what leaves */

/* Another device like it, which nobody guards, and what leaves that one. */
#define SCENE_BARE_DEVICE "bench1"
#define SCENE_BARE_VIP "192.168.12.100/32"

/* Files for a while: a tmpfs of the bench's own, as /run is one, which goes with the process. */
#define SCENE_RUN "/run"

/* Go into fresh network and mount namespaces; as root, or in a user namespace where that
 * is permitted. Must come before any socket is opened. */
int scene_enter(void);

/* The device and its addresses, in the namespace. */
int scene_build(void);

/* The same once more, with an empty table: after something has gone wrong. */
int scene_rebuild(void);

/* Add established TCP connections, masqueraded as the node's address, until
 * the table has N. Uses libnetfilter_conntrack. */
int scene_fill(size_t n);

/* The connections FROM to TO of these (not included) are born, or die. */
int scene_births(size_t from, size_t to);
int scene_deaths(size_t from, size_t to);

/* Delete every connection in SET, each by its tuple, and check that the table
 * is empty then. */
int scene_empty(const struct kernel *k, const struct connset *set);

/* 0 when the table has exactly N entries, else -EBADMSG with a message. */
int scene_expect(const struct kernel *k, size_t n, const char *after);
