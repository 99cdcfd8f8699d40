/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands at the other end of an output. */
#pragma once

#include <stdio.h>

/* How many columns the terminal of F has; 0 when it is none, or does not say:
 * then there is no limit. */
unsigned terminal_columns(FILE *f);
