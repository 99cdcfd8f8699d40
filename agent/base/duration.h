/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Durations as text. */
#pragma once

#include <vipsafe/base.h>

/* Parse "500ms", "2s", "1min", "250us": a whole number with a unit, no space. Returns 0, -EINVAL
 * (malformed, unit missing) or -ERANGE. */
int duration_parse(const char *text, usec_t *ret);

#define DURATION_TEXT_MAX 32

/* Format D with the largest unit that is exact. Returns BUF. */
const char *duration_format(usec_t d, char buf[DURATION_TEXT_MAX]);
