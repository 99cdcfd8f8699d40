/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Journals that grow: what a guard is about to put back, and what a run is about to pin. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/os.h"
#include "move/journal_file.h"

#define REPAIR_PREFIX "repair-"

const char *journal_repair_name(const char *device, char buf[JOURNAL_NAME_MAX])
{
	return journal_file_name(REPAIR_PREFIX, device, buf);
}

const char *journal_repair_device(const char *name)
{
	return journal_file_device(REPAIR_PREFIX, name);
}

int journal_repair_begin(int dirfd, const char *device, const char *boot_id,
			 const struct request *request, usec_t at)
{
	struct journal_header h = journal_header_make(boot_id, request, at);
	_cleanup_close_ int fd = -1;
	char name[JOURNAL_NAME_MAX];
	int r;

	journal_repair_name(device, name);
	(void)unlinkat(dirfd, name, 0);
	fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	h.moved = PROGRESS_MOVED;
	r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : os_write_all(fd, &h, sizeof(h));
	if (r < 0) {
		(void)unlinkat(dirfd, name, 0);
		return r;
	}
	return TAKE_FD(fd);
}

static int write_record(FILE *f, const struct conn_record *record)
{
	struct journal_entry e;

	memset(&e, 0, sizeof(e));
	e.conn = *record->conn;
	e.conn.has_master = false; /* its master may not be in the file */
	e.payload_len = (uint32_t)record->payload_len;
	if (fwrite(&e, sizeof(e), 1, f) != 1 ||
	    (record->payload_len && fwrite(record->payload, record->payload_len, 1, f) != 1))
		return journal_error();
	return 0;
}

/* Records count only once the number in the header includes them. */
int journal_grow(int fd, const struct conn_record *records, size_t n, uint64_t *count)
{
	uint64_t total = *count + n;
	off_t end = lseek(fd, 0, SEEK_END);
	int copy = end < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0), r = 0;
	FILE *f = copy < 0 ? NULL : fdopen(copy, "w");
	size_t i;

	if (!f) {
		closep(&copy);
		return -EIO;
	}
	for (i = 0; i < n && r == 0; i++)
		r = write_record(f, &records[i]);
	if (fclose(f) != 0 && r == 0)
		r = journal_error();
	if (r == 0)
		r = journal_written(pwrite(fd, &total, sizeof(total),
					   offsetof(struct journal_header, n_entries)),
				    sizeof(total));
	if (r < 0)
		return ftruncate(fd, end) < 0 ? -errno : r;
	*count = total;
	return 0;
}

bool journal_repair_is_alive(int dirfd, const char *name)
{
	_cleanup_close_ int fd =
		openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}
