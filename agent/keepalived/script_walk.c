/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/script_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vipsafe/base.h>

#include "keepalived/script_file.h"

#define CALLS_MAX 2 /* depth of scripts called by scripts */

/* A script being read. */
struct script_visit {
	struct script_walk *walk;
	struct script_place place;
	unsigned calls;
	unsigned line; /* line of keepalived.conf if the text is a word of it; else 0 */
};

static void script_visit_file(struct script_walk *w, const struct keepalived_directive *at,
			      const char *path, unsigned calls);

static void script_visit_act(void *ud, const struct script_act *a)
{
	const struct script_visit *v = ud;
	const struct script_visitor *visitor = &v->walk->visitor;
	struct script_act act = *a;

	if (v->line) {
		act.line = v->line;
		act.is_own = false;
	}
	if (visitor->act)
		visitor->act(visitor->ud, &v->place, &act);
}

static void script_visit_order(void *ud, const struct script_order *o)
{
	const struct script_visit *v = ud;
	const struct script_visitor *visitor = &v->walk->visitor;
	struct script_order order = *o;

	if (v->line)
		order.line = v->line;
	if (visitor->order)
		visitor->order(visitor->ud, &v->place, &order);
}

/* An absolute path in a command may be a script that is called. */
static void script_visit_path(void *ud, const char *path)
{
	const struct script_visit *v = ud;

	if (v->calls < CALLS_MAX)
		script_visit_file(v->walk, v->place.at, path, v->calls + 1);
}

static int script_visit_text(struct script_visit *v)
{
	const struct script_reader reader = { .act = script_visit_act,
					      .order = script_visit_order,
					      .path = script_visit_path,
					      .ud = v };

	return script_read(v->place.text, &reader);
}

/* Whether the file is new, and is to be read: each file is read once. */
static bool script_walk_is_new(struct script_walk *w, const struct stat *st)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->dev[i] == st->st_dev && w->ino[i] == st->st_ino)
			return false;
	if (w->n == SCRIPT_WALK_MAX)
		return false;
	w->dev[w->n] = st->st_dev;
	w->ino[w->n++] = st->st_ino;
	return true;
}

static void script_visit_file(struct script_walk *w, const struct keepalived_directive *at,
			      const char *path, unsigned calls)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), r;
	struct script_visit v = { w, { at, path, NULL }, calls, 0 };
	_cleanup_free_ char *text = NULL;
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !script_walk_is_new(w, &st)) {
		close(fd);
		return;
	}
	r = script_file_read(fd, path, &text);
	v.place.text = text;
	if (r == 0)
		r = script_visit_text(&v);
	if (w->visitor.file_done)
		w->visitor.file_done(w->visitor.ud, &v.place, r, calls > 0);
}

void script_walk(struct script_walk *w, const struct keepalived_directive *at, const char *command)
{
	char words[PATH_MAX], *save = NULL, *word;
	struct script_visit v = { w, { at, at->file, command }, CALLS_MAX, at->line };

	if (strlen(command) >= sizeof(words))
		return;
	script_visit_text(&v);
	if (w->visitor.file_done)
		w->visitor.file_done(w->visitor.ud, &v.place, 0, false);
	memcpy(words, command, strlen(command) + 1);
	for (word = strtok_r(words, " \t\"'", &save); word; word = strtok_r(NULL, " \t\"'", &save))
		if (*word == '/')
			script_visit_file(w, at, word, 0);
}

void script_walk_list(struct script_walk *w, const struct vrrp_script list[VRRP_EVENTS])
{
	enum vrrp_event e;

	for (e = 0; e < VRRP_EVENTS; e++)
		if (list[e].at)
			script_walk(w, list[e].at, list[e].command);
}
