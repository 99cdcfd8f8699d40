/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

#include "base/text.h"

/* asm-generic/socket.h, Linux 4.13 */
#define PEER_GROUPS 59

#define GROUPS_MAX 65536

#define STATUS_SIZE 16384

int peer_read(int fd, struct peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	*ret = (struct peer){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	if (len != sizeof(cred))
		return -EBADMSG;
	*ret = (struct peer){ .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
	return 0;
}

/* -ENOPROTOOPT: an older kernel. */
static int in_groups(int fd, gid_t gid, bool *ret)
{
	_cleanup_free_ gid_t *list = malloc(GROUPS_MAX * sizeof(*list));
	socklen_t len = GROUPS_MAX * sizeof(*list);
	size_t i;

	if (!list)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, PEER_GROUPS, list, &len) < 0)
		return -errno;
	*ret = false;
	for (i = 0; i < len / sizeof(*list); i++)
		*ret |= list[i] == gid;
	return 0;
}

/* "Groups:\t4 24 27 \n" */
static bool line_has(char *line, gid_t gid)
{
	char *save = NULL, *word;
	uint64_t n;

	for (word = strtok_r(line, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
		if (!text_number(word, 0, UINT32_MAX, &n) && n == gid)
			return true;
	return false;
}

/* Reads the process that has the number PID now: after the peer's exit this may
 * be another one, which older kernels cannot show. */
static bool in_status(pid_t pid, gid_t gid)
{
	static const char key[] = "\nGroups:";
	char path[64], text[STATUS_SIZE], *line, *end;
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	line = strstr(text, key);
	end = line ? strchr(line + 1, '\n') : NULL;
	if (!end) /* cut short: not all groups are in it */
		return false;
	*end = '\0';
	return line_has(line + strlen(key), gid);
}

static bool peer_is_member(const struct peer *p, int fd, gid_t gid)
{
	bool member = false;
	int r;

	if (p->gid == gid)
		return true;
	r = in_groups(fd, gid, &member);
	if (r == -ENOPROTOOPT)
		return in_status(p->pid, gid);
	return r == 0 && member;
}

enum peer_rights peer_rights(const struct peer *p, int fd, gid_t gid)
{
	if (p->uid == 0 || p->uid == geteuid())
		return PEER_ROOT;
	return gid != (gid_t)-1 && peer_is_member(p, fd, gid) ? PEER_GROUP : PEER_NOBODY;
}

gid_t peer_group(const char *name)
{
	const struct group *g = strcmp(name, "none") ? getgrnam(name) : NULL;

	return g ? g->gr_gid : (gid_t)-1;
}
