/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/os.h"

/* The collector reads NAME.prom only, so the temporary file has another
 * ending. No other process writes under this name: an existing one was left
 * by a kill. */
int textfile_write(const char *path, const char *text)
{
	_cleanup_close_ int fd = -1;
	char aside[PATH_MAX];

	if (snprintf(aside, sizeof(aside), "%s.new", path) >= (int)sizeof(aside))
		return -ENAMETOOLONG;
	fd = os_open_aside(AT_FDCWD, aside, 0644);
	if (fd < 0)
		return fd;
	return os_replace(AT_FDCWD, aside, path, os_write_all(fd, text, strlen(text)));
}
