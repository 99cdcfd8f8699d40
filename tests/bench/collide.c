/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The collision check, on tuples made up here: a quarter of them direct, a
 * quarter through a service, half of no concern to it, and every thousandth
 * port of a client used both ways. In a process of its own, for its memory. */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/wait.h>

#include "lvs/collide.h"

#define SERVICES 64
#define REALS 4
#define PORTS 28000 /* of one client */
#define COLLIDE_EVERY 1000
#define EVENTS 200000

/* What the child tells of one size. */
struct told {
	double ms, bytes, event_ns;
	unsigned long long pairs, expected;
};

static struct addr address(uint32_t a)
{
	a = htonl(a);
	return addr_make(AF_INET, &a);
}

static uint32_t vip(unsigned service)
{
	return 0x0a090000 + service;
}

static uint32_t real_server(unsigned service, unsigned i)
{
	return 0x0a0a0000 + service * REALS + i;
}

static int map_fill(struct lvs_map *m)
{
	int r = lvs_map_add_source(m, LVS_FROM_INI, "bench", 0);

	for (unsigned i = 0; r >= 0 && i < SERVICES; i++) {
		const struct lvs_service s = { .method = LVS_NAT };
		const struct lvs_match match = { .l4proto = IPPROTO_TCP,
						 .port = 3306,
						 .first = address(vip(i)),
						 .last = address(vip(i)) };

		r = lvs_map_add_service(m, &s);
		if (r >= 0)
			r = lvs_map_add_match(m, i, &match);
		for (unsigned k = 0; r >= 0 && k < REALS; k++) {
			const struct lvs_real real = {
				.addr = address(real_server(i, k)),
				.port = 3269,
				.weight = 1,
			};

			r = lvs_map_add_real(m, i, &real);
		}
	}
	return r < 0 ? r : lvs_map_finish(m);
}

static void set(struct conn *c, uint32_t client, uint16_t cport, uint32_t dest, uint16_t dport)
{
	struct tuple t = { .sport = htons(cport), .dport = htons(dport) };

	client = htonl(client);
	dest = htonl(dest);
	memcpy(t.src, &client, 4);
	memcpy(t.dst, &dest, 4);
	memset(c, 0, sizeof(*c));
	c->key = conn_key_make(AF_INET, IPPROTO_TCP, &t, 0, CONN_ZONE_BOTH);
	c->reply = tuple_invert(&t, IPPROTO_TCP);
	c->tcp_state = CONN_TCP_ESTABLISHED;
	c->status = CONN_ASSURED | CONN_SEEN_REPLY | CONN_CONFIRMED;
}

/* Tuple I: in a table the order of a hash, here that of a permutation. */
static void tuple_of(struct conn *c, size_t i)
{
	size_t pair = i / 4, n = pair * 2654435761U % 0x10000000;
	uint32_t client = 0x0ae80000 + (uint32_t)(pair / PORTS);
	uint16_t port = (uint16_t)(32768 + pair % PORTS);
	unsigned service = (unsigned)(n % SERVICES);

	switch (i % 4) {
	case 0: /* direct */
		set(c, client, port, real_server(service, (unsigned)(n >> 8) % REALS), 3269);
		return;
	case 1: /* through the service, mostly from a port of its own */
		set(c, pair % COLLIDE_EVERY ? client + 0x10000 : client, port, vip(service), 3306);
		return;
	default:
		set(c, client, port, 0x08000000 + (uint32_t)n, (uint16_t)(400 + i % 4));
	}
}

static int count_pair(void *ud, const struct collision *c _unused_)
{
	++*(unsigned long long *)ud;
	return 0;
}

static int check(struct bench *b, struct collide *c, size_t n, struct told *t)
{
	struct conn conn;
	uint64_t unseen;
	double seconds;
	int r;

	stopwatch_start(&b->watch);
	r = collide_expect(c, n);
	seconds = stopwatch_lap(&b->watch);

	/* in pieces: making up a piece of tuples is not timed */
	for (size_t i = 0; r == 0 && i < n;) {
		static struct conn piece[256];
		size_t m = 0;

		/* the same in another order: neighbours in it are none in a table */
		for (; m < ARRAY_SIZE(piece) && i < n; i++, m++)
			tuple_of(&piece[m], (size_t)((unsigned long long)i * 1000003 % n));
		stopwatch_start(&b->watch);
		for (size_t k = 0; r == 0 && k < m; k++)
			r = collide_add_conn(c, &piece[k], FLOW_CONNTRACK, 0);
		seconds += stopwatch_lap(&b->watch);
	}
	stopwatch_start(&b->watch);
	t->pairs = 0;
	if (r == 0)
		r = collide_each(c, count_pair, &t->pairs, &unseen);
	t->ms = 1000 * (seconds + stopwatch_lap(&b->watch));
	t->expected = 0;
	for (size_t i = 1; i < n; i += 4) {
		tuple_of(&conn, i);
		t->expected += i / 4 % COLLIDE_EVERY == 0;
	}
	return r;
}

/* What the daemon does with each event, half of them births. */
static int events(struct bench *b, struct collide *c, size_t n, struct told *t)
{
	static struct conn fresh[EVENTS / 2];
	unsigned long long pairs = 0;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fresh); i++)
		tuple_of(&fresh[i], n + i);
	stopwatch_start(&b->watch);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fresh); i++) {
		r = collide_probe_conn(c, &fresh[i], true, count_pair, &pairs);
		if (r == 0)
			r = collide_add_conn(c, &fresh[i], FLOW_CONNTRACK, 0);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fresh); i++)
		collide_end_conn(c, &fresh[i], true, i * USEC_PER_MSEC, 120 * USEC_PER_SEC);
	collide_expire(c, 1000 * USEC_PER_SEC);
	t->event_ns = 1e9 * stopwatch_lap(&b->watch) / EVENTS;
	return r == 0 && !pairs ? -EBADMSG : r;
}

int collide_child(struct bench *b)
{
	_cleanup_(lvs_map_freep) struct lvs_map *map = lvs_map_new();
	_cleanup_(collide_freep) struct collide *c = NULL;
	unsigned long before, after, peak;
	struct told t;
	int r = map ? map_fill(map) : -ENOMEM;

	if (r == 0)
		c = collide_new(map, (struct collide_node){ 0 }, 42);
	if (r == 0)
		r = c ? memory_resident(&before, &peak) : -ENOMEM;
	if (r == 0)
		r = check(b, c, b->entries, &t);
	if (r == 0)
		r = memory_resident(&after, &peak);
	if (r == 0)
		r = events(b, c, b->entries, &t);
	if (r == 0)
		printf("%f %lu %f %llu %llu\n", t.ms, (MAX(peak, after) - before) * 1024,
		       t.event_ns, t.pairs, t.expected);
	return r;
}

static int once(struct bench *b, struct told *t)
{
	FILE *f = NULL;
	pid_t pid = 0;
	int status, n, r = memory_child_start(b, "--collide", &pid, &f);

	if (r < 0)
		return r;
	n = fscanf(f, "%lf %lf %lf %llu %llu", &t->ms, &t->bytes, &t->event_ns, &t->pairs,
		   &t->expected);
	fclose(f);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (n != 5 || !WIFEXITED(status) || WEXITSTATUS(status))
		return -EBADMSG;
	return t->pairs == t->expected ? 0 : -ERANGE;
}

static struct score *add(struct bench *b, const char *what, const char *unit, double limit)
{
	return scores_add(b->scores, &(struct score){
					     .what = what,
					     .unit = unit,
					     .entries = b->entries,
					     .bound = limit > 0 ? BOUND_AT_MOST : BOUND_NONE,
					     .limit = limit,
				     });
}

int measure_collide(struct bench *b)
{
	static const struct {
		size_t tuples;
		double ms, mib;
	} sizes[] = { { 100000, 0, 0 }, { 1000000, 100, 64 }, { 4000000, 0, 0 } };
	struct told t;
	double first = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sizes); i++) {
		struct score *ms, *mib, *event, *growth;
		double each;

		b->entries = sizes[i].tuples;
		fprintf(stderr, "bench: collision check of %zu tuples …\n", b->entries);
		ms = add(b, "collide", "ms", sizes[i].ms);
		mib = add(b, "collide", "MiB", sizes[i].mib);
		event = add(b, "collide", "ns/event", 300);
		/* quadratic would be as many times as there are more tuples */
		growth = add(b, "collide", "x per tuple of 100000", 4);
		for (unsigned round = 0; r == 0 && round < 5; round++) {
			r = once(b, &t);
			if (r < 0)
				break;
			sample_add(&ms->sample, t.ms, 0);
			sample_add(&mib->sample, t.bytes / 1048576, 0);
			sample_add(&event->sample, t.event_ns, 0);
			each = t.ms / (double)b->entries;
			first = first > 0 ? first : each;
			sample_add(&growth->sample, each / first, 0);
		}
	}
	return r;
}
