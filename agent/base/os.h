/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all layers above the pure one ask of the operating system. */
#pragma once

#include <stddef.h>

#include <vipsafe/base.h>

/* CLOCK_MONOTONIC in microseconds. */
usec_t os_now(void);

/* All SIZE bytes, however many calls it takes. 0 or why write() failed. */
int os_write_all(int fd, const void *data, size_t size);

/* Up to SIZE bytes, fewer only at the end of the file: *RET_SIZE. 0 or why read() failed,
 * then *RET_SIZE have come before. */
int os_read_all(int fd, void *buf, size_t size, size_t *ret_size);

/* 0 when FD can be read from, -ETIMEDOUT at DEADLINE of os_now(), or why poll() failed. */
int os_wait_readable(int fd, usec_t deadline);
