/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/keepalived.h"

#include <errno.h>
#include <string.h>

#include "keepalived/conf_tree.h"
#include "base/program.h"

#define PATIENCE (5 * USEC_PER_SEC)

static void keepalived_take_line(void *ud, const char *line)
{
	struct keepalived_version *v = ud, said;

	if (!v->major && keepalived_version_parse(line, &said) == 0)
		*v = said;
}

int keepalived_ask_version(struct keepalived_version *ret)
{
	char *const argv[] = { "keepalived", "--version", NULL };
	struct keepalived_version v = { 0 };
	/* keepalived prints its version to stderr */
	const struct program p = { .argv = argv,
				   .timeout = PATIENCE,
				   .merge = true,
				   .line = keepalived_take_line,
				   .ud = &v };
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

int keepalived_open(const char *file, struct keepalived_conf **ret, struct request_error *ret_error)
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *conf = NULL;
	const char *why = NULL;
	int r = keepalived_conf_read(file, &conf);

	if (r < 0)
		why = r == -EINVAL ? "is not a regular file" : strerror(-r);
	else if (!keepalived_is_conf(conf))
		why = "is not a keepalived.conf: none of its words is one of keepalived";
	if (why) {
		request_error_set(ret_error, "%.160s: %s", file, why);
		return r < 0 ? r : -EBADMSG;
	}
	*ret = TAKE_PTR(conf);
	return 0;
}
