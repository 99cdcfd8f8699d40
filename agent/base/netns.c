/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/os.h"

#define NETNS_DIR "/run/netns/" /* of ip-netns(8) */
#define NETNS_OWN "/proc/self/ns/net"
#define NETNS_FIRST "/proc/1/ns/net"

int netns_path(const char *name, char ret[NETNS_MAX], struct request_error *ret_error)
{
	const bool is_path = strchr(name, '/');
	int n;

	if (!*name || (is_path && *name != '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return request_error_set(ret_error,
					 "netns \"%.48s\" is neither a name of ip-netns(8) nor an "
					 "absolute path",
					 name);
	n = snprintf(ret, NETNS_MAX, "%s%s", is_path ? "" : NETNS_DIR, name);
	if (n < 0 || n >= NETNS_MAX)
		return request_error_set(ret_error,
					 "netns \"%.48s\"... is longer than %d characters", name,
					 NETNS_MAX - 1);
	return 0;
}

static bool netns_equal(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

unsigned long netns_other(const char *path)
{
	struct stat first, it;

	/* who may not look at process 1 is taken to be in its namespace */
	if (stat(NETNS_FIRST, &first) < 0 && stat(NETNS_OWN, &first) < 0)
		return 0;
	if (stat(*path ? path : NETNS_OWN, &it) < 0)
		return 0;
	return netns_equal(&first, &it) ? 0 : (unsigned long)it.st_ino;
}

bool netns_is_own(const char *path)
{
	struct stat own, it;

	return stat(NETNS_OWN, &own) == 0 && stat(path, &it) == 0 && netns_equal(&own, &it);
}

int netns_enter(const char *path, struct request_error *ret_error)
{
	_cleanup_close_ int fd = -1;
	int r = 0;

	if (netns_is_own(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		r = -errno;
	if (r == -EPERM || r == -EACCES)
		request_error_set(ret_error,
				  "not permitted to enter the network namespace %s: only root may",
				  path);
	else if (r == -EINVAL)
		request_error_set(ret_error, "%s is no network namespace", path);
	else if (r < 0)
		request_error_set(ret_error, "there is no network namespace %s: %s", path,
				  strerror(-r));
	return r;
}
