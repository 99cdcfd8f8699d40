/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole screens, as an operator sees them on a terminal of 80 columns: tests/unit/screens/NAME.txt.
 * After a wanted change of words "make -C build screens-update" writes them anew; git shows what
 * became of them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SCREEN_COLUMNS 80
#define SCREEN_PATH_MAX 1024

/* A test that is run by hand is in the folder build of the sources. */
static inline void screen_path(const char *name, char path[SCREEN_PATH_MAX])
{
	const char *src = getenv("VIPSAFE_SRC");
	char exe[SCREEN_PATH_MAX / 2] = "";
	size_t i;

	if (!src && readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0) {
		for (i = 0; i < 4 && strrchr(exe, '/'); i++)
			*strrchr(exe, '/') = '\0';
		src = exe;
	}
	snprintf(path, SCREEN_PATH_MAX, "%.512s/tests/unit/screens/%.100s.txt", src ? src : ".",
		 name);
}

/* A command is never broken, so that it can be pasted. */
static inline void screen_fits(const char *text)
{
	const char *line = text, *end;

	for (; *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		if (end - line > SCREEN_COLUMNS && strncmp(line, "  fix: ", 7) != 0)
			fail_msg("wider than %d: %.*s", SCREEN_COLUMNS, (int)(end - line), line);
	}
}

static inline void screen_write(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	if (!out || fputs(text, out) < 0 || fclose(out) != 0)
		fail_msg("%s cannot be written", path);
}

/* diff(1), as comments of TAP. */
static inline void screen_differs(const char *path, const char *text)
{
	char command[SCREEN_PATH_MAX + 64];
	FILE *diff;

	snprintf(command, sizeof(command), "diff -u '%s' - 2>&1 | sed 's/^/# /' >&2", path);
	fflush(stdout);
	diff = popen(command, "w");
	if (diff) {
		fputs(text, diff);
		pclose(diff);
	}
	fail_msg("not the screen of %s; if it should look so: make -C build screens-update", path);
}

/* TEXT is what the file has, no line of it wider than 80 columns. */
static inline void screen_is(const char *name, const char *text)
{
	char path[SCREEN_PATH_MAX], has[16384] = "";
	FILE *in;

	screen_fits(text);
	screen_path(name, path);
	if (getenv("VIPSAFE_SCREENS") && !strcmp(getenv("VIPSAFE_SCREENS"), "update")) {
		screen_write(path, text);
		return;
	}
	in = fopen(path, "r");
	if (in) {
		has[fread(has, 1, sizeof(has) - 1, in)] = '\0';
		fclose(in);
	}
	if (strcmp(has, text) != 0)
		screen_differs(path, text);
}
