/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The metrics as a file for another program (node_exporter's textfile
 * collector): never partly written, readable by all users. */
#pragma once

/* Write TEXT to the file PATH by way of a temporary file and rename(). 0 or a
 * negative errno. */
int textfile_write(const char *path, const char *text);
