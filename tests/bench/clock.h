/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processor time of this process and of the children it has waited for. All
 * that is compared here does its work within its own system calls (the kernel
 * handles a netlink request in the sender's time), so this is the time it takes
 * on a machine that does nothing else, and much of what others do on a busy
 * one stays out of it. Wall time runs along to tell how busy it was. */
#pragma once

struct stopwatch {
	double wall, busy;	   /* when it was started */
	double all_wall, all_busy; /* of all laps */
};

void stopwatch_start(struct stopwatch *w);

/* Seconds of processor time since the start. */
double stopwatch_lap(struct stopwatch *w);
