/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/localports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include <vipsafe/base.h>

/* Every second port, each with a comma: the kernel writes no more of them. */
#define SETTING_MAX (32768 * 6 + 2)

/* The setting NAME as text; owned by the caller. In one go: the kernel hands
 * out a list of ports only to who reads from its beginning. */
static int read_setting(const char *name, char **ret)
{
	_cleanup_free_ char *text = malloc(SETTING_MAX);
	_cleanup_close_ int fd = -1;
	char path[128];
	ssize_t n;

	if (!text)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, SETTING_MAX);
	if (n < 0)
		return -errno;
	if (n == SETTING_MAX)
		return -EBADMSG;
	text[n] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}

/* 190cc82489f4; older stable kernels that have it too are taken for kernels without. */
static bool counts_by_dest(void)
{
	struct utsname u;
	unsigned long major, minor;
	char *end;

	if (uname(&u) < 0)
		return false;
	major = strtoul(u.release, &end, 10);
	minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return major > 5 || (major == 5 && minor >= 12);
}

int localports_read(struct ports *ret)
{
	_cleanup_free_ char *range = NULL, *reserved = NULL;
	struct ports p = { 0 };
	int r = read_setting("ip_local_port_range", &range);

	if (r == 0)
		r = read_setting("ip_local_reserved_ports", &reserved);
	if (r == 0)
		r = ports_read_range(&p, range);
	if (r == 0)
		r = ports_read_reserved(&p, reserved);
	p.by_dest = counts_by_dest();
	if (r == 0)
		*ret = p;
	return r;
}
