/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration file. */
#include "lib/fuzz.h"

#include <errno.h>
#include <string.h>

#include "lib/file.h"
#include "show/config.h"

static void text_holds(const char *text, size_t size)
{
	CLAIM(memchr(text, '\0', size));
}

static void settings_hold(const struct settings *s)
{
	text_holds(s->run_dir, sizeof(s->run_dir));
	text_holds(s->socket, sizeof(s->socket));
	text_holds(s->group, sizeof(s->group));
	text_holds(s->textfile, sizeof(s->textfile));
	CLAIM(s->run_dir[0] == '/' && s->socket[0] == '/');
	CLAIM(!s->textfile[0] || s->textfile[0] == '/');
	CLAIM(s->pin_max_fill <= 100);
	CLAIM(s->hold <= HOLD_OFF && s->on_stop <= STOP_RELEASE);
	CLAIM(s->pin_timeout != USEC_NEVER && s->hold_max != USEC_NEVER);
	for (size_t i = 0; i < s->n_devices; i++) {
		struct request_error e;

		text_holds(s->devices[i].name, sizeof(s->devices[i].name));
		CLAIM(device_name_check(s->devices[i].name, &e) == 0);
		CLAIM(s->devices[i].pin <= PIN_OFF);
		for (size_t j = 0; j < i; j++)
			CLAIM(strcmp(s->devices[i].name, s->devices[j].name) != 0);
	}
}

/* One line, and nothing in it that a terminal obeys. */
static void error_holds(const struct request_error *e)
{
	text_holds(e->text, sizeof(e->text));
	CLAIM(e->text[0]);
	for (const char *p = e->text; *p; p++)
		CLAIM(*p >= ' ' && *p <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request_error e = { "" };
	struct settings s;
	int r;

	file_load(data, size);
	r = config_load(FILE_DIR "/" FILE_NAME, &s, &e);
	if (r < 0) {
		error_holds(&e);
		return 0;
	}
	CLAIM(r == 0);
	settings_hold(&s);
	settings_done(&s);
	return 0;
}
