/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of iptables-save, and that only what is ours is undone. */
#include "lib/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "kernel/hold_text.h"

static bool wanted(void *ud, int ifindex)
{
	size_t *asked = ud;

	CLAIM(ifindex > 0);
	++*asked;
	return ifindex != 2;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* A rule goes by its target, a chain by its name. */
static void line_holds(const char *line)
{
	const char *last = strrchr(line, ' ');
	int ifindex;

	CLAIM(last);
	CLAIM(text_number_between(last + 1, HOLD_CHAIN_PREFIX, "", &ifindex) && ifindex != 2);
	if (begins(line, "-D "))
		CLAIM(strstr(line, " --comment \"vipsafe hold\" -j " HOLD_CHAIN_PREFIX));
	else
		CLAIM((begins(line, "-F ") || begins(line, "-X ")) && last == line + 2);
}

static void script_holds(char *script)
{
	char *line = script, *end;

	if (!*script)
		return;
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (line == script)
			CLAIM(strcmp(line, "*mangle") == 0);
		else if (end[1])
			line_holds(line);
		else
			CLAIM(strcmp(line, "COMMIT") == 0);
	}
	CLAIM(!*line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char script[2 * CHAINS_SCRIPT_MAX + 16], *text = input_text(data, size), *line, *end;
	size_t asked = 0;
	struct chains_undo undo = { .kind = &hold_text_chains, .wanted = wanted, .ud = &asked };

	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		chains_undo_line(&undo, line);
	}
	chains_undo_line(&undo, line);
	CLAIM(undo.n >= 0 && (size_t)undo.n <= asked);
	chains_undo_script(&undo, script);
	CLAIM(strlen(script) < sizeof(script));
	script_holds(script);
	free(text);
	return 0;
}
