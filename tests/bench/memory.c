/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "snapshot.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

/* The counters in
 * status are summed per CPU and may lag by more than a small snapshot takes;
 * smaps_rollup walks the page tables (Linux 4.14). */
int memory_resident(unsigned long *ret_now, unsigned long *ret_peak)
{
	static const char *const sources[] = { "/proc/self/status", "/proc/self/smaps_rollup" };
	char line[256];
	size_t i;

	*ret_now = *ret_peak = 0;
	for (i = 0; i < ARRAY_SIZE(sources); i++) {
		FILE *f = fopen(sources[i], "re");

		while (f && fgets(line, sizeof(line), f)) {
			(void)sscanf(line, "VmRSS: %lu", ret_now);
			(void)sscanf(line, "VmHWM: %lu", ret_peak);
			(void)sscanf(line, "Rss: %lu", ret_now);
		}
		if (f)
			fclose(f);
	}
	return *ret_now ? 0 : -ENOENT;
}

int memory_child(struct bench *b)
{
	unsigned long before, peak_before, after, peak;
	struct report report;
	struct run run;
	int r = snapshot_run(b, &run, &report);

	if (r == 0)
		r = memory_resident(&before, &peak_before);
	if (r == 0) {
		snapshot_entries(&run);
		r = memory_resident(&after, &peak);
	}
	if (r == 0)
		r = snapshot_check(b, &run);
	if (r == 0)
		printf("%lu %lu %lu %zu\n", before, after, MAX(peak, after),
		       connset_bytes(run.set));
	run_end(&run);
	return r;
}

int memory_child_start(struct bench *b, const char *word, pid_t *ret_pid, FILE **ret)
{
	char number[32];
	int fds[2];
	pid_t pid;

	snprintf(number, sizeof(number), "%zu", b->entries);
	if (pipe(fds) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execl(b->self, b->self, word, number, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	*ret_pid = pid;
	*ret = fdopen(fds[0], "r");
	return *ret ? 0 : -ENOMEM;
}

static int once(struct bench *b, double *ret_bytes, double *ret_peak)
{
	unsigned long before, after, peak;
	size_t held;
	FILE *f = NULL;
	pid_t pid = 0;
	int status, n, r = memory_child_start(b, "--memory", &pid, &f);

	if (r < 0)
		return r;
	n = fscanf(f, "%lu %lu %lu %zu", &before, &after, &peak, &held);
	fclose(f);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (n != 4 || !WIFEXITED(status) || WEXITSTATUS(status))
		return -EBADMSG;
	/* Whatever is resident must cover what the set says it holds. */
	if ((after - before) * 1024 < held / 2)
		return -ERANGE;
	*ret_bytes = (double)(after - before) * 1024 / (double)b->entries;
	*ret_peak = (double)(peak - before) * 1024 / (double)b->entries;
	return 0;
}

int measure_memory(struct bench *b)
{
	struct score *held = scores_add(b->scores, &(struct score){
							   .what = "memory",
							   .unit = "bytes/entry",
							   .entries = b->entries,
							   .bound = BOUND_AT_MOST,
							   .limit = 400,
						   });
	struct score *peak = scores_add(b->scores, &(struct score){
							   .what = "mem. peak",
							   .unit = "bytes/entry",
							   .entries = b->entries,
						   });
	double bytes = 0, most = 0;
	int i, r = 0;

	for (i = 0; i < 5 && r == 0; i++) {
		r = once(b, &bytes, &most);
		if (r == 0) {
			sample_add(&held->sample, bytes, 0);
			sample_add(&peak->sample, most, 0);
		}
	}
	return r;
}
