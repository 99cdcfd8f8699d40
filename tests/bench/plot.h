/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The picture of what --json has kept: how long an entry is away, and how long
 * the whole takes, against the size of the table. */
#pragma once

/* Read the JSON file FROM and write an SVG to TO. Returns 0 or a negative errno. */
int plot_write(const char *from, const char *to);
