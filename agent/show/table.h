/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows and columns of text for a terminal. Where a table is wider than the
 * terminal columns that may go do, and if that is not enough each row becomes a
 * block of lines, which fits any width. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include <vipsafe/base.h>

#define TABLE_COLUMNS_MAX 10

struct table;

/* HEADS: as many as there are columns, ended by NULL; not copied. A column may go
 * when its head begins with '?', and is aligned to the right when '>' comes then.
 * NULL: out of memory. */
struct table *table_new(const char *const *heads);
struct table *table_free(struct table *t);
DEFINE_CLEANUP(struct table, table_free)

/* Add a cell to the row under way; after the last column a new one begins. The
 * text is copied and escaped. T may be NULL. */
void table_cell(struct table *t, const char *fmt, ...) _printf_(2, 3);

/* WIDTH: of the terminal, 0 for no limit. Nothing when there is no row. */
void table_print(const struct table *t, unsigned width, FILE *out);
