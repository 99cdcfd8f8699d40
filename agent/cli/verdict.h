/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first line of the doctor: whether the masqueraded connections of this node are protected,
 * need no protection, or are at risk. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "base/finding.h"
#include "cli/facts.h"

/* What keeps the connections from a flush. */
enum cure {
	CURE_NONE,
	CURE_GUARD,	   /* all devices that the configuration names are guarded, and it works */
	CURE_NO_CONNTRACK, /* there is nothing to flush: connections are not tracked, … */
	CURE_NO_RULE,	   /* … nothing is masqueraded, … */
	CURE_SNAT,	   /* … or SNAT stands in front of each rule that masquerades */
	CURE_ISOLATED,	   /* no address but a device's own is where connections are masqueraded */
};

enum cure verdict_cure(const struct facts *f);

enum verdict_kind {
	VERDICT_PROTECTED,
	VERDICT_NOT_NEEDED,
	VERDICT_AT_RISK,
};

struct verdict {
	enum verdict_kind kind;
	char text[FINDING_TEXT_MAX];   /* what is protected, why it is not needed, or the risk */
	char fix[FINDING_FIX_MAX];     /* of a risk: the one command; "": none */
	char advice[FINDING_TEXT_MAX]; /* what to do instead, in words; "": there is a fix */
	uint64_t pinned, unpinned;     /* connections that the guard knows */
};

/* Come to a verdict about F, of which FOUND was found. */
void verdict_reach(const struct facts *f, const struct findings *found, struct verdict *ret);

/* The verdict if nothing could be looked at. */
void verdict_unseen(const char *why, struct verdict *ret);

/* "PROTECTED", "NOT NEEDED", "AT RISK". */
const char *verdict_name(enum verdict_kind kind);

/* Print one line "VERDICT: text; fix: …", on a terminal broken at COLUMNS, never in the fix. */
void verdict_print(const struct verdict *v, unsigned columns, FILE *out);

/* Add it to the object *O: "verdict", "reason", "verdict_fix", "verdict_advice", "pinned",
 * "unpinned". */
void verdict_put(const struct verdict *v, json_t **o);
