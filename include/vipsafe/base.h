/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every layer may use: cleanup on scope exit, sizes, the one time type. No policy, no system
 * call, no state. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Microseconds of CLOCK_MONOTONIC, or a duration; the only time type. */
typedef uint64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_NEVER ((usec_t)-1)

/* The earlier of two instants. A function: each argument is evaluated once. */
static inline usec_t usec_earlier(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* The result is evaluated twice: no arguments with side effects. */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(f, v) __attribute__((format(printf, f, v)))
#define _unused_ __attribute__((unused))

/* For what is cheap only with sizes that the compiler knows: the hot paths of an entry. */
#define _always_inline_ inline __attribute__((always_inline))

/* memset() to zero, for the hot paths: of more than so many bytes at once compilers make a string
 * instruction, which takes longer to begin than some hundred bytes take to write. Not without
 * optimization: gcc's analyzer, which is run so, does not follow the loop. */
#define CLEAR_PIECE 64
static _always_inline_ void clear_bytes(void *p, size_t size)
{
	uint8_t *at = p;

#ifdef __OPTIMIZE__
	for (; size >= CLEAR_PIECE; at += CLEAR_PIECE, size -= CLEAR_PIECE)
		memset(at, 0, CLEAR_PIECE);
#endif
	memset(at, 0, size);
}

/* Hand a pointer on: the cleanup of P then finds NULL. */
#define TAKE_PTR(p)                        \
	({                                 \
		__typeof__(p) take_ = (p); \
		(p) = NULL;                \
		take_;                     \
	})

/* The same for a file descriptor: the cleanup then finds -1. */
#define TAKE_FD(fd)               \
	({                        \
		int take_ = (fd); \
		(fd) = -1;        \
		take_;            \
	})

/* Define a cleanup function NAMEp for a variable of type T * freed by FUNC. */
#define DEFINE_CLEANUP(T, func)                    \
	static inline _unused_ void func##p(T **p) \
	{                                          \
		if (*p)                            \
			func(*p);                  \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
