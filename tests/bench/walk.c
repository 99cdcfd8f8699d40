/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions a program enters: preloaded by tests/bench/walk.sh into one that
 * is built with -finstrument-functions. Their addresses are in the file
 * $VIPSAFE_WALK/PROGRAM, which others may read and zero at any time. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS 8192u /* a program has a third as many functions */

void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

/* NULL before the first call, MAP_FAILED where nothing is to be recorded */
static uintptr_t *entered;

static uintptr_t *map_file(void)
{
	const char *folder = getenv("VIPSAFE_WALK");
	void *map = MAP_FAILED;
	char path[4096];
	int fd;

	if (!folder)
		return MAP_FAILED;
	snprintf(path, sizeof(path), "%s/%s", folder, program_invocation_short_name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return MAP_FAILED;
	if (!ftruncate(fd, SLOTS * sizeof(*entered)))
		map = mmap(NULL, SLOTS * sizeof(*entered), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
	close(fd);
	return map;
}

void __cyg_profile_func_enter(void *function, void *caller)
{
	uintptr_t f = (uintptr_t)function;
	int saved = errno;

	(void)caller;
	if (!entered)
		entered = map_file();
	errno = saved;
	if (entered == MAP_FAILED)
		return;
	for (unsigned i = 0, at = (unsigned)(f >> 2) % SLOTS; i < SLOTS; i++, at = (at + 1) % SLOTS)
		if (entered[at] == f || __sync_bool_compare_and_swap(&entered[at], 0, f))
			return;
}

void __cyg_profile_func_exit(void *function, void *caller)
{
	(void)function;
	(void)caller;
}
