/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lock of the device, which a run of another process takes as well. */
#include "guard/parts.h"

#include <errno.h>

#include "base/lock.h"
#include "base/rundir.h"

int guard_lock(struct guard *g, int *ret_fd)
{
	_cleanup_close_ int dir = rundir_open(g->env.settings->run_dir);
	int r;

	*ret_fd = -1;
	r = dir < 0 ? 0 : lock_take(dir, g->link.name, &g->env.kernel, 0, ret_fd);
	g->locked_out = r == -ETIMEDOUT;
	if (g->locked_out)
		g->held_until = g->armed_since = 0; /* the other run removes our rules, too */
	return g->locked_out ? -EAGAIN : 0;
}
