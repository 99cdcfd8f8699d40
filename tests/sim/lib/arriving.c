/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arriving.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct conn arriving_led_away(uint16_t n)
{
	return scene_flow(IPPROTO_UDP, "10.1.0.9", (uint16_t)(5000 + n), NEW4, 53, HOST4,
			  (uint16_t)(30000 + n));
}

void arriving_put(struct scene *s, struct conn c)
{
	scene_add(s, &c);
}

void arriving_begin(struct scene *s, struct conn c)
{
	fake_tell(s->fake, scene_add(s, &c));
}

bool arriving_is_there(const struct scene *s, const struct conn *c)
{
	return fake_entry_find(s->fake, &c->key) != NULL;
}

static struct conn arriving_staying(enum kind kind)
{
	struct conn c = scene_flow(IPPROTO_UDP, "10.1.0.8", (uint16_t)(4000 + kind), NEW4, 53,
				   HOST4, (uint16_t)(20000 + kind));
	struct conn tcp = scene_flow(IPPROTO_TCP, "10.1.0.8", (uint16_t)(4000 + kind), NEW4, 53,
				     HOST4, (uint16_t)(20000 + kind));

	switch (kind) {
	case PLAIN:
		return scene_flow(IPPROTO_UDP, "10.1.0.8", 4000, NEW4, 53, "10.1.0.8", 4000);
	case SERVICE: /* kube-proxy: to a backend, and masqueraded */
		inet_pton(AF_INET, "10.232.3.77", c.reply.src);
		c.status |= CONN_DST_NAT;
		return c;
	case ALTERED: /* IPVS says nothing */
		inet_pton(AF_INET, "10.232.3.78", c.reply.src);
		return c;
	case FOREIGN:
		c.status &= ~(uint32_t)CONN_DST_NAT_DONE;
		return c;
	case TCP:
		return tcp;
	case HANDSHAKE:
		tcp.tcp_state = CONN_TCP_SYN_SENT;
		return tcp;
	case SCTP:
		return scene_flow(IPPROTO_SCTP, "10.1.0.8", 4006, NEW4, 53, HOST4, 20006);
	case KINDS:
		break;
	}
	return c;
}

const enum arrival arriving_kinds[KINDS] = {
	ARRIVAL_PLAIN,	ARRIVAL_SERVICE, ARRIVAL_ALTERED, ARRIVAL_STREAM,
	ARRIVAL_STREAM, ARRIVAL_STREAM,	 ARRIVAL_FOREIGN,
};

void arriving_populate(struct scene *s, uint16_t n, int kinds)
{
	scene_populate(s, 60);
	for (uint16_t i = 0; i < n; i++)
		arriving_put(s, arriving_led_away(i));
	for (int k = 0; k < kinds; k++)
		arriving_put(s, arriving_staying((enum kind)k));
	scene_remember(s);
}

size_t arriving_left(const struct scene *s, uint16_t n)
{
	size_t left = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct conn c = arriving_led_away(i);

		left += arriving_is_there(s, &c);
	}
	return left;
}

void arriving_expect_others(const struct scene *s, int kinds, size_t there)
{
	for (int k = 0; k < kinds; k++) {
		struct conn c = arriving_staying((enum kind)k);

		assert_true(scene_works(s, &c));
	}
	assert_int_equal(s->fake->n_entries, there);
}

void arriving_expect_counts(const struct scene *s, uint64_t removed, uint64_t left)
{
	assert_int_equal(s->report.arrivals.found, removed + left);
	assert_int_equal(s->report.arrivals.removed, removed);
	assert_int_equal(s->report.arrivals.left, left);
}
