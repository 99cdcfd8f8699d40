/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include <vipsafe/base.h>

#include "base/rundir.h"
#include "base/text.h"
#include "show/report_json.h"
#include "show/report_text.h"
#include "show/table.h"

typedef unsigned long long ull;

char *history_line(const struct report *r, usec_t now)
{
	json_t *o = report_json_new(r);

	if (json_object_set_new(o, "at_us", json_integer((json_int_t)now)) < 0) {
		json_decref(o);
		return NULL;
	}
	return object_line(o);
}

char *history_linger_line(const struct history_linger *l, const char *id, usec_t now)
{
	json_t *o = json_object(), *list = json_array(), *entries = json_object();
	json_t *timing = json_object();
	char text[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < l->n; i++)
		object_append(&list, json_string(addr_format(&l->addrs[i], text)));
	object_put_number(&entries, "candidates", l->entries);
	object_put_number(&timing, "total", l->age);
	object_put_text(&o, "id", id);
	object_put_text(&o, "op", "linger");
	object_put(&o, "addresses", list);
	object_put_text(&o, "device", l->device);
	object_put_text(&o, "result", l->result);
	object_put(&o, "entries", entries);
	object_put(&o, "timing_us", timing);
	object_put_number(&o, "at_us", now);
	return object_line(o);
}

static const char *show_history_text_of(json_t *one, const char *key)
{
	const char *text = json_string_value(json_object_get(one, key));

	return text ? text : "";
}

/* A number of the operation ONE, or of its object OUTER. */
static ull number_of(json_t *one, const char *outer, const char *key)
{
	json_t *o = outer ? json_object_get(one, outer) : one;
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (ull)n : 0;
}

static bool is_operation(json_t *o)
{
	return json_is_integer(json_object_get(o, "at_us")) && *show_history_text_of(o, "id") &&
	       *show_history_text_of(o, "op") && json_is_array(json_object_get(o, "addresses")) &&
	       json_is_object(json_object_get(o, "entries"));
}

json_t *history_parse(const char *text, size_t max)
{
	const char *end = strrchr(text, '\n'), *p;
	json_t *list = json_array();
	size_t n = 0;

	/* a last line without its newline is not complete */
	for (; end && list && n<max; end = p> text ? p - 1 : NULL, n++) {
		json_t *o;

		for (p = end; p > text && p[-1] != '\n'; p--)
			;
		o = json_loadb(p, (size_t)(end - p), 0, NULL);
		if (!is_operation(o)) {
			json_decref(o);
			continue;
		}
		if (json_array_append_new(list, o) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *history_find(json_t *list, const char *id)
{
	json_t *found = NULL;
	size_t i;

	for (i = 0; i < json_array_size(list) && *id; i++) {
		json_t *one = json_array_get(list, i);

		if (strncmp(show_history_text_of(one, "id"), id, strlen(id)))
			continue;
		if (found)
			return NULL;
		found = one;
	}
	return found;
}

const char *history_age(usec_t age, char buf[32])
{
	ull s = age / USEC_PER_SEC;

	if (s < 120)
		snprintf(buf, 32, "%llu s", s);
	else if (s < 2 * 3600)
		snprintf(buf, 32, "%llu min", s / 60);
	else if (s < 2 * 86400)
		snprintf(buf, 32, "%llu h", s / 3600);
	else
		snprintf(buf, 32, "%llu d", s / 86400);
	return buf;
}

static usec_t show_history_age_of(json_t *one, usec_t now)
{
	usec_t at = number_of(one, NULL, "at_us");

	return now > at ? now - at : 0;
}

/* "A" or "A +2" (two more addresses). Returns BUF. */
static const char *addresses_of(json_t *one, char *buf, size_t size)
{
	json_t *list = json_object_get(one, "addresses");
	size_t n = json_array_size(list);
	const char *first = json_string_value(json_array_get(list, 0));

	snprintf(buf, size, n > 1 ? "%s +%zu" : "%s", first ? first : "-", n - 1);
	return buf;
}

void history_print(json_t *list, usec_t now, unsigned columns, FILE *out)
{
	static const char *const heads[] = { "AGO",	  "OP",	   "ADDRESS", "DEVICE", "RESULT",
					     "?>AT RISK", ">LOST", "?>TOOK",  "ID",	NULL };
	_cleanup_(table_freep) struct table *t = table_new(heads);
	char age[32], took[32], addresses[PREFIX_TEXT_MAX + 32];
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i);

		table_cell(t, "%s", history_age(show_history_age_of(one, now), age));
		table_cell(t, "%s", show_history_text_of(one, "op"));
		table_cell(t, "%s", addresses_of(one, addresses, sizeof(addresses)));
		table_cell(t, "%s", show_history_text_of(one, "device"));
		table_cell(t, "%s", show_history_text_of(one, "result"));
		table_cell(t, "%llu", number_of(one, "entries", "candidates"));
		table_cell(t, "%llu", number_of(one, "entries", "lost"));
		table_cell(t, "%s",
			   report_text_duration(number_of(one, "timing_us", "total"), took));
		table_cell(t, "%s", show_history_text_of(one, "id"));
	}
	table_print(t, columns, out);
}

static void row(FILE *out, const char *name, const char *value)
{
	char text[4 * REPORT_TEXT_MAX];

	if (*value)
		fprintf(out, "  %-13s  %s\n", name, text_escape(value, text, sizeof(text)));
}

static void show_history_print_counts(json_t *one, FILE *out)
{
	const struct report_row *row;

	for (row = report_counts; row->key; row++)
		fprintf(out, "  %-13s  %llu\n", row->key, number_of(one, "entries", row->key));
}

static void print_times(json_t *one, FILE *out)
{
	const struct report_row *at;
	char name[32], took[32];

	for (at = report_times; at->key; at++) {
		snprintf(name, sizeof(name), "%s took", at->key);
		row(out, name, report_text_duration(number_of(one, "timing_us", at->key), took));
	}
}

static void print_list(json_t *list, const char *name, const char *key, FILE *out)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *item = json_array_get(list, i);

		if (json_is_object(item)) {
			row(out, name, show_history_text_of(item, key));
			row(out, "fix", show_history_text_of(item, "fix"));
		} else {
			row(out, name, json_is_string(item) ? json_string_value(item) : "");
		}
	}
}

static void print_asker(json_t *by, FILE *out)
{
	char text[REPORT_TEXT_MAX];

	if (!by)
		return;
	snprintf(text, sizeof(text), "%s (pid %llu, uid %llu)", show_history_text_of(by, "command"),
		 number_of(by, NULL, "pid"), number_of(by, NULL, "uid"));
	row(out, "asked by", text);
}

void history_print_one(json_t *one, usec_t now, FILE *out)
{
	char age[32], text[64];

	snprintf(text, sizeof(text), "%s ago", history_age(show_history_age_of(one, now), age));
	fprintf(out, "operation %s\n",
		text_escape(show_history_text_of(one, "id"), age, sizeof(age)));
	row(out, "when", text);
	row(out, "what", show_history_text_of(one, "op"));
	print_list(json_object_get(one, "addresses"), "address", "", out);
	row(out, "device", show_history_text_of(one, "device"));
	print_asker(json_object_get(one, "by"), out);
	row(out, "result", show_history_text_of(one, "result"));
	row(out, "error", show_history_text_of(one, "error"));
	row(out, "kernel", show_history_text_of(one, "kernel"));
	row(out, "strategy", show_history_text_of(one, "strategy"));
	row(out, "hold", show_history_text_of(one, "hold"));
	show_history_print_counts(one, out);
	print_times(one, out);
	print_list(json_object_get(one, "lost_tuples"), "lost", "", out);
	print_list(json_object_get(one, "warnings"), "warning", "text", out);
}

#define FILE_NAME "history"
#define FILE_MAGIC "vipsafe-history 1 "
#define MAGIC_MAX 128

/* For a reader, who does not lock: the file may be longer by a line before it is cut. */
#define BUFFER_SIZE (HISTORY_SIZE_MAX + HISTORY_LINE_MAX + 2 * MAGIC_MAX)

/* Another writer needs microseconds; do not wait for one that was stopped. */
#define LOCK_TRIES 50
#define LOCK_PAUSE_NSEC 1000000

/* Others may replace the file after it was opened. */
#define OPEN_TRIES 5

static int magic(const char *boot_id, char buf[MAGIC_MAX])
{
	int n = snprintf(buf, MAGIC_MAX, FILE_MAGIC "%s\n", boot_id);

	return n > 0 && n < MAGIC_MAX ? n : -EINVAL;
}

static bool history_file_lock(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NSEC };
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* Open the file and lock it if possible: without the lock a line is appended as well, but the
 * file is not replaced. */
static int open_current(int dir, struct stat *ret, bool *ret_locked)
{
	struct stat named;
	int i;

	for (i = 0; i < OPEN_TRIES; i++) {
		_cleanup_close_ int fd = openat(
			dir, FILE_NAME,
			O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

		if (fd < 0)
			return -errno;
		*ret_locked = history_file_lock(fd);
		if (fstat(fd, ret) < 0)
			return -errno;
		if (!S_ISREG(ret->st_mode))
			return -EPERM;
		if (!*ret_locked || (fstatat(dir, FILE_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
				     named.st_ino == ret->st_ino && named.st_dev == ret->st_dev))
			return TAKE_FD(fd);
	}
	return -EAGAIN;
}

static bool is_of_this_boot(int fd, const char *head, size_t size)
{
	char found[MAGIC_MAX];

	return pread(fd, found, size, 0) == (ssize_t)size && !memcmp(found, head, size);
}

/* Write TEXT, of SIZE bytes, without its older half; the first line stays. */
static int history_file_cut(int dir, char *text, size_t size)
{
	char *first = strchr(text, '\n'), *from;
	size_t head;

	if (!first)
		return -EBADMSG;
	head = (size_t)(first + 1 - text);
	from = strchr(text + MAX(head, size - HISTORY_SIZE_MAX / 2), '\n');
	if (!from)
		return -EBADMSG;
	from++;
	memmove(text + head, from, size - (size_t)(from - text));
	return rundir_write(dir, FILE_NAME, text, head + size - (size_t)(from - text));
}

static int cut_file(int dir)
{
	_cleanup_free_ char *text = malloc(BUFFER_SIZE);
	size_t size;
	int r = text ? rundir_read(dir, FILE_NAME, text, BUFFER_SIZE, &size) : -ENOMEM;

	if (r == -EFBIG) /* not written by vipsafe */
		return unlinkat(dir, FILE_NAME, 0) < 0 ? -errno : 0;
	return r < 0 ? r : history_file_cut(dir, text, size);
}

/* Write all of LINE with its newline, or nothing. */
static int add_line(int fd, off_t size, const char *line, size_t len)
{
	if (write(fd, line, len) == (ssize_t)len)
		return 0;
	return ftruncate(fd, size) < 0 ? -errno : -ENOSPC;
}

int history_append(const char *run_dir, const char *boot_id, const char *line)
{
	_cleanup_close_ int dir = rundir_open(run_dir);
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	size_t len = strlen(line);
	char head[MAGIC_MAX];
	bool locked = false;
	struct stat st;
	int n, r;

	n = magic(boot_id, head);
	if (dir < 0 || n < 0)
		return dir < 0 ? dir : n;
	if (len > HISTORY_LINE_MAX || strchr(line, '\n'))
		return -EINVAL;
	text = malloc((size_t)n + len + 2);
	if (!text)
		return -ENOMEM;
	memcpy(text, head, (size_t)n);
	memcpy(text + n, line, len);
	memcpy(text + (size_t)n + len, "\n", 2);
	fd = open_current(dir, &st, &locked);
	if (fd < 0)
		return fd;
	if (!is_of_this_boot(fd, head, (size_t)n))
		return locked ? rundir_write(dir, FILE_NAME, text, (size_t)n + len + 1) : -EAGAIN;
	r = add_line(fd, st.st_size, text + n, len + 1);
	if (r == 0 && locked && (size_t)st.st_size + len > HISTORY_SIZE_MAX)
		r = cut_file(dir);
	return r;
}

int history_read(const char *run_dir, const char *boot_id, char **ret)
{
	_cleanup_close_ int dir = rundir_open(run_dir);
	_cleanup_free_ char *text = NULL;
	char head[MAGIC_MAX];
	size_t size;
	int n, r;

	n = magic(boot_id, head);
	if (dir < 0 || n < 0)
		return dir < 0 ? dir : n;
	text = malloc(BUFFER_SIZE);
	if (!text)
		return -ENOMEM;
	r = rundir_read(dir, FILE_NAME, text, BUFFER_SIZE, &size);
	if (r < 0)
		return r;
	if (size < (size_t)n || strlen(text) != size || memcmp(text, head, (size_t)n))
		return -ENOENT;
	memmove(text, text + n, size - (size_t)n + 1);
	*ret = TAKE_PTR(text);
	return 0;
}
