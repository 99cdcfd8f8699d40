/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scripts as files. */
#pragma once

/* Read the script NAME from FD, which is closed. *RET_TEXT is to be freed. Without a first line
 * "#!", text that is executable or named *.sh counts as a shell script, too. Returns 0; -ENOEXEC:
 * not a script; -ENOTSUP: a script of another language; -EFBIG: too long for a script; or why it
 * cannot be read. */
int script_file_read(int fd, const char *name, char **ret_text);
