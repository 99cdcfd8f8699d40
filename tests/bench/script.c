/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <vipsafe/base.h>

#include "look.h"

bool script_is_here(const struct bench *b, const char *what)
{
	if (getenv("VIPSAFE_SRC") && getenv("VIPSAFE_BUILD") && b->has_conntrack)
		return true;
	fprintf(stderr,
		"bench: SKIP %s: started by make bench, and with the conntrack program, they are "
		"measured\n",
		what);
	return false;
}

double script_value(const char *line, const char *key)
{
	size_t len = strlen(key);
	const char *p = line;

	while ((p = strchr(p, ' '))) {
		p++;
		if (strncmp(p, key, len) == 0 && p[len] == '=')
			return strtod(p + len + 1, NULL);
	}
	return -1;
}

static struct way *way_of(const char *line, struct way *ways, size_t n)
{
	size_t len = strcspn(line, " "), i;

	for (i = 0; i < n; i++)
		if (strlen(ways[i].name) == len && strncmp(line, ways[i].name, len) == 0)
			return &ways[i];
	return NULL;
}

int script_run(const struct bench *b, const char *name, unsigned rounds, struct way *ways, size_t n)
{
	char command[4096], line[sizeof(ways->lines[0])];
	size_t i;
	FILE *f;
	int r;

	/* everything it makes goes with it: tests/netns/lib/netns.sh */
	snprintf(command, sizeof(command),
		 "exec setpriv --pdeathsig KILL bash '%s/tests/bench/%s' %zu %u",
		 getenv("VIPSAFE_SRC"), name, b->entries, rounds);
	f = popen(command, "r");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		struct way *way = way_of(line, ways, n);

		if (way && way->n < MIN(rounds, SCRIPT_ROUNDS_MAX))
			strcpy(way->lines[way->n++], line);
		else
			fprintf(stderr, "bench: %s: %s", name, line);
	}
	r = pclose(f) == 0 ? 0 : -EIO;
	for (i = 0; i < n && r == 0; i++)
		r = ways[i].n == MIN(rounds, SCRIPT_ROUNDS_MAX) ? 0 : -EBADMSG;
	if (r < 0)
		fprintf(stderr, "bench: %s was not done\n", name);
	return r;
}

void script_add(const struct bench *b, struct score item, const char *key, const struct way *ours,
		const struct way *peers, double scale)
{
	struct score *score;
	size_t i;

	item.entries = b->entries;
	if (peers &&
	    (script_value(peers->lines[0], key) <= 0 || script_value(ours->lines[0], key) <= 0))
		peers = NULL;
	item.peer = peers ? peers->label : NULL;
	score = scores_add(b->scores, &item);
	for (i = 0; i < ours->n; i++)
		sample_add(&score->sample, script_value(ours->lines[i], key) / scale,
			   peers ? script_value(peers->lines[i], key) / scale : 0);
}

int script_time(const char *file, char *argv[])
{
	FILE *f = fopen(file, "we");
	uint64_t began = look_clock();
	pid_t pid = f ? fork() : -1;
	int status;

	if (pid == 0) {
		(void)setsid();
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 127;
	fprintf(f, "%llu\n", (unsigned long long)(look_clock() - began) / 1000);
	return fclose(f) == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}
