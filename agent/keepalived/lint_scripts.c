/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scripts that keepalived calls: whether they can run, as which user, and what they do. */
#include <errno.h>
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
#include "keepalived/script_walk.h"

#define GROUPS_MAX 256
#define DEFAULT_USER "keepalived_script"

struct looking {
	const struct keepalived_lint *lint;
	const struct vrrp_script *script;
	struct findings *found;
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

static void lint_scripts_on_act(void *ud, const struct script_place *p, const struct script_act *a)
{
	const struct looking *l = ud;
	char before[96];

	text_line(before, sizeof(before), "%.80s:%u: ", p->at->file, p->at->line);
	script_message(before, p->path, p->text, a, l->found);
}

static void lint_scripts_on_file(void *ud, const struct script_place *p, int why, bool called)
{
	const struct looking *l = ud;

	if (why == -ENOTSUP && !called)
		found(l, SEVERITY_NOTE, "script-language", NULL,
		      "%.120s is not a shell's script: what it calls is not known", p->path);
	else if (why < 0 && why != -ENOEXEC && why != -ENOTSUP)
		found(l, SEVERITY_UNSEEN, "scripts-unseen", NULL, "%.120s was not read in full: %s",
		      p->path, strerror(-why));
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

/* Check a command: its program, and absolute paths among its arguments. */
static void look_at_command(const struct keepalived_lint *lint, const struct vrrp_script *s,
			    struct script_walk *walk, struct findings *f)
{
	struct looking l = { lint, s, f };
	char command[PATH_MAX], *save = NULL, *word;

	if (!s->at || strlen(s->command) >= sizeof(command))
		return;
	memcpy(command, s->command, strlen(s->command) + 1);
	word = strtok_r(command, " \t\"'", &save);
	/* others are found through keepalived's PATH */
	if (word && *word == '/' && look_at_path(&l, word))
		look_at_user(&l, word);
	walk->visitor = (struct script_visitor){ .act = lint_scripts_on_act,
						 .file_done = lint_scripts_on_file,
						 .ud = &l };
	script_walk(walk, s->at, s->command);
}

/* Check the script for one event. If a keyword is given twice and it is not known which one
 * counts, check both. */
static void look_at_script(const struct keepalived_lint *lint, const struct vrrp_script *s,
			   struct script_walk *walk, struct findings *f)
{
	const struct keepalived_directive *other = s->other;

	look_at_command(lint, s, walk, f);
	if (other && (!vrrp_script_is_twice(s) || !lint->vrrp->version.major))
		look_at_command(lint,
				&(struct vrrp_script){ .at = other,
						       .command = other->words[1],
						       .user = keepalived_word(other, 2) },
				walk, f);
}

void keepalived_lint_scripts(const struct keepalived_lint *what, struct findings *f)
{
	const struct vrrp_conf *c = what->vrrp;
	struct script_walk walk = { .n = 0 };
	size_t i, e;

	for (i = 0; i < c->n_instances; i++)
		for (e = 0; e < VRRP_EVENTS; e++)
			look_at_script(what, &c->instances[i].scripts[e], &walk, f);
	for (i = 0; i < c->n_groups; i++)
		for (e = 0; e < VRRP_EVENTS; e++)
			look_at_script(what, &c->groups[i].scripts[e], &walk, f);
	for (i = 0; i < c->n_others; i++)
		look_at_command(what, &c->others[i], &walk, f);
}
