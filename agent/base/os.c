/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <vipsafe/base.h>

#include "base/request.h"
#include "base/text.h"

/* Keeps the milliseconds within an int. */
#define WAIT_MAX_MS 60000

void os_sleep(usec_t duration)
{
	usec_t end = os_now() + duration;
	struct timespec ts = {
		.tv_sec = (time_t)(end / USEC_PER_SEC),
		.tv_nsec = (long)(end % USEC_PER_SEC) * 1000,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

usec_t os_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

usec_t os_wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec < 0 ? 0 : (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

usec_t os_deadline(usec_t timeout)
{
	usec_t now = os_now();

	return timeout < USEC_NEVER - now ? now + timeout : USEC_NEVER;
}

usec_t os_left(usec_t deadline)
{
	usec_t now = os_now();

	return deadline == USEC_NEVER ? USEC_NEVER : deadline > now ? deadline - now : 0;
}

int os_write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int os_read_all(int fd, void *buf, size_t size, size_t *ret_size)
{
	ssize_t n = 1;

	*ret_size = 0;
	while (n && *ret_size < size) {
		n = read(fd, (char *)buf + *ret_size, size - *ret_size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		*ret_size += (size_t)n;
	}
	return 0;
}

int os_read_file(const char *path, size_t max, char **ret, size_t *ret_size, struct stat *ret_stat)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t size;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uintmax_t)st.st_size > max)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	r = os_read_all(fd, text, (size_t)st.st_size, &size);
	if (r < 0)
		return r;
	text[size] = '\0';
	*ret = TAKE_PTR(text);
	*ret_size = size;
	*ret_stat = st;
	return 0;
}

int os_open_aside(int dirfd, const char *aside, mode_t mode)
{
	_cleanup_close_ int fd = -1;

	if (unlinkat(dirfd, aside, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dirfd, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode) < 0) {
		unlinkat(dirfd, aside, 0);
		return -errno;
	}
	return TAKE_FD(fd);
}

int os_replace(int dirfd, const char *aside, const char *name, int r)
{
	if (r == 0 && renameat(dirfd, aside, dirfd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, aside, 0);
	return r;
}

static bool file_has(int dirfd, const char *name, const void *data, size_t size)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ char *buf = malloc(size + 1);
	size_t n = 0;

	return fd >= 0 && buf && os_read_all(fd, buf, size + 1, &n) == 0 && n == size &&
	       !memcmp(buf, data, n);
}

/* NAME is no directory's. Whoever makes the same file waits, where directories can be locked. */
static int create_in(int dirfd, const char *name, const void *data, size_t size, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	char aside[NAME_MAX + 1];
	int r;

	if (snprintf(aside, sizeof(aside), "%s.new", name) >= (int)sizeof(aside))
		return -ENAMETOOLONG;
	(void)flock(dirfd, LOCK_EX);
	fd = os_open_aside(dirfd, aside, mode);
	if (fd < 0)
		return fd;
	r = os_write_all(fd, data, size);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && linkat(dirfd, aside, dirfd, name, 0) < 0) /* rename() would replace */
		r = -errno;
	unlinkat(dirfd, aside, 0);
	if (r == -EEXIST && file_has(dirfd, name, data, size))
		r = 0;
	if (r == 0)
		(void)fsync(dirfd);
	return r;
}

int os_create(const char *path, const void *data, size_t size, mode_t mode)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	_cleanup_close_ int dirfd = -1;
	char dir[PATH_MAX] = ".";

	if (slash &&
	    snprintf(dir, sizeof(dir), "%.*s", (int)(name - path), path) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	if (!*name)
		return -EISDIR;
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd < 0 ? -errno : create_in(dirfd, name, data, size, mode);
}

int os_wait_readable(int fd, usec_t deadline)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		usec_t now = os_now();
		int r;

		if (now >= deadline)
			return -ETIMEDOUT;
		r = poll(&p, 1,
			 (int)MIN((deadline - now) / USEC_PER_MSEC + 1, (usec_t)WAIT_MAX_MS));
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}

/* How long to wait for the reader of our output. */
#define READER_PATIENCE (2 * USEC_PER_SEC)

void descriptors_open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* Wait until FD has room. Returns 0, -EAGAIN at DEADLINE, or another negative errno. */
static int wait_for_room(int fd, usec_t deadline)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	usec_t now = os_now();
	int r;

	/* rounded up: at least a millisecond if any time is left */
	r = poll(&p, 1, now < deadline ? (int)((deadline - now) / USEC_PER_MSEC) + 1 : 0);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? -EAGAIN : 0;
}

/* Open the same pipe or terminal again, non-blocking: O_NONBLOCK on FD itself would affect
 * everybody who shares it. Returns -1 if that is not possible. */
static int open_again(int fd, mode_t mode)
{
	char path[64];

	if (!S_ISFIFO(mode) && !S_ISCHR(mode))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static ssize_t write_piece(int fd, mode_t mode, const void *data, size_t size)
{
	if (S_ISSOCK(mode))
		return send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(fd, data, size);
}

int descriptor_write(int fd, const void *data, size_t size, usec_t patience)
{
	usec_t deadline = patience ? os_now() + patience : 0;
	_cleanup_close_ int own = -1;
	const char *p = data;
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	own = open_again(fd, st.st_mode);
	while (size && r == 0) {
		ssize_t n;

		/* A pipe that has room has room for PIPE_BUF bytes, and takes them at once:
		 * without a descriptor of our own this blocks only if somebody else fills the
		 * pipe at this moment. */
		if (own < 0 && !S_ISREG(st.st_mode)) {
			r = wait_for_room(fd, deadline);
			if (r < 0)
				break;
		}
		n = write_piece(own < 0 ? fd : own, st.st_mode, p, MIN(size, (size_t)PIPE_BUF));
		if (n >= 0) {
			p += n;
			size -= (size_t)n;
		} else if (errno == EAGAIN) {
			r = patience ? wait_for_room(fd, deadline) : -EAGAIN;
		} else if (errno != EINTR) {
			r = -errno;
		}
	}
	return r;
}

/* ---- stderr -------------------------------------------------------------------- */

/* COOKIE: the time that may still be spent waiting. */
static ssize_t write_stderr(void *cookie, const char *data, size_t size)
{
	usec_t *patience = cookie;

	if (descriptor_write(STDERR_FILENO, data, size, *patience) == -EAGAIN)
		*patience = 0;
	return (ssize_t)size; /* an error cannot be reported */
}

void descriptors_make_stderr_patient(void)
{
	static const cookie_io_functions_t calls = { .write = write_stderr };
	static usec_t patience = READER_PATIENCE; /* one per process, as stderr is */
	FILE *f = fopencookie(&patience, "w", calls);

	if (!f)
		return;
	setvbuf(f, NULL, _IOLBF, BUFSIZ);
	stderr_replace(f); /* musl has no such thing: there it stays as it is */
}

#define FDS_MAX 1024 /* all are closed if /proc is missing */

void descriptors_close_others(int keep)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *d;
	int fd;

	for (fd = STDERR_FILENO + 1; !dir && fd < FDS_MAX; fd++)
		if (fd != keep)
			close(fd);
	while (dir && (d = readdir(dir))) {
		uint64_t n;

		if (text_number(d->d_name, STDERR_FILENO + 1, INT_MAX, &n) < 0)
			continue;
		fd = (int)n;
		if (fd != keep && fd != dirfd(dir))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

/* getrandom() is missing in glibc 2.17 and in old kernels. */
static bool random_fill(void *buf, size_t size)
{
	_cleanup_close_ int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, buf, size) == (ssize_t)size;
}

/* Without a random source the address is moved nevertheless: the seed only spreads hash chains
 * and names the run. */
uint64_t identity_seed(void)
{
	struct timespec ts = { 0 };
	uint64_t seed;

	if (random_fill(&seed, sizeof(seed)))
		return seed;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_nsec << 32) ^ (uint64_t)ts.tv_sec ^ ((uint64_t)getpid() << 16);
}

void identity_boot_id(char buf[BOOT_ID_MAX])
{
	_cleanup_close_ int fd = -1;
	ssize_t n = -1;

	fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, buf, BOOT_ID_MAX - 1);
	buf[n > 0 ? n : 0] = '\0';
	buf[strspn(buf, "0123456789abcdef-")] = '\0';
	/* without /proc, rely on the run directory being emptied at boot */
	if (!*buf)
		memcpy(buf, "unknown", sizeof("unknown"));
}

bool identity_comm(int64_t pid, char *ret, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%lld/comm", (long long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, ret, size - 1);
	if (n > 0 && ret[n - 1] == '\n') /* any other newline is part of the name */
		n--;
	ret[MAX(n, (ssize_t)0)] = '\0';
	return n > 0;
}

void identity_asker(int64_t pid, uint32_t uid, struct asker *ret)
{
	char comm[ASKER_COMMAND_MAX];

	ret->is_known = true;
	ret->pid = pid;
	ret->uid = uid;
	(void)identity_comm(pid, comm, sizeof(comm));
	text_escape(comm, ret->command, sizeof(ret->command));
}

int os_read_sysctl(const char *name, uint32_t *ret)
{
	char path[256];
	unsigned long v;
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	n = fscanf(f, "%lu", &v);
	fclose(f);
	if (n != 1 || v > UINT32_MAX)
		return -EBADMSG;
	*ret = (uint32_t)v;
	return 0;
}
