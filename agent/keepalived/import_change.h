/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The changes in keepalived.conf that make vipsafe the owner of the addresses. */
#pragma once

#include <stdio.h>

#include "keepalived/vrrp_address.h"
#include "keepalived/import.h"
#include "keepalived/import_patch.h"

/* Longer lines are not proposed to be written into keepalived.conf. */
#define KEEPALIVED_PROPOSED_MAX 512

/* What was decided about an instance. */
struct planned {
	bool is_taken;	 /* it gets a section */
	bool *addresses; /* for each of its addresses: whether vipsafe gets it */
	bool *is_decoy;	 /* for each of its addresses: whether it is the decoy */
	char decoy[DECOY_TEXT_MAX];
};

/* "line 7", or "line 7 of FILE" in an included file. */
#define PLACE_TEXT_MAX 160
const char *place_format(const struct keepalived_conf *c, const struct keepalived_directive *d,
			 char buf[PLACE_TEXT_MAX]);

/* Print the changes as comments; nothing if no instance is taken. PLANNED has one element per
 * instance. Lines to be written into keepalived.conf go to PATCH as well, unless that is NULL.
 * Returns how many changes are no such lines, but in scripts of others. */
unsigned change_print(const struct keepalived_import *what, const struct planned *planned,
		      struct patch *patch, FILE *out);
