/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

#define CELL_MAX 256
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

static bool may_drop(const struct table *t, size_t column)
{
	return *t->heads[column] == '?';
}

static bool is_right(const struct table *t, size_t column)
{
	return t->heads[column][may_drop(t, column)] == '>';
}

static const char *head(const struct table *t, size_t column)
{
	return t->heads[column] + may_drop(t, column) + is_right(t, column);
}

static size_t width_of(const struct table *t, size_t column)
{
	size_t width = strlen(head(t, column)), i;

	for (i = column; i < t->n; i += t->columns)
		width = MAX(width, strlen(t->cells[i]));
	return width;
}

/* Print a cell, without white space at the end of a line. The first and the last column are never
 * dropped. */
static void print_cell(const struct table *t, size_t column, const char *text, FILE *out)
{
	int width = (int)width_of(t, column);

	if (column)
		fprintf(out, "%*s", GAP, "");
	if (is_right(t, column))
		fprintf(out, "%*s", width, text);
	else if (column + 1 < t->columns)
		fprintf(out, "%-*s", width, text);
	else
		fputs(text, out);
	if (column + 1 == t->columns)
		fputc('\n', out);
}

static void print_rows(const struct table *t, const bool *dropped, FILE *out)
{
	size_t i;

	for (i = 0; i < t->columns; i++)
		if (!dropped[i])
			print_cell(t, i, head(t, i), out);
	for (i = 0; i < t->n; i++)
		if (!dropped[i % t->columns])
			print_cell(t, i % t->columns, t->cells[i], out);
}

/* Print each row as a block; its first cell is the heading. */
static void table_print_blocks(const struct table *t, FILE *out)
{
	size_t width = 0, i;

	for (i = 1; i < t->columns; i++)
		width = MAX(width, strlen(head(t, i)));
	for (i = 0; i < t->n; i++) {
		if (i % t->columns)
			fprintf(out, "  %-*s  %s\n", (int)width, head(t, i % t->columns),
				t->cells[i]);
		else
			fprintf(out, "%s\n", t->cells[i]);
	}
}

/* Drop optional columns, the first ones first, until the rest fits. */
static bool fit(const struct table *t, size_t width, bool *dropped)
{
	size_t i, needed = 0;

	for (i = 0; i < t->columns; i++)
		needed += width_of(t, i) + (i ? GAP : 0);
	for (i = 1; i + 1 < t->columns && needed > width; i++) {
		dropped[i] = may_drop(t, i);
		needed -= dropped[i] ? width_of(t, i) + GAP : 0;
	}
	return needed <= width;
}

void table_print(const struct table *t, unsigned width, FILE *out)
{
	bool dropped[TABLE_COLUMNS_MAX] = { false };

	if (!t || t->failed) {
		fputs("(out of memory)\n", out);
		return;
	}
	if (!t->n)
		return;
	if (width && !fit(t, width, dropped))
		table_print_blocks(t, out);
	else
		print_rows(t, dropped, out);
}
