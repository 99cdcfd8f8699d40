/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "altered.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define CLUSTER4 "10.96.0.1"

struct conn altered_ipvs(uint16_t n)
{
	struct conn c = scene_flow(IPPROTO_TCP, "10.20.0.2", (uint16_t)(40000 + n), CLUSTER4, 80,
				   HOST4, (uint16_t)(10000 + 11 * n));
	static const uint8_t server[] = { 10, 232, 3, 28 };

	memcpy(c.reply.src, server, sizeof(server));
	c.reply.sport = htons(8899);
	return c;
}

struct conn altered_strange(uint16_t n)
{
	struct conn c = scene_flow(IPPROTO_TCP, HOST4, (uint16_t)(55000 + n), SERVER4, 25, HOST4,
				   (uint16_t)(55000 + n));

	c.status |= CONN_SRC_NAT;
	return c;
}

void altered_add_ipvs(struct scene *s, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct conn c = altered_ipvs(i);

		scene_add(s, &c);
	}
}

void altered_add_strange(struct scene *s, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct conn c = altered_strange(i);

		scene_add(s, &c);
	}
}

void altered_expect_no_trials(const struct scene *s)
{
	for (size_t i = 0; i < s->fake->n_entries; i++) {
		const struct tuple *t = &s->fake->entries[i].conn.key.orig;

		assert_false(t->src[0] == 192 && t->src[1] == 0 && t->src[2] == 2);
	}
}
