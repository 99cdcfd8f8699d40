/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <vipsafe/base.h>

#include "base/os.h"

/* The collector takes NAME.prom only, so what is half written does not end so.
 * Nobody else writes under this name: one that is there was left by a kill. */
int textfile_write(const char *path, const char *text)
{
	_cleanup_close_ int fd = -1;
	char aside[PATH_MAX];
	int r;

	if (snprintf(aside, sizeof(aside), "%s.new", path) >= (int)sizeof(aside))
		return -ENAMETOOLONG;
	if (unlink(aside) < 0 && errno != ENOENT)
		return -errno;
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = os_write_all(fd, text, strlen(text));
	if (r == 0 && (fchmod(fd, 0644) < 0 || rename(aside, path) < 0))
		r = -errno;
	if (r < 0)
		unlink(aside);
	return r;
}
