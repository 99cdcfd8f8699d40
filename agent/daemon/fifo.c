/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/os.h"
#include "base/settings.h"
#include "daemon/log.h"
#include "base/rundir.h"

/* Inotify reports most changes at once, but not a file system mounted over the
 * directory or unmounted. */
#define LOOK_EVERY USEC_PER_SEC

#define ROOM_WANTED (1024 * 1024)
#define ROOM_DEFAULT (64 * 1024)

/* A line needs room in one piece, so a pipe refuses one before it is full. */
#define NEARLY_FULL(room) ((size_t)(room) / 4 * 3)

/* Bytes read per call, so that other descriptors are served, too. */
#define DRAIN_MAX (4 * ROOM_WANTED)

struct fifo {
	struct loop *loop;
	struct fifo_handler handler;
	char path[SETTINGS_PATH_MAX]; /* "": none */
	char user[SETTINGS_NAME_MAX];
	int fd, inotify;
	int old; /* a removed FIFO that keepalived still has open; -1: none */
	int room;
	usec_t last_stamp;
	struct loop_timer look_timer; /* not set: there is no FIFO */
	struct instance_lines lines, old_lines;
	char problem[128]; /* "": none */
};

static void fifo_on_event(void *ud, const struct instance_event *event)
{
	struct fifo *f = ud;
	struct instance_event e = *event;

	/* two lines of the same moment keep their order */
	f->last_stamp = MAX(os_now(), f->last_stamp + 1);
	e.stamp = f->last_stamp;
	e.source = SOURCE_FIFO;
	f->handler.sink.event(f->handler.sink.ud, &e);
}

static void on_bad(void *ud, const struct request_error *why)
{
	struct fifo *f = ud;

	f->handler.sink.bad(f->handler.sink.ud, why);
}

static size_t waiting(const struct fifo *f)
{
	int n = 0;

	return ioctl(f->fd, FIONREAD, &n) < 0 || n < 0 ? 0 : (size_t)n;
}

void fifo_drain(struct fifo *f)
{
	const struct instance_lines_sink sink = { .event = fifo_on_event, .bad = on_bad, .ud = f };
	bool full;
	char data[16384];
	size_t taken = 0;

	if (f->fd < 0)
		return;
	full = waiting(f) >= NEARLY_FULL(f->room);
	while (taken < DRAIN_MAX) {
		ssize_t n = read(f->fd, data, sizeof(data));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		instance_lines_feed(&f->lines, data, (size_t)n, &sink);
		taken += (size_t)n;
	}
	if (full)
		f->handler.lost(f->handler.ud);
}

static void fifo_on_ready(void *ud, uint32_t events _unused_)
{
	fifo_drain(ud);
}

static void close_fd(struct fifo *f)
{
	if (f->fd < 0)
		return;
	fifo_drain(f); /* what was written before it was unlinked */
	loop_remove(f->loop, f->fd, f);
	close(f->fd);
	f->fd = -1;
	f->lines = (struct instance_lines){ .size = 0 };
}

static void close_old(struct fifo *f)
{
	if (f->old < 0)
		return;
	loop_remove(f->loop, f->old, f);
	close(f->old);
	f->old = -1;
	f->old_lines = (struct instance_lines){ .size = 0 };
}

/* The old FIFO is read until its last writer has closed it. */
static void on_old(void *ud, uint32_t events _unused_)
{
	struct fifo *f = ud;
	const struct instance_lines_sink sink = { .event = fifo_on_event, .bad = on_bad, .ud = f };
	char data[16384];
	ssize_t n = read(f->old, data, sizeof(data));

	if (n > 0)
		instance_lines_feed(&f->old_lines, data, (size_t)n, &sink);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_old(f);
}

/* Another file has taken the FIFO's place, but keepalived opens the FIFO once
 * and writes to the old one until it ends. The old one is opened read-only, so
 * that its end can be seen. */
static void keep_old(struct fifo *f)
{
	char path[64];

	if (f->fd < 0)
		return;
	close_old(f);
	fifo_drain(f);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
	f->old = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	f->old_lines = f->lines;
	close_fd(f);
	if (f->old >= 0 && loop_add(f->loop, f->old, EPOLLIN, true, on_old, f) < 0)
		close_old(f);
}

/* ---- making and opening it -------------------------------------------------------- */

static void complain(struct fifo *f, const char *what)
{
	bool known = !strcmp(f->problem, what);

	close_fd(f);
	f->look_timer.due = os_now() + LOOK_EVERY;
	if (known)
		return;
	snprintf(f->problem, sizeof(f->problem), "%s", what);
	log_line(LOG_WARNING, "msg=\"keepalived is not heard at the FIFO\" fifo=%s error=%s",
		 f->path, what);
}

/* A process that can write here can move addresses. */
static bool fifo_is_trusted(const struct fifo *f, const struct stat *st)
{
	const struct passwd *pw = getpwnam(f->user);

	return (st->st_uid == 0 || st->st_uid == geteuid() || (pw && st->st_uid == pw->pw_uid)) &&
	       !(st->st_mode & 022);
}

static int fifo_make(const struct fifo *f)
{
	const struct passwd *pw = getpwnam(f->user);

	if (mkfifo(f->path, 0600) < 0)
		return -errno;
	if (pw && pw->pw_uid != geteuid() && lchown(f->path, pw->pw_uid, pw->pw_gid) < 0)
		return -errno;
	return 0;
}

static int fifo_check_directory(const struct fifo *f)
{
	char dir[SETTINGS_PATH_MAX];
	int fd;

	snprintf(dir, sizeof(dir), "%.*s", (int)MAX(strrchr(f->path, '/') - f->path, 1), f->path);
	fd = rundir_open(dir);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void fifo_begin(struct fifo *f, int fd)
{
	f->fd = fd;
	f->room = fcntl(fd, F_SETPIPE_SZ, ROOM_WANTED);
	if (f->room <= 0)
		f->room = fcntl(fd, F_GETPIPE_SZ);
	if (f->room <= 0)
		f->room = ROOM_DEFAULT;
	if (loop_add(f->loop, fd, EPOLLIN, true, fifo_on_ready, f) < 0) {
		complain(f, "cannot be waited for");
		return;
	}
	if (*f->problem)
		log_line(LOG_NOTICE, "msg=\"keepalived is heard again\" fifo=%s", f->path);
	f->problem[0] = '\0';
	fifo_drain(f);
}

static void watch_directory(struct fifo *f);

static void fifo_look(struct fifo *f)
{
	_cleanup_close_ int fd = -1;
	struct stat there, mine;
	int r = fifo_check_directory(f);

	if (r < 0) {
		complain(f, strerror(-r));
		return;
	}
	if (lstat(f->path, &there) < 0) {
		r = errno == ENOENT ? fifo_make(f) : -errno;
		if (r < 0 && r != -EEXIST) {
			complain(f, strerror(-r));
			return;
		}
	} else if (f->fd >= 0 && fstat(f->fd, &mine) == 0 && mine.st_dev == there.st_dev &&
		   mine.st_ino == there.st_ino) {
		return; /* while it is open, no other file can have its inode number */
	}
	fd = open(f->path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0 || fstat(fd, &mine) < 0) {
		complain(f, strerror(errno));
		return;
	}
	if (!S_ISFIFO(mine.st_mode) || !fifo_is_trusted(f, &mine)) {
		complain(f, S_ISFIFO(mine.st_mode) ? "others may write to it" : "it is no FIFO");
		return;
	}
	keep_old(f);
	fifo_begin(f, TAKE_FD(fd));
	watch_directory(f); /* the directory may be a new one */
}

/* If the directory itself was removed, fifo_look() makes it again. */
static void on_directory(void *ud, uint32_t events _unused_)
{
	char data[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *e;
	struct fifo *f = ud;
	bool gone = false;
	ssize_t n, at;

	while ((n = read(f->inotify, data, sizeof(data))) > 0) {
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const struct inotify_event *)(data + at);
			gone |= e->mask & (IN_IGNORED | IN_MOVE_SELF);
		}
	}
	fifo_look(f);
	if (gone)
		watch_directory(f);
}

static void watch_directory(struct fifo *f)
{
	char dir[SETTINGS_PATH_MAX];

	if (f->inotify >= 0) {
		loop_remove(f->loop, f->inotify, f);
		close(f->inotify);
	}
	f->inotify = -1;
	if (!*f->path)
		return;
	snprintf(dir, sizeof(dir), "%.*s", (int)MAX(strrchr(f->path, '/') - f->path, 1), f->path);
	f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (f->inotify < 0)
		return;
	if (inotify_add_watch(f->inotify, dir,
			      IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_MOVE_SELF |
				      IN_ONLYDIR) < 0 ||
	    loop_add(f->loop, f->inotify, EPOLLIN, true, on_directory, f) < 0) {
		close(f->inotify);
		f->inotify = -1;
	}
}

void fifo_set(struct fifo *f, const char *path, const char *user)
{
	const char *p = path ? path : "";

	if (!strcmp(f->path, p) && !strcmp(f->user, user))
		return;
	close_fd(f);
	close_old(f);
	snprintf(f->path, sizeof(f->path), "%s", p);
	snprintf(f->user, sizeof(f->user), "%s", user);
	f->problem[0] = '\0';
	if (*f->path)
		fifo_look(f); /* also makes the directory */
	watch_directory(f);
	f->look_timer.due = *f->path ? 0 : USEC_NEVER;
}

static void fifo_on_timer(void *ud)
{
	struct fifo *f = ud;

	fifo_look(f);
	if (f->inotify < 0)
		watch_directory(f);
	f->look_timer.due = os_now() + LOOK_EVERY;
}

const char *fifo_problem(const struct fifo *f)
{
	return *f->problem ? f->problem : NULL;
}

int fifo_new(struct loop *l, const struct fifo_handler *h, struct fifo **ret)
{
	struct fifo *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->loop = l;
	f->handler = *h;
	f->fd = f->inotify = f->old = -1;
	f->look_timer = (struct loop_timer){ .due = USEC_NEVER, .fn = fifo_on_timer, .ud = f };
	loop_add_timer(l, &f->look_timer);
	*ret = f;
	return 0;
}

struct fifo *fifo_free(struct fifo *f)
{
	if (!f)
		return NULL;
	loop_remove_timer(f->loop, &f->look_timer);
	close_fd(f);
	close_old(f);
	*f->path = '\0';
	watch_directory(f);
	free(f);
	return NULL;
}
