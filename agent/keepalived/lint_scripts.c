/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scripts that keepalived calls: whether they can run, as which user, and what they do. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "keepalived/script.h"
#include "base/text.h"
#include "keepalived/lint.h"
#include "keepalived/script_file.h"

#define SCRIPTS_MAX 64 /* files that are read */
#define CALLS_MAX 2    /* depth of scripts called by scripts */
#define GROUPS_MAX 256
#define DEFAULT_USER "keepalived_script"

/* Files already read. */
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

static void lint_scripts_look_into(const struct looking *l, const char *path, unsigned calls);

/* A script being read. */
struct reading {
	const struct looking *l;
	const char *path, *text;
	unsigned calls;
	unsigned line; /* line of keepalived.conf if TEXT is a word of it; else 0 */
};

static void lint_scripts_on_act(void *ud, const struct script_act *a)
{
	const struct keepalived_directive *at;
	const struct reading *r = ud;
	struct script_act act = *a;
	char before[96];

	at = r->l->script->at;
	if (r->line) {
		act.line = r->line;
		act.is_own = false;
	}
	text_line(before, sizeof(before), "%.80s:%u: ", at->file, at->line);
	script_message(before, r->path, r->text, &act, r->l->found);
}

/* An absolute path in a command may be a script that is called. */
static void on_path(void *ud, const char *path)
{
	const struct reading *r = ud;

	if (r->calls < CALLS_MAX)
		lint_scripts_look_into(r->l, path, r->calls + 1);
}

static int read_script(struct reading *r)
{
	const struct script_reader reader = { .act = lint_scripts_on_act,
					      .path = on_path,
					      .ud = r };

	return script_read(r->text, &reader);
}

/* Whether the file is new, and is to be read: each file is read once. */
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

static void lint_scripts_look_into(const struct looking *l, const char *path, unsigned calls)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), r;
	struct reading reading = { l, path, NULL, calls, 0 };
	_cleanup_free_ char *text = NULL;
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !is_new(l->seen, &st)) {
		close(fd);
		return;
	}
	r = script_file_read(fd, path, &text);
	reading.text = text;
	if (r == 0)
		r = read_script(&reading);
	if (r == -ENOTSUP && !calls)
		found(l, SEVERITY_NOTE, "script-language", NULL,
		      "%.120s is not a shell's script: what it calls is not known", path);
	else if (r < 0 && r != -ENOEXEC && r != -ENOTSUP)
		found(l, SEVERITY_UNSEEN, "scripts-unseen", NULL, "%.120s was not read in full: %s",
		      path, strerror(-r));
}

/* ---- whether they are called ---- */

/* Whether somebody other than root can write to the file or directory ST. As for keepalived, a
 * sticky directory is safe although everybody can create files in it. */
static bool is_unsafe(const struct looking *l, const struct stat *st)
{
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);

	if (st->st_uid && st->st_uid != l->lint->trusted_owner && (st->st_mode & S_IWUSR))
		return true;
	if (sticky)
		return false;
	return ((st->st_mode & S_IWGRP) && st->st_gid) || (st->st_mode & S_IWOTH);
}

static void add_unsafe(const struct looking *l, const char *path, const char *part)
{
	bool off = l->lint->vrrp->script_security;
	char fix[FINDING_TEXT_MAX];

	/* do not advise to take a directory from its owner */
	if (strcmp(path, part))
		snprintf(fix, sizeof(fix), "a place where only root can write, for %.120s", path);
	else
		snprintf(fix, sizeof(fix), "chown root:root %.120s && chmod go-w %.120s", part,
			 part);
	found(l, off ? SEVERITY_CRITICAL : SEVERITY_WARNING, "script-unsafe", fix,
	      "%.100s: others than root can write to %.100s%s", path, part,
	      off ? ": with enable_script_security it is not called" : "");
}

/* Check each component of PATH from the root on. Returns whether PATH exists. */
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
			add_unsafe(l, path, part);
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
		return true; /* in more groups than can be checked */
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

	/* without the default user keepalived runs scripts as its own user */
	if (!user && !given && !c->script_security)
		return;
	if (!user) {
		found(l, SEVERITY_WARNING, "script-user-missing",
		      given ? "script_user root, in global_defs, or a user that exists"
			    : "script_user root, in global_defs",
		      "there is no user %.40s: %.120s is not called", name, path);
		return;
	}
	if (!user->pw_uid || !is_hook(l, path) || in_group(user, l->lint->settings->group))
		return;
	snprintf(fix, sizeof(fix), "usermod -a -G %.60s %.60s", l->lint->settings->group, name);
	found(l, SEVERITY_WARNING, "script-user-group", fix,
	      "%.120s is called as user %.40s, who has no access to vipsafed: not in "
	      "group %.40s",
	      path, name, l->lint->settings->group);
}

/* ---- all of them ---- */

/* Check a command: its program, and absolute paths among its arguments. Quoted arguments are
 * split at blanks, too. */
static void look_at_command(const struct keepalived_lint *lint, const struct vrrp_script *s,
			    struct seen *seen, struct findings *f)
{
	const struct looking l = { lint, s, f, seen };
	char command[PATH_MAX], *save = NULL, *word;

	if (!s->at || strlen(s->command) >= sizeof(command))
		return;
	memcpy(command, s->command, strlen(s->command) + 1);
	/* keepalived passes it to a shell, or splits it like one */
	read_script(&(struct reading){ &l, s->at->file, command, CALLS_MAX, s->at->line });
	word = strtok_r(command, " \t\"'", &save);
	if (!word || *word != '/') /* found through keepalived's PATH */
		return;
	if (look_at_path(&l, word))
		look_at_user(&l, word);
	for (; word; word = strtok_r(NULL, " \t\"'", &save))
		if (*word == '/')
			lint_scripts_look_into(&l, word, 0);
}

/* Check the script for one event. If a keyword is given twice and it is not known which one
 * counts, check both. */
static void look_at_script(const struct keepalived_lint *lint, const struct vrrp_script *s,
			   struct seen *seen, struct findings *f)
{
	const struct keepalived_directive *other = s->other;

	look_at_command(lint, s, seen, f);
	if (other && (!vrrp_script_is_twice(s) || !lint->vrrp->version.major))
		look_at_command(lint,
				&(struct vrrp_script){ .at = other,
						       .command = other->words[1],
						       .user = keepalived_word(other, 2) },
				seen, f);
}

void keepalived_lint_scripts(const struct keepalived_lint *what, struct findings *f)
{
	const struct vrrp_conf *c = what->vrrp;
	struct seen seen = { .n = 0 };
	size_t i, e;

	for (i = 0; i < c->n_instances; i++)
		for (e = 0; e < VRRP_EVENTS; e++)
			look_at_script(what, &c->instances[i].scripts[e], &seen, f);
	for (i = 0; i < c->n_groups; i++)
		for (e = 0; e < VRRP_EVENTS; e++)
			look_at_script(what, &c->groups[i].scripts[e], &seen, f);
	for (i = 0; i < c->n_others; i++)
		look_at_command(what, &c->others[i], &seen, f);
}
