/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal of an output. */
#pragma once

#include <stdio.h>

/* The number of columns of F's terminal; 0: F is not a terminal or its width is not known: do not
 * limit lines. */
unsigned terminal_columns(FILE *f);
