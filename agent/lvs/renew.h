/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeping the map of services up to date without a reload: when its sources are read again, what
 * is taken of them then, and how old a source is. */
#pragma once

#include "lvs/source.h"
#include "lvs/source_file.h"

/* Files are looked at so often, and all sources are read again so often: IPVS and the files that
 * a keepalived.conf includes tell nobody of a change. */
#define LVS_LOOK_EVERY USEC_PER_SEC
#define LVS_READ_EVERY (60 * USEC_PER_SEC)

/* A source that is older is warned of. */
#define LVS_OLD (86400 * USEC_PER_SEC)

struct lvs_renew {
	struct lvs_file_print taken[LVS_SOURCES_MAX], seen[LVS_SOURCES_MAX];
	usec_t read_at; /* when all sources were last read; 0: never */
	usec_t tried_at;
};

/* What the files are like now is what will be read. */
void lvs_renew_begin(struct lvs_renew *r, const struct lvs_settings *s, usec_t now);

/* Whether the sources are to be read again: a minute has passed, or a file has changed and stayed
 * the same since the last call, so that it is not read half written. */
bool lvs_renew_is_due(struct lvs_renew *r, const struct lvs_settings *s, usec_t now);

/* NEWS was read instead of OLD. */
enum lvs_renewal {
	LVS_RENEWED,
	LVS_UNCHANGED,
	LVS_REFUSED, /* a source cannot be read any more, or is empty: OLD stays */
};

/* *RET_SOURCE: the index in NEWS of the source because of which it is refused. With LVS_UNCHANGED
 * OLD is given the ages that NEWS has. */
enum lvs_renewal lvs_renew_compare(struct lvs_map *old, struct lvs_map *news, size_t *ret_source);

/* How long ago what SOURCE told was true for certain. ELAPSED: since it was read. A copy of a
 * director's services is as old as its file; what is read from this node itself (IPVS, a
 * keepalived.conf below /etc/keepalived, vipsafe.conf) is true when it is read. */
usec_t lvs_source_age(const struct lvs_source *source, usec_t elapsed);
