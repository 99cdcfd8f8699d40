/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections, one line each: which are asked for, and how they are shown. */
#pragma once

#include <jansson.h>

#include "base/kernel.h"
#include "base/pattern.h"
#include "base/settings.h"
#include "guard/guard.h"

/* Which are asked for. */
struct connections {
	char device[DEVICE_NAME_MAX]; /* "": of all devices */
	unsigned protections;	      /* bits 1 << enum protection; 0: any */
	bool at_risk;		      /* only these, or these as well as the protections */
	struct pattern pattern;
};

/* Read [dev D] [pinned|unpinned|altered|lingering|committed|at-risk]... [FILTER...], in any order;
 * of several protections each is meant, and "pinned" means what is committed, too. 0 or -EINVAL. */
int connections_parse(struct connections *ret, int argc, char *const argv[],
		      struct request_error *ret_error);

/* The words for a protection, the I-th; NULL after the last. */
const char *connections_word(size_t i);

const char *connections_protection(enum protection p);

/* Add T, a direction of C, to the object *O. */
void connections_put_tuple(json_t **o, const char *key, const struct conn *c,
			   const struct tuple *t);

/* Whether RECORD, which is so protected, is asked for. K: whose ct_mark is used. */
bool connections_want(const struct connections *q, const struct kernel *k,
		      const struct conn_record *record, enum protection p);

/* A line, its newline and the NUL. */
#define CONNECTION_LINE_MAX 2048

/* Write RECORD of DEVICE as conntrack(8) lists it, with "# PROTECTION DEVICE" at the end, or as one
 * line of JSON. K: whose ct_line and ct_mark are used. Returns the length, 0 when out of memory. */
size_t connections_line(const struct kernel *k, const struct conn_record *record,
			const char *device, enum protection p, bool json,
			char buf[CONNECTION_LINE_MAX]);
