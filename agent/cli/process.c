/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <vipsafe/base.h>

#include "base/os.h"
#include "base/text.h"

#define WORDS_MAX 4096 /* of a command line */

/* Whether the process is in the same namespace KIND as this one; not if that may not be known. */
static bool shares_namespace(const char *pid, const char *kind)
{
	struct stat own, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	if (stat(path, &own) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s/ns/%s", pid, kind);
	return stat(path, &its) == 0 && own.st_dev == its.st_dev && own.st_ino == its.st_ino;
}

bool process_is_here(const char *pid)
{
	return shares_namespace(pid, "net");
}

const char *process_path(const char *pid, const char *path, char ret[PATH_MAX])
{
	bool far = !shares_namespace(pid, "mnt");

	if (*path != '/')
		snprintf(ret, PATH_MAX, "/proc/%.20s/cwd/%s", pid, path);
	else if (far)
		snprintf(ret, PATH_MAX, "/proc/%.20s/root%s", pid, path);
	else
		snprintf(ret, PATH_MAX, "%s", path);
	return ret;
}

/* The value of OPTION in the command line, whose words end with a NUL each. NULL: not given. */
static const char *process_value(const struct process_option *option, const char *words,
				 size_t size)
{
	const char *at = words, *end = words + size, *next, *value = NULL;
	size_t n = strlen(option->name);
	bool wanted = false;

	for (; at < end && (next = memchr(at, '\0', (size_t)(end - at))); at = next + 1) {
		if (wanted)
			value = at;
		wanted = false;
		if (at[0] != '-')
			continue;
		if (at[1] == '-' && !strncmp(at + 2, option->name, n) && at[2 + n] == '=')
			value = at + 2 + n + 1;
		else if (at[1] == '-' && !strcmp(at + 2, option->name))
			wanted = true;
		else if (option->letter && at[1] == option->letter && at[2])
			value = at + 2;
		else if (option->letter && at[1] == option->letter)
			wanted = true;
	}
	return value;
}

bool process_name(const char *pid, char ret[PROCESS_NAME_MAX])
{
	uint64_t number;

	return text_number(pid, 1, INT_MAX, &number) == 0 &&
	       identity_comm((int64_t)number, ret, PROCESS_NAME_MAX);
}

static bool process_is(const char *pid, const char *comm)
{
	char name[PROCESS_NAME_MAX];

	return process_name(pid, name) && !strcmp(name, comm) && process_is_here(pid);
}

size_t process_words(const char *pid, char *buf, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[64];
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)os_read_all(fd, buf, size, &n);
	return n;
}

bool process_parent_name(const char *pid, char ret[PROCESS_NAME_MAX])
{
	char path[64], line[128], number[24] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
	f = fopen(path, "re");
	while (f && !*number && fgets(line, sizeof(line), f))
		if (!strncmp(line, "PPid:", 5))
			snprintf(number, sizeof(number), "%.*s",
				 (int)strspn(line + 5 + strspn(line + 5, " \t"), "0123456789"),
				 line + 5 + strspn(line + 5, " \t"));
	if (f)
		fclose(f);
	return *number && process_name(number, ret);
}

static void process_take_file(const struct process_option *option, const char *pid,
			      char ret_file[PATH_MAX])
{
	char words[WORDS_MAX + 1] = "";
	const char *value = process_value(option, words, process_words(pid, words, WORDS_MAX));

	if (value)
		process_path(pid, value, ret_file);
}

void process_each(const char *comm, void (*fn)(void *ud, const char *pid), void *ud)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]) && process_is(d->d_name, comm))
			fn(ud, d->d_name);
	if (dir)
		closedir(dir);
}

struct process_search {
	const struct process_option *option;
	char *file;
	int result;
};

static void process_on_found(void *ud, const char *pid)
{
	struct process_search *s = ud;

	if (s->result == 0)
		return;
	process_take_file(s->option, pid, s->file);
	s->result = 0;
}

int process_find(const struct process_option *option, char ret_file[PATH_MAX])
{
	struct process_search s = { option, ret_file, -ENOENT };

	*ret_file = '\0';
	process_each(option->comm, process_on_found, &s);
	return s.result;
}
