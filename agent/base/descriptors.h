/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The descriptors a program finds when it starts: not ours, shared with others,
 * and with anything at their other ends. */
#pragma once

#include <vipsafe/base.h>

/* Open what is closed of 0 to 2: else the next socket would take its place, and our
 * messages would go into it. */
void descriptors_open_standard(void);

/* Write to FD and wait for room for PATIENCE in all at most, though FD itself
 * waits for ever; others who share it find it as it was. Returns 0, -EAGAIN when
 * there was no room for all of it, or the negative errno of writing. */
int descriptor_write(int fd, const void *data, size_t size, usec_t patience);

/* What is printed to stderr from now on waits two seconds at most, once, for
 * whoever reads it: a script's reader may have gone to sleep. */
void descriptors_make_stderr_patient(void);
