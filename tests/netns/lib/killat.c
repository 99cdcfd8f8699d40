/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIGKILL before a call, by its number: what luck decides for a kill after so many microseconds.
 *   killat [-e] [-s TERM] AT PROGRAM [ARG…]   run it, what it prints thrown away
 *   killat [-e] [-s TERM] AT -p PID           prints "ready" when it watches the process, which
 *                                             goes on if this is ended
 * Counts the system calls that can change something outside the process (with -e every call), of it
 * and of all its children, and kills all of them where the one numbered AT (from 1) begins: that
 * one is not carried out. Another signal than KILL is sent to all of them there, and they go on.
 * Prints one line when all have ended: "killed at NAME", or "ended N" with the number of calls if
 * there were fewer. 77 if this C library knows no PTRACE_GET_SYSCALL_INFO (Linux 5.3). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/text.h"

#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 31)
#define CAN_TELL_CALLS
#endif
#endif

#ifdef CAN_TELL_CALLS

#define TRACED_MAX 256
#define OPTIONS                                                                                   \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEEXEC)

struct traced {
	pid_t pids[TRACED_MAX];
	size_t count;
	bool every;
	int signal;
	unsigned at, seen;
	const char *name; /* of the call, once it is due */
};

#define CALL(name)                \
	{                         \
		SYS_##name, #name \
	}

/* What can change files, the kernel's tables, or another process. */
static const struct call {
	long nr;
	const char *name;
} calls[] = {
	CALL(sendto),	CALL(sendmsg),	 CALL(sendmmsg), CALL(write),	 CALL(writev),
	CALL(pwrite64), CALL(renameat2), CALL(renameat), CALL(unlinkat), CALL(linkat),
	CALL(mkdirat),	CALL(ftruncate), CALL(openat),	 CALL(fchmod),	 CALL(fchmodat),
	CALL(flock),	CALL(kill),	 CALL(execve),	 CALL(bind),	 CALL(connect),
	CALL(fcntl),
#ifdef SYS_rename
	CALL(rename),	CALL(unlink),	 CALL(link),	 CALL(mkdir),	 CALL(fork),
	CALL(vfork),
#endif
	CALL(clone),
};

static const char *call_name(long nr)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i].nr == nr)
			return calls[i].name;
	}
	return NULL;
}

static bool call_changes(const struct __ptrace_syscall_info *info)
{
	const uint64_t *args = info->entry.args;

	switch (info->entry.nr) {
	case SYS_openat:
		return args[2] & O_CREAT;
	case SYS_fcntl:
		return args[1] == F_SETLK || args[1] == F_SETLKW;
	}
	return call_name((long)info->entry.nr) != NULL;
}

static void traced_add(struct traced *t, pid_t pid)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->pids[i] == pid)
			return;
	}
	if (t->count == TRACED_MAX) {
		fputs("killat: too many processes\n", stderr);
		exit(1);
	}
	t->pids[t->count++] = pid;
}

static void traced_drop(struct traced *t, pid_t pid)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->pids[i] == pid)
			t->pids[i--] = t->pids[--t->count];
	}
}

/* Whether the call that this process begins is the one; it counts it. */
static bool traced_is_due(struct traced *t, pid_t pid)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	if (!t->every && !call_changes(&info))
		return false;
	if (++t->seen != t->at)
		return false;
	t->name = call_name((long)info.entry.nr);
	if (!t->name)
		t->name = "another call";
	return true;
}

static void traced_go_on(pid_t pid, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
		ptrace(PTRACE_LISTEN, pid, 0, 0);
		return;
	}
	if (event || signal == (SIGTRAP | 0x80))
		signal = 0;
	ptrace(PTRACE_SYSCALL, pid, 0, signal);
}

static void traced_signal(const struct traced *t)
{
	for (size_t i = 0; i < t->count; i++)
		kill(t->pids[i], t->signal);
}

/* Until none is left: whoever waits for the end of this sees theirs. */
static void traced_watch(struct traced *t)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			traced_drop(t, pid);
			continue;
		}
		traced_add(t, pid);
		if (!t->name && WSTOPSIG(status) == (SIGTRAP | 0x80) && traced_is_due(t, pid))
			traced_signal(t);
		if (t->name && t->signal == SIGKILL)
			kill(pid, SIGKILL); /* one that was just made, too */
		else
			traced_go_on(pid, status);
	}
	if (t->name)
		printf("killed at %s\n", t->name);
	else
		printf("ended %u\n", t->seen);
}

/* The program, stopped before its first call. */
static pid_t start(char **argv)
{
	pid_t pid = fork();
	int status, null;

	if (pid > 0 && waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status))
		return pid;
	if (pid)
		return -1;
	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	setsid();
	raise(SIGSTOP);
	execvp(argv[0], argv);
	_exit(127);
}

static int watch(struct traced *t, pid_t pid, bool started)
{
	if (pid < 0 ||
	    ptrace(PTRACE_SEIZE, pid, 0, OPTIONS | (started ? PTRACE_O_EXITKILL : 0)) < 0) {
		perror("killat");
		return 1;
	}
	traced_add(t, pid);
	if (started)
		kill(pid, SIGCONT);
	ptrace(PTRACE_INTERRUPT, pid, 0, 0);
	if (!started)
		puts("ready");
	traced_watch(t);
	return 0;
}

static int fail_usage(void)
{
	fputs("killat [-e] [-s TERM] AT PROGRAM [ARG...]\n"
	      "killat [-e] [-s TERM] AT -p PID\n",
	      stderr);
	return 1;
}

int main(int argc, char **argv)
{
	struct traced t = { .signal = SIGKILL };
	uint64_t at, pid = 0;
	bool attach = false;
	int c;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((c = getopt(argc, argv, "+es:")) != -1) {
		t.every = t.every || c == 'e';
		if (c == 's')
			t.signal = strcmp(optarg, "TERM") ? SIGKILL : SIGTERM;
		if (c == '?')
			return fail_usage();
	}
	argv += optind;
	argc -= optind;
	if (argc < 2 || text_number(argv[0], 1, 1000000, &at) < 0)
		return fail_usage();
	t.at = (unsigned)at;
	attach = !strcmp(argv[1], "-p");
	if (attach && (argc != 3 || text_number(argv[2], 1, 1 << 30, &pid) < 0))
		return fail_usage();
	return watch(&t, attach ? (pid_t)pid : start(argv + 1), !attach);
}

#else

int main(void)
{
	fputs("killat: this C library cannot tell calls\n", stderr);
	return 77;
}

#endif
