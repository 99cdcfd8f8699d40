/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <vipsafe/base.h>
#include <vipsafe/protocol.h>

#include "base/os.h"
#include "base/program.h"

#define PROGRESS_AFTER USEC_PER_SEC
#define PROGRESS_EVERY (200 * USEC_PER_MSEC)

/* How long a reader of our output may block us. */
#define READER_PATIENCE (2 * USEC_PER_SEC)

/* Precedes the two outputs on the pipe; both ends are this program. */
struct answer {
	int64_t exit_code; /* as wide as the others: no padding */
	uint64_t out_size, err_size;
};

/* The child's copies of the output would keep the caller's pipes open. */
static void let_go_of_output(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (null < 0)
			close(fd);
		else
			dup2(null, fd);
	}
	if (null > STDERR_FILENO)
		close(null);
}

/* What follows the answer may be ended by signals, unlike the work. */
static void may_be_ended(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
	(void)!chdir("/"); /* do not keep a file system busy */
}

/* Errors are ignored: the parent may have ended. */
static void send_answer(int fd, int exit_code, const char *out, size_t out_size, const char *err,
			size_t err_size)
{
	struct answer a = { .exit_code = exit_code, .out_size = out_size, .err_size = err_size };

	if (os_write_all(fd, &a, sizeof(a)) < 0 || os_write_all(fd, out, out_size) < 0)
		return;
	os_write_all(fd, err, err_size);
}

static void __attribute__((noreturn)) worker_child_main(const struct worker_job *job, int fd)
{
	char *out_text = NULL, *err_text = NULL;
	size_t out_size = 0, err_size = 0;
	FILE *out, *err;
	int code;

	setsid();
	/* The child outlives its caller by seconds and must not hold the
	 * caller's locks or pipes. */
	descriptors_close_others(fd);
	out = open_memstream(&out_text, &out_size);
	err = open_memstream(&err_text, &err_size);
	code = job->run(job->ud, out ? out : stdout, err ? err : stderr);
	fflush(NULL);
	if (out)
		fclose(out);
	if (err)
		fclose(err);
	send_answer(fd, code, out_text, out_text ? out_size : 0, err_text, err_text ? err_size : 0);
	close(fd);
	free(out_text);
	free(err_text);
	let_go_of_output();
	may_be_ended();
	if (job->after)
		job->after(job->ud);
	_exit(code);
}

/* Copy SIZE bytes from the child to TO. A reader that blocks is waited for
 * READER_PATIENCE only: the work is done, and a hanging script must not delay
 * its caller. The rest is read from the child all the same. Returns 0, or the
 * error of writing. */
static int worker_pass_on(int fd, uint64_t size, int to)
{
	char buf[4096];
	int r = 0;

	while (size) {
		size_t want = MIN(size, (uint64_t)sizeof(buf));
		size_t n;

		/* what came before an error is passed on, too */
		(void)os_read_all(fd, buf, want, &n);
		if (r == 0)
			r = descriptor_write(to, buf, n, READER_PATIENCE);
		if (n < want)
			break;
		size -= n;
	}
	return r;
}

/* The child ended without an answer: print how. Returns the exit code. */
static int publish_death(const struct worker_job *job, pid_t pid)
{
	int status = 0;
	pid_t r;

	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	if (r == pid && WIFSIGNALED(status))
		fprintf(stderr, "vipsafe: the worker was killed by signal %d (%s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		fprintf(stderr, "vipsafe: the worker ended with status %d",
			r == pid ? WEXITSTATUS(status) : -1);
	fputs(" before it could report; run \"vipsafe recover\" to finish what it began\n", stderr);
	return job->died ? job->died(job->ud) : EXIT_UNPROTECTED;
}

static bool comes_in_time(int fd, usec_t patience)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r;

	do
		r = poll(&p, 1, (int)(patience / USEC_PER_MSEC));
	while (r < 0 && errno == EINTR);
	return r > 0;
}

/* Until the answer comes. Uses only carriage returns and blanks, which any
 * terminal understands. */
static void show_progress(const struct worker_job *job, int fd)
{
	usec_t began = os_now(), passed = 0;
	int width = 0;

	while (!comes_in_time(fd, PROGRESS_EVERY)) {
		passed = os_now() - began;
		if (passed < PROGRESS_AFTER)
			continue;
		width = fprintf(stderr, "\rvipsafe: %s: %llu s of at most %llu s", job->what,
				(unsigned long long)(passed / USEC_PER_SEC),
				(unsigned long long)(job->timeout / USEC_PER_SEC));
		fflush(stderr);
	}
	if (width > 0)
		fprintf(stderr, "\r%*s\r", width, "");
}

/* Whether stderr is a terminal, and a better one than a console log. */
static bool worker_is_watched(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static int parent_main(const struct worker_job *job, pid_t pid, int fd)
{
	struct answer a;
	size_t n;
	int r;

	if (job->patience && !comes_in_time(fd, job->patience))
		return EXIT_DONE;
	if (job->what && worker_is_watched())
		show_progress(job, fd);
	if (os_read_all(fd, &a, sizeof(a), &n) < 0 || n < sizeof(a))
		return publish_death(job, pid);
	r = worker_pass_on(fd, a.out_size, STDOUT_FILENO);
	(void)worker_pass_on(fd, a.err_size, STDERR_FILENO);
	if (r < 0 && r != -EPIPE)
		fprintf(stderr, "vipsafe: cannot write the result: %s\n",
			r == -EAGAIN ? "nobody reads it" : strerror(-r));
	return (int)a.exit_code;
}

/* Called before the fork, so that the child is never without it. */
static void ignore_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_IGN);
}

int worker_run(const struct worker_job *job)
{
	int fds[2], code;
	pid_t pid;

	ignore_signals();
	fflush(NULL);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return job->run(job->ud, stdout, stderr);
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return job->run(job->ud, stdout, stderr);
	}
	if (!pid)
		worker_child_main(job, fds[1]);
	close(fds[1]);
	code = parent_main(job, pid, fds[0]);
	close(fds[0]);
	return code;
}
