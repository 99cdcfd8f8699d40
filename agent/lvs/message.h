/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the collision check has found, in words, with what to do (vipsafe-lvs(7))
 * about it as commands. */
#pragma once

#include "lvs/collide_rule.h"
#include "lvs/ports.h"
#include "lvs/settings.h"
#include "lvs/risk.h"
#include "lvs/message_line.h"

/* What the words depend on. */
struct lvs_message {
	const struct lvs_map *map;
	const struct lvs_settings *settings;
	const struct ports *ports;
};

/* A pair that is there. */
void lvs_message_live(const struct lvs_message *s, const struct collision *c, struct lvs_line *ret);

/* A pair about to be: of an entry that was born just now, or (ACTION "skip" or
 * "restore") that is put back. */
void lvs_message_imminent(const struct lvs_message *s, const struct collision *c,
			  const char *action, struct lvs_line *ret);

/* Returns false for one that is not worth a line. SAMPLE: what the rates were
 * found in, 0: none. */
bool lvs_message_risk(const struct lvs_message *s, const struct risk_row *row, usec_t sample,
		      struct lvs_line *ret);

void lvs_message_port(const struct lvs_message *s, const struct lvs_port *p, struct lvs_line *ret);

/* The line about the map as a whole. */
void lvs_message_map(const struct lvs_message *s, struct lvs_line *ret);

/* That source I is incomplete; false: it is not. */
bool lvs_message_source(const struct lvs_message *s, size_t i, struct lvs_line *ret);

/* That N things of KIND could not be looked at. */
void lvs_message_unseen(const char *what, const char *why, struct lvs_line *ret);

/* Whether the map has anything a collision can be found by. */
bool lvs_message_is_active(const struct lvs_map *m);
