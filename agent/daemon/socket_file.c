/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/socket_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <vipsafe/base.h>

#include "base/rundir.h"

#define BACKLOG 1024

static int socket_file_set_address(struct sockaddr_un *a, const char *path)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(a->sun_path))
		return -ENAMETOOLONG;
	memcpy(a->sun_path, path, strlen(path) + 1);
	return 0;
}

static int socket_file_check_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	int fd;

	if (!slash || (size_t)(slash - path) >= sizeof(dir))
		return -EINVAL;
	snprintf(dir, sizeof(dir), "%.*s", (int)MAX(slash - path, 1), path);
	fd = rundir_open(dir);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Remove a socket that a killed daemon has left. */
static int socket_file_remove_stale(const struct sockaddr_un *a)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (lstat(a->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EADDRINUSE;
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(a->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_closed(int fd, const struct sockaddr_un *a)
{
	mode_t before = umask(0177); /* accessible only to our user from the first moment */
	int r = bind(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 ? -errno : 0;

	umask(before);
	return r;
}

int socket_file_permit(const char *path, gid_t gid)
{
	bool none = gid == (gid_t)-1;

	if (!none && lchown(path, (uid_t)-1, gid) < 0)
		return -errno;
	return chmod(path, none ? 0600 : 0660) < 0 ? -errno : 0;
}

int socket_file_listen(const char *path, gid_t gid, int *ret_fd)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a;
	int r;

	if (fd < 0)
		return -errno;
	r = socket_file_set_address(&a, path);
	if (r == 0)
		r = socket_file_check_directory(path);
	if (r == 0)
		r = bind_closed(fd, &a);
	if (r == -EADDRINUSE) {
		r = socket_file_remove_stale(&a);
		if (r == 0)
			r = bind_closed(fd, &a);
	}
	if (r < 0)
		return r;
	r = listen(fd, BACKLOG) < 0 ? -errno : socket_file_permit(path, gid);
	if (r < 0) {
		unlink(path);
		return r;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

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
