/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define LINE_MAX_LEN 4096
#define REAP_LOOK (200 * 1000) /* ns */

/* iptables reads and prints --datestop in this zone, the kernel compares in UTC. */
static const char *const environment[] = {
	"PATH=/usr/sbin:/sbin:/usr/bin:/bin",
	"LC_ALL=C",
	"TZ=UTC",
	NULL,
};

int program_find(const char *name, char ret[PROGRAM_PATH_MAX])
{
	static const char *const dirs[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(ret, PROGRAM_PATH_MAX, "%s/%s", dirs[i], name);
		if (access(ret, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

static usec_t now_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

/* iptables takes a lock file under /run. In a namespace of its own it would
 * wait for, or disturb, the node's runs, and might leave the file behind. */
static void hide_run(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return;
	if (mount("none", "/run", "tmpfs", 0, NULL) < 0)
		return; /* then it shares the node's lock, which only costs time */
}

/* Ends of the three pipes; -1: closed. */
struct pipes {
	int in[2], out[2], err[2];
};

static void pipe_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void pipes_close(struct pipes *p)
{
	for (size_t i = 0; i < 2; i++) {
		pipe_close(&p->in[i]);
		pipe_close(&p->out[i]);
		pipe_close(&p->err[i]);
	}
}

/* The input is in the pipe before anybody reads it: it fits. */
static int pipes_open(struct pipes *p, const char *input)
{
	size_t len = input ? strlen(input) : 0;

	*p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (len > PROGRAM_INPUT_MAX)
		return -E2BIG;
	if (pipe2(p->in, O_CLOEXEC) < 0 || pipe2(p->out, O_CLOEXEC) < 0 ||
	    pipe2(p->err, O_CLOEXEC) < 0)
		goto fail;
	if (len && write(p->in[1], input, len) != (ssize_t)len) {
		pipes_close(p);
		return -EIO;
	}
	return 0;
fail:
	pipes_close(p);
	return -EMFILE;
}

/* In the child: never returns. */
static void become(const struct program *p, const char *path, const struct pipes *pipes,
		   pid_t parent)
{
	sigset_t none;

	/* Whoever kills us means what we started, too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	if (p->private_run)
		hide_run();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(pipes->in[0], STDIN_FILENO) < 0 || dup2(pipes->out[1], STDOUT_FILENO) < 0 ||
	    dup2(p->merge ? pipes->out[1] : pipes->err[1], STDERR_FILENO) < 0)
		_exit(127);
	execve(path, p->argv, (char *const *)environment);
	_exit(127);
}

/* What has been read of one output, up to the end of a line. */
struct reader {
	char line[LINE_MAX_LEN];
	size_t len;
	bool too_long;
};

static void take_complaint(char error[PROGRAM_ERROR_MAX], const char *line)
{
	size_t len = 0;

	if (error[0])
		return; /* only the first line that says something */
	for (; *line && len + 1 < PROGRAM_ERROR_MAX; line++)
		error[len++] = *line >= ' ' && *line <= '~' ? *line : '?';
	error[len] = '\0';
}

static void reader_line(const struct program *p, struct reader *r, bool is_out, char *error)
{
	r->line[r->len] = '\0';
	if (!r->too_long && is_out && p->line)
		p->line(p->ud, r->line);
	else if (!is_out || !p->line)
		take_complaint(error, r->line);
	r->len = 0;
	r->too_long = false;
}

/* Returns false at the end of the output. */
static bool reader_read(const struct program *p, struct reader *r, int fd, bool is_out, char *error)
{
	char chunk[4096];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n < 0 && errno == EINTR)
		return true;
	for (ssize_t i = 0; i < n; i++) {
		if (chunk[i] == '\n')
			reader_line(p, r, is_out, error);
		else if (r->len + 1 < sizeof(r->line))
			r->line[r->len++] = chunk[i];
		else
			r->too_long = true;
	}
	if (n <= 0 && r->len)
		reader_line(p, r, is_out, error);
	return n > 0;
}

/* Read both outputs to their end. -ETIMEDOUT. */
static int collect(const struct program *p, struct pipes *pipes, usec_t deadline, char *error)
{
	struct reader out = { .len = 0 }, err = { .len = 0 };

	while (pipes->out[0] >= 0 || pipes->err[0] >= 0) {
		struct pollfd fds[] = { { .fd = pipes->out[0], .events = POLLIN },
					{ .fd = pipes->err[0], .events = POLLIN } };
		usec_t now = now_usec();

		if (now >= deadline)
			return -ETIMEDOUT;
		if (poll(fds, 2, (int)MIN((deadline - now) / USEC_PER_MSEC + 1, 60000)) <= 0)
			continue;
		if (fds[0].revents && !reader_read(p, &out, pipes->out[0], true, error))
			pipe_close(&pipes->out[0]);
		if (fds[1].revents && !reader_read(p, &err, pipes->err[0], false, error))
			pipe_close(&pipes->err[0]);
	}
	return 0;
}

/* Having closed its outputs it is as good as gone; one that is not is killed. */
static int reap(pid_t pid, usec_t deadline, int *ret_status)
{
	const struct timespec look = { .tv_nsec = REAP_LOOK };
	int r = 0;

	for (;;) {
		pid_t got = waitpid(pid, ret_status, r < 0 ? 0 : WNOHANG);

		if (got == pid)
			return r;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0 && now_usec() >= deadline) {
			r = -ETIMEDOUT;
			kill(pid, SIGKILL);
		} else if (got == 0) {
			nanosleep(&look, NULL);
		}
	}
}

int program_run(const struct program *p, char error[PROGRAM_ERROR_MAX])
{
	usec_t now = now_usec(),
	       deadline = p->budget < USEC_NEVER - now ? now + p->budget : USEC_NEVER;
	char path[PROGRAM_PATH_MAX];
	const char *file;
	pid_t pid, parent = getpid();
	struct pipes pipes;
	int r, status = 0;

	error[0] = '\0';
	file = *p->argv[0] == '/' ? p->argv[0] : path;
	r = file == path ? program_find(p->argv[0], path) : 0;
	if (r == 0)
		r = pipes_open(&pipes, p->input);
	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0)
		become(p, file, &pipes, parent);
	if (pid < 0) {
		pipes_close(&pipes);
		return -EAGAIN;
	}
	pipe_close(&pipes.in[0]);
	pipe_close(&pipes.in[1]);
	pipe_close(&pipes.out[1]);
	pipe_close(&pipes.err[1]);
	r = collect(p, &pipes, deadline, error);
	pipes_close(&pipes);
	r = reap(pid, r < 0 ? 0 : deadline, &status);
	if (r == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		error[0] = '\0'; /* a warning is no complaint */
		return 0;
	}
	if (r == -ETIMEDOUT)
		snprintf(error, PROGRAM_ERROR_MAX, "did not finish in time");
	else if (!error[0])
		snprintf(error, PROGRAM_ERROR_MAX, "failed silently");
	return r < 0 ? r : -EIO;
}
