/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long lines on a terminal. */
#pragma once

#include <stdio.h>

/* Print TEXT, which is printable and without line feeds, and a line feed. It is broken at blanks,
 * so that no line has more than COLUMNS; those after the first one begin with INDENT blanks. A word
 * that is longer is not broken. COLUMNS 0: one line. */
void wrap_print(const char *text, unsigned columns, unsigned indent, FILE *out);
