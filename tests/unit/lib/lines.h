/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A history, line by line, as it was written until 02:58, and what is shown of it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#include <vipsafe/base.h>

#include "show/history.h"
#include "show/history_line.h"

/* 2026-11-30 02:58:00 UTC, two days after the boot */
#define WALL ((usec_t)1796007480 * USEC_PER_SEC)
#define MONO ((usec_t)172800 * USEC_PER_SEC)

static const struct history_now now = { MONO, WALL };

/* AGO seconds ago, on both clocks. */
static inline _unused_ struct history_time before(unsigned ago)
{
	return (struct history_time){ MONO - ago * USEC_PER_SEC, WALL - ago * USEC_PER_SEC };
}

static inline _unused_ struct report make(const char *id, uint64_t lost)
{
	static const uint8_t ip[4] = { 192, 168, 11, 100 };
	struct report r;

	memset(&r, 0, sizeof(r));
	r.op = OP_DEL;
	snprintf(r.id, sizeof(r.id), "%s", id);
	strcpy(r.device, "br-mgmt");
	r.addresses[0].addr = addr_make(AF_INET, ip);
	r.addresses[0].len = 32;
	r.n_addresses = 1;
	r.changed = true;
	r.result = lost ? RESULT_PARTIAL : RESULT_OK;
	r.entries.candidates = 1432;
	r.entries.pinned = 1432 - lost;
	r.entries.lost = lost;
	r.timing.total = 3200;
	r.by = (struct asker){ .is_known = true, .pid = 4711, .command = "vipsafe" };
	return r;
}

static inline _unused_ char *line_of(const char *id, uint64_t lost, unsigned ago)
{
	struct report r = make(id, lost);
	char *line = history_line(&r, before(ago));

	assert_non_null(line);
	assert_null(strchr(line, '\n'));
	return line;
}

struct lines {
	char *text;
	size_t size;
	FILE *out;
};

static inline _unused_ void lines_begin(struct lines *l)
{
	*l = (struct lines){ .text = NULL };
	l->out = open_memstream(&l->text, &l->size);
}

static inline _unused_ void lines_add(struct lines *l, char *line)
{
	assert_non_null(line);
	fprintf(l->out, "%s\n", line);
	free(line);
}

static inline _unused_ json_t *lines_parse(struct lines *l)
{
	json_t *list;

	fclose(l->out);
	list = history_parse(l->text, 1000, now);
	free(l->text);
	assert_non_null(list);
	return list;
}

static inline _unused_ void add_run(struct lines *l, const struct report *r, unsigned ago)
{
	lines_add(l, history_line(r, before(ago)));
}

static inline _unused_ struct history_note note_of(enum history_op op, const char *id,
						   const char *const *address)
{
	return (struct history_note){ .op = op,
				      .id = id,
				      .device = "br-mgmt",
				      .addresses = address,
				      .n_addresses = 1,
				      .result = "ok" };
}

static inline _unused_ void add_note(struct lines *l, const struct history_note *n, unsigned ago)
{
	lines_add(l, history_note_line(n, before(ago)));
}

static inline _unused_ char *shown(json_t *list, unsigned columns, bool whole)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	history_print(list, now, columns, whole, out);
	fclose(out);
	return text;
}

static inline _unused_ char *shown_one(json_t *one)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	history_print_one(one, now, out);
	fclose(out);
	return text;
}

static inline _unused_ const char *text_in(json_t *one, const char *key)
{
	const char *text = json_string_value(json_object_get(one, key));

	return text ? text : "";
}
