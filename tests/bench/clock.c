/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "clock.h"

#include <sys/resource.h>
#include <time.h>

static double read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

static double busy(void)
{
	struct rusage children;

	getrusage(RUSAGE_CHILDREN, &children);
	return read_clock(CLOCK_PROCESS_CPUTIME_ID) + seconds(children.ru_utime) +
	       seconds(children.ru_stime);
}

void stopwatch_start(struct stopwatch *w)
{
	w->wall = read_clock(CLOCK_MONOTONIC);
	w->busy = busy();
}

double stopwatch_lap(struct stopwatch *w)
{
	double lap = busy() - w->busy;

	w->all_busy += lap;
	w->all_wall += read_clock(CLOCK_MONOTONIC) - w->wall;
	return lap;
}
