/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/report_rows.h"

#include <string.h>

#define ENTRIES(member) offsetof(struct report, entries.member)
#define TIMING(member) offsetof(struct report, timing.member)

const struct report_row report_counts[] = {
	{ "snapshot", ENTRIES(snapshot), "snapshot", NULL, "snap", "VIPSAFE_SNAPSHOT" },
	{ "candidates", ENTRIES(candidates), "candidates", NULL, "candidates",
	  "VIPSAFE_CANDIDATES" },
	{ "kept", 0, "kept", "untouched, pinned or restored" },
	{ "untouched", ENTRIES(untouched), "untouched" },
	{ "pinned", ENTRIES(pinned), "pinned", NULL, "pinned", "VIPSAFE_PINNED" },
	{ "altered", ENTRIES(reasons[SKIP_ALTERED]) },
	{ "flushed", ENTRIES(flushed), "flushed", NULL, "flushed", "VIPSAFE_FLUSHED" },
	{ "restored", ENTRIES(restored), "restored", NULL, "restored", "VIPSAFE_RESTORED" },
	{ "superseded", ENTRIES(superseded), "superseded", NULL, "superseded" },
	{ "lost", ENTRIES(lost), "lost", NULL, NULL, "VIPSAFE_LOST" },
	{ "skipped", ENTRIES(skipped) },
	{ "mismatch", ENTRIES(mismatch), "mismatch", "part of lost", "mismatch" },
	{ NULL },
};

const struct report_row report_times[] = {
	{ "snapshot", TIMING(snapshot), "snapshot took" },
	{ "hold", TIMING(hold) },
	{ "pin", TIMING(pin), "pin took" },
	{ "move", TIMING(move), "move took" },
	{ "verify", TIMING(verify), "verify took" },
	{ "restore", TIMING(restore), "restore took" },
	{ "total", TIMING(total), "total", NULL, NULL, "VIPSAFE_TOTAL_USEC" },
	{ NULL },
};

typedef char report_counts_complete[ARRAY_SIZE(report_counts) == REPORT_COUNTS + 1 ? 1 : -1];

size_t report_count_find(const char *key)
{
	size_t i;

	for (i = 0; strcmp(report_counts[i].key, key); i++)
		;
	return i;
}

uint64_t report_row_value(const struct report *r, const struct report_row *row)
{
	uint64_t value;

	if (!row->offset)
		return report_kept(r);
	memcpy(&value, (const char *)r + row->offset, sizeof(value));
	return value;
}
