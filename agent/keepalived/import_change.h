/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be changed in keepalived.conf for vipsafe to own the addresses. */
#pragma once

#include <stdio.h>

#include "keepalived/vrrp_decoy.h"
#include "keepalived/import.h"

/* What becomes of an instance. */
struct planned {
	bool is_taken;	 /* it has a section */
	bool *addresses; /* of its addresses: whether vipsafe has it */
	bool *is_decoy;	 /* and whether it is the decoy */
	char decoy[DECOY_TEXT_MAX];
};

/* "line 7", or "line 7 of FILE" in a file that the first one includes. */
#define PLACE_TEXT_MAX 160
const char *place_format(const struct keepalived_conf *c, const struct keepalived_directive *d,
			 char buf[PLACE_TEXT_MAX]);

/* The lines, as comments; nothing when no instance is taken. PLANNED has one
 * for each instance. */
void change_print(const struct keepalived_import *what, const struct planned *planned, FILE *out);
