/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether nobody but root and we could have put a file where it is. */
#pragma once

#include <stddef.h>

/* Look at each directory on the way to PATH, through symbolic links as well.
 * Returns 0; -EPERM: others may replace what is in RET_DIR (of SIZE bytes), one
 * of them; -ELOOP, -ENAMETOOLONG. What is missing is the caller's to find. */
int trusted_path(const char *path, char *ret_dir, size_t size);
