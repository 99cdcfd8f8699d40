/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether nobody but root and we could have put a file where it is. */
#pragma once

#include <stddef.h>

/* Check each directory on the way to PATH, also through symbolic links. Returns 0; -EPERM: others
 * may replace files in RET_DIR (of SIZE bytes), one of the directories; -ELOOP; -ENAMETOOLONG.
 * That a file is missing is left to the caller to find out. */
int trusted_path(const char *path, char *ret_dir, size_t size);
