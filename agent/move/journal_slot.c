/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slots: files that stay, for moves that have no entry to save. */
#include "move/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "slot-"

const char *journal_slot_name(const char *device, char buf[JOURNAL_NAME_MAX])
{
	snprintf(buf, JOURNAL_NAME_MAX, PREFIX "%s", device);
	return buf;
}

const char *journal_slot_device(const char *name)
{
	bool ours = !strncmp(name, PREFIX, strlen(PREFIX)) && !strchr(name, '~');

	return ours ? name + strlen(PREFIX) : NULL;
}

static bool journal_is_usable(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	       !(st.st_mode & 022) && st.st_uid == geteuid();
}

/* Opens it anew if the file was removed (by a recovery, say) or its directory. */
int journal_slot_open(int dirfd, const char *device, int *fd)
{
	char name[JOURNAL_NAME_MAX];

	if (*fd >= 0 && journal_is_usable(*fd))
		return 0;
	closep(fd);
	journal_slot_name(device, name);
	*fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (*fd < 0)
		return -errno;
	if (!journal_is_usable(*fd)) {
		close(TAKE_FD(*fd));
		return -EPERM;
	}
	return 0;
}

/* Two writes, since a kill can cut the first at the end of a page: the file is in force
 * only with the second. */
int journal_slot_put(int fd, const char *boot_id, const struct request *request, usec_t at)
{
	struct journal_header h = journal_header_make(boot_id, request, at);

	h.moved = PROGRESS_IDLE;
	if (pwrite(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		return -EIO;
	return journal_mark(fd, PROGRESS_BEGUN);
}

int journal_slot_mark_moved(int fd)
{
	return journal_mark(fd, PROGRESS_MOVED);
}

int journal_slot_clear(int fd)
{
	return journal_mark(fd, PROGRESS_IDLE);
}
