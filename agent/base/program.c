/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/os.h"
#include "base/text.h"
#include "base/thread.h"

#define LINE_MAX_LEN 32768

/* A process it has left running may keep its outputs open: how often to check whether the program
 * itself has ended. */
#define END_LOOK_MS 20

/* A killed program is gone at once unless the kernel is busy with it. */
#define REAP_LOOK (200 * 1000) /* ns */
#define REAP_WAIT (200 * USEC_PER_MSEC)

/* iptables reads and prints --datestop in this zone; the kernel compares in UTC. */
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

/* iptables takes a lock file under /run. In another network namespace it would wait for the
 * node's runs of iptables, or disturb them, and might leave the file behind. */
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

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

/* Our ends do not block: the kernel decides how much a pipe takes, and gives a user with many
 * pipes one page for each (pipe-user-pages-soft). */
static int pipes_open(struct pipes *p)
{
	*p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (pipe2(p->in, O_CLOEXEC) == 0 && pipe2(p->out, O_CLOEXEC) == 0 &&
	    pipe2(p->err, O_CLOEXEC) == 0 && set_nonblocking(p->in[1]) == 0 &&
	    set_nonblocking(p->out[0]) == 0 && set_nonblocking(p->err[0]) == 0)
		return 0;
	pipes_close(p);
	return -EMFILE;
}

/* Each is duplicated above the three first: it may be one of them. */
static bool take_standard(const int std[3])
{
	int moved[3];

	for (int i = 0; i < 3; i++) {
		moved[i] = fcntl(std[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (moved[i] < 0)
			return false;
	}
	for (int i = 0; i < 3; i++)
		if (dup2(moved[i], i) < 0)
			return false;
	return true;
}

void program_become(const char *file, char *const argv[], const int std[3], pid_t parent)
{
	sigset_t none;

	/* If our process is killed, the program is killed, too. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (!take_standard(std))
		_exit(127);
	descriptors_close_others(-1);
	execve(file, argv, (char *const *)environment);
	_exit(127);
}

/* In the child: never returns. */
static void program_become_child(const struct program *p, const char *path,
				 const struct pipes *pipes, pid_t parent)
{
	const int std[3] = { pipes->in[0], pipes->out[1],
			     p->merge ? pipes->out[1] : pipes->err[1] };

	setpgid(0, 0);
	if (p->private_run)
		hide_run();
	program_become(path, p->argv, std, parent);
}

/* One output, up to the end of a line. */
struct reader {
	char line[LINE_MAX_LEN];
	size_t len;
	bool too_long;
};

/* A running program. */
struct running {
	const struct program *p;
	pid_t pid;
	usec_t deadline;
	struct pipes pipes;
	const char *input; /* not written yet */
	struct reader out, err;
	char *error;
};

static void take_complaint(char error[PROGRAM_ERROR_MAX], const char *line)
{
	size_t len = 0;

	if (error[0])
		return; /* only the first line that is not empty */
	for (; *line && len + 1 < PROGRAM_ERROR_MAX; line++)
		error[len++] = *line >= ' ' && *line <= '~' ? *line : '?';
	error[len] = '\0';
}

static void reader_line(const struct running *run, struct reader *r)
{
	const struct program *p = run->p;
	bool is_out = r == &run->out;

	r->line[r->len] = '\0';
	if (!r->too_long && is_out && p->line)
		p->line(p->ud, r->line);
	else if (!is_out || !p->line)
		take_complaint(run->error, r->line);
	if (!is_out && p->complaint)
		p->complaint(p->ud, r->line);
	if (r->too_long && p->left_out)
		++*p->left_out;
	r->len = 0;
	r->too_long = false;
}

/* Read what is available; at the end of the output *FD is closed. Returns false if nothing more
 * is available now. */
static bool reader_read(const struct running *run, struct reader *r, int *fd)
{
	char chunk[4096];
	ssize_t n = *fd < 0 ? 0 : read(*fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return errno == EINTR;
	for (ssize_t i = 0; i < n; i++) {
		if (chunk[i] == '\n')
			reader_line(run, r);
		else if (r->len + 1 < sizeof(r->line))
			r->line[r->len++] = chunk[i];
		else
			r->too_long = true;
	}
	if (n > 0)
		return true;
	if (r->len)
		reader_line(run, r);
	pipe_close(fd);
	return false;
}

/* Write as much as the pipe takes. A program may stop reading: that is no error. */
static void write_input(struct running *run)
{
	size_t len = strlen(run->input);
	ssize_t n = len ? write(run->pipes.in[1], run->input, len) : 0;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	run->input += n > 0 ? n : 0;
	if (n < 0 || !*run->input)
		pipe_close(&run->pipes.in[1]);
}

/* Whether it has ended. It stays a zombie, so that the numbers of process and group are not
 * reused. */
static bool program_has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == pid;
}

/* Write its input and read both outputs until it has ended. Returns 0 or -ETIMEDOUT. */
static int program_serve(struct running *run)
{
	struct pipes *pipes = &run->pipes;

	while (!program_has_ended(run->pid)) {
		struct pollfd fds[] = { { .fd = pipes->in[1], .events = POLLOUT },
					{ .fd = pipes->out[0], .events = POLLIN },
					{ .fd = pipes->err[0], .events = POLLIN } };
		usec_t now = os_now(), left = run->deadline - now;
		bool is_quiet = pipes->out[0] < 0 && pipes->err[0] < 0;

		if (now >= run->deadline)
			return -ETIMEDOUT;
		/* a program that has closed its outputs is about to end */
		if (poll(fds, 3, is_quiet ? 1 : (int)MIN(left / USEC_PER_MSEC + 1, END_LOOK_MS)) <=
		    0)
			continue;
		if (fds[0].revents)
			write_input(run);
		if (fds[1].revents)
			reader_read(run, &run->out, &pipes->out[0]);
		if (fds[2].revents)
			reader_read(run, &run->err, &pipes->err[0]);
	}
	return 0;
}

static void *reap(void *ud)
{
	const pid_t *pid = ud;

	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(ud);
	return NULL;
}

/* Wait for the child PID, which has been killed, for as long as the kernel is busy with it. Without
 * memory for that it stays a zombie until we end. */
static void reap_later(pid_t pid)
{
	pid_t *ud = malloc(sizeof(*ud));
	pthread_t thread;

	if (!ud)
		return;
	*ud = pid;
	if (thread_start(reap, ud, &thread) == 0)
		pthread_detach(thread);
	else
		free(ud);
}

/* Waits for a limited time only: the kernel may be busy with the process. */
int program_kill(pid_t pid, int *ret_status)
{
	const struct timespec look = { .tv_nsec = REAP_LOOK };
	usec_t deadline = os_now() + REAP_WAIT;
	pid_t r;

	kill(-pid, SIGKILL);
	kill(pid, SIGKILL); /* in case it has no group yet */
	for (;;) {
		r = waitpid(pid, ret_status, WNOHANG);
		if (r == pid)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (os_now() >= deadline) {
			reap_later(pid);
			return -ETIMEDOUT;
		}
		nanosleep(&look, NULL);
	}
}

/* Kill what it has left running, then read the rest of its output. */
static int program_finish(struct running *run, int r)
{
	int status = 0, reaped = program_kill(run->pid, &status);

	if (reaped < 0)
		return r < 0 ? r : reaped;
	while (reader_read(run, &run->out, &run->pipes.out[0]) && os_now() < run->deadline)
		;
	while (reader_read(run, &run->err, &run->pipes.err[0]) && os_now() < run->deadline)
		;
	if (run->out.len)
		reader_line(run, &run->out);
	if (run->err.len)
		reader_line(run, &run->err);
	if (r == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return r < 0 ? r : -EIO;
}

static int start(struct running *run, const char *file)
{
	pid_t parent = getpid();
	int r = pipes_open(&run->pipes);

	if (r < 0)
		return r;
	/* With SIGCHLD ignored, which may be inherited, a child could not be waited for. */
	signal(SIGCHLD, SIG_DFL);
	run->pid = fork();
	if (run->pid == 0)
		program_become_child(run->p, file, &run->pipes, parent);
	if (run->pid < 0) {
		pipes_close(&run->pipes);
		return -EAGAIN;
	}
	setpgid(run->pid, run->pid); /* the child does the same: one of the two is first */
	pipe_close(&run->pipes.in[0]);
	pipe_close(&run->pipes.out[1]);
	pipe_close(&run->pipes.err[1]);
	if (!*run->input)
		pipe_close(&run->pipes.in[1]);
	return 0;
}

int program_run(const struct program *p, char error[PROGRAM_ERROR_MAX])
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct running run = { .p = p, .input = p->input ? p->input : "", .error = error };
	char path[PROGRAM_PATH_MAX];
	struct sigaction before;
	int r;

	error[0] = '\0';
	run.deadline = os_deadline(p->timeout);
	r = *p->argv[0] == '/' ? 0 : program_find(p->argv[0], path);
	if (r == 0)
		r = start(&run, *p->argv[0] == '/' ? p->argv[0] : path);
	if (r < 0)
		return r;
	/* a program that stops reading must not end us */
	sigaction(SIGPIPE, &ignore, &before);
	r = program_finish(&run, program_serve(&run));
	sigaction(SIGPIPE, &before, NULL);
	pipes_close(&run.pipes);
	if (r == 0)
		error[0] = '\0'; /* a warning is not an error */
	else if (r == -ETIMEDOUT)
		snprintf(error, PROGRAM_ERROR_MAX, "did not finish in time");
	else if (!error[0])
		snprintf(error, PROGRAM_ERROR_MAX, "failed silently");
	return r;
}
