/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/os.h"
#include "base/program.h"

/* How often a child that has closed its output is waited for. */
#define REAP_LOOK (2 * USEC_PER_MSEC)

struct child {
	struct loop *loop;
	pid_t pid; /* 0: already reaped */
	int fd;	   /* its output; end of file when it has ended */
	usec_t deadline, next;
	void (*fn)(void *ud, int r);
	void *ud;
};

static void __attribute__((noreturn)) child_become(char *const argv[], int out, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int std[3] = { null, out, out };

	setsid();
	program_become(argv[0], argv, std, parent);
}

/* The output itself is discarded; only its end matters. */
static void on_output(void *ud, uint32_t events _unused_)
{
	struct child *c = ud;
	char data[4096];
	ssize_t n;

	do
		n = read(c->fd, data, sizeof(data));
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0 && errno == EAGAIN)
		return;
	loop_remove(c->loop, c->fd, c);
	close(c->fd);
	c->fd = -1;
	c->next = 0;
}

int child_new(struct loop *l, char *const argv[], usec_t timeout, void (*fn)(void *ud, int r),
	      void *ud, struct child **ret)
{
	struct child *c = calloc(1, sizeof(*c));
	pid_t parent = getpid();
	int fds[2], r;

	if (!c)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = -errno;
		free(c);
		return r;
	}
	*c = (struct child){ .loop = l, .fd = fds[0], .fn = fn, .ud = ud };
	c->deadline = c->next = os_now() + timeout;
	r = loop_add(l, c->fd, EPOLLIN, false, on_output, c);
	c->pid = r < 0 ? -1 : fork();
	if (!c->pid)
		child_become(argv, fds[1], parent);
	close(fds[1]);
	if (c->pid < 0) {
		r = r < 0 ? r : -EAGAIN;
		c->pid = 0;
		child_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct child *child_free(struct child *c)
{
	if (!c)
		return NULL;
	if (c->pid > 0)
		(void)program_kill(c->pid, NULL);
	if (c->fd >= 0) {
		loop_remove(c->loop, c->fd, c);
		close(c->fd);
	}
	free(c);
	return NULL;
}

usec_t child_tick(struct child *c)
{
	usec_t now = os_now();
	int status = 0, r;
	pid_t got;

	if (!c)
		return USEC_NEVER;
	if (now < c->next)
		return c->next;
	got = waitpid(c->pid, &status, WNOHANG);
	if (got == 0 && now < c->deadline) {
		c->next = MIN(c->deadline, now + REAP_LOOK);
		return c->next;
	}
	if (got == 0) {
		r = -ETIMEDOUT;
	} else {
		c->pid = 0;
		r = got > 0 && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
	}
	c->next = USEC_NEVER;
	c->fn(c->ud, r);
	return 0;
}
