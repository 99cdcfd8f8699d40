/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ending.h"

#include <arpa/inet.h>

int ending_take(void *ud, const struct end_told *e)
{
	struct ending_told *t = ud;

	assert_true(t->n < ARRAY_SIZE(t->items));
	t->items[t->n++] = *e;
	return 0;
}

struct ending_told ending_told(const struct scene *s, const struct conn *c)
{
	struct ends_query q = { .since = 0 };
	struct ending_told t = { .n = 0 };
	struct ends_list *l;
	int r;

	if (c) {
		q.pattern.parts = PATTERN_SRC | PATTERN_SPORT;
		q.pattern.src.addr = tuple_src(&c->key.orig, c->key.family);
		q.pattern.src.len = (uint8_t)(addr_size(c->key.family) * 8);
		q.pattern.sport.first = q.pattern.sport.last = ntohs(c->key.orig.sport);
	}
	assert_int_equal(ends_list_new(s->dir, s->env.boot_id, &q, &l), 0);
	do
		r = ends_list_step(l, ending_take, &t);
	while (r > 0);
	assert_int_equal(r, 0);
	ends_list_free(l);
	return t;
}

struct end_told ending_only(const struct scene *s, const struct conn *c, enum end_cause cause)
{
	struct ending_told t = ending_told(s, c);

	assert_int_equal(t.n, 1);
	assert_string_equal(end_cause_words[t.items[0].end.cause], end_cause_words[cause]);
	assert_string_equal(t.items[0].device, "br-mgmt");
	return t.items[0];
}

struct ends *ending_memory(const struct scene *s, size_t max)
{
	struct ends *ends;

	assert_int_equal(ends_new(s->dir, s->env.boot_id, 1, max, 1, &ends), 0);
	return ends;
}

struct ending ending_begin(void **state, enum pin_mode mode)
{
	struct ending w = { .s = *state };

	w.s->fake->full_deaths = true;
	w.ends = ending_memory(w.s, 65536);
	w.g = guarding_new(w.s, mode);
	guard_remember(w.g, w.ends);
	return w;
}

void ending_spin(struct ending *w, usec_t duration)
{
	guarding_spin(w->s, w->g, duration);
}

void ending_end(struct ending *w)
{
	guard_free(w->g);
	ends_free(w->ends);
}

uint64_t ending_counted(const struct ending *w, enum end_cause cause)
{
	return guarding_status(w->g).ends[cause];
}

struct conn ending_known(struct ending *w, uint16_t n, enum conn_tcp_state state)
{
	struct conn c = scene_tcp(n);

	c.tcp_state = (uint8_t)state;
	if (state == CONN_TCP_SYN_SENT)
		c.status &= ~(uint32_t)(CONN_SEEN_REPLY | CONN_ASSURED);
	fake_tell(w->s->fake, scene_add(w->s, &c));
	ending_spin(w, 20 * USEC_PER_MSEC);
	return c;
}

void ending_kill(struct ending *w, const struct conn *c, bool expired)
{
	struct fake_entry *e = fake_entry_find(w->s->fake, &c->key);

	assert_non_null(e);
	if (expired)
		fake_entry_expires(w->s->fake, e, w->s->fake->clock);
	else
		assert_int_equal(fake_delete_by(w->s->fake, &c->key, 0), 0);
	ending_spin(w, 50 * USEC_PER_MSEC);
}

void ending_kill_in(struct ending *w, struct conn *c, enum conn_tcp_state state, bool expired)
{
	struct fake_entry *e = fake_entry_find(w->s->fake, &c->key);

	e->conn.tcp_state = (uint8_t)state;
	fake_tell(w->s->fake, e);
	ending_spin(w, 20 * USEC_PER_MSEC);
	ending_kill(w, c, expired);
}
