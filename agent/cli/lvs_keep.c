/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How to keep what a crossing proves: sections for the configuration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lvs.h"
#include "lvs/text.h"

static bool is_of_service(const struct lvs_crossed *c, const struct flow *vip)
{
	return !c->explained && flow_same_dest(&c->crossing.other, vip);
}

static void keep_service(const struct lvs_crossed *list, size_t n, size_t first, unsigned number,
			 FILE *out)
{
	const struct flow *vip = &list[first].crossing.other, *real;
	char text[LVS_ENDPOINT_MAX];
	size_t i, j;

	fprintf(out, "[lvs-service seen-%u]\nvip = %s\nmethod = nat\n", number,
		lvs_bytes_format(vip->family, vip->dest, vip->dport, text));
	for (i = first; i < n; i++) {
		real = &list[i].crossing.hung;
		if (!is_of_service(&list[i], vip))
			continue;
		for (j = first; j < i; j++) {
			if (is_of_service(&list[j], vip) &&
			    flow_same_dest(&list[j].crossing.hung, real))
				break;
		}
		if (j == i)
			fprintf(out, "real = %s\n",
				lvs_bytes_format(real->family, real->dest, real->dport, text));
	}
}

char *lvs_keep(const struct lvs_crossed *list, size_t n)
{
	unsigned number = 0;
	size_t i, j, size;
	char *keep = NULL;
	FILE *out = open_memstream(&keep, &size);

	for (i = 0; out && i < n; i++) {
		for (j = 0; j < i; j++) {
			if (is_of_service(&list[j], &list[i].crossing.other))
				break;
		}
		if (j == i && !list[i].explained)
			keep_service(list, n, i, ++number, out);
	}
	if (out)
		fclose(out);
	if (number)
		return keep;
	free(keep);
	return NULL;
}
