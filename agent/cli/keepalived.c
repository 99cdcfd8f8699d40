/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/keepalived.h"

#include <errno.h>

#include "kernel/program.h"

#define PATIENCE (5 * USEC_PER_SEC)

static void take_line(void *ud, const char *line)
{
	struct keepalived_version *v = ud, said;

	if (!v->major && keepalived_version_parse(line, &said) == 0)
		*v = said;
}

int keepalived_ask_version(struct keepalived_version *ret)
{
	char *const argv[] = { "keepalived", "--version", NULL };
	struct keepalived_version v = { 0 };
	/* it says so on stderr */
	const struct program p = {
		.argv = argv, .budget = PATIENCE, .merge = true, .line = take_line, .ud = &v
	};
	char error[PROGRAM_ERROR_MAX];
	int r;

	r = program_run(&p, error);
	if (r < 0)
		return r;
	if (!v.major)
		return -EPROTO;
	*ret = v;
	return 0;
}
