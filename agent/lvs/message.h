/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the collision check has found, in words, with what to do (vipsafe-lvs(7))
 * about it as commands. */
#pragma once

#include "lvs/collide.h"
#include "lvs/risk.h"
#include "lvs/settings.h"
#include "lvs/message_line.h"

/* The manual's chapters on remedies. */
#define LVS_MESSAGE_SEE "vipsafe-lvs(7)"

/* What the words depend on. */
struct lvs_message {
	const struct lvs_map *map;
	const struct lvs_settings *settings;
	const struct ports *ports;
};

/* A pair that is there. */
void lvs_message_live(const struct lvs_message *s, const struct collision *c, struct lvs_line *ret);

/* A pair about to be: of a new entry, or (ACTION "skip" or "restore") of one that
 * would be put back. */
void lvs_message_imminent(const struct lvs_message *s, const struct collision *c,
			  const char *action, struct lvs_line *ret);

/* Returns false for one that is not worth a line. SAMPLE: what the rates were
 * found in, 0: none. */
bool lvs_message_risk(const struct lvs_message *s, const struct risk_row *row, usec_t sample,
		      struct lvs_line *ret);

/* The port of a service that connect() may pick, or has picked. */
void lvs_message_port(const struct lvs_message *s, const struct lvs_port *p, struct lvs_line *ret);

/* The line about the map as a whole. */
void lvs_message_map(const struct lvs_message *s, struct lvs_line *ret);

/* That source I is incomplete; false: it is not. */
bool lvs_message_source(const struct lvs_message *s, size_t i, struct lvs_line *ret);

/* That WHAT could not be looked at, and WHY. */
void lvs_message_unseen(const char *what, const char *why, struct lvs_line *ret);

/* Whether the map has anything a collision can be found by. */
bool lvs_message_is_active(const struct lvs_map *m);

/* Private to message*.c: add to L what SERVICE goes by, its section's name or else DEST,
 * what clients connect to. */
void lvs_message_add_service(const struct lvs_message *s, struct lvs_line *l, const char *key,
			     uint32_t service, const char *dest);
