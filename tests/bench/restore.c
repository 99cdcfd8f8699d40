/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "bare.h"
#include "scene.h"

struct restore {
	struct bench *bench;
	struct run *run;  /* with the snapshot everybody restores */
	struct tape sent; /* what restore_missing() sent */
	int fd;		  /* of the bare loop */
	char saved[40];	  /* what the conntrack program saved */
};

/* Run the conntrack program with its output going to fd OUT. */
static int conntrack(char *const argv[], int out)
{
	int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = fork();

	if (pid == 0) {
		dup2(null, STDERR_FILENO);
		dup2(out < 0 ? null : out, STDOUT_FILENO);
		execvp("conntrack", argv);
		_exit(127);
	}
	if (null >= 0)
		close(null);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int by_vipsafe(struct restore *t)
{
	struct run *run = t->run;
	size_t i, n = connset_count(run->set);

	restore_missing(run);
	for (i = 0; i < n; i++)
		if (run->entries[i].state != ENTRY_CREATED)
			return -EBADMSG;
	return 0;
}

/* The same once for the tape. */
static int by_vipsafe_taped(struct restore *t)
{
	int r;

	tape_record(&t->sent, NULL);
	r = by_vipsafe(t);
	tape_record(NULL, NULL);
	return r < 0 ? r : t->sent.error;
}

static int by_bare_loop(struct restore *t)
{
	return bare_replay(t->fd, &t->sent);
}

static int by_conntrack(struct restore *t)
{
	char *argv[] = { (char *)"conntrack", (char *)"--load-file", t->saved, NULL };

	return conntrack(argv, -1);
}

/* Time WORK on an empty table; what it leaves must be the whole one. */
static int timed(struct restore *t, int (*work)(struct restore *t), const char *name,
		 double *ret_seconds)
{
	const struct kernel *k = &t->bench->env.kernel;
	size_t i, n = connset_count(t->run->set);
	int r = scene_empty(k, t->run->set);

	if (r < 0)
		return r;
	for (i = 0; i < n; i++)
		t->run->entries[i].state = ENTRY_MISSING;
	t->run->move_by = t->run->deadline = run_now(t->run) + 600 * USEC_PER_SEC;
	stopwatch_start(&t->bench->watch);
	r = work(t);
	*ret_seconds = stopwatch_lap(&t->bench->watch);
	if (r == 0)
		r = scene_expect(k, n, name);
	else
		fprintf(stderr, "bench: %s: %s\n", name, strerror(-r));
	return r;
}

static int prepare(struct restore *t)
{
	char *argv[] = { (char *)"conntrack", (char *)"-L",   (char *)"-f", (char *)"ipv4",
			 (char *)"-o",	      (char *)"save", NULL };
	_cleanup_close_ int fd = mkostemp(t->saved, O_CLOEXEC);
	double seconds;
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && t->bench->has_conntrack)
		r = conntrack(argv, fd);
	return r == 0 ? timed(t, by_vipsafe_taped, "restore", &seconds) : r;
}

static int rounds(struct restore *t, struct sample *bare, struct sample *load)
{
	static const struct {
		int (*work)(struct restore *t);
		const char *name;
	} who[] = {
		{ by_vipsafe, "restore" },
		{ by_bare_loop, "the bare loop" },
		{ by_conntrack, "conntrack --load-file" },
	};
	double scale = 1e9 / (double)t->bench->entries, s[ARRAY_SIZE(who)];
	size_t i, n = t->bench->has_conntrack ? 3 : 2;
	unsigned round;
	int r = 0;

	/* Each comes first in turn. */
	for (round = 0; round < t->bench->rounds; round++) {
		for (i = 0; i < n; i++) {
			size_t j = (i + round) % n;

			r = timed(t, who[j].work, who[j].name, &s[j]);
			if (r < 0)
				return r;
		}
		sample_add(bare, s[0] * scale, s[1] * scale);
		if (n == 3)
			sample_add(load, s[0] * scale, s[2] * scale);
	}
	return 0;
}

static int measure(struct restore *t)
{
	struct bench *b = t->bench;
	struct score bare = {
		.what = "restore",
		.peer = "bare loop, same messages",
		.unit = "ns/entry",
		.entries = b->entries,
		.bound = BOUND_AT_LEAST,
		.limit = 0.9,
	};
	struct score load = bare;
	int r;

	load.peer = "conntrack --load-file";
	load.limit = 3;
	r = prepare(t);
	if (r == 0)
		r = rounds(t, &bare.sample, &load.sample);
	scores_add(b->scores, &bare);
	if (b->has_conntrack)
		scores_add(b->scores, &load);
	return r;
}

int measure_restore(struct bench *b)
{
	struct restore t = { .bench = b, .fd = bare_open(), .saved = SCENE_RUN "/saved-XXXXXX" };
	struct report report;
	struct run run;
	int r = snapshot_run(b, &run, &report);

	t.run = &run;
	if (r == 0)
		r = t.fd < 0 ? t.fd : 0;
	if (r == 0) {
		snapshot_entries(&run);
		r = snapshot_check(b, &run);
	}
	if (r == 0) {
		r = measure(&t);
		(void)unlink(t.saved);
	}
	tape_done(&t.sent);
	if (t.fd >= 0)
		close(t.fd);
	run_end(&run);
	return r;
}
