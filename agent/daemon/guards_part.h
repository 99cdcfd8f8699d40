/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guard on the loop. Private to guards*.c. */
#pragma once

#include "daemon/guard_news.h"
#include "daemon/guards.h"

struct device_guard {
	struct guards *all;
	struct device_settings settings;
	struct kernel_real *kernel; /* owned, as is the guard */
	struct guard *guard;
	int fds[KERNEL_FDS]; /* on the loop; -1: not */
	usec_t next;
	usec_t leave_at; /* the guard ends when its work is done, or at this time; 0: stays */
	struct guard_news news;
};

/* For people: why a device has no guard, by the negative errno R. */
const char *guards_why_left_out(int r);
