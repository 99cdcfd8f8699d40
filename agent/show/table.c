/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

#define CELL_MAX 2048
#define GAP 2

struct table {
	const char *const *heads;
	size_t columns;
	char **cells; /* owned, row after row */
	size_t n;
	bool failed; /* out of memory */
};

struct table *table_new(const char *const *heads)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->heads = heads;
	while (heads[t->columns])
		t->columns++;
	return t;
}

struct table *table_free(struct table *t)
{
	size_t i;

	if (!t)
		return NULL;
	for (i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
	return NULL;
}

void table_cell(struct table *t, const char *fmt, ...)
{
	char text[CELL_MAX], *copy, **cell;
	va_list ap;

	if (!t || t->failed)
		return;
	va_start(ap, fmt);
	text_line_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	copy = strdup(text);
	cell = copy ? array_append(&t->cells, &t->n, sizeof(*cell)) : NULL;
	if (cell)
		*cell = copy;
	else
		free(copy);
	if (!cell)
		t->failed = true;
}

/* What stands before the name of a column. */
static size_t table_marks(const struct table *t, size_t column)
{
	return strspn(t->heads[column], "?~>");
}

static bool table_is_marked(const struct table *t, size_t column, char mark)
{
	return memchr(t->heads[column], mark, table_marks(t, column)) != NULL;
}

static const char *head(const struct table *t, size_t column)
{
	return t->heads[column] + table_marks(t, column);
}

static size_t width_of(const struct table *t, size_t column)
{
	size_t width = strlen(head(t, column)), i;

	for (i = column; i < t->n; i += t->columns)
		width = MAX(width, strlen(t->cells[i]));
	return width;
}

/* What stays on one line: a word; of "keepalived[4711]" the name or the number. */
static size_t table_word(const char *p)
{
	return *p ? 1 + strcspn(p + 1, " [") : 0;
}

/* The longest word of a column: what it may become if its cells take several lines. */
static size_t table_least(const struct table *t, size_t column)
{
	size_t width = strlen(head(t, column)), i;
	const char *p;

	for (i = column; i < t->n; i += t->columns)
		for (p = t->cells[i]; *p; p += table_word(p), p += strspn(p, " "))
			width = MAX(width, table_word(p));
	return width;
}

/* How much of TEXT is printed on a line of WIDTH: whole words. */
static size_t table_piece(const char *text, size_t width)
{
	size_t n = strlen(text), i;

	if (n <= width)
		return n;
	for (i = width; i && text[i] != ' '; i--)
		;
	for (n = i ? 0 : width; n && text[n] != '['; n--)
		;
	return i ? i : n ? n : width;
}

/* The columns that are shown, and how wide. */
struct table_shape {
	bool dropped[TABLE_COLUMNS_MAX];
	size_t width[TABLE_COLUMNS_MAX];
};

/* Print a piece of a cell, without white space at the end of a line. REST: a later one has more
 * to print on this line. */
static void print_cell(const struct table *t, const struct table_shape *s, size_t column,
		       const char *text, size_t n, bool rest, FILE *out)
{
	int width = (int)s->width[column], pad = width - (int)n;

	if (table_is_marked(t, column, '>'))
		fprintf(out, "%*s%.*s", pad, "", (int)n, text);
	else
		fprintf(out, "%.*s%*s", (int)n, text, rest ? pad : 0, "");
	if (rest)
		fprintf(out, "%*s", GAP, "");
}

/* Print a row, over as many lines as its cells need. */
static void print_row(const struct table *t, const struct table_shape *s, char *const *cells,
		      FILE *out)
{
	const char *left[TABLE_COLUMNS_MAX];
	size_t i, n, end;

	for (i = 0; i < t->columns; i++)
		left[i] = s->dropped[i] ? "" : cells[i];
	do {
		for (end = t->columns - 1; end && !*left[end]; end--)
			;
		for (i = 0; i <= end; i++) {
			if (s->dropped[i])
				continue;
			n = table_piece(left[i], s->width[i]);
			print_cell(t, s, i, left[i], n, i < end, out);
			left[i] += n + strspn(left[i] + n, " ");
		}
		fputc('\n', out);
		for (end = 0, i = 0; i < t->columns; i++)
			end += *left[i] != '\0';
	} while (end);
}

static void print_rows(const struct table *t, const struct table_shape *s, FILE *out)
{
	char *heads[TABLE_COLUMNS_MAX];
	size_t i;

	for (i = 0; i < t->columns; i++)
		heads[i] = (char *)head(t, i);
	print_row(t, s, heads, out);
	for (i = 0; i + t->columns <= t->n; i += t->columns)
		print_row(t, s, t->cells + i, out);
}

/* Print each row as a block; its first cell is the heading. */
static void table_print_blocks(const struct table *t, unsigned columns, FILE *out)
{
	size_t width = 0, i, n, room;
	const char *text;

	for (i = 1; i < t->columns; i++)
		width = MAX(width, strlen(head(t, i)));
	room = columns > width + 2 * GAP ? columns - width - 2 * GAP : SIZE_MAX;
	for (i = 0; i < t->n; i++) {
		text = t->cells[i];
		if (i % t->columns == 0) {
			fprintf(out, "%s\n", text);
			continue;
		}
		n = table_piece(text, room);
		fprintf(out, "  %-*s  %.*s\n", (int)width, head(t, i % t->columns), (int)n, text);
		while (text += n + strspn(text + n, " "), *text) {
			n = table_piece(text, room);
			fprintf(out, "  %*s  %.*s\n", (int)width, "", (int)n, text);
		}
	}
}

/* How many lines the rows take. */
static size_t table_lines(const struct table *t, const struct table_shape *s)
{
	size_t i, n, at, lines = 0, most = 0;

	for (i = 0; i < t->n; i++) {
		const char *text = t->cells[i];

		at = i % t->columns;
		for (n = s->dropped[at] ? 0 : 1; n && strlen(text) > s->width[at]; n++)
			text += table_piece(text, s->width[at]), text += strspn(text, " ");
		most = at ? MAX(most, n) : n;
		lines += at + 1 == t->columns ? most : 0;
	}
	return lines;
}

/* Make the column narrower by one that costs the fewest lines. False: none may be. */
static bool table_squeeze(const struct table *t, const size_t *least, struct table_shape *s)
{
	size_t i, best = t->columns, lines, fewest = SIZE_MAX;

	for (i = 0; i < t->columns; i++) {
		if (s->dropped[i] || !table_is_marked(t, i, '~') || s->width[i] <= least[i])
			continue;
		s->width[i]--;
		lines = table_lines(t, s);
		s->width[i]++;
		if (lines > fewest || (lines == fewest && s->width[i] < s->width[best]))
			continue;
		fewest = lines;
		best = i;
	}
	if (best < t->columns)
		s->width[best]--;
	return best < t->columns;
}

/* Make the columns as narrow as their lines are. Returns how much of WIDTH is left. */
static size_t table_tighten(const struct table *t, size_t width, struct table_shape *s)
{
	size_t i, n, column, used[TABLE_COLUMNS_MAX] = { 0 };
	const char *text;

	for (i = 0; i < t->n + t->columns; i++) {
		column = i % t->columns;
		text = i < t->n ? t->cells[i] : head(t, column);
		for (; *text; text += strspn(text, " ")) {
			n = table_piece(text, s->width[column]);
			used[column] = MAX(used[column], n);
			text += n;
		}
	}
	for (i = 0; i < t->columns; i++) {
		if (s->dropped[i])
			continue;
		s->width[i] = used[i];
		width -= MIN(width, used[i] + (i ? GAP : 0));
	}
	return width;
}

/* Make the column wider by ROOM that saves the most lines. False: none does. */
static bool table_widen(const struct table *t, size_t room, struct table_shape *s)
{
	size_t i, best = t->columns, lines, fewest = table_lines(t, s);

	for (i = 0; i < t->columns; i++) {
		if (s->dropped[i] || !table_is_marked(t, i, '~'))
			continue;
		s->width[i] += room;
		lines = table_lines(t, s);
		s->width[i] -= room;
		if (lines >= fewest)
			continue;
		fewest = lines;
		best = i;
	}
	if (best < t->columns)
		s->width[best] += room;
	return best < t->columns;
}

/* Make the columns as wide as they need to be, and the whole no wider than WIDTH (0: no limit):
 * drop optional columns, the first ones first; then let cells take several lines, as few as
 * possible. False: that is not enough. */
static bool table_fit(const struct table *t, size_t width, struct table_shape *s)
{
	size_t least[TABLE_COLUMNS_MAX], i, needed = 0;

	*s = (struct table_shape){ .dropped = { false } };
	for (i = 0; i < t->columns; i++) {
		s->width[i] = width_of(t, i);
		needed += s->width[i] + (i ? GAP : 0);
	}
	if (!width)
		return true;
	if (needed <= width)
		return true;
	for (i = 1; i < t->columns && needed > width; i++) {
		s->dropped[i] = table_is_marked(t, i, '?');
		needed -= s->dropped[i] ? s->width[i] + GAP : 0;
	}
	for (i = 0; i < t->columns; i++)
		least[i] = table_least(t, i);
	while (needed > width && table_squeeze(t, least, s))
		needed--;
	if (needed > width)
		return false;
	while (table_widen(t, table_tighten(t, width, s), s))
		;
	return true;
}

void table_print(const struct table *t, unsigned width, FILE *out)
{
	struct table_shape shape;

	if (!t || t->failed) {
		fputs("(out of memory)\n", out);
		return;
	}
	if (!t->n)
		return;
	if (table_fit(t, width, &shape))
		print_rows(t, &shape, out);
	else
		table_print_blocks(t, width, out);
}
