/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keepalived.service: what stopping it does to running scripts (KillMode). */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "keepalived/lint.h"

#define UNIT "keepalived.service"
#define MODE_MAX 32
#define LINE_MAX_SIZE 1024

/* The first directory that has the unit counts. */
static const char *const places[] = { "etc/systemd/system", "run/systemd/system",
				      "usr/lib/systemd/system", "lib/systemd/system" };

static const char *path_of(const struct keepalived_lint *l, const char *place, const char *name,
			   char buf[PATH_MAX])
{
	snprintf(buf, PATH_MAX, "%s/%s/%s", l->root, place, name);
	return buf;
}

/* Read the last KillMode of the file, if any. Returns whether the file exists. */
static bool take_mode(const char *path, char mode[MODE_MAX])
{
	static const char key[] = "KillMode";
	char line[LINE_MAX_SIZE];
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		const char *p = line + strspn(line, " \t");

		if (strncmp(p, key, sizeof(key) - 1))
			continue;
		p += sizeof(key) - 1;
		p += strspn(p, " \t");
		if (*p != '=')
			continue;
		p += 1 + strspn(p + 1, " \t");
		snprintf(mode, MODE_MAX, "%.*s", (int)strcspn(p, " \t\r\n"), p);
	}
	fclose(f);
	return true;
}

static int lint_unit_is_conf(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".conf");
}

/* Drop-ins of all directories count. systemd orders them by name, and equal names by directory;
 * here only the directory decides, the strongest last. */
static void take_drop_ins(const struct keepalived_lint *l, char mode[MODE_MAX])
{
	size_t i = ARRAY_SIZE(places);
	char dir[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **list;
	int n, k;

	while (i--) {
		path_of(l, places[i], UNIT ".d", dir);
		n = scandir(dir, &list, lint_unit_is_conf, alphasort);
		for (k = 0; k < n; k++) {
			snprintf(path, sizeof(path), "%s/%s", dir, list[k]->d_name);
			take_mode(path, mode);
			free(list[k]);
		}
		if (n >= 0)
			free(list);
	}
}

void keepalived_lint_unit(const struct keepalived_lint *what, struct findings *f)
{
	char mode[MODE_MAX] = "control-group", path[PATH_MAX];
	char safe[4 * MODE_MAX];
	bool found = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places) && !found; i++)
		found = take_mode(path_of(what, places[i], UNIT, path), mode);
	if (!found || !vrrp_conf_has_script(what->vrrp))
		return;
	take_drop_ins(what, mode);
	if (!strcmp(mode, "process") || !strcmp(mode, "none"))
		return;
	findings_add(f, SEVERITY_WARNING, "kill-mode",
		     "systemctl edit " UNIT ", with the lines [Service] and KillMode=process",
		     "stopping " UNIT " kills what its notify scripts have started (KillMode=%s):"
		     " without vipsafed a move may be left undone",
		     text_escape(mode, safe, sizeof(safe)));
}
