/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system's own programs (iptables, nft), run without a shell, with a
 * deadline, a fixed environment and nothing of ours inherited but the input. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <vipsafe/base.h>

#define PROGRAM_ERROR_MAX 160
#define PROGRAM_PATH_MAX 64

struct program {
	char *const *argv; /* argv[0]: a file, or a name for the system's directories */
	const char *input; /* what it reads, however long; NULL: nothing */
	usec_t budget;	   /* it is killed when it takes longer; USEC_NEVER */
	bool private_run;  /* hide /run from it: its lock file is then its own */
	bool merge;	   /* its complaints are lines like the others */
	/* Called for each line it prints, without the newline; lines of over
	 * 32 kB are left out. NULL: what it prints counts as complaint. */
	void (*line)(void *ud, const char *line);
	/* Called for each line of its complaints, whether it fails or not; NULL: the
	 * first one is all that is kept. */
	void (*complaint)(void *ud, const char *line);
	void *ud;
	unsigned *left_out; /* lines left out for their length are counted here, or NULL */
};

/* -ENOENT: no such program. */
int program_find(const char *name, char ret[PROGRAM_PATH_MAX]);

/* Until an instant of CLOCK_MONOTONIC: 0 when it has passed. */
usec_t program_left(usec_t deadline);

/* The instant BUDGET from now. */
usec_t program_deadline(usec_t budget);

/* Run it to its end, in a process group of its own: whatever it has started and
 * not waited for is killed with it. -ENOENT; -ETIMEDOUT; -EIO: it failed. ERROR is
 * the first line of its complaint, printable; "" on success and where it does not
 * apply. */
int program_run(const struct program *p, char error[PROGRAM_ERROR_MAX]);

/* In a child of PARENT that is to become the program FILE: give it STD as its three
 * standard descriptors, no other, default signals and the environment of all our
 * programs. It dies with PARENT. Never returns. */
void __attribute__((noreturn))
program_become(const char *file, char *const argv[], const int std[3], pid_t parent);

/* Close every descriptor above the standard ones but KEEP (-1: none): a lock or a
 * pipe of our caller's is not for what outlives it. */
void program_close_others(int keep);
