/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work that may take long, in a child of this process that goes by what was in memory
 * when it was started, and answers with plain bytes. */
#pragma once

#include <stddef.h>

#include <vipsafe/base.h>

#define BACKGROUND_ANSWER_MAX 1024

struct background;

/* Call WORK(UD, ANSWER) in a child, which is killed after TIMEOUT, with whatever it has
 * started; ANSWER has room for SIZE <= BACKGROUND_ANSWER_MAX bytes. The child has
 * no descriptor of ours. */
int background_new(void (*work)(void *ud, void *answer), void *ud, size_t size, usec_t timeout,
		   struct background **ret);

/* -EAGAIN: it is not done yet; -ETIMEDOUT, -EIO: it died; 0: ANSWER has its SIZE bytes. Never
 * blocks. */
int background_answer(struct background *b, void *answer);

/* The same, but waits for it, no longer than its TIMEOUT. */
int background_wait(struct background *b, void *answer);

/* One that is still at work is killed. Returns NULL. */
struct background *background_free(struct background *b);
