/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/socket_file.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct socket_file socket_file_of(int fd)
{
	struct socket_file f = { .path = "" };
	struct sockaddr_un a = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof(a);
	struct stat st;

	if (getsockname(fd, (struct sockaddr *)&a, &size) < 0 || a.sun_family != AF_UNIX ||
	    a.sun_path[0] != '/')
		return f;
	memcpy(f.path, a.sun_path, sizeof(a.sun_path));
	if (lstat(f.path, &st) == 0 && S_ISSOCK(st.st_mode)) {
		f.device = st.st_dev;
		f.inode = st.st_ino;
	}
	return f;
}

bool socket_file_is_there(const struct socket_file *f)
{
	struct stat st;

	if (!*f->path)
		return true;
	return f->inode && lstat(f->path, &st) == 0 && st.st_dev == f->device &&
	       st.st_ino == f->inode;
}
