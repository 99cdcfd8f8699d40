/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the collision check has found, as findings in words. */
#pragma once

#include "base/finding.h"
#include "lvs/collide.h"
#include "lvs/evidence.h"
#include "lvs/remedy.h"
#include "lvs/forecast.h"
#include "lvs/service_port.h"
#include "lvs/settings.h"

/* What the words depend on. */
struct lvs_message {
	const struct lvs_map *map; /* NULL: of no service is anything known */
	const struct lvs_settings *settings;
	const struct ports *ports;
	bool can_destroy;	     /* ss -K works on this kernel */
	const struct lvs_node *node; /* where to prevent it; NULL: nowhere */
};

struct lvs_finding {
	struct finding f;
	char prevent[FINDING_FIX_MAX]; /* a command that prevents the next one; "": none */
	char note[LVS_NOTE_MAX]; /* what is to be known of FIX or PREVENT: cost, how to keep it */
	uint64_t print;		 /* stands for it: see lvs/said.h; 0: its text or PAIR does */
	bool has_pair, has_rates;
	struct collision pair;
	struct risk risk; /* with HAS_RATES */
};

/* Findings are ranked by this: a lower one never hides one of a higher rank. */
enum lvs_rank {
	LVS_RANK_MANIFEST,
	LVS_RANK_CRITICAL,
	LVS_RANK_WARNING,
	LVS_RANK_UNSEEN,
	LVS_RANK_NOTE,
	LVS_RANKS
};

enum lvs_rank lvs_finding_rank(const struct lvs_finding *f);

/* A pair, of which lvs_verdict() has been asked. */
void lvs_message_pair(const struct lvs_message *s, const struct collision *c,
		      struct lvs_finding *ret);

/* A crossing that no service of the map explains. */
void lvs_message_crossing(const struct lvs_message *s, const struct lvs_crossing *c,
			  struct lvs_finding *ret);

/* Returns false for a risk that is not worth a line. */
bool lvs_message_risk(const struct lvs_message *s, const struct risk_row *row,
		      struct lvs_finding *ret);

/* The port of a service that connect() may pick, or has picked. */
void lvs_message_port(const struct lvs_message *s, const struct lvs_port *p,
		      struct lvs_finding *ret);

/* The map as a whole. */
void lvs_message_map(const struct lvs_message *s, struct lvs_finding *ret);

/* "save:/etc/director.rules", cut and escaped. Returns BUF. */
#define LVS_SOURCE_TEXT_MAX 184
const char *lvs_source_text(const struct lvs_source *source, char buf[LVS_SOURCE_TEXT_MAX]);

/* That source I is incomplete; false: it is not. */
bool lvs_message_source(const struct lvs_message *s, size_t i, struct lvs_finding *ret);

/* That source I is old (lvs/renew.h), ELAPSED after it was read; false: it is not. */
bool lvs_message_old(const struct lvs_message *s, size_t i, usec_t elapsed,
		     struct lvs_finding *ret);

/* That WHAT could not be looked at, and WHY. */
void lvs_message_unseen(const char *what, const char *why, struct lvs_finding *ret);

/* Whether the map has anything a collision can be found by. */
bool lvs_message_is_active(const struct lvs_map *m);

/* What SERVICE goes by: its section's name with DEST, what clients connect to, or DEST alone. */
#define LVS_SERVICE_TEXT_MAX (4 * LVS_NAME_MAX + 80)
const char *lvs_service_text(const struct lvs_message *s, uint32_t service, const char *dest,
			     char buf[LVS_SERVICE_TEXT_MAX]);

/* Private to message*.c. */
void lvs_finding_init(struct lvs_finding *f, enum severity severity, const char *code,
		      const char *fmt, ...) _printf_(4, 5);
