/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the files and follows includes. Like keepalived, it looks for includes before anything
 * else: a line with "@id" or a variable in it is not an include. */
#include "keepalived/conf.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/os.h"
#include "keepalived/conf_reader.h"

/* Patterns that would take glob() through the whole file system. */
#define WILD_MAX 3
#define BRACES_MAX 3
#define COMMAS_MAX 32

/* The file being read; UP leads to the files that include it. */
struct level {
	const struct level *up;
	struct file_id id;
	bool follow; /* follow its includes */
	unsigned n;
};

/* The pattern of "include PATTERN" (or includer etc.), NULL if LINE is not an include. Changes
 * LINE. */
static char *include_pattern(char *line)
{
	static const char word[] = "include";
	char *p = line + sizeof(word) - 1, *end;

	if (strncmp(line, word, sizeof(word) - 1))
		return NULL;
	/* includer, includem, includew, includeb and includea differ only in what keepalived
	 * reports on failure */
	if (*p && strchr("rmwba", *p))
		p++;
	if (*p != ' ' && *p != '\t')
		return NULL;
	p = line_skip_space(p);
	end = p + strlen(p);
	if (end - p >= 2 && *p == '"' && end[-1] == '"') {
		p++;
		end[-1] = '\0';
	}
	return p;
}

static size_t conf_count(const char *text, const char *of)
{
	size_t n = 0;

	for (; *text; text++)
		n += strchr(of, *text) != NULL;
	return n;
}

/* Build the pattern for glob(): PATTERN, relative to the directory of the current file. Returns
 * 0, -E2BIG (too many wildcards), -ENOTSUP (braces, with musl) or -ENAMETOOLONG. */
static int full_pattern(const struct reader *r, const char *pattern, char buf[PATH_MAX])
{
	const char *p = *pattern == '/' ? "" : r->dir;
	size_t n = 0;

	if (conf_count(pattern, "*?[") > WILD_MAX || conf_count(pattern, "{") > BRACES_MAX ||
	    conf_count(pattern, ",") > COMMAS_MAX)
		return -E2BIG;
	if (!HAVE_DECL_GLOB_BRACE && conf_count(pattern, "{"))
		return -ENOTSUP;
	/* glob() must take the directory literally */
	for (; *p && n + 3 < PATH_MAX; p++) {
		if (strchr("*?[]{},\\~", *p))
			buf[n++] = '\\';
		buf[n++] = *p;
	}
	if (n)
		buf[n++] = '/';
	if (*p || n + strlen(pattern) >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(buf + n, pattern, strlen(pattern) + 1);
	return 0;
}

static int conf_take_file(struct reader *r, const struct level *up, const char *path);

static void take_include(struct reader *r, const struct level *up, const char *pattern)
{
	char full[PATH_MAX];
	glob_t g = { 0 };
	size_t i;
	int e;

	e = up->follow ? full_pattern(r, pattern, full) : -ENOTSUP;
	if (e < 0) {
		reader_unresolved(r, e == -E2BIG ? KEEPALIVED_LIMIT : KEEPALIVED_INCLUDE,
				  "include %.64s is not followed: %s", pattern, strerror(-e));
		return;
	}
	e = glob(full, GLOB_ALTERNATIVES | GLOB_ERR, NULL, &g);
	if (e == GLOB_NOSPACE)
		r->r = -ENOMEM;
	/* a pattern that matches no file is usual; a missing file named without wildcards is not */
	if (e == GLOB_ABORTED || (e == GLOB_NOMATCH && !conf_count(pattern, "*?[")))
		reader_unresolved(r, KEEPALIVED_INCLUDE,
				  "include %.64s: no such file, or unreadable", pattern);
	for (i = 0; !e && i < g.gl_pathc && !r->r && !r->full; i++) {
		int k = conf_take_file(r, up, g.gl_pathv[i]);

		if (k < 0 && k != -ENOMEM)
			reader_unresolved(r, k == -EMFILE ? KEEPALIVED_LIMIT : KEEPALIVED_INCLUDE,
					  "include %.64s: %s", g.gl_pathv[i],
					  k == -ELOOP ? "it includes itself" : strerror(-k));
	}
	globfree(&g);
}

static void take_logical(struct reader *r, const struct level *l, char *line, size_t len)
{
	const char *pattern;

	r->doubtful = false;
	r->condition = NULL;
	if (len > KEEPALIVED_LINE_MAX) {
		reader_unresolved(r, KEEPALIVED_LIMIT, "a line longer than %zu KiB",
				  KEEPALIVED_LINE_MAX >> 10);
		return;
	}
	pattern = include_pattern(line);
	if (pattern)
		take_include(r, l, pattern);
	else
		reader_line(r, line);
}

/* Split TEXT into logical lines. A line that ends in a backslash continues on the next one; in a
 * variable definition the lines stay separate ('\n'). TEXT is changed; the byte behind its SIZE
 * bytes must be writable. */
static void conf_take_text(struct reader *r, const struct level *l, char *text, size_t size)
{
	char *in = text, *end = text + size, *line = text, *out = text, *next;
	unsigned number = 0;
	bool more = false;

	for (; in < end && !r->r && !r->full; in = next) {
		char *nl = memchr(in, '\n', (size_t)(end - in)), *p;
		const char *value;
		size_t n;

		next = nl ? nl + 1 : end;
		*(nl ? nl : end) = '\0';
		number++;
		if (!more)
			r->line = number;
		r->last = number;
		if (strlen(in) != (size_t)((nl ? nl : end) - in)) {
			reader_unresolved(r, KEEPALIVED_SYNTAX, "a NUL");
			continue;
		}
		line_decomment(in);
		p = line_skip_space(in);
		n = strlen(p);
		if (!n)
			continue;
		if (more)
			*out++ = variable_definition(line, &(size_t){ 0 }, &value) ? '\n' : ' ';
		else
			line = out = p;
		more = p[n - 1] == '\\';
		n -= more;
		memmove(out, p, n);
		out += n;
		*out = '\0';
		if (!more)
			take_logical(r, l, line, (size_t)(out - line));
	}
	if (more)
		take_logical(r, l, line, (size_t)(out - line));
}

int conf_file_read(const char *path, struct file_id *ret_id, char **ret_text, size_t *ret_size)
{
	struct stat st;
	int r = os_read_file(path, KEEPALIVED_BYTES_MAX, ret_text, ret_size, &st);

	if (r == 0)
		*ret_id = (struct file_id){ st.st_dev, st.st_ino };
	return r;
}

static int conf_enter(struct reader *r, const char *path)
{
	struct keepalived_conf *c = r->conf;
	const char *slash = strrchr(path, '/'), *file, *dir;

	if (c->n_files == KEEPALIVED_FILES_MAX)
		return -EMFILE;
	file = reader_copy(r, path, strlen(path));
	dir = slash ? reader_copy(r, path, MAX((size_t)(slash - path), (size_t)1)) : ".";
	if (!file || !dir)
		return r->r < 0 ? r->r : -EMFILE;
	c->files[c->n_files++] = file;
	r->file = file;
	r->dir = dir;
	r->line = r->last = 0;
	return 0;
}

static int conf_take_file(struct reader *r, const struct level *up, const char *path)
{
	const char *file = r->file, *dir = r->dir;
	struct level l = { .up = up, .follow = true, .n = up ? up->n + 1 : 0 };
	_cleanup_free_ char *text = NULL;
	unsigned line = r->line, last = r->last;
	size_t size = 0;
	int e;

	if (l.n > KEEPALIVED_INCLUDE_DEPTH_MAX)
		return -EMFILE;
	e = conf_file_read(path, &l.id, &text, &size);
	if (e < 0)
		return e;
	for (; up; up = up->up) {
		if (up->id.dev == l.id.dev && up->id.ino == l.id.ino)
			return -ELOOP;
	}
	if (!reader_spend(r, size))
		return 0; /* the limit has been noted */
	e = conf_enter(r, path);
	if (e < 0)
		return e;
	conf_take_text(r, &l, text, size);
	r->file = file;
	r->dir = dir;
	r->line = line;
	r->last = last;
	return r->r;
}

static int conf_begin(struct reader **ret_reader, struct keepalived_conf **ret_conf)
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *c = calloc(1, sizeof(*c));
	struct reader *r = calloc(1, sizeof(*r));

	if (!c || !r) {
		free(r);
		return -ENOMEM;
	}
	r->conf = c;
	*ret_reader = r;
	*ret_conf = TAKE_PTR(c);
	return 0;
}

int keepalived_conf_read(const char *path, struct keepalived_conf **ret)
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *c = NULL;
	_cleanup_free_ struct reader *r = NULL;
	int e;

	e = conf_begin(&r, &c);
	if (e >= 0)
		e = conf_take_file(r, NULL, path);
	if (e < 0)
		return e;
	tree_end(r);
	*ret = TAKE_PTR(c);
	return 0;
}

int keepalived_conf_parse(const char *name, const char *text, size_t size,
			  struct keepalived_conf **ret)
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *c = NULL;
	_cleanup_free_ struct reader *r = NULL;
	_cleanup_free_ char *copy = NULL;
	const struct level l = { 0 };
	int e;

	e = conf_begin(&r, &c);
	if (e < 0)
		return e;
	e = conf_enter(r, name);
	copy = e < 0 || !reader_spend(r, size) ? NULL : malloc(size + 1);
	if (copy) {
		memcpy(copy, text, size);
		copy[size] = '\0';
		conf_take_text(r, &l, copy, size);
	} else if (!r->full) {
		e = -ENOMEM;
	}
	if (e < 0 || r->r < 0)
		return -ENOMEM;
	tree_end(r);
	*ret = TAKE_PTR(c);
	return 0;
}
