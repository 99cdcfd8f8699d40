/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scripts as files. */
#pragma once

/* The text of the script NAME that FD is opened for, which is closed: *RET_TEXT, to be
 * freed. Without a first line "#!" text that may be executed, or is called something.sh,
 * is a shell's as well. 0; -ENOEXEC: no script; -ENOTSUP: one of another language;
 * -EFBIG: too long to be one; or why it cannot be read. */
int script_file_read(int fd, const char *name, char **ret_text);
