/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the system's own programs (iptables, nft): without a shell, with a deadline, a fixed
 * environment, and nothing inherited but the input. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <vipsafe/base.h>

#define PROGRAM_ERROR_MAX 160
#define PROGRAM_PATH_MAX 64

struct program {
	char *const *argv; /* argv[0]: a path, or a name to be found in the system's directories */
	const char *input; /* its standard input, of any length; NULL: empty */
	usec_t timeout;	   /* after that it is killed; USEC_NEVER: never */
	bool private_run;  /* hide /run from it: its lock file is then its own */
	bool merge;	   /* its stderr is read like its stdout */
	/* Called for each line of its stdout, without the newline; lines over 32 kB are skipped.
	 * NULL: its stdout is read like its stderr. */
	void (*line)(void *ud, const char *line);
	/* Called for each line of its stderr, whether it fails or not; NULL: only the first one
	 * is kept, in ERROR. */
	void (*complaint)(void *ud, const char *line);
	void *ud;
	unsigned *left_out; /* counts the lines skipped for their length; may be NULL */
};

/* The path of the program NAME. Returns 0 or -ENOENT. */
int program_find(const char *name, char ret[PROGRAM_PATH_MAX]);

/* Run it to its end, in a process group of its own; what it has started and left running is
 * killed. Returns 0; -ENOENT; -ETIMEDOUT; -EIO: it failed. ERROR is the first line of its stderr,
 * printable; "" on success, or if there is none. */
int program_run(const struct program *p, char error[PROGRAM_ERROR_MAX]);

/* In a child of PARENT: become the program FILE, with STD as its three standard descriptors, no
 * other ones, default signals and the fixed environment. It is killed when PARENT dies. Never
 * returns. */
void __attribute__((noreturn))
program_become(const char *file, char *const argv[], const int std[3], pid_t parent);

/* End the child PID and the group that it has made or was to make, and wait for it: a moment only,
 * since a killed process is gone at once unless the kernel is busy with it; then a thread waits on,
 * and PID is no longer the caller's. *RET_STATUS, which may be NULL, is that of waitpid(). Returns
 * 0, -ETIMEDOUT or the negative errno of waitpid(). */
int program_kill(pid_t pid, int *ret_status);
