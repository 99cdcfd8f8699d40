/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last operations, one line of text each, in the file "history" of the run
 * directory. What a line says is not known here (show/history). The file is
 * bound to this boot, since ages are; another boot's is replaced. */
#pragma once

#include <stddef.h>

/* When the file grows beyond this its older half goes. */
#define HISTORY_SIZE_MAX ((size_t)256 * 1024)
#define HISTORY_LINE_MAX ((size_t)32 * 1024)

/* Add LINE (without newline). Several processes may at the same time. Returns 0
 * or a negative errno: the operation itself is done all the same. */
int history_append(const char *run_dir, const char *boot_id, const char *line);

/* All lines, oldest first, each with its newline, as a string to be freed.
 * -ENOENT: nothing is kept for this boot. -EACCES, -EPERM: may not be read. */
int history_read(const char *run_dir, const char *boot_id, char **ret);
