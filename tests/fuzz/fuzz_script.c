/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A shell script, as the doctor reads it. */
#include "lib/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <vipsafe/base.h>

#include "keepalived/script.h"

struct looking {
	const char *script;
	size_t size;
	struct findings found;
};

static void on_act(void *ud, const struct script_act *a)
{
	struct looking *l = ud;

	CLAIM(a->line >= 1);
	CLAIM(!a->is_own || (a->text >= l->script && a->len <= l->size &&
			     a->text + a->len <= l->script + l->size));
	script_message("", "/x", l->script, a, &l->found);
}

static void on_order(void *ud _unused_, const struct script_order *o)
{
	CLAIM(o->line >= 1);
	CLAIM(o->option && o->value);
}

static void on_path(void *ud _unused_, const char *path)
{
	CLAIM(*path == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = input_text(data, size);
	struct looking l = { .script = text, .size = strlen(text) };
	const struct script_reader r = {
		.act = on_act, .order = on_order, .path = on_path, .ud = &l
	};
	size_t i;

	(void)script_is_shell(text);
	(void)script_read(text, &r);
	for (i = 0; i < l.found.n; i++)
		CLAIM(!*l.found.list[i].fix || !*l.found.list[i].advice);
	findings_done(&l.found);
	free(text);
	return 0;
}
