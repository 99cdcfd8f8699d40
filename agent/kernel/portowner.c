/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/portowner.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "base/text.h"

/* libnl chooses a port from the number of the process and up to ten bits above it. */
#define LIBNL_PID(port) ((port)&0x3fffff)

/* To look through all processes for a socket; then others wait. */
#define SEARCH_MAX (50 * USEC_PER_MSEC)

/* Columns of the list: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode. */
#define COLUMN_PROTOCOL 1
#define COLUMN_PORT 2
#define COLUMN_INODE 9
#define COLUMNS 10

/* The columns of LINE as numbers; the first is none. False: it has fewer, or others. */
static bool owner_columns(char *line, uint64_t ret[COLUMNS])
{
	char *save, *word = strtok_r(line, " \n", &save);
	size_t i;

	for (i = 0; i < COLUMNS && word; i++, word = strtok_r(NULL, " \n", &save))
		if ((i == COLUMN_PROTOCOL || i == COLUMN_PORT || i == COLUMN_INODE) &&
		    text_number(word, 0, INT64_MAX, &ret[i]) < 0)
			return false;
	return i == COLUMNS;
}

/* The inode of the socket that has PORT; 0: none has it. */
static uint64_t owner_inode(int protocol, uint32_t port)
{
	FILE *f = fopen("/proc/net/netlink", "re");
	uint64_t found = 0, at[COLUMNS];
	char line[256];

	while (f && !found && fgets(line, sizeof(line), f))
		if (owner_columns(line, at) && at[COLUMN_PROTOCOL] == (uint64_t)protocol &&
		    at[COLUMN_PORT] == port)
			found = at[COLUMN_INODE];
	if (f)
		fclose(f);
	return found;
}

/* 1, 0, or -EACCES: that cannot be seen, as in a service with few capabilities. */
static int owner_has(long pid, uint64_t inode)
{
	char dir[64], link[64], want[64];
	struct dirent *e;
	int has = 0;
	ssize_t n;
	DIR *d;

	snprintf(dir, sizeof(dir), "/proc/%ld/fd", pid);
	snprintf(want, sizeof(want), "socket:[%llu]", (unsigned long long)inode);
	d = opendir(dir);
	if (!d)
		return errno == EACCES || errno == EPERM ? -EACCES : 0;
	while (!has && (e = readdir(d))) {
		n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);
		link[MAX(n, (ssize_t)0)] = '\0';
		if (n < 0)
			has = errno == EACCES ? -EACCES : has;
		else if (!strcmp(link, want))
			has = 1;
	}
	closedir(d);
	return has;
}

/* The process that has the socket INODE; 0: it was not found in time. */
static long owner_search(uint64_t inode)
{
	usec_t deadline = os_deadline(SEARCH_MAX);
	DIR *d = opendir("/proc");
	struct dirent *e;
	long found = 0;

	while (d && !found && os_left(deadline) && (e = readdir(d))) {
		uint64_t pid;

		if (text_number(e->d_name, 1, INT_MAX, &pid) == 0 &&
		    owner_has((long)pid, inode) > 0)
			found = (long)pid;
	}
	if (d)
		closedir(d);
	return found;
}

int port_owner(enum port_kind kind, uint32_t port, bool search, struct port_owner *ret)
{
	const int protocol = kind == PORT_ROUTE ? NETLINK_ROUTE : NETLINK_NETFILTER;
	uint64_t inode = owner_inode(protocol, port);
	long guess[] = { port <= INT_MAX ? (long)port : 0, LIBNL_PID(port) }, pid = 0;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < ARRAY_SIZE(guess) && !pid; i++) {
		/* a program on its way out has lost its socket, and has its name still */
		int has = inode ? owner_has(guess[i], inode) : -EACCES;

		if (!guess[i] || !has || !identity_comm(guess[i], ret->comm, sizeof(ret->comm)))
			continue;
		pid = guess[i];
		ret->is_sure = has > 0;
	}
	if (!pid && inode && !search)
		return -EAGAIN;
	if (!pid && inode) {
		pid = owner_search(inode);
		ret->is_sure = pid && identity_comm(pid, ret->comm, sizeof(ret->comm));
	}
	ret->pid = (uint32_t)pid;
	return pid ? 0 : -ESRCH;
}
