/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inih splits the lines. What it would do silently is checked before it sees the text: it cuts
 * long lines and section names, takes an indented line as the continuation of a value, and does
 * not report a section without keys. */
#include "show/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <vipsafe/protocol.h>

#include "base/array.h"
#include "base/netns.h"
#include "base/os.h"
#include "show/settings_text.h"
#include "base/rundir.h"

#define FILE_BYTES_MAX (256 * 1024)
#define LINE_BYTES_MAX 190   /* inih's buffer holds 200 */
#define SECTION_BYTES_MAX 49 /* and 50 for a section's name */
#define PATH_QUOTE "%.120s"
#define BOM "\xef\xbb\xbf"
#define JOINT '\v' /* white space; a newline after it does not start a new line of the file */

DEFINE_CLEANUP(FILE, fclose)

/* A file that is being read. */
struct file {
	const char *path;
	struct settings *settings;
	char *text;
	size_t size;
	char section[SECTION_BYTES_MAX + 1]; /* the current one, in file_check() */
	FILE *stream;
	char **seen; /* "section\nkey" */
	size_t n_seen;
	int line; /* of the first error that a key caused; 0: none */
	int r;
	struct request_error error;
};

static void file_done(struct file *f)
{
	while (f->n_seen)
		free(f->seen[--f->n_seen]);
	free(f->seen);
	free(f->text);
}

static int fail_at(const struct file *f, int line, const char *text,
		   struct request_error *ret_error)
{
	return request_error_set(ret_error, PATH_QUOTE ":%d: %s", f->path, line, text);
}

static int fail_file(const char *path, int r, struct request_error *ret_error)
{
	request_error_set(ret_error, PATH_QUOTE ": %s", path, strerror(-r));
	return r;
}

/* The configuration decides what is done as root. The file's group may be root's or our own. */
static bool is_writable_by_others(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return true;
	return st->st_mode & S_IWOTH ||
	       (st->st_mode & S_IWGRP && st->st_gid != 0 && st->st_gid != getegid());
}

/* Others must not be able to put another file in its place either. */
static int check_way(const char *path, struct request_error *ret_error)
{
	char dir[PATH_MAX];
	int r = trusted_path(path, dir, sizeof(dir));

	if (r == -EPERM)
		return request_error_set(ret_error,
					 PATH_QUOTE ": others can change what is in " PATH_QUOTE
						    ", or it belongs to somebody else (chmod go-w)",
					 path, dir);
	return r < 0 ? fail_file(path, r, ret_error) : 0;
}

/* Read a regular file. Opening a FIFO does not block; FIFOs and devices are refused. */
static int config_file_read(struct file *f, struct request_error *ret_error)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = check_way(f->path, ret_error);

	if (r < 0)
		return r;
	fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_file(f->path, -errno, ret_error);
	if (!S_ISREG(st.st_mode))
		return request_error_set(ret_error, PATH_QUOTE " is not a regular file", f->path);
	if (is_writable_by_others(&st))
		return request_error_set(ret_error,
					 PATH_QUOTE " can be changed by others than its owner, "
						    "or belongs to somebody else (chmod go-w)",
					 f->path);
	f->text = malloc(FILE_BYTES_MAX + 1);
	if (!f->text)
		return fail_file(f->path, -ENOMEM, ret_error);
	r = os_read_all(fd, f->text, FILE_BYTES_MAX + 1, &f->size);
	if (r < 0)
		return fail_file(f->path, r, ret_error);
	if (f->size > FILE_BYTES_MAX)
		return request_error_set(ret_error, PATH_QUOTE " is larger than %d KiB", f->path,
					 FILE_BYTES_MAX / 1024);
	f->text[f->size] = '\0';
	return 0;
}

static int check_section(struct file *f, const char *line, size_t len, int number,
			 struct request_error *ret_error)
{
	const char *end = memchr(line, ']', len);
	char name[SECTION_BYTES_MAX + 1];
	struct request_error e = { "" };
	size_t n;
	int r;

	if (!end)
		return fail_at(f, number, "the section's name does not end with ]", ret_error);
	n = (size_t)(end - line - 1);
	if (n > SECTION_BYTES_MAX)
		return fail_at(f, number, "the section's name is longer than 49 characters",
			       ret_error);
	memcpy(name, line + 1, n);
	name[n] = '\0';
	memcpy(f->section, name, n + 1);
	r = settings_section(f->settings, name, &e);
	if (r == -EINVAL)
		return fail_at(f, number, e.text, ret_error);
	return r < 0 ? fail_file(f->path, r, ret_error) : 0;
}

/* inih starts a comment after a value only at " ;"; accept " #", too. */
static void mark_comment(char *line, size_t len)
{
	size_t i;

	for (i = 1; i < len; i++) {
		if (line[i] == '#' && (line[i - 1] == ' ' || line[i - 1] == '\t')) {
			line[i] = ';';
			return;
		}
	}
}

#define KEY_MAX 32

/* Copy the key of "KEY = …", the LEN bytes at TEXT; false: they are something else. */
static bool take_key(const char *text, size_t len, char key[KEY_MAX])
{
	const char *equals = memchr(text, '=', len), *end;

	end = equals;
	while (end && end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (!equals || end <= text || (size_t)(end - text) >= KEY_MAX)
		return false;
	memcpy(key, text, (size_t)(end - text));
	key[end - text] = '\0';
	return true;
}

/* Whether the LEN bytes at TEXT are "KEY = …" with a key that may follow " ;". */
static bool is_key(const struct file *f, const char *text, size_t len)
{
	char key[KEY_MAX];

	return take_key(text, len, key) && settings_is_joined(f->settings, f->section, key);
}

/* For inih everything after " ;" is a comment: "; " is not. */
static void keep_parts(const struct file *f, char *line, size_t len)
{
	char key[KEY_MAX];
	size_t i;

	if (!take_key(line, len, key) || !settings_is_parted(f->settings, f->section, key))
		return;
	for (i = 1; i < len; i++)
		if (line[i] == ';' && (line[i - 1] == ' ' || line[i - 1] == '\t')) {
			line[i - 1] = ';';
			line[i] = ' ';
		}
}

/* "a = 1 ; b = 2": split the keys. For inih everything after " ;" is a comment. */
static void part_keys(const struct file *f, char *line, size_t len)
{
	size_t i, end;

	for (i = 1; i < len; i++) {
		if (line[i] != ';' || (line[i - 1] != ' ' && line[i - 1] != '\t'))
			continue;
		end = i + 1;
		while (end < len && (line[end] == ' ' || line[end] == '\t'))
			end++;
		if (!is_key(f, line + end, len - end))
			return;
		/* the key has to begin its line: an indented one would continue the value */
		memset(line + i - 1, JOINT, end - i);
		line[end - 1] = '\n';
	}
}

/* Check every line and remove its indentation. */
static int file_check(struct file *f, struct request_error *ret_error)
{
	char *out = f->text, *in = f->text, *end = f->text + f->size;
	int number = 1, r;

	if (f->size >= strlen(BOM) && !memcmp(in, BOM, strlen(BOM)))
		in += strlen(BOM);
	for (; in < end; number++) {
		char *nl = memchr(in, '\n', (size_t)(end - in));
		char *next = nl ? nl + 1 : end;
		size_t len;

		while (in < next && (*in == ' ' || *in == '\t'))
			in++;
		len = (size_t)(next - in);
		if (len > LINE_BYTES_MAX)
			return fail_at(f, number, "the line is longer than 190 characters",
				       ret_error);
		if (memchr(in, '\0', len))
			return fail_at(f, number, "the line holds a NUL byte", ret_error);
		if (len && *in == '[') {
			r = check_section(f, in, len, number, ret_error);
			if (r < 0)
				return r;
		}
		keep_parts(f, in, len);
		mark_comment(in, len);
		part_keys(f, in, len);
		memmove(out, in, len);
		out += len;
		in = next;
	}
	*out = '\0';
	f->size = (size_t)(out - f->text);
	return 0;
}

static bool is_joint(const struct file *f, size_t newline)
{
	return newline && f->text[newline - 1] == JOINT;
}

/* The number of the line of the file in which the first SIZE bytes of the text end. */
static int line_at(const struct file *f, size_t size)
{
	size_t i;
	int n = 0;

	for (i = 0; i < size && i < f->size; i++)
		n += f->text[i] == '\n' && !is_joint(f, i);
	if (i && (f->text[i - 1] != '\n' || is_joint(f, i - 1)))
		n++;
	return n ? n : 1;
}

/* The number of the line that inih has just read. */
static int line_now(const struct file *f)
{
	long at = ftell(f->stream);

	return line_at(f, at > 0 ? (size_t)at : 0);
}

/* The line of the file for line N as inih counts. */
static int config_line_of(const struct file *f, int n)
{
	size_t i;

	for (i = 0; i < f->size && n; i++)
		n -= f->text[i] == '\n';
	return line_at(f, i);
}

static int seen_add(struct file *f, const char *section, const char *key)
{
	size_t size = strlen(section) + strlen(key) + 2, i;
	_cleanup_free_ char *name = malloc(size);
	char **place;

	if (!name)
		return -ENOMEM;
	snprintf(name, size, "%s\n%s", section, key);
	for (i = 0; i < f->n_seen; i++) {
		if (!strcmp(f->seen[i], name))
			return request_error_set(&f->error,
						 "key \"%.48s\" given twice in section "
						 "[%.48s]",
						 key, section);
	}
	place = array_append(&f->seen, &f->n_seen, sizeof(*place));
	if (!place)
		return -ENOMEM;
	*place = TAKE_PTR(name);
	return 0;
}

/* inih continues after an error: only the first one counts. Returns 1 on success, as inih wants
 * it. */
static int on_key(void *ud, const char *section, const char *key, const char *value)
{
	struct file *f = ud;

	if (f->r < 0)
		return 0;
	f->r = settings_apply(f->settings, section, key, value ? value : "", &f->error);
	if (f->r >= 0 && !settings_is_list(f->settings, section, key))
		f->r = seen_add(f, section, key);
	if (f->r >= 0)
		return 1;
	f->line = line_now(f);
	return 0;
}

static int file_parse(struct file *f, struct request_error *ret_error)
{
	_cleanup_(fclosep) FILE *stream = NULL;
	int r;

	if (!f->size) /* fmemopen() before glibc 2.22 does not accept an empty buffer */
		return 0;
	stream = fmemopen(f->text, f->size, "r");
	if (!stream)
		return fail_file(f->path, -errno, ret_error);
	f->stream = stream;
	r = ini_parse_file(stream, on_key, f);
	f->stream = NULL;
	if (f->r == -ENOMEM || r < 0)
		return fail_file(f->path, -ENOMEM, ret_error);
	if (r > 0)
		r = config_line_of(f, r);
	if (r > 0 && (!f->line || r < f->line))
		return fail_at(f, r, "this is neither [section] nor key = value", ret_error);
	return f->r < 0 ? fail_at(f, f->line, f->error.text, ret_error) : 0;
}

static int load_file(const char *path, struct settings *s, struct request_error *ret_error)
{
	_cleanup_(file_done) struct file f = { .path = path, .settings = s };
	int r;

	r = config_file_read(&f, ret_error);
	if (r >= 0)
		r = file_check(&f, ret_error);
	if (r >= 0)
		r = file_parse(&f, ret_error);
	return r;
}

static int config_is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".conf");
}

/* Compare bytes: the same order in every locale. */
static int config_by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_dir(const char *path, struct settings *s, struct request_error *ret_error)
{
	const char *slash = strrchr(path, '/');
	struct dirent **list = NULL;
	char dir[PATH_MAX], file[PATH_MAX + NAME_MAX + 2];
	int i, n, r = 0;

	n = snprintf(dir, sizeof(dir), "%.*sconf.d", slash ? (int)(slash - path + 1) : 0, path);
	if (n < 0 || (size_t)n >= sizeof(dir))
		return fail_file(path, -ENAMETOOLONG, ret_error);
	n = scandir(dir, &list, config_is_conf, config_by_name);
	if (n < 0)
		return errno == ENOENT ? 0 : fail_file(dir, -errno, ret_error);
	r = check_way(dir, ret_error);
	for (i = 0; i < n; i++) {
		if (r >= 0) {
			snprintf(file, sizeof(file), "%s/%s", dir, list[i]->d_name);
			r = load_file(file, s, ret_error);
		}
		free(list[i]);
	}
	free(list);
	return r;
}

/* A network namespace made by ip-netns(8) shares /run with us. A device of the same name is
 * another one there, so its journal must not be read here, nor does a daemon there guard ours. A
 * run_dir that is given is used as it is. */
static void keep_namespaces_apart(struct settings *s)
{
	unsigned long netns = *s->run_dir ? 0 : netns_other(s->netns);

	if (netns)
		snprintf(s->run_dir, sizeof(s->run_dir), VIPSAFE_RUN_DIR "-netns-%lu", netns);
}

/* What is known once all was read. R: how that went; S is taken over. */
static int config_finish(struct settings *s, const char *netns, int r, struct settings *ret,
			 struct request_error *ret_error)
{
	if (r >= 0 && netns)
		r = netns_path(netns, s->netns, ret_error);
	keep_namespaces_apart(s);
	if (r >= 0)
		r = settings_finish(s, ret_error);
	if (r < 0) {
		settings_done(s);
		return r;
	}
	*ret = *s;
	return 0;
}

int config_load_in(const char *path, const char *netns, struct settings *ret,
		   struct request_error *ret_error)
{
	const char *file = path ? path : VIPSAFE_CONFIG;
	struct settings s;
	int r;

	r = settings_init(&s, sections_all);
	if (r == 0)
		r = load_file(file, &s, ret_error);
	if (r == -ENOENT && !path)
		r = 0;
	if (r >= 0)
		r = load_dir(file, &s, ret_error);
	return config_finish(&s, netns, r, ret, ret_error);
}

int config_defaults(const char *netns, struct settings *ret, struct request_error *ret_error)
{
	struct settings s;
	int r = settings_init(&s, sections_all);

	return config_finish(&s, netns, r, ret, ret_error);
}

int config_load(const char *path, struct settings *ret, struct request_error *ret_error)
{
	return config_load_in(path, NULL, ret, ret_error);
}
