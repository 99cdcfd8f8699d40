/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The metrics as a file that another program picks up (node_exporter's textfile
 * collector): always whole, readable by anybody. */
#pragma once

/* Put TEXT into the file PATH: written aside and renamed. Returns 0 or a
 * negative errno. */
int textfile_write(const char *path, const char *text);
