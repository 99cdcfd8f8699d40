/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The descriptors that a program inherits: others may share them, and the other end may be
 * anything. */
#pragma once

#include <vipsafe/base.h>

/* Open descriptors 0 to 2 where they are closed: otherwise the next socket would get such a
 * number, and messages would be written to it. */
void descriptors_open_standard(void);

/* Write to FD. Waits for room for PATIENCE in total, even if FD is blocking; FD's flags stay as
 * they are, since others may share it. Returns 0, -EAGAIN (not everything was written), or the
 * negative errno of writing. */
int descriptor_write(int fd, const void *data, size_t size, usec_t patience);

/* From now on, output to stderr waits two seconds in total for its reader, which may have stopped
 * reading. */
void descriptors_make_stderr_patient(void);
