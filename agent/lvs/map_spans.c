/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Destinations of more than one address: ranges and subnets, sorted. */
#include <stdlib.h>
#include <string.h>

#include "lvs/map_store.h"

int lvs_span_put(struct lvs_map *m, const struct lvs_span *span)
{
	int r = lvs_array_grow(&m->spans, sizeof(*span), UINT32_MAX / 2);

	if (r >= 0)
		*LVS_ITEM(struct lvs_span, m->spans, m->spans.n++) = *span;
	return r;
}

static int span_group(const struct lvs_span *a, const struct lvs_span *b)
{
	if (a->first.family != b->first.family)
		return a->first.family < b->first.family ? -1 : 1;
	if (a->l4proto != b->l4proto)
		return a->l4proto < b->l4proto ? -1 : 1;
	return a->port == b->port ? 0 : a->port < b->port ? -1 : 1;
}

static int span_order(const void *va, const void *vb)
{
	const struct lvs_span *a = va, *b = vb;
	int r = span_group(a, b);

	return r ? r : memcmp(a->first.bytes, b->first.bytes, 16);
}

void lvs_spans_sort(struct lvs_map *m)
{
	struct lvs_span *spans = m->spans.items;
	uint32_t i;

	if (!m->spans.n)
		return;
	qsort(spans, m->spans.n, sizeof(*spans), span_order);
	for (i = 0; i < m->spans.n; i++) {
		bool same = i && !span_group(&spans[i - 1], &spans[i]);

		memcpy(spans[i].reach, spans[i].last.bytes, 16);
		if (same && memcmp(spans[i - 1].reach, spans[i].reach, 16) > 0)
			memcpy(spans[i].reach, spans[i - 1].reach, 16);
	}
}

void lvs_spans_look(const struct lvs_map *m, const struct lvs_span *probe, struct lvs_dest *ret)
{
	const struct lvs_span *spans = m->spans.items;
	uint32_t low = 0, high = m->spans.n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (span_order(&spans[mid], probe) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- && !span_group(&spans[low], probe) &&
	       memcmp(spans[low].reach, probe->first.bytes, 16) >= 0) {
		if (memcmp(spans[low].last.bytes, probe->first.bytes, 16) < 0)
			continue;
		if (spans[low].real && !ret->real)
			ret->real = ret->wide = true;
		if (!spans[low].real && ret->service == LVS_NONE) {
			ret->service = spans[low].service;
			ret->any_port = spans[low].any_port;
		}
		if (ret->real && ret->service != LVS_NONE)
			return;
	}
}
