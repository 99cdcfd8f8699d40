/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a target where there is no libFuzzer:
 *   fuzz_NAME                        every file of the corpus of NAME, as a TAP test
 *   fuzz_NAME FILE…                  these inputs
 *   fuzz_NAME -soak SECONDS [-seed N] [-first N]
 *                                    the corpus, then what mutate.c makes of it
 * An input that ends the program is left in crash-NAME, and with a soak its
 * seed and number are told. */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mutate.h"

#define INPUT_MAX 65536
#define INPUTS_MAX 1024
#define HANG_SECONDS 20

/* Sanitizers end a program without a signal; they offer this instead, or to be
 * asked for one. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
const char *__ubsan_default_options(void);

const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

struct corpus {
	uint8_t *data[INPUTS_MAX];
	size_t size[INPUTS_MAX], n;
};

/* For those who run when everything else has ended. */
static struct {
	const char *name;
	const uint8_t *data;
	size_t size;
	unsigned long long seed, number; /* of a soak; number 0: a file */
	char file[NAME_MAX + 1];
} now;

static int program_error(const char *what, int r)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-r));
	return 99; /* TAP: not a failed test, a broken one */
}

static void leave_input(void)
{
	static bool left;
	char path[NAME_MAX + 16], line[NAME_MAX + 128];
	int fd, n;

	if (left || !now.data)
		return;
	left = true;
	snprintf(path, sizeof(path), "crash-%s", now.name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, now.data, now.size) != (ssize_t)now.size)
		path[0] = '\0';
	n = snprintf(line, sizeof(line), "\nthe input (%s, seed %llu, number %llu) is in %s\n",
		     now.number ? "a soak" : now.file, now.seed, now.number,
		     path[0] ? path : "no file: it could not be written");
	(void)!write(STDERR_FILENO, line, (size_t)n);
}

static void on_signal(int sig)
{
	leave_input();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void watch(void)
{
	static const int deadly[] = { SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV };

	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(leave_input);
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++) {
		/* the sanitizer tells more about these than we can */
		if (__sanitizer_set_death_callback && deadly[i] != SIGABRT && deadly[i] != SIGALRM)
			continue;
		signal(deadly[i], on_signal);
	}
}

/* In memory of exactly its size, so that reading on is seen. */
static void run_one(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	CLAIM(exact);
	memcpy(exact, data, size);
	now.data = exact;
	now.size = size;
	alarm(HANG_SECONDS);
	LLVMFuzzerTestOneInput(exact, size);
	alarm(0);
	now.data = NULL;
	free(exact);
}

static int file_read(const char *path, uint8_t **ret, size_t *ret_size)
{
	uint8_t *data = malloc(INPUT_MAX);
	FILE *f = fopen(path, "rb");
	int r = f && data ? 0 : -errno;

	if (r == 0)
		*ret_size = fread(data, 1, INPUT_MAX, f);
	if (f)
		fclose(f);
	if (r < 0) {
		free(data);
		return r;
	}
	*ret = data;
	return 0;
}

static int corpus_add(struct corpus *c, const char *path)
{
	const char *slash = strrchr(path, '/');
	int r;

	if (c->n == INPUTS_MAX)
		return -E2BIG;
	r = file_read(path, &c->data[c->n], &c->size[c->n]);
	if (r < 0)
		return r;
	snprintf(now.file, sizeof(now.file), "%s", slash ? slash + 1 : path);
	run_one(c->data[c->n], c->size[c->n]);
	c->n++;
	return 0;
}

/* In the order of their names, so that a soak can be repeated. */
static int corpus_load(struct corpus *c, const char *dir)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, NULL, alphasort), r = n < 0 ? -errno : 0;
	char path[PATH_MAX + NAME_MAX + 2];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, list[i]->d_name);
		if (r == 0 && list[i]->d_name[0] != '.')
			r = corpus_add(c, path);
		free(list[i]);
	}
	free(list);
	return r < 0 ? r : c->n ? 0 : -ENOENT;
}

/* Each input has a generator of its own: one can be had without the others. */
static void soak(const struct corpus *c, double seconds, unsigned long long seed,
		 unsigned long long first)
{
	static uint8_t buf[INPUT_MAX];
	struct timespec t0, t;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	now.seed = seed;
	for (now.number = first;; now.number++) {
		struct rnd r = { (seed * 0x9e3779b97f4a7c15ULL) ^
				 (now.number * 0xbf58476d1ce4e5b9ULL) ^ 1 };
		size_t a, b, size;

		rnd(&r, 2);
		a = rnd(&r, (uint32_t)c->n);
		b = rnd(&r, (uint32_t)c->n);
		memcpy(buf, c->data[a], c->size[a]);
		size = mutate(&r, buf, c->size[a], sizeof(buf), c->data[b], c->size[b]);
		run_one(buf, size);
		clock_gettime(CLOCK_MONOTONIC, &t);
		if ((double)(t.tv_sec - t0.tv_sec) + 1e-9 * (double)(t.tv_nsec - t0.tv_nsec) >
		    seconds)
			break;
	}
	printf("# %s: %llu inputs made of %zu, seed %llu\n", now.name, now.number - first + 1, c->n,
	       seed);
}

static void corpus_done(struct corpus *c)
{
	while (c->n)
		free(c->data[--c->n]);
}

int main(int argc, char **argv)
{
	static struct corpus c;
	const char *slash = strrchr(argv[0], '/'), *src = getenv("VIPSAFE_SRC");
	unsigned long long seed = (unsigned long long)time(NULL), first = 1;
	double seconds = 0;
	char dir[PATH_MAX];
	int i, r = 0;

	now.name = slash ? slash + 1 : argv[0];
	now.name += strncmp(now.name, "fuzz_", 5) == 0 ? 5 : 0;
	watch();
	for (i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2)
		if (!strcmp(argv[i], "-soak"))
			seconds = strtod(argv[i + 1], NULL);
		else if (!strcmp(argv[i], "-seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "-first"))
			first = strtoull(argv[i + 1], NULL, 0);
		else
			return program_error(argv[i], -EINVAL);
	if (i < argc) {
		for (; i < argc && r == 0; i++)
			r = corpus_add(&c, argv[i]);
		corpus_done(&c);
		return r < 0 ? program_error(argv[i - 1], r) : 0;
	}
	snprintf(dir, sizeof(dir), "%s/tests/fuzz/corpus/%s", src ? src : ".", now.name);
	puts("1..1");
	fflush(stdout);
	r = corpus_load(&c, dir);
	if (r < 0)
		return program_error(dir, r);
	if (seconds > 0) {
		printf("# %s: soak of %g s, -seed %llu\n", now.name, seconds, seed);
		fflush(stdout);
		soak(&c, seconds, seed, first);
	}
	printf("ok 1 - %s: %zu inputs\n", now.name, c.n);
	corpus_done(&c);
	return 0;
}
