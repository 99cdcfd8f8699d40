/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tells this run and this boot from others. */
#include "cli/commands.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

/* glibc 2.17 has no getrandom(), old kernels neither. */
static bool random_fill(void *buf, size_t size)
{
	_cleanup_close_ int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, buf, size) == (ssize_t)size;
}

/* Without a random source the address is moved all the same: the seed only
 * spreads hash chains and names the run. */
static uint64_t seed_make(void)
{
	struct timespec ts = { 0 };
	uint64_t seed;

	if (random_fill(&seed, sizeof(seed)))
		return seed;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_nsec << 32) ^ (uint64_t)ts.tv_sec ^ ((uint64_t)getpid() << 16);
}

static void boot_id_read(char buf[BOOT_ID_MAX])
{
	_cleanup_close_ int fd = -1;
	ssize_t n = -1;

	fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, buf, BOOT_ID_MAX - 1);
	buf[n > 0 ? n : 0] = '\0';
	buf[strspn(buf, "0123456789abcdef-")] = '\0';
	/* no /proc: the run directory alone, emptied at boot, has to do */
	if (!*buf)
		memcpy(buf, "unknown", sizeof("unknown"));
}

void cli_identify(struct cli *cli)
{
	cli->seed = seed_make();
	boot_id_read(cli->boot_id);
}

struct run_env cli_run_env(const struct cli *cli, struct kernel kernel)
{
	return (struct run_env){
		.kernel = kernel,
		.settings = &cli->settings,
		.seed = cli->seed,
		.boot_id = cli->boot_id,
	};
}
