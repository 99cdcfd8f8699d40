/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Measured pairs, their ratios and bounds; as a table and as JSON. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ROUNDS_MAX 64
#define SCORES_MAX 320

enum bound {
	BOUND_NONE,
	BOUND_AT_LEAST,
	BOUND_AT_MOST,
};

/* Rounds of one comparison, in the unit of its result. A lone number (no
 * comparison) has no theirs. */
struct sample {
	double ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
	size_t n;
};

struct score {
	const char *what, *peer, *unit;
	size_t entries;
	struct sample sample;
	/* What the bound is for: with AT_LEAST how many times faster we are,
	 * theirs / ours; with AT_MOST how many times longer we take, ours /
	 * theirs; the number itself where there is no peer. */
	enum bound bound;
	double limit;
};

struct scores {
	struct score items[SCORES_MAX];
	size_t n;
};

/* Add one and return it, to be given its sample. */
struct score *scores_add(struct scores *r, const struct score *item);

/* Take one round. What does not fit any more is dropped. */
void sample_add(struct sample *s, double ours, double theirs);

/* Medians over the rounds; the ratio's is that of the rounds' ratios. */
double score_ours(const struct score *r);
double score_theirs(const struct score *r);
double score_value(const struct score *r);

/* The quartiles of what score_value() is the median of. */
void score_spread(const struct score *r, double *ret_low, double *ret_high);

enum verdict {
	VERDICT_HOLDS, /* also when there is no bound */
	VERDICT_NOISE, /* the median misses the bound, and a quarter of the rounds does not */
	VERDICT_FAILS,
};

enum verdict score_verdict(const struct score *r);
/* Whether no bound fails. */
bool scores_hold(const struct scores *r);

/* How the total cost of the row R grows with the entries, as the exponent of a power of
 * them: fitted through the medians of all rows of its kind. False: R is not the first of its
 * kind, or there are not two sizes. */
bool scores_growth(const struct scores *all, const struct score *r, double *ret_exponent);

void scores_print(const struct scores *r, FILE *f);

/* Write everything, rounds included, to PATH; for OTHERS percent of the time
 * the machine was somebody else's. Returns 0 or a negative errno. */
int scores_write(const struct scores *r, double others, const char *path);
