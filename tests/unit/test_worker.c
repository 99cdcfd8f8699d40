/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker finishes whatever happens to its caller, and its caller is told. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <vipsafe/base.h>

#include "cli/worker.h"

#define DEADLINE_MS 10000
#define STEP_MS 5

/* Caller and worker are told what to do, and tell what they did, by files. */
struct scene {
	char dir[64];
	pid_t caller;
	int out, err;  /* what the caller printed, for reading */
	int inherited; /* end of a pipe whose other end the caller was given */
};

static const char *const marks[] = { "started", "go", "done", "after", "end", "pid" };

static void path_of(const struct scene *s, const char *mark, char buf[128])
{
	snprintf(buf, 128, "%s/%s", s->dir, mark);
}

static void mark(const struct scene *s, const char *name)
{
	char path[128];

	path_of(s, name, path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

static bool marked(const struct scene *s, const char *name)
{
	char path[128];

	path_of(s, name, path);
	return !access(path, F_OK);
}

static bool wait_mark(const struct scene *s, const char *name)
{
	int ms;

	for (ms = 0; ms < DEADLINE_MS; ms += STEP_MS) {
		if (marked(s, name))
			return true;
		poll(NULL, 0, STEP_MS);
	}
	return false;
}

/* ---- jobs, run in the worker --------------------------------------------- */

static int job_print(void *ud _unused_, FILE *out, FILE *err)
{
	int i;

	for (i = 0; i < 20000; i++)
		fprintf(out, "line %d\n", i);
	fputs("a message\n", err);
	return 5;
}

static int job_wait(void *ud, FILE *out, FILE *err _unused_)
{
	const struct scene *s = ud;

	mark(s, "started");
	if (!wait_mark(s, "go"))
		return 99;
	mark(s, "done");
	fputs("waited\n", out);
	return 3;
}

static int job_die(void *ud _unused_, FILE *out, FILE *err _unused_)
{
	fputs("never seen\n", out);
	raise(SIGKILL);
	return 0;
}

static void after_wait(void *ud)
{
	const struct scene *s = ud;

	/* longer than anybody waits for the end of the output */
	mark(s, "after");
	if (!wait_mark(s, "end"))
		wait_mark(s, "end");
}

/* ---- the caller ---------------------------------------------------------- */

static int scene_make(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	strcpy(s->dir, "/tmp/vipsafe-worker.XXXXXX");
	*state = s;
	return mkdtemp(s->dir) ? 0 : -1;
}

static int scene_remove(void **state)
{
	struct scene *s = *state;
	char path[128];
	size_t i;

	mark(s, "go"); /* whoever still waits */
	mark(s, "end");
	if (s->caller > 0) {
		kill(-s->caller, SIGKILL);
		waitpid(s->caller, NULL, 0);
	}
	close(s->out);
	close(s->err);
	close(s->inherited);
	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		path_of(s, marks[i], path);
		remove(path);
	}
	remove(s->dir);
	free(s);
	return 0;
}

/* Start a caller in a process group of its own, as keepalived does. */
static void start(struct scene *s, const struct worker_job *job)
{
	int out[2], err[2], inherited[2];

	assert_int_equal(pipe(out) | pipe(err) | pipe(inherited), 0);
	fflush(NULL);
	s->caller = fork();
	assert_true(s->caller >= 0);
	if (!s->caller) {
		setpgid(0, 0);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		close(err[0]);
		close(err[1]);
		close(inherited[0]);
		alarm(DEADLINE_MS / 1000);
		out[0] = worker_run(job);
		fflush(NULL);
		_exit(out[0]);
	}
	setpgid(s->caller, s->caller);
	close(out[1]);
	close(err[1]);
	close(inherited[1]);
	s->out = out[0];
	s->err = err[0];
	s->inherited = inherited[0];
}

static int finish(struct scene *s)
{
	int status;

	assert_int_equal(waitpid(s->caller, &status, 0), s->caller);
	s->caller = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Everything up to the end of the stream, which must come in time. */
static size_t read_to_end(int fd, char *buf, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;
	ssize_t k;

	for (;;) {
		assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
		k = read(fd, buf + n, size - 1 - n);
		assert_true(k >= 0);
		if (!k)
			break;
		n += (size_t)k;
		assert_true(n < size - 1);
	}
	buf[n] = '\0';
	return n;
}

static void passes_on_output_and_code(void **state)
{
	const struct worker_job job = { .run = job_print };
	static char text[512 * 1024];
	struct scene *s = *state;

	start(s, &job);
	read_to_end(s->out, text, sizeof(text));
	assert_memory_equal(text, "line 0\nline 1\n", 14);
	assert_non_null(strstr(text, "\nline 19999\n"));
	read_to_end(s->err, text, sizeof(text));
	assert_string_equal(text, "a message\n");
	assert_int_equal(finish(s), 5);
}

static void finishes_when_the_group_is_killed(void **state)
{
	struct scene *s = *state;
	const struct worker_job job = { .run = job_wait, .ud = s };

	start(s, &job);
	assert_true(wait_mark(s, "started"));
	assert_int_equal(kill(-s->caller, SIGKILL), 0);
	assert_int_equal(finish(s), -SIGKILL);
	assert_false(marked(s, "done"));
	mark(s, "go");
	assert_true(wait_mark(s, "done"));
}

static void waits_through_polite_signals(void **state)
{
	struct scene *s = *state;
	const struct worker_job job = { .run = job_wait, .ud = s };
	char text[64];

	start(s, &job);
	assert_true(wait_mark(s, "started"));
	kill(-s->caller, SIGTERM);
	kill(-s->caller, SIGINT);
	kill(-s->caller, SIGHUP);
	mark(s, "go");
	read_to_end(s->out, text, sizeof(text));
	assert_string_equal(text, "waited\n");
	assert_int_equal(finish(s), 3);
}

static void tells_when_the_worker_dies(void **state)
{
	const struct worker_job job = { .run = job_die };
	struct scene *s = *state;
	char text[512];

	start(s, &job);
	read_to_end(s->out, text, sizeof(text));
	assert_string_equal(text, "");
	read_to_end(s->err, text, sizeof(text));
	assert_non_null(strstr(text, "signal 9"));
	assert_non_null(strstr(text, "vipsafe recover"));
	assert_int_equal(finish(s), 4);
}

static int tell_what_is(void *ud _unused_)
{
	return 2;
}

/* Whether anything has changed is not for the worker to say any more. */
static void asks_what_became_of_it(void **state)
{
	const struct worker_job job = { .run = job_die, .died = tell_what_is };
	struct scene *s = *state;

	start(s, &job);
	assert_int_equal(finish(s), 2);
}

/* What follows the answer must hold nothing of the caller's. */
static void lets_go_after_the_answer(void **state)
{
	struct scene *s = *state;
	const struct worker_job job = { .run = job_wait, .after = after_wait, .ud = s };
	char text[64];

	mark(s, "go");
	start(s, &job);
	assert_int_equal(finish(s), 3);
	assert_true(wait_mark(s, "after"));
	read_to_end(s->out, text, sizeof(text));
	assert_string_equal(text, "waited\n");
	read_to_end(s->err, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(read_to_end(s->inherited, text, sizeof(text)), 0);
}

/* Nobody may be there to wait for it. */
static bool has_died(int pid)
{
	char path[64], text[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return true;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return strstr(text, ") Z ") != NULL;
}

static void after_tell(void *ud)
{
	const struct scene *s = ud;
	char path[128];
	FILE *f;

	path_of(s, "pid", path);
	f = fopen(path, "w");
	if (f) {
		fprintf(f, "%d", (int)getpid());
		fclose(f);
	}
	after_wait(ud);
}

/* It waits for nobody, and so nobody has to wait for it. */
static void what_follows_ends_when_told(void **state)
{
	struct scene *s = *state;
	const struct worker_job job = { .run = job_wait, .after = after_tell, .ud = s };
	char path[128];
	int pid = 0, ms;
	FILE *f;

	mark(s, "go");
	start(s, &job);
	assert_int_equal(finish(s), 3);
	assert_true(wait_mark(s, "after"));
	path_of(s, "pid", path);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	assert_int_equal(kill(pid, SIGTERM), 0);
	for (ms = 0; ms < DEADLINE_MS && kill(pid, 0) == 0 && !has_died(pid); ms += STEP_MS)
		poll(NULL, 0, STEP_MS);
	assert_true(kill(pid, 0) < 0 || has_died(pid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(passes_on_output_and_code, scene_make,
						scene_remove),
		cmocka_unit_test_setup_teardown(finishes_when_the_group_is_killed, scene_make,
						scene_remove),
		cmocka_unit_test_setup_teardown(waits_through_polite_signals, scene_make,
						scene_remove),
		cmocka_unit_test_setup_teardown(asks_what_became_of_it, scene_make, scene_remove),
		cmocka_unit_test_setup_teardown(tells_when_the_worker_dies, scene_make,
						scene_remove),
		cmocka_unit_test_setup_teardown(lets_go_after_the_answer, scene_make, scene_remove),
		cmocka_unit_test_setup_teardown(what_follows_ends_when_told, scene_make,
						scene_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
