/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads: for what blocks in the kernel, and no decision. */
#pragma once

#include <pthread.h>

/* Call RUN(UD) in a thread of its own, which handles no signal. It is to be joined or detached.
 * Returns 0 or a negative errno. */
int thread_start(void *(*run)(void *ud), void *ud, pthread_t *ret);
