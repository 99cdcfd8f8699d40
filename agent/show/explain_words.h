/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentences of show/explain. Private to show/explain*.c. */
#pragma once

#include "base/end.h"
#include "show/explain.h"

#define EXPLAIN_TEXT_MAX 512

struct explain_words {
	char text[EXPLAIN_TEXT_MAX];	   /* what happened */
	char prevention[EXPLAIN_TEXT_MAX]; /* what would have prevented it, or why nothing */
};

/* END, of CAUSE, in words. DEED may be NULL. */
void explain_words(const struct explain_context *c, enum end_cause cause, const json_t *end,
		   const json_t *deed, struct explain_words *ret);

/* Who did DEED: "ip[4711]". Returns BUF. */
const char *explain_who(const struct explain_context *c, const json_t *deed,
			char buf[EXPLAIN_TEXT_MAX]);

/* A text or a number of O; "" or 0 if there is none. */
const char *explain_string(const json_t *o, const char *key);
unsigned long long explain_number(const json_t *o, const char *key);
