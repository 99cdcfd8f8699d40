/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services of the operating system, for all layers above the pure one. */
#pragma once

#include <stddef.h>

#include <vipsafe/base.h>

/* CLOCK_MONOTONIC in microseconds. */
usec_t os_now(void);

/* The instant TIMEOUT from now (USEC_NEVER: never), and the time left until DEADLINE; 0: it has
 * passed. */
usec_t os_deadline(usec_t timeout);
usec_t os_left(usec_t deadline);

/* Write all SIZE bytes. Returns 0 or the negative errno of write(). */
int os_write_all(int fd, const void *data, size_t size);

/* Read up to SIZE bytes, fewer only at the end of the file. Returns 0 or the negative errno of
 * read(); *RET_SIZE: how many were read, in both cases. */
int os_read_all(int fd, void *buf, size_t size, size_t *ret_size);

/* Returns 0 when FD is readable, -ETIMEDOUT at DEADLINE (of os_now()), or the negative errno of
 * poll(). */
int os_wait_readable(int fd, usec_t deadline);
