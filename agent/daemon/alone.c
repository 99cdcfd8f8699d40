/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/alone.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <vipsafe/base.h>

#include "base/os.h"
#include "base/rundir.h"
#include "daemon/peer.h"

/* In the abstract namespace: each network namespace has its own. */
#define NAME "vipsafed"

#define ALONE_BACKLOG 16
#define TRY_EVERY_MS 50

/* Connections are accepted at this interval, so that frequent ones cannot keep
 * the loop busy. */
#define ACCEPT_EVERY (100 * USEC_PER_MSEC)

#define CAP_NET_ADMIN_BIT 12 /* linux/capability.h */
#define STATUS_SIZE 8192

static socklen_t alone_set_address(struct sockaddr_un *a)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(a->sun_path + 1, NAME, strlen(NAME));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(NAME));
}

static int alone_open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Whether PID may be a vipsafed: without CAP_NET_ADMIN it cannot work, even as
 * root in a container. True if the capabilities cannot be read. */
static bool may_be_daemon(pid_t pid)
{
	static const char key[] = "\nCapEff:\t";
	char path[64], text[STATUS_SIZE], *at;
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return true;
	text[n] = '\0';
	at = strstr(text, key);
	return !at || strtoull(at + strlen(key), NULL, 16) >> CAP_NET_ADMIN_BIT & 1;
}

/* Identify the process that listens under the name. -EAGAIN: none listens, or
 * it does not accept. */
static int alone_look(struct alone_holder *ret)
{
	_cleanup_close_ int fd = alone_open_socket();
	struct sockaddr_un a;
	socklen_t size = alone_set_address(&a);
	struct peer peer;
	int r;

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&a, size) < 0)
		return errno == ECONNREFUSED || errno == EAGAIN ? -EAGAIN : -errno;
	r = peer_read(fd, &peer);
	if (r < 0)
		return r;
	*ret = (struct alone_holder){ .pid = peer.pid, .uid = peer.uid };
	return 0;
}

static int try_name(int *ret_fd)
{
	_cleanup_close_ int fd = alone_open_socket();
	struct sockaddr_un a;
	socklen_t size = alone_set_address(&a);

	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&a, size) < 0 || listen(fd, ALONE_BACKLOG) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int alone_take(usec_t patience, int *ret_fd, struct alone_holder *ret_holder)
{
	usec_t deadline = os_now() + patience;
	int r, seen;

	*ret_fd = -1;
	for (;;) {
		*ret_holder = (struct alone_holder){ .uid = (uid_t)-1 };
		r = try_name(ret_fd);
		if (r != -EADDRINUSE)
			return r;
		seen = alone_look(ret_holder);
		if (seen == 0 && ((ret_holder->uid != 0 && ret_holder->uid != geteuid()) ||
				  !may_be_daemon(ret_holder->pid)))
			return -EPERM;
		if (seen < 0 && seen != -EAGAIN)
			return seen;
		if (os_now() >= deadline)
			return seen == 0 ? -EADDRINUSE : -EPERM;
		(void)poll(NULL, 0, TRY_EVERY_MS);
	}
}

/* ---- while it runs --------------------------------------------------------------- */

struct alone {
	struct loop *loop;
	int fd;
	struct loop_timer again; /* when to accept again; not set: accepting now */
};

static void on_look(void *ud, uint32_t events _unused_)
{
	struct alone *a = ud;
	int i, fd;

	for (i = 0; i < ALONE_BACKLOG; i++) {
		fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			break;
		close(fd);
	}
	loop_remove(a->loop, a->fd, a);
	a->again.due = os_now() + ACCEPT_EVERY;
}

static void accept_again(void *ud)
{
	struct alone *a = ud;

	if (loop_add(a->loop, a->fd, EPOLLIN, false, on_look, a) < 0)
		a->again.due = os_now() + ACCEPT_EVERY;
}

int alone_new(struct loop *l, int fd, struct alone **ret)
{
	struct alone *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	*a = (struct alone){ .loop = l,
			     .fd = fd,
			     .again = { .due = USEC_NEVER, .fn = accept_again, .ud = a } };
	r = loop_add(l, fd, EPOLLIN, false, on_look, a);
	if (r < 0) {
		free(a);
		return r;
	}
	loop_add_timer(l, &a->again);
	*ret = a;
	return 0;
}

struct alone *alone_free(struct alone *a)
{
	if (!a)
		return NULL;
	loop_remove_timer(a->loop, &a->again);
	loop_remove(a->loop, a->fd, a);
	close(a->fd);
	free(a);
	return NULL;
}

#define CONTROL_BACKLOG 1024

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
	r = listen(fd, CONTROL_BACKLOG) < 0 ? -errno : socket_file_permit(path, gid);
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
