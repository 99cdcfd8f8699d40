/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last operations, one line of text each, in the file "history" of the run directory. What a
 * line says: show/history_line. The file is valid for one boot, because ages are; that of another
 * boot is replaced. */
#pragma once

#include <stddef.h>

/* When the file grows beyond this, about half of it is removed: the older lines. What is no
 * address change goes first, so that events that are told of again and again push none out. */
#define HISTORY_SIZE_MAX ((size_t)256 * 1024)
#define HISTORY_LINE_MAX ((size_t)32 * 1024)

/* Append LINE (without newline). Several processes may do so at the same time. Returns 0 or a
 * negative errno; the operation itself is not affected. */
int history_append(const char *run_dir, const char *boot_id, const char *line);

/* All lines, oldest first, each with its newline, as a string to be freed. -ENOENT: nothing is
 * kept for this boot. -EACCES, -EPERM: no permission to read it. */
int history_read(const char *run_dir, const char *boot_id, char **ret);
