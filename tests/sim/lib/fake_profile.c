/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kernels have in common and what not (docs/kernel.md 9). VIPSAFE_SIM_KERNEL chooses one for
 * all tests of a run; what they are about, the flush above all, each test says itself. */
#include "fake_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct profile {
	const char *name;
	bool hooks_are_global; /* before 4.3 */
	bool no_nft_hold;      /* before 4.9: some expression is missing */
	bool no_sock_destroy;  /* before 4.5 */
	bool create_is_update; /* up to 4.9 */
	bool forgets_helpers;  /* up to 4.9 */
	bool overrun_is_zero;  /* before 4.11 */
	bool short_attributes; /* before 4.18: no metric; before 5.5: no alternative name */
	bool max_is_untold;    /* to a namespace of its own, where the limit is the machine's */
	bool no_filter;	       /* before 5.8 */
	bool full_deaths;      /* from 5.15 */
	bool tells_made;       /* from 4.19 */
};

static const struct profile profiles[] = {
	{ .name = "3.10",
	  .hooks_are_global = true,
	  .no_nft_hold = true,
	  .no_sock_destroy = true,
	  .create_is_update = true,
	  .forgets_helpers = true,
	  .overrun_is_zero = true,
	  .short_attributes = true,
	  .max_is_untold = true,
	  .no_filter = true },
	{ .name = "4.4",
	  .no_nft_hold = true,
	  .no_sock_destroy = true,
	  .create_is_update = true,
	  .forgets_helpers = true,
	  .overrun_is_zero = true,
	  .short_attributes = true,
	  .max_is_untold = true,
	  .no_filter = true },
	{ .name = "4.9",
	  .create_is_update = true,
	  .forgets_helpers = true,
	  .overrun_is_zero = true,
	  .short_attributes = true,
	  .max_is_untold = true,
	  .no_filter = true },
	{ .name = "4.19",
	  .short_attributes = true,
	  .max_is_untold = true,
	  .no_filter = true,
	  .tells_made = true },
	{ .name = "6.1", .max_is_untold = true, .full_deaths = true, .tells_made = true },
	{ .name = "6.18", .full_deaths = true, .tells_made = true },
};

void fake_profile(struct fake *f, const char *name)
{
	const struct profile *p = profiles;

	while (p < profiles + ARRAY_SIZE(profiles) && strcmp(p->name, name) != 0)
		p++;
	if (p == profiles + ARRAY_SIZE(profiles)) {
		fprintf(stderr, "no such kernel: %s\n", name);
		abort();
	}
	f->hooks_are_global = p->hooks_are_global;
	f->no_nft_hold = p->no_nft_hold;
	f->no_sock_destroy = p->no_sock_destroy;
	f->create_is_update = p->create_is_update;
	f->forgets_helpers = p->forgets_helpers;
	f->overrun_is_zero = p->overrun_is_zero;
	f->short_attributes = p->short_attributes;
	f->max_is_untold = p->max_is_untold;
	f->no_filter = p->no_filter;
	f->full_deaths = p->full_deaths;
	f->tells_made = p->tells_made;
}
