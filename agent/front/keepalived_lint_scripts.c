/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scripts keepalived calls: whether it will, as whom, and what they do. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/text.h"
#include "front/keepalived_lint.h"

#define SCRIPT_BYTES_MAX ((off_t)256 * 1024)
#define SCRIPT_LINE_MAX 1024
#define SCRIPTS_MAX 64 /* that are looked into */
#define CALLS_MAX 2    /* scripts called by scripts */
#define GROUPS_MAX 256
#define DEFAULT_USER "keepalived_script"

/* Files looked into already. */
struct seen {
	dev_t dev[SCRIPTS_MAX];
	ino_t ino[SCRIPTS_MAX];
	size_t n;
};

struct looking {
	const struct keepalived_lint *lint;
	const struct vrrp_script *script;
	struct findings *found;
	struct seen *seen;
};

static void found(const struct looking *l, enum severity severity, const char *code,
		  const char *fix, const char *fmt, ...) _printf_(5, 6);

static void found(const struct looking *l, enum severity severity, const char *code,
		  const char *fix, const char *fmt, ...)
{
	char raw[FINDING_TEXT_MAX], text[FINDING_TEXT_MAX], safe[FINDING_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_line(text, sizeof(text), "%.80s:%u: %s", l->script->at->file, l->script->at->line,
		  raw);
	findings_add(l->found, severity, code, fix ? text_escape(fix, safe, sizeof(safe)) : NULL,
		     "%s", text);
}

/* ---- what they do ---- */

bool script_line_flushes(const char *line)
{
	const char *p = strcasestr(line, "conntrackd");

	if (!p || line[strspn(line, " \t")] == '#')
		return false;
	for (; (p = strstr(p, "-t")); p += 2) {
		if ((p[-1] == ' ' || p[-1] == '\t') && (!p[2] || strchr(" \t\n;&|)\"'", p[2])))
			return true;
	}
	return false;
}

static void look_into(const struct looking *l, const char *path, unsigned calls);

/* What on a line is the path of a script may be called there. */
static void look_for_calls(const struct looking *l, char *line, unsigned calls)
{
	char *save = NULL, *word;

	if (calls == CALLS_MAX || line[strspn(line, " \t")] == '#')
		return;
	for (word = strtok_r(line, " \t\n\"';&|()`=", &save); word;
	     word = strtok_r(NULL, " \t\n\"';&|()`=", &save)) {
		if (*word == '/')
			look_into(l, word, calls + 1);
	}
}

/* Whether it is new: a file is looked into once. */
static bool is_new(struct seen *s, const struct stat *st)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->dev[i] == st->st_dev && s->ino[i] == st->st_ino)
			return false;
	if (s->n == SCRIPTS_MAX)
		return false;
	s->dev[s->n] = st->st_dev;
	s->ino[s->n++] = st->st_ino;
	return true;
}

static void look_at_lines(const struct looking *l, FILE *in, const char *path, unsigned calls)
{
	char line[SCRIPT_LINE_MAX];
	unsigned number = 0;

	while (fgets(line, sizeof(line), in)) {
		number++;
		if (number == 1 && strncmp(line, "#!", 2))
			return; /* a program, or no script at all */
		if (script_line_flushes(line))
			found(l, SEVERITY_CRITICAL, "conntrackd-flush",
			      "remove that line: vipsafe takes care of what is stale",
			      "line %u of %.120s calls conntrackd -t, which empties the whole"
			      " connection table a minute later",
			      number, path);
		look_for_calls(l, line, calls);
	}
}

static void look_into(const struct looking *l, const char *path, unsigned calls)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	FILE *in;

	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > SCRIPT_BYTES_MAX ||
	    !is_new(l->seen, &st)) {
		close(fd);
		return;
	}
	in = fdopen(fd, "r");
	if (!in) {
		close(fd);
		return;
	}
	look_at_lines(l, in, path, calls);
	fclose(in);
}

/* ---- whether they are called ---- */

/* The part of PATH, PART, that somebody else can write to: as keepalived sees
 * it, a sticky directory is safe although everybody can make files there. */
static bool is_unsafe(const struct looking *l, const struct stat *st)
{
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

	if (st->st_uid && st->st_uid != l->lint->trusted_owner && (st->st_mode & S_IWUSR))
		return true;
	if (sticky)
		return false;
	return ((st->st_mode & S_IWGRP) && st->st_gid) || (st->st_mode & S_IWOTH);
}

static void tell_unsafe(const struct looking *l, const char *path, const char *part)
{
	bool off = l->lint->vrrp->script_security;
	char fix[FINDING_TEXT_MAX];

	snprintf(fix, sizeof(fix), "chown root:root %.120s && chmod go-w %.120s", part, part);
	found(l, off ? SEVERITY_CRITICAL : SEVERITY_WARNING, "script-unsafe", fix,
	      "%.100s: others than root can write to %.100s%s", path, part,
	      off ? ": with enable_script_security it is not called" : "");
}

/* Each part of the path from the root on. Returns whether it is there. */
static bool look_at_path(const struct looking *l, const char *path)
{
	char part[PATH_MAX];
	struct stat st;
	size_t n = 0;

	while (path[n]) {
		n += strspn(path + n, "/");
		n += strcspn(path + n, "/");
		if (n >= sizeof(part))
			return false;
		memcpy(part, path, n);
		part[n] = '\0';
		if (stat(part, &st) < 0) {
			found(l, SEVERITY_WARNING, "script-missing", NULL, "%.120s: %s", path,
			      strerror(errno));
			return false;
		}
		if (is_unsafe(l, &st)) {
			tell_unsafe(l, path, part);
			break;
		}
	}
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	if (!(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH))) {
		snprintf(part, sizeof(part), "chmod +x %.200s", path);
		found(l, SEVERITY_WARNING, "script-not-executable", part,
		      "%.120s cannot be executed", path);
	}
	return true;
}

/* ---- as whom ---- */

static bool in_group(const struct passwd *user, const char *group)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX, i;
	struct group *g;

	if (getgrouplist(user->pw_name, user->pw_gid, groups, &n) < 0)
		return true; /* in more groups than can be looked at */
	g = getgrnam(group);
	for (i = 0; g && i < n; i++)
		if (groups[i] == g->gr_gid)
			return true;
	return false;
}

static bool is_hook(const struct looking *l, const char *path)
{
	size_t n = strlen(l->lint->hooks);

	return !strncmp(path, l->lint->hooks, n) && path[n] == '/';
}

static void look_at_user(const struct looking *l, const char *path)
{
	const struct vrrp_conf *c = l->lint->vrrp;
	const char *given = l->script->user ? l->script->user : c->script_user;
	const char *name = given ? given : DEFAULT_USER;
	const struct passwd *user = getpwnam(name);
	char fix[FINDING_TEXT_MAX];

	/* without the default user it is that of keepalived itself */
	if (!user && !given && !c->script_security)
		return;
	if (!user) {
		found(l, SEVERITY_WARNING, "script-user-missing",
		      given ? "script_user root, in global_defs, or a user that there is"
			    : "script_user root, in global_defs",
		      "there is no user %.40s: %.120s is not called", name, path);
		return;
	}
	if (!user->pw_uid || !is_hook(l, path) || in_group(user, l->lint->settings->group))
		return;
	snprintf(fix, sizeof(fix), "usermod -a -G %.60s %.60s", l->lint->settings->group, name);
	found(l, SEVERITY_WARNING, "script-user-group", fix,
	      "%.120s is called as %.40s, who may not speak to vipsafed: not in group %.40s", path,
	      name, l->lint->settings->group);
}

/* ---- all of them ---- */

/* The program and its arguments; what is quoted in them may have blanks. */
static void look_at_command(const struct keepalived_lint *lint, const struct vrrp_script *s,
			    struct seen *seen, struct findings *f)
{
	const struct looking l = { lint, s, f, seen };
	char command[PATH_MAX], *save = NULL, *word;

	if (!s->at || strlen(s->command) >= sizeof(command))
		return;
	memcpy(command, s->command, strlen(s->command) + 1);
	word = strtok_r(command, " \t\"'", &save);
	if (!word || *word != '/') /* searched for in keepalived's PATH */
		return;
	if (look_at_path(&l, word))
		look_at_user(&l, word);
	for (; word; word = strtok_r(NULL, " \t\"'", &save))
		if (*word == '/')
			look_into(&l, word, 0);
}

void keepalived_lint_scripts(const struct keepalived_lint *what, struct findings *f)
{
	const struct vrrp_conf *c = what->vrrp;
	struct seen seen = { .n = 0 };
	size_t i, e;

	for (i = 0; i < c->n_instances; i++)
		for (e = 0; e < VRRP_EVENTS; e++)
			look_at_command(what, &c->instances[i].scripts[e], &seen, f);
	for (i = 0; i < c->n_groups; i++)
		for (e = 0; e < VRRP_EVENTS; e++)
			look_at_command(what, &c->groups[i].scripts[e], &seen, f);
	for (i = 0; i < c->n_others; i++)
		look_at_command(what, &c->others[i], &seen, f);
}
