/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/import_patch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "keepalived/conf_reader.h"

#define CONTEXT 3
#define STEP 4 /* spaces, in lines that are added */

/* Lines FROM to TO of FILE are replaced; TO = FROM - 1: nothing is. */
struct edit {
	const struct keepalived_directive *at; /* NULL: the top of the file */
	const char *file;
	unsigned from, to;
	unsigned like; /* a line with the indentation of one step; 0: none */
	char *text;
	size_t size;
};

struct patch {
	const struct keepalived_conf *conf;
	struct edit *edits;
	size_t n, room;
	int r; /* -ENOMEM, or -EINVAL with BAD */
	const struct keepalived_directive *bad;
};

struct patch *patch_new(const struct keepalived_conf *conf)
{
	struct patch *p = calloc(1, sizeof(*p));

	if (p)
		p->conf = conf;
	return p;
}

void patch_free(struct patch *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->n; i++)
		free(p->edits[i].text);
	free(p->edits);
	free(p);
}

/* ---- edits ---- */

static void patch_fail(struct patch *p, const struct keepalived_directive *at, int r)
{
	if (p->r < 0)
		return;
	p->r = r;
	p->bad = at;
}

void patch_refuse(struct patch *p, const struct keepalived_directive *at)
{
	if (p)
		patch_fail(p, at, -EINVAL);
}

static size_t patch_add(struct patch *p, const struct edit *e)
{
	struct edit *edits = realloc(p->edits, (p->n + 1) * sizeof(*edits));

	if (!edits) {
		patch_fail(p, e->at, -ENOMEM);
		return 0;
	}
	p->edits = edits;
	p->edits[p->n] = *e;
	return p->n++;
}

/* Whether anything in LIST but SELF and what is in it has a line of FROM to TO of FILE. Blocks that
 * begin before and end after these lines do not count. */
static bool patch_shares(const struct keepalived_directive *list,
			 const struct keepalived_directive *self, const char *file, unsigned from,
			 unsigned to)
{
	const struct keepalived_directive *d;

	for (d = list; d; d = d->next) {
		unsigned last;

		if (d == self)
			continue;
		last = d->last ? d->last : UINT_MAX;
		if (!strcmp(d->file, file) && d->line <= to && last >= from &&
		    !(d->is_block && d->line < from && last > to))
			return true;
		if (patch_shares(d->first, self, file, from, to))
			return true;
	}
	return false;
}

static bool patch_is_clear(const struct patch *p, const struct keepalived_directive *d)
{
	return d->last && !d->condition && !d->doubtful && !d->incomplete &&
	       !patch_shares(keepalived_conf_first(p->conf), d, d->file, d->line, d->last);
}

/* What begins with line FROM and ends with D. */
static size_t patch_from(struct patch *p, const struct keepalived_directive *d, unsigned from)
{
	if (!patch_is_clear(p, d))
		patch_fail(p, d, -EINVAL);
	return patch_add(
		p,
		&(struct edit){
			.at = d, .file = d->file, .from = from, .to = d->last, .like = d->line });
}

size_t patch_replace(struct patch *p, const struct keepalived_directive *d)
{
	return p ? patch_from(p, d, d->line) : 0;
}

/* Whether nothing but the end of D is on its last line. */
static bool patch_end_is_clear(const struct patch *p, const struct keepalived_directive *d)
{
	return d->last > d->line && !d->condition &&
	       !patch_shares(keepalived_conf_first(p->conf), d, d->file, d->last, d->last) &&
	       !patch_shares(d->first, NULL, d->file, d->last, d->last);
}

static size_t patch_insert(struct patch *p, const struct keepalived_directive *d, unsigned before)
{
	const struct keepalived_directive *first = d->first;

	return patch_add(
		p,
		&(struct edit){ .at = d,
				.file = d->file,
				.from = before,
				.to = before - 1,
				.like = first && !strcmp(first->file, d->file) ? first->line : 0 });
}

size_t patch_append(struct patch *p, const struct keepalived_directive *d)
{
	if (!p)
		return 0;
	if (!patch_end_is_clear(p, d))
		patch_fail(p, d, -EINVAL);
	return patch_insert(p, d, d->last);
}

size_t patch_prepend(struct patch *p, const struct keepalived_directive *d)
{
	const struct keepalived_directive *first = d->first;

	if (!p || !first)
		return patch_append(p, d);
	if (strcmp(first->file, d->file) != 0 || first->line <= d->line)
		patch_fail(p, d, -EINVAL);
	return patch_insert(p, d, first->line);
}

size_t patch_after(struct patch *p, const struct keepalived_directive *d)
{
	return p ? patch_from(p, d, d->last + 1) : 0;
}

size_t patch_top(struct patch *p)
{
	const struct keepalived_directive *first;
	const char *file;
	unsigned before = 1;

	if (!p)
		return 0;
	first = keepalived_conf_first(p->conf);
	file = keepalived_conf_file(p->conf, 0);
	if (first && !strcmp(first->file, file))
		before = first->line;
	return patch_add(p, &(struct edit){ .file = file, .from = before, .to = before - 1 });
}

void patch_line(struct patch *p, size_t edit, const char *line)
{
	size_t n = strlen(line);
	struct edit *e;
	char *text;

	if (!p || edit >= p->n)
		return;
	e = &p->edits[edit];
	text = realloc(e->text, e->size + n + 2);
	if (!text) {
		patch_fail(p, e->at, -ENOMEM);
		return;
	}
	memcpy(text + e->size, line, n);
	text[e->size + n] = '\n';
	e->text = text;
	e->size += n + 1;
	text[e->size] = '\0';
}

/* ---- the diff ---- */

struct file_lines {
	char *text;
	size_t size;
	const char **line; /* [1] is the first one */
	unsigned n;
};

static void file_lines_done(struct file_lines *f)
{
	free(f->text);
	free(f->line);
}

static int file_lines_read(const char *path, struct file_lines *f)
{
	struct file_id id;
	size_t i, room = 2;

	*f = (struct file_lines){ .text = NULL };
	if (conf_file_read(path, &id, &f->text, &f->size) < 0)
		return -EIO;
	for (i = 0; i < f->size; i++)
		room += f->text[i] == '\n';
	f->line = calloc(room + 1, sizeof(*f->line));
	if (!f->line)
		return -ENOMEM;
	for (i = 0; i < f->size; i++)
		if (!i || f->text[i - 1] == '\n')
			f->line[++f->n] = f->text + i;
	return 0;
}

static size_t file_line_size(const struct file_lines *f, unsigned i)
{
	const char *end = memchr(f->line[i], '\n', (size_t)(f->text + f->size - f->line[i]));

	return end ? (size_t)(end - f->line[i]) : (size_t)(f->text + f->size - f->line[i]);
}

static void put_old(const struct file_lines *f, unsigned i, char sign, FILE *out)
{
	size_t n = file_line_size(f, i);

	fputc(sign, out);
	fwrite(f->line[i], 1, n, out);
	fputs(f->line[i] + n == f->text + f->size ? "\n\\ No newline at end of file\n" : "\n", out);
}

static unsigned text_lines(const struct edit *e)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < e->size; i++)
		n += e->text[i] == '\n';
	return n;
}

/* The lines that E adds, indented as the file is. */
static void put_added(const struct file_lines *f, const struct edit *e, FILE *out)
{
	const char *step = "    ", *p, *end;
	int n = STEP;

	if (e->like && e->like <= f->n && strspn(f->line[e->like], " \t")) {
		step = f->line[e->like];
		n = (int)strspn(step, " \t");
	}
	for (p = e->text; p && *p; p = end + 1) {
		end = strchr(p, '\n');
		fputc('+', out);
		for (; !strncmp(p, "    ", STEP); p += STEP)
			fprintf(out, "%.*s", n, step);
		fprintf(out, "%.*s\n", (int)(end - p), p);
	}
}

static int edit_compare(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;
	int r = strcmp(x->file, y->file);

	return r ? r : (x->from > y->from) - (x->from < y->from);
}

/* One hunk of the N edits E; LATER: how many lines were added before it. */
static void put_hunk(const struct file_lines *f, const struct edit *e, size_t n, long *later,
		     FILE *out)
{
	unsigned first = e[0].from > CONTEXT ? e[0].from - CONTEXT : 1;
	unsigned last = MIN(e[n - 1].to + CONTEXT, f->n), i, line = first;
	long added = 0;
	size_t k;

	for (k = 0; k < n; k++)
		added += (long)text_lines(&e[k]) - ((long)e[k].to - e[k].from + 1);
	fprintf(out, "@@ -%u,%u +%ld,%ld @@\n", first, last + 1 - first, (long)first + *later,
		(long)last + 1 - first + added);
	for (k = 0; k < n; k++) {
		for (; line < e[k].from; line++)
			put_old(f, line, ' ', out);
		for (i = e[k].from; i <= e[k].to; i++)
			put_old(f, i, '-', out);
		line = e[k].to + 1;
		put_added(f, &e[k], out);
	}
	for (; line <= last; line++)
		put_old(f, line, ' ', out);
	*later += added;
}

/* A definition of a variable is no directive: whoever uses it later needs it. */
static bool patch_removes_variable(const struct file_lines *f, const struct edit *e)
{
	unsigned i;

	for (i = e->from; i <= e->to; i++)
		if (f->line[i][strspn(f->line[i], " \t")] == '$')
			return true;
	return false;
}

/* The diff of the N edits E of one file. */
static int put_file(struct patch *p, const struct edit *e, size_t n, FILE *out)
{
	struct file_lines f;
	char *path = realpath(e->file, NULL);
	size_t i, k;
	long later = 0;
	int r = path ? file_lines_read(path, &f) : -EIO;

	for (i = 0; !r && i < n; i++)
		if (e[i].to > f.n || (i && e[i].from <= e[i - 1].to) ||
		    patch_removes_variable(&f, &e[i]))
			patch_fail(p, e[i].at, r = -EINVAL);
	if (!r && strpbrk(path, "\n\t\""))
		r = -EIO;
	if (!r)
		fprintf(out, "--- a%s\t\n+++ b%s\t\n", path, path);
	for (i = 0; !r && i < n; i += k) {
		for (k = 1; i + k < n && e[i + k].from <= e[i + k - 1].to + 2 * CONTEXT; k++)
			;
		put_hunk(&f, e + i, k, &later, out);
	}
	if (path)
		file_lines_done(&f);
	free(path);
	return r;
}

int patch_print(struct patch *p, FILE *out, const struct keepalived_directive **ret_at)
{
	_cleanup_free_ char *text = NULL;
	FILE *diff = NULL;
	size_t i, k, size;
	int r = p->r;

	if (!r && !(diff = open_memstream(&text, &size)))
		r = -ENOMEM;
	if (!r && p->n)
		qsort(p->edits, p->n, sizeof(*p->edits), edit_compare);
	for (i = 0; !r && i < p->n; i += k) {
		for (k = 1; i + k < p->n && !strcmp(p->edits[i].file, p->edits[i + k].file); k++)
			;
		r = put_file(p, p->edits + i, k, diff);
	}
	if (diff && fclose(diff) != 0 && !r)
		r = -ENOMEM;
	if (!r)
		fputs(text, out);
	*ret_at = p->bad;
	return r;
}
