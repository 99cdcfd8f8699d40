/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/instance_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/rundir.h"

/* The file:
 *   vipsafe-instances 1
 *   boot_id 0f6c…
 *   MASTER fifo …      one line per instance (keepalived/instance_event.c) */
#define FILE_NAME "instances"
#define FILE_MAGIC "vipsafe-instances 1"
#define HEAD_MAX 128

static const char *const lock_names[] = { "instances.lock", "instances.work" };

int instance_file_lock(const char *run_dir, enum instance_lock which, const struct kernel *k,
		       usec_t deadline, int *ret_fd)
{
	_cleanup_close_ int dir = rundir_open(run_dir);

	return dir < 0 ? dir : lock_file(dir, lock_names[which], k, deadline, ret_fd);
}

/* The next line of *TEXT, which then points behind it; NULL: there is no complete line. */
static char *instance_file_next_line(char **text)
{
	char *line = *text, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line;
}

static int instance_file_take_line(const struct settings *s, const char *line, usec_t now,
				   struct instance *list)
{
	size_t i;

	for (i = 0; i < s->n_instances; i++) {
		int r = instance_parse(&list[i], line, s->instances[i].name, now);

		if (r != -ENOENT)
			return r;
	}
	return 0; /* it is no longer configured */
}

static int instance_file_take_file(const struct settings *s, char *text, const char *boot_id,
				   usec_t now, struct instance *list)
{
	const char *magic = instance_file_next_line(&text), *boot = instance_file_next_line(&text),
		   *line;
	size_t i;

	if (!magic || !boot || strcmp(magic, FILE_MAGIC) != 0 ||
	    strncmp(boot, "boot_id ", 8) != 0 || strcmp(boot + 8, boot_id) != 0)
		return -EBADMSG;
	while ((line = instance_file_next_line(&text)))
		if (instance_file_take_line(s, line, now, list) < 0)
			return -EBADMSG;
	for (i = 0; i < s->n_instances; i++)
		if (!s->instances[i].has_decoy)
			instance_forget_decoy(&list[i]);
	return *text ? -EBADMSG : 0;
}

static size_t size_max(const struct settings *s)
{
	return HEAD_MAX + (s->n_instances + 1) * INSTANCE_TEXT_MAX;
}

int instance_file_load(const struct settings *s, const char *boot_id, usec_t now,
		       struct instance *list)
{
	_cleanup_close_ int dir = rundir_open(s->run_dir);
	/* the file may be of a longer configuration */
	size_t size = MAX(size_max(s), (size_t)1024 * 1024), got;
	_cleanup_free_ char *text = malloc(size);
	int r;

	memset(list, 0, s->n_instances * sizeof(*list));
	if (!text)
		return -ENOMEM;
	r = dir < 0 ? dir : rundir_read(dir, FILE_NAME, text, size, &got);
	/* on a read-only file system later events could not be recorded */
	if (r == 0 && faccessat(dir, ".", W_OK, 0) < 0 && errno == EROFS)
		r = -EROFS;
	if (r < 0)
		return r == -ENOENT ? -ENOENT : -EBADMSG;
	r = strlen(text) == got ? instance_file_take_file(s, text, boot_id, now, list) : -EBADMSG;
	if (r < 0)
		memset(list, 0, s->n_instances * sizeof(*list));
	return r;
}

bool instance_file_is_other(const struct settings *s, struct instance_file_seen *seen)
{
	struct instance_file_seen now = { 0 }, before = *seen;
	char path[PATH_MAX];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/" FILE_NAME, s->run_dir);

	if (n > 0 && n < (int)sizeof(path) && lstat(path, &st) == 0)
		now = (struct instance_file_seen){ st.st_ino, (uint64_t)st.st_size,
						   st.st_mtim.tv_sec, st.st_mtim.tv_nsec };
	*seen = now;
	return memcmp(&now, &before, sizeof(now)) != 0;
}

/* Write the file. If there is no room for two copies, delete the old one first. */
static int file_replace(int dir, const char *text, size_t size, bool *ret_stale)
{
	int r = rundir_write(dir, FILE_NAME, text, size);

	*ret_stale = false;
	if (r == 0)
		return 0;
	if (unlinkat(dir, FILE_NAME, 0) < 0) {
		*ret_stale = errno != ENOENT;
		return r;
	}
	return rundir_write(dir, FILE_NAME, text, size);
}

int instance_file_store(const struct settings *s, const char *boot_id, const struct instance *list,
			bool *ret_stale)
{
	_cleanup_close_ int dir = rundir_open(s->run_dir);
	_cleanup_free_ char *text = malloc(size_max(s));
	char line[INSTANCE_TEXT_MAX];
	size_t i;
	int n;

	*ret_stale = dir >= 0;
	if (dir < 0)
		return dir;
	if (!text)
		return -ENOMEM;
	n = snprintf(text, HEAD_MAX, FILE_MAGIC "\nboot_id %s\n", boot_id);
	if (n < 0 || n >= HEAD_MAX)
		return -EINVAL;
	for (i = 0; i < s->n_instances; i++)
		n += snprintf(text + n, INSTANCE_TEXT_MAX + 1, "%s\n",
			      instance_format(&list[i], s->instances[i].name, line));
	return file_replace(dir, text, (size_t)n, ret_stale);
}
