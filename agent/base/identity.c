/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/identity.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <vipsafe/base.h>

#include "base/request.h"
#include "base/text.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

/* getrandom() is missing in glibc 2.17 and in old kernels. */
static bool random_fill(void *buf, size_t size)
{
	_cleanup_close_ int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, buf, size) == (ssize_t)size;
}

/* Without a random source the address is moved nevertheless: the seed only spreads hash chains
 * and names the run. */
uint64_t identity_seed(void)
{
	struct timespec ts = { 0 };
	uint64_t seed;

	if (random_fill(&seed, sizeof(seed)))
		return seed;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_nsec << 32) ^ (uint64_t)ts.tv_sec ^ ((uint64_t)getpid() << 16);
}

void identity_boot_id(char buf[BOOT_ID_MAX])
{
	_cleanup_close_ int fd = -1;
	ssize_t n = -1;

	fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, buf, BOOT_ID_MAX - 1);
	buf[n > 0 ? n : 0] = '\0';
	buf[strspn(buf, "0123456789abcdef-")] = '\0';
	/* without /proc, rely on the run directory being emptied at boot */
	if (!*buf)
		memcpy(buf, "unknown", sizeof("unknown"));
}

unsigned long identity_other_netns(void)
{
	struct stat first, own;

	if (stat("/proc/1/ns/net", &first) < 0 || stat("/proc/self/ns/net", &own) < 0)
		return 0;
	return first.st_ino == own.st_ino && first.st_dev == own.st_dev ? 0
									: (unsigned long)own.st_ino;
}

void identity_asker(int64_t pid, uint32_t uid, struct asker *ret)
{
	char path[64], comm[ASKER_COMMAND_MAX] = "";
	_cleanup_close_ int fd = -1;
	ssize_t n;

	*ret = (struct asker){ .is_known = true, .pid = pid, .uid = uid };
	snprintf(path, sizeof(path), "/proc/%lld/comm", (long long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, comm, sizeof(comm) - 1);
	if (n > 0 && comm[n - 1] == '\n') /* any other newline is part of the name */
		n--;
	comm[MAX(n, (ssize_t)0)] = '\0';
	text_escape(comm, ret->command, sizeof(ret->command));
}
