/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows and columns of text for a terminal. If a table is wider than the terminal, optional
 * columns are dropped, then cells that may do so take several lines; if that is not enough, each
 * row is printed as a block of lines, which fits any width. No cell is cut. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include <vipsafe/base.h>

#define TABLE_COLUMNS_MAX 10

struct table;

/* HEADS: one per column, ended by NULL; not copied. What a head begins with says of its column:
 * '?' that it is optional, '~' that its cells may take several lines, broken between words, and '>'
 * that it is aligned to the right. The first column is always there. NULL: out of memory. */
struct table *table_new(const char *const *heads);
struct table *table_free(struct table *t);
DEFINE_CLEANUP(struct table, table_free)

/* Add a cell to the current row; after the last column a new row begins. The text is copied and
 * escaped. T may be NULL. */
void table_cell(struct table *t, const char *fmt, ...) _printf_(2, 3);

/* Print the table; nothing if it has no row. WIDTH: of the terminal; 0: no limit. */
void table_print(const struct table *t, unsigned width, FILE *out);
