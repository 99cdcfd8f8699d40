/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/renew.h"

#include <string.h>

#include "lvs/source_file.h"

#define OWN_KEEPALIVED "/etc/keepalived/"

/* ---- when ---- */

static bool print_equal(const struct lvs_file_print *a, const struct lvs_file_print *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static size_t n_files(const struct lvs_settings *s)
{
	return MIN(s->n_sources, (size_t)LVS_SOURCES_MAX);
}

void lvs_renew_begin(struct lvs_renew *r, const struct lvs_settings *s, usec_t now)
{
	size_t i;

	for (i = 0; i < n_files(s); i++)
		r->taken[i] = r->seen[i] = lvs_file_look(s->sources[i].path);
	r->tried_at = now;
}

bool lvs_renew_is_due(struct lvs_renew *r, const struct lvs_settings *s, usec_t now)
{
	bool due = now - r->tried_at >= LVS_READ_EVERY;
	size_t i;

	for (i = 0; i < n_files(s); i++) {
		struct lvs_file_print p = lvs_file_look(s->sources[i].path);

		due |= !print_equal(&p, &r->taken[i]) && print_equal(&p, &r->seen[i]);
		r->seen[i] = p;
	}
	return due;
}

/* ---- what ---- */

/* Whether SOURCE had services in OLD, and tells of none by accident: it cannot be read, or its
 * file is empty, as of a copy that failed. */
static bool is_lost(const struct lvs_source *source, const struct lvs_map *old)
{
	const struct lvs_source *before;
	size_t i, n = lvs_map_sources(old, &before);

	if (!source->failed &&
	    (source->blocks || source->kind == LVS_FROM_IPVS || source->kind == LVS_FROM_INI))
		return false;
	for (i = 0; i < n; i++) {
		if (before[i].kind == source->kind && !strcmp(before[i].path, source->path))
			return !before[i].failed && before[i].blocks;
	}
	return false;
}

enum lvs_renewal lvs_renew_compare(struct lvs_map *old, struct lvs_map *news, size_t *ret_source)
{
	const struct lvs_source *sources;
	size_t i, n = lvs_map_sources(news, &sources);

	for (i = 0; i < n; i++) {
		if (is_lost(&sources[i], old)) {
			*ret_source = i;
			return LVS_REFUSED;
		}
	}
	if (lvs_map_print(old) != lvs_map_print(news))
		return LVS_RENEWED;
	for (i = 0; i < n; i++)
		lvs_map_source_of(old, (uint32_t)i)->age = sources[i].age;
	return LVS_UNCHANGED;
}

/* ---- how old ---- */

usec_t lvs_source_age(const struct lvs_source *source, usec_t elapsed)
{
	bool is_copy = source->kind == LVS_FROM_SAVE ||
		       (source->kind == LVS_FROM_KEEPALIVED &&
			strncmp(source->path, OWN_KEEPALIVED, strlen(OWN_KEEPALIVED)) != 0);

	if (source->kind == LVS_FROM_INI)
		return 0;
	return (is_copy ? source->age : 0) + elapsed;
}
