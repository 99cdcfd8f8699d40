/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe-bench [--json FILE [--plot SVG]] [--rounds N] [--only PART] [ENTRIES …]
 * vipsafe-bench --time FILE PROGRAM [WORD …]       script_time()
 *
 * How fast the real code is beside the least that must be done, and beside the
 * tools it replaces, on the running kernel, in a network namespace of its own.
 * Exits 1 when a bound does not hold, 77 when nothing could be measured here. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/request.h"
#include "show/settings_text.h"
#include "kernel/kernel_real.h"
#include "plot.h"
#include "scene.h"
#include "script.h"
#include "traffic.h"

#define SIZES_MAX 8
#define EXIT_SKIP 77

/* The rest of the table is for others: its limit counts per namespace, its
 * memory does not. */
#define FULL_PERCENT 90

struct options {
	const char *json, *plot;
	const char *only; /* NULL: all parts */
	unsigned rounds;  /* 0: by size */
	size_t memory;	  /* the child of measure_memory() */
	size_t collide;	  /* the child of measure_collide() */
	size_t shadow;	  /* a child of measure_shadow() */
	bool shadow_pinned;
	size_t fill, watch; /* what del.sh has done */
	size_t sizes[SIZES_MAX];
	size_t n_sizes;
};

static int number(const char *text, size_t *ret)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || end == text || *end || !v || v > 10000000) {
		fprintf(stderr, "bench: not a number of entries or rounds: '%s'\n", text);
		return -EINVAL;
	}
	*ret = v;
	return 0;
}

static int options_parse(struct options *o, int argc, char *argv[])
{
	static const struct option words[] = {
		{ "json", required_argument, NULL, 'j' },
		{ "only", required_argument, NULL, 'o' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "memory", required_argument, NULL, 'm' },
		{ "collide", required_argument, NULL, 'c' },
		{ "shadow-pinned", required_argument, NULL, 's' },
		{ "shadow-unpinned", required_argument, NULL, 'y' },
		{ "plot", required_argument, NULL, 'p' },
		{ "fill", required_argument, NULL, 'f' },
		{ "watch", required_argument, NULL, 'w' },
		{ NULL },
	};
	size_t v;
	int c;

	while ((c = getopt_long(argc, argv, "", words, NULL)) != -1) {
		if (c == 'j')
			o->json = optarg;
		else if (c == 'o')
			o->only = optarg;
		else if (c == 'm' && number(optarg, &v) == 0)
			o->memory = v;
		else if (c == 'c' && number(optarg, &v) == 0)
			o->collide = v;
		else if ((c == 's' || c == 'y') && number(optarg, &o->shadow) == 0)
			o->shadow_pinned = c == 's';
		else if (c == 'p')
			o->plot = optarg;
		else if (c == 'f' && number(optarg, &v) == 0)
			o->fill = v;
		else if (c == 'w' && number(optarg, &v) == 0)
			o->watch = v;
		else if (c == 'r' && number(optarg, &v) == 0)
			o->rounds = (unsigned)MIN(v, (size_t)ROUNDS_MAX);
		else
			return -EINVAL;
	}
	for (; optind < argc; optind++) {
		if (o->n_sizes == SIZES_MAX || number(argv[optind], &o->sizes[o->n_sizes++]) < 0)
			return -EINVAL;
	}
	if (!o->n_sizes) {
		o->sizes[o->n_sizes++] = 10000;
		o->sizes[o->n_sizes++] = 100000;
		o->sizes[o->n_sizes++] = 235000;
	}
	return 0;
}

/* What fits, said loudly when that is less than asked for. */
static size_t fitting(const struct kernel *k, size_t asked)
{
	uint32_t count, max;
	size_t room;

	if (k->ops->ct_usage(k->ctx, &count, &max) < 0)
		return asked;
	room = (size_t)max / 100 * FULL_PERCENT;
	if (!max || asked <= room)
		return asked;
	fprintf(stderr,
		"bench: ATTENTION: only %zu instead of %zu entries: nf_conntrack_max is %u\n", room,
		asked, max);
	return room;
}

/* Each size once that fits: one may be reduced to another. */
static void fit_sizes(const struct kernel *k, struct options *o)
{
	size_t i, j, n = 0;

	for (i = 0; i < o->n_sizes; i++) {
		size_t fits = fitting(k, o->sizes[i]);

		for (j = 0; j < n && o->sizes[j] != fits;)
			j++;
		if (j == n)
			o->sizes[n++] = fits;
	}
	o->n_sizes = n;
}

/* What it took is said, that whoever waits knows for what. */
static int measure_part(struct bench *b, const char *name, int (*measure)(struct bench *b))
{
	struct stopwatch watch = { 0 };
	double busy;
	int r;

	stopwatch_start(&watch);
	r = measure(b);
	busy = stopwatch_lap(&watch);
	fprintf(stderr, "bench: %s took %.0f s, of them %.0f s of a processor\n", name,
		watch.all_wall, busy);
	return r;
}

static bool is_wanted(const struct options *o, const char *part)
{
	return !o->only || !strcmp(o->only, part);
}

/* Larger tables only for what has to be independent of their size, or if a part is asked for. */
#define LARGE 300000

static bool is_wanted_at(const struct options *o, const char *part, size_t entries, size_t max)
{
	return is_wanted(o, part) && (o->only || entries <= max);
}

static const struct {
	const char *name;
	int (*measure)(struct bench *b);
	size_t max; /* entries; beyond that it takes long and tells nothing more */
} parts[] = {
	{ "snapshot", measure_snapshot, LARGE }, { "memory", measure_memory, LARGE },
	{ "restore", measure_restore, LARGE },	 { "decode", measure_decode, LARGE },
	{ "pin", measure_pin, LARGE },		 { "gap", measure_gap, LARGE },
	{ "guard", measure_guard, SIZE_MAX },	 { "linger", measure_linger, LARGE / 2 },
};

static int first_error(int a, int b)
{
	return a < 0 ? a : b;
}

static int fill(struct bench *b)
{
	int r = scene_fill(b->entries);

	return r == 0 ? scene_expect(&b->env.kernel, b->entries, "filling the table") : r;
}

static int measure_size(struct bench *b, size_t entries, const struct options *o)
{
	size_t i, wanted = 0;
	int r, error = 0;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		wanted += is_wanted_at(o, parts[i].name, entries, parts[i].max);
	if (!wanted)
		return 0;
	b->entries = entries;
	/* Small tables are quick and noisy: more rounds. */
	b->rounds = o->rounds ? o->rounds : b->entries <= 20000 ? 15 : 5;
	fprintf(stderr, "bench: %zu entries, %u rounds …\n", b->entries, b->rounds);
	r = fill(b);
	for (i = 0; i < ARRAY_SIZE(parts) && r == 0; i++) {
		if (!is_wanted_at(o, parts[i].name, entries, parts[i].max))
			continue;
		r = measure_part(b, parts[i].name, parts[i].measure);
		if (r == 0)
			continue;
		fprintf(stderr, "bench: %s was NOT MEASURED: %s\n", parts[i].name, strerror(-r));
		error = r;
		r = scene_rebuild();
		if (r == 0)
			r = fill(b);
	}
	return first_error(r, error);
}

static int request_make(struct request *req)
{
	char *words[] = { (char *)SCENE_VIP, (char *)"dev", (char *)SCENE_DEVICE };
	struct request_error error;

	request_init(req, OP_DEL);
	return request_parse(req, (int)ARRAY_SIZE(words), words, &error);
}

static bool have_program(const char *name)
{
	char path[4096], *dir, *rest = path;

	snprintf(path, sizeof(path), "%s:/usr/sbin:/sbin", getenv("PATH") ? getenv("PATH") : "");
	setenv("PATH", path, 1);
	while ((dir = strsep(&rest, ":"))) {
		char file[4096 + 64];

		snprintf(file, sizeof(file), "%s/%s", dir, name);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/* Wall time beyond our own was somebody else's. */
static double others_percent(const struct stopwatch *w)
{
	return w->all_wall > 0 ? 100 * (1 - w->all_busy / w->all_wall) : 0;
}

static void print_busy(const struct stopwatch *w)
{
	printf("del, away, small del, script, what a client waits, pin gap: wall time. The rest: "
	       "processor time, user and system; others "
	       "had the machine for %.0f%% of the wall time.\n",
	       others_percent(w));
}

/* What has a table of its own: while ours is empty, since it shares the hash with theirs. One that
 * fails does not keep the others from being measured. */
static int measure_apart(struct bench *b, const struct options *o)
{
	int r = 0;
	size_t i;

	if (is_wanted(o, "collide"))
		r = measure_part(b, "collide", measure_collide);
	if (is_wanted(o, "shadow"))
		r = first_error(r, measure_part(b, "shadow", measure_shadow));
	if (!b->has_conntrack)
		fprintf(stderr, "bench: SKIP conntrack --load-file: no conntrack program\n");
	if (is_wanted(o, "small"))
		r = first_error(r, measure_part(b, "small", measure_small));
	for (i = 0; i < o->n_sizes; i++) {
		if (!is_wanted_at(o, "del", o->sizes[i], LARGE))
			continue;
		b->entries = o->sizes[i];
		fprintf(stderr, "bench: whole deletes with %zu entries …\n", b->entries);
		r = first_error(r, measure_part(b, "del", measure_del));
	}
	return r;
}

static int measure_sizes(struct bench *b, const struct options *o)
{
	size_t i;
	int r = scene_build();

	if (r < 0) {
		fprintf(stderr, "bench: no device can be made (ip link add … type bridge)\n");
		return r;
	}
	for (i = 0; i < o->n_sizes; i++)
		r = first_error(r, measure_size(b, o->sizes[i], o));
	return r;
}

static int measure_all(struct bench *b, struct options *o)
{
	int r;

	fit_sizes(&b->env.kernel, o);
	r = measure_apart(b, o);
	r = first_error(r, measure_sizes(b, o));
	if (b->scores->n) {
		scores_print(b->scores, stdout);
		print_busy(&b->watch);
	}
	if (o->json && b->scores->n) {
		int error = scores_write(b->scores, others_percent(&b->watch), o->json);

		if (error < 0)
			fprintf(stderr, "bench: %s: %s\n", o->json, strerror(-error));
		if (error == 0 && o->plot)
			error = plot_write(o->json, o->plot);
		r = r < 0 ? r : error;
	}
	return r;
}

static int bench(struct bench *b, struct options *o)
{
	struct kernel_real *k = NULL;
	int r = o->memory || o->collide || o->shadow ? 0 : scene_enter();

	if (r < 0) {
		fprintf(stderr, "bench: SKIP: no network namespace: %s\n", strerror(-r));
		return EXIT_SKIP;
	}
	b->has_conntrack = have_program("conntrack");
	settings_init(&b->settings, sections_all);
	b->env = (struct run_env){ .settings = &b->settings, .seed = 42, .boot_id = "bench" };
	b->entries = o->collide ? o->collide : o->memory;
	if (o->collide)
		return collide_child(b) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (o->shadow) {
		b->entries = o->shadow;
		return shadow_child(b, o->shadow_pinned) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	r = request_make(&b->request);
	if (r == 0)
		r = kernel_real_new(&k);
	if (r == 0) {
		b->env.kernel = kernel_real_get(k);
		r = o->memory ? memory_child(b) : measure_all(b, o);
	}
	kernel_real_free(k);
	settings_done(&b->settings);
	if (r < 0) {
		fprintf(stderr, "bench: %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	return scores_hold(b->scores) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
	_cleanup_free_ struct scores *scores = calloc(1, sizeof(*scores));
	struct options o = { 0 };
	struct bench b = { .scores = scores };
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (argc > 3 && !strcmp(argv[1], "--time"))
		return script_time(argv[2], argv + 3);
	if (options_parse(&o, argc, argv) < 0) {
		fprintf(stderr, "usage: vipsafe-bench [--json FILE [--plot SVG]] [--rounds N] "
				"[--only collide|shadow|small|del|snapshot|memory|restore|"
				"decode|pin|gap|guard|linger] [ENTRIES ...]\n");
		return 2;
	}
	if (o.fill || o.watch) {
		int r = o.fill ? traffic_fill(o.fill) : traffic_watch(o.watch);

		if (r < 0)
			fprintf(stderr, "bench: %s\n", strerror(-r));
		return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	if (!scores || n < 0)
		return EXIT_FAILURE;
	self[n] = '\0';
	b.self = self;
	return bench(&b, &o);
}
