/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run at a time on a device, others in parallel; and locks for other files of the run
 * directory. */
#pragma once

#include "base/kernel.h"

/* Take the lock of DEVICE (its real name) in the run directory RUN_DIR, waiting until DEADLINE.
 * Closing *RET_FD, or exiting, releases it. -ETIMEDOUT: somebody else has held it all the time. */
int lock_take(int run_dir, const char *device, const struct kernel *k, usec_t deadline,
	      int *ret_fd);

/* The same for the file NAME. */
int lock_file(int run_dir, const char *name, const struct kernel *k, usec_t deadline, int *ret_fd);

/* The device whose lock the file NAME is, or NULL. */
const char *lock_device(const char *name);
