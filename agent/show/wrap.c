/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/wrap.h"

#include <string.h>

/* How much of TEXT fits into WIDTH: up to a blank, or to the end of a word that is longer. */
static size_t wrap_fitting(const char *text, size_t width)
{
	size_t n = strlen(text), end;

	if (n <= width)
		return n;
	for (end = width; end && text[end] != ' ';)
		end--;
	return end ? end : strcspn(text, " ");
}

void wrap_print(const char *text, unsigned columns, unsigned indent, FILE *out)
{
	size_t n, width = columns;

	if (!columns) {
		fprintf(out, "%s\n", text);
		return;
	}
	/* what a text begins with does not belong to its first word */
	n = strspn(text, " ");
	fwrite(text, 1, n, out);
	for (text += n, width -= n < width ? n : 0; *text; text += strspn(text, " ")) {
		n = wrap_fitting(text, width);
		fprintf(out, "%.*s\n", (int)n, text);
		text += n;
		width = columns > indent ? columns - indent : 1;
		if (text[strspn(text, " ")])
			fprintf(out, "%*s", (int)indent, "");
	}
}
