/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guard whose device loses an address of either family, with connections of these and of
 * others, pinned and not. */
#pragma once

#include "going.h"

#define LINGER (5 * USEC_PER_SEC)
#define OTHER6 "fd00:11::9"

struct device_settings lingering_settings(enum pin_mode mode, usec_t linger);
struct guard *lingering_new(struct scene *s, enum pin_mode mode, usec_t linger);

/* FLOWS entries behind each of two addresses of either family, pinned if MODE says so, and FLOWS
 * more behind OTHER4 that are too young to be pinned. They are remembered. */
struct guard *lingering_begin(struct scene *s, enum pin_mode mode);
void lingering_flows(struct scene *s);
void lingering_young(struct scene *s);

/* Let time pass, also none at all. */
void lingering_wait(struct scene *s, struct guard *g, usec_t duration);

/* Entries that linger, as the guard tells. */
uint64_t lingering_entries(const struct guard *g);
