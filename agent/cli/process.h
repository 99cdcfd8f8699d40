/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other programs of this node: with which file one was started. Only those of this network
 * namespace count, as only they see the same addresses. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* An option of a program that names a file: "-f FILE", "-fFILE", "--use-file FILE" and so on. */
struct process_option {
	const char *comm; /* of the program, as in /proc/PID/comm */
	char letter;	  /* 0: none */
	const char *name; /* without the dashes */
};

/* Name of the process PID, an entry of /proc; to be escaped. False: it is none, or has ended. */
#define PROCESS_NAME_MAX 32
bool process_name(const char *pid, char ret[PROCESS_NAME_MAX]);

/* Whether the process PID is in this network namespace; not if that may not be known. */
bool process_is_here(const char *pid);

/* Call FN with each process of the program COMM. */
void process_each(const char *comm, void (*fn)(void *ud, const char *pid), void *ud);

/* The command line of the process PID, up to SIZE bytes, each word with a NUL after it. Returns how
 * many bytes there are. */
size_t process_words(const char *pid, char *buf, size_t size);

/* The name of its parent; false: it has none that is known. */
bool process_parent_name(const char *pid, char ret[PROCESS_NAME_MAX]);

/* Find the first process of the program. *RET_FILE: the file as this process can open it; "" if
 * the option was not given. Returns 0, or -ENOENT: there is none. */
int process_find(const struct process_option *option, char ret_file[PATH_MAX]);

/* PATH, which the process PID has named, as this process can open it: also from another mount
 * namespace, or a relative one. Returns RET. */
const char *process_path(const char *pid, const char *path, char ret[PATH_MAX]);
