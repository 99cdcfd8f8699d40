/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/conntrackd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <vipsafe/base.h>

#include "base/os.h"
#include "base/program.h"
#include "cli/process.h"

#define CONF_SIZE_MAX ((size_t)1 << 20)
#define WORDS_MAX 4096

/* ---- asking it ---- */

static void conntrackd_take_version(void *ud, const char *line)
{
	struct keepalived_version *v = ud, said;
	const char *at = strstr(line, " v");

	if (!v->major && at && keepalived_version_parse(at + 1, &said) == 0)
		*v = said;
}

int conntrackd_ask_version(const struct settings *s, struct keepalived_version *ret)
{
	char *const argv[] = { (char *)s->conntrackd, (char *)"-v", NULL };
	struct keepalived_version v = { 0 };
	const struct program p = { .argv = argv,
				   .timeout = s->conntrackd_timeout,
				   .merge = true,
				   .line = conntrackd_take_version,
				   .ud = &v };
	char error[PROGRAM_ERROR_MAX];
	int r = program_run(&p, error);

	if (r < 0)
		return r;
	if (!v.major)
		return -EPROTO;
	*ret = v;
	return 0;
}

static void conntrackd_take_stats(void *ud, const char *line)
{
	conntrackd_stats_line(ud, line);
}

void conntrackd_ask(const struct settings *s, struct conntrackd_stats *ret)
{
	static const char *const parts[] = { NULL, "link" };
	struct conntrackd_stats_reader reader = { .stats = { .answered = false } };
	char error[PROGRAM_ERROR_MAX];
	int r = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts) && r == 0; i++) {
		char *const argv[] = { (char *)s->conntrackd, (char *)"-s", (char *)parts[i],
				       NULL };
		const struct program p = { .argv = argv,
					   .timeout = s->conntrackd_timeout,
					   .line = conntrackd_take_stats,
					   .ud = &reader };

		r = program_run(&p, error);
	}
	reader.stats.answered = reader.stats.answered && r == 0;
	*ret = reader.stats;
}

/* ---- finding it ---- */

struct finding_it {
	unsigned n;
	char *file;
};

/* Whether the words of a command line are those of the daemon: "-d" and "-C FILE" only. The first
 * one is the program. */
static bool is_daemon(const char *words, size_t size, const char **ret_file)
{
	const char *at = words, *end = words + size, *next;
	bool first = true, wanted = false;

	for (; at < end && (next = memchr(at, '\0', (size_t)(end - at))); at = next + 1) {
		if (wanted)
			*ret_file = at;
		else if (!first && strncmp(at, "-C", 2) != 0 && strncmp(at, "-d", 2) != 0)
			return false;
		wanted = !wanted && !first && !strncmp(at, "-C", 2);
		first = false;
	}
	return !first;
}

static void conntrackd_on_process(void *ud, const char *pid)
{
	char words[WORDS_MAX + 1] = "", parent[PROCESS_NAME_MAX] = "";
	struct finding_it *it = ud;
	const char *file = NULL;
	size_t size = process_words(pid, words, WORDS_MAX);

	if (process_parent_name(pid, parent) && !strcmp(parent, "conntrackd"))
		return;
	if (!is_daemon(words, size, &file))
		return;
	if (!it->n && file)
		process_path(pid, file, it->file);
	it->n++;
}

unsigned conntrackd_find(char ret_file[PATH_MAX])
{
	struct finding_it it = { .file = ret_file };

	*ret_file = '\0';
	process_each("conntrackd", conntrackd_on_process, &it);
	return it.n;
}

/* ---- its file ---- */

int conntrackd_conf_open(const char *file, struct conntrackd_conf *ret)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t size;
	int r = os_read_file(file, CONF_SIZE_MAX, &text, &size, &st);

	return r < 0 ? r : conntrackd_conf_read(text, ret);
}
