/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guard's shadow of the table takes, per entry: as the kernel counts
 * it, for entries that are pinned and for entries that are not, which are kept
 * whole. Fed without a kernel, so that a table of any size can be had. */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/wait.h>

#include "base/pinned.h"
#include "base/unpinned.h"

#define SHADOW_ENTRIES 1000000

/* The I-th: of one of many pods, to one of a few servers, as scene.c makes them. */
static void entry_make(size_t i, struct conn *c)
{
	uint32_t client = htonl(0x0ae80000 + (uint32_t)(i % 60000));
	uint32_t server = htonl(0xcb007101 + (uint32_t)(i / 50000));
	uint32_t node = htonl(0xc0a80b07);

	*c = (struct conn){ .id = (uint32_t)(i * 2654435761U + 1),
			    .status = CONN_CONFIRMED | CONN_ASSURED | CONN_SRC_NAT_DONE,
			    .tcp_state = CONN_TCP_ESTABLISHED };
	c->key.family = AF_INET;
	c->key.l4proto = IPPROTO_TCP;
	memcpy(c->key.orig.src, &client, sizeof(client));
	memcpy(c->key.orig.dst, &server, sizeof(server));
	c->key.orig.sport = (uint16_t)(32768 + i % 28000);
	c->key.orig.dport = 443;
	memcpy(c->reply.src, &server, sizeof(server));
	memcpy(c->reply.dst, &node, sizeof(node));
	c->reply.sport = 443;
	c->reply.dport = (uint16_t)(10000 + i % 50000);
}

/* Marks, window scales and the like come in few kinds. */
static int unpinned_fill(struct unpinned *y, size_t n)
{
	uint8_t payload[56] = { 0 };
	struct conn c;
	size_t i;
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		struct conn_record record = { .conn = &c,
					      .payload = payload,
					      .payload_len = sizeof(payload) };

		entry_make(i, &c);
		payload[0] = (uint8_t)(i % 24);
		r = unpinned_put(y, &record, 0);
	}
	return r < 0 || unpinned_count(y) == n ? r : -EBADMSG;
}

static int pinned_fill(struct pinned_set *s, size_t n)
{
	struct conn c;
	size_t i;
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		struct addr as;

		entry_make(i, &c);
		as = tuple_dst(&c.reply, c.key.family);
		r = pinned_set_put(s, &c.key, c.id, &as);
	}
	return r < 0 || pinned_set_count(s) == n ? r : -EBADMSG;
}

int shadow_child(struct bench *b, bool pinned)
{
	struct unpinned *y = unpinned_new(42);
	struct pinned_set *s = pinned_set_new(42);
	unsigned long before, after, peak;
	int r = y && s ? memory_resident(&before, &peak) : -ENOMEM;

	if (r == 0)
		r = pinned ? pinned_fill(s, b->entries) : unpinned_fill(y, b->entries);
	if (r == 0)
		r = memory_resident(&after, &peak);
	if (r == 0)
		printf("%lu %lu\n", before, after);
	pinned_set_free(s);
	unpinned_free(y);
	return r;
}

static int once(struct bench *b, const char *word, double *ret_bytes)
{
	unsigned long before, after;
	FILE *f = NULL;
	pid_t pid = 0;
	int status, n, r = memory_child_start(b, word, &pid, &f);

	if (r < 0)
		return r;
	n = fscanf(f, "%lu %lu", &before, &after);
	fclose(f);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (n != 2 || !WIFEXITED(status) || WEXITSTATUS(status))
		return -EBADMSG;
	*ret_bytes = (double)(after - before) * 1024 / (double)b->entries;
	return 0;
}

int measure_shadow(struct bench *b)
{
	static const struct {
		const char *what, *word;
		double limit;
	} kinds[] = { { "shadow", "--shadow-pinned", 64 },
		      { "shadow, unpinned", "--shadow-unpinned", 96 } };
	double bytes = 0;
	size_t i;
	int round, r = 0;

	b->entries = SHADOW_ENTRIES;
	for (i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++) {
		struct score *score = scores_add(b->scores, &(struct score){
								    .what = kinds[i].what,
								    .unit = "bytes/entry",
								    .entries = b->entries,
								    .bound = BOUND_AT_MOST,
								    .limit = kinds[i].limit,
							    });

		for (round = 0; round < 5 && r == 0; round++) {
			r = once(b, kinds[i].word, &bytes);
			if (r == 0)
				sample_add(&score->sample, bytes, 0);
		}
	}
	return r;
}
