/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children that are killed. The system's own programs are run by netns/programs.sh. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/os.h"
#include "base/program.h"

/* A child that waits to be killed. */
static pid_t sleeper_new(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* Trace PID until UNTIL is at its end; READY is told 0, or why it cannot be. */
static void __attribute__((noreturn)) trace(pid_t pid, int ready, int until)
{
	int error = ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ? errno : 0;
	char c;

	(void)os_write_all(ready, &error, sizeof(error));
	(void)read(until, &c, 1);
	_exit(0);
}

/* A killed child that is traced is not gone for its parent before its tracer is, as if the kernel
 * were busy with it. *RET_LET_GO: close it to end the tracer. */
static pid_t tracer_new(pid_t pid, int *ret_let_go)
{
	int ready[2], until[2], error = -1;
	pid_t tracer;
	size_t n;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(until), 0);
	tracer = fork();
	assert_true(tracer >= 0);
	if (tracer == 0) {
		close(until[1]);
		trace(pid, ready[1], until[0]);
	}
	close(ready[1]);
	close(until[0]);
	assert_int_equal(os_read_all(ready[0], &error, sizeof(error), &n), 0);
	close(ready[0]);
	*ret_let_go = until[1];
	if (n == sizeof(error) && error == 0)
		return tracer;
	close(until[1]);
	waitpid(tracer, NULL, 0);
	return -1;
}

static void a_killed_child_is_waited_for(void **state _unused_)
{
	pid_t pid = sleeper_new();
	int status = 0;

	assert_int_equal(program_kill(pid, &status), 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void one_that_is_gone_late_stays_no_zombie(void **state _unused_)
{
	usec_t deadline = os_now() + 60 * USEC_PER_SEC;
	pid_t pid = sleeper_new(), tracer;
	int let_go;

	tracer = tracer_new(pid, &let_go);
	if (tracer < 0) {
		assert_int_equal(program_kill(pid, NULL), 0);
		skip();
	}
	assert_int_equal(program_kill(pid, NULL), -ETIMEDOUT);
	assert_int_equal(kill(pid, 0), 0);
	close(let_go);
	assert_int_equal(waitpid(tracer, NULL, 0), tracer);
	while (kill(pid, 0) == 0 && os_now() < deadline)
		os_sleep(USEC_PER_MSEC);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_child_is_waited_for),
		cmocka_unit_test(one_that_is_gone_late_stays_no_zombie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
