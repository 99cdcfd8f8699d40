/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be seen of the node at one moment without reading the conntrack
 * table: the configured devices and their addresses, how full the table is, and
 * what is known of the kernel. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/addr.h"
#include "base/report.h"
#include "move/run.h"

enum survey_usable {
	USABLE_YES,
	USABLE_TENTATIVE, /* duplicate address detection is under way */
	USABLE_DUPLICATE, /* somebody else has it */
};

struct survey_address {
	char device[DEVICE_NAME_MAX]; /* as configured */
	struct prefix prefix;
	enum survey_usable usable;
};

struct survey {
	struct survey_address *addresses; /* owned; of the configured devices */
	size_t n_addresses;
	size_t n_addresses_more; /* not in the list */
	bool addresses_known, conntrack_known;
	uint32_t entries, entries_max; /* of the conntrack table */
	enum kernel_kind ipv4, ipv6;
};

void survey_done(struct survey *s);

/* Take a survey: a few short questions to the kernel, none of which grows with
 * the conntrack table, and no experiment. */
/* Never fails: what cannot be read is marked as unknown. *RET is to be given to
 * survey_done(). */
void survey_take(const struct run_env *env, struct survey *ret);
