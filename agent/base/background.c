/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/background.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/os.h"
#include "base/program.h"

struct background {
	pid_t pid; /* 0: it has been waited for */
	int fd;
	size_t size;
	usec_t deadline;
};

static void __attribute__((noreturn))
child_main(void (*work)(void *ud, void *answer), void *ud, size_t size, int fd, pid_t parent)
{
	char answer[BACKGROUND_ANSWER_MAX] = { 0 };

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	descriptors_close_others(fd);
	work(ud, answer);
	/* in one piece: less than PIPE_BUF */
	_exit(write(fd, answer, size) == (ssize_t)size ? 0 : 1);
}

int background_new(void (*work)(void *ud, void *answer), void *ud, size_t size, usec_t timeout,
		   struct background **ret)
{
	struct background *b = calloc(1, sizeof(*b));
	pid_t parent = getpid();
	int fds[2], r = b ? 0 : -ENOMEM;

	if (r == 0 && size > BACKGROUND_ANSWER_MAX)
		r = -E2BIG;
	if (r == 0 && pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		r = -errno;
	if (r < 0) {
		free(b);
		return r;
	}
	*b = (struct background){ .fd = fds[0], .size = size };
	b->deadline = os_deadline(timeout);
	b->pid = fork();
	if (b->pid == 0)
		child_main(work, ud, size, fds[1], parent);
	close(fds[1]);
	if (b->pid < 0) {
		b->pid = 0;
		background_free(b);
		return -EAGAIN;
	}
	*ret = b;
	return 0;
}

int background_answer(struct background *b, void *answer)
{
	ssize_t n = read(b->fd, answer, b->size);

	if (n == (ssize_t)b->size)
		return 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return os_left(b->deadline) ? -EAGAIN : -ETIMEDOUT;
	return -EIO;
}

int background_wait(struct background *b, void *answer)
{
	int r;

	do {
		r = os_wait_readable(b->fd, b->deadline);
		r = r < 0 ? r : background_answer(b, answer);
	} while (r == -EAGAIN);
	return r;
}

struct background *background_free(struct background *b)
{
	if (!b)
		return NULL;
	if (b->pid > 0)
		(void)program_kill(b->pid, NULL);
	close(b->fd);
	free(b);
	return NULL;
}
