/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of the history, as somebody else may have written them: whatever is
 * shown of them is printable and of whole lines. */
#include "lib/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show/history.h"

static void check(const char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		CLAIM(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
	CLAIM(!size || text[size - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned columns = input_byte(&in);
	char *text = input_text(in.data, in.left), *shown = NULL;
	const struct history_now now = { 1000000, 1796007480000000 };
	json_t *list = history_parse(text, 20, now);
	size_t i, n = 0;
	FILE *out = open_memstream(&shown, &n);

	CLAIM(list && out);
	history_print(list, now, columns, columns & 1, out);
	for (i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i);
		json_t *found = history_find(list, json_string_value(json_object_get(one, "id")));

		CLAIM(!found || found == one);
		history_print_one(one, now, out);
	}
	fclose(out);
	check(shown, n);
	free(shown);
	json_decref(list);
	free(text);
	return 0;
}
