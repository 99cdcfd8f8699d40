/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "going.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void going_path(const struct scene *s, const char *file, char path[128])
{
	snprintf(path, 128, "%s/%s-br-mgmt", s->dir, file);
}

bool going_has_file(const struct scene *s, const char *file)
{
	char path[128];
	struct stat st;

	going_path(s, file, path);
	return stat(path, &st) == 0;
}

/* A flow that is masqueraded as AS, and is known as such by fake_translated(). */
void going_flow(struct scene *s, uint16_t n, const char *as)
{
	char pod[32];
	struct conn c;

	snprintf(pod, sizeof(pod), "10.1.%u.%u", 1 + n / 200, 1 + n % 200);
	c = scene_flow(IPPROTO_UDP, pod, 4000, SERVER4, 53, as, (uint16_t)(20000 + n));
	scene_add(s, &c);
}

/* FLOWS entries behind each of two addresses, all of them pinned, and nobody there. */
void going_begin(struct scene *s)
{
	struct guard *g;
	uint16_t i;

	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	for (i = 0; i < FLOWS; i++) {
		going_flow(s, i, HOST4);
		going_flow(s, (uint16_t)(FLOWS + i), OTHER4);
	}
	g = guarding_new(s, PIN_CONTINUOUS);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, 2 * FLOWS);
	assert_true(going_has_file(s, "pins"));
	assert_true(going_has_file(s, "addresses"));
	guard_free(g);
	s->fake->flush4 = FLUSH_ADDRESS;
}

/* Entries translated to AS. */
size_t going_count(const struct scene *s, const char *as)
{
	struct addr a;
	size_t i, n = 0;

	assert_int_equal(addr_parse(as, &a), 0);
	for (i = 0; i < s->fake->n_entries; i++) {
		const struct conn *c = &s->fake->entries[i].conn;
		struct addr to = tuple_dst(&c->reply, c->key.family);

		n += addr_equal(&to, &a) && c->status & CONN_SRC_NAT;
	}
	return n;
}

void going_lose(struct scene *s)
{
	assert_int_equal(fake_addr_del(s->fake, s->dev, OTHER4 "/24"), 0);
	/* the kernel does not know them as masqueraded any more */
	assert_int_equal(going_count(s, OTHER4), FLOWS);
}
