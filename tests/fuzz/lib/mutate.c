/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mutate.h"

/* What goes on at an input: its bytes, and another's. */
struct work {
	struct rnd *r;
	uint8_t *buf;
	size_t size, max;
	const uint8_t *other;
	size_t other_size;
};

static size_t place(const struct work *w)
{
	return rnd(w->r, (uint32_t)w->size);
}

static void flip_bit(struct work *w)
{
	w->buf[place(w)] ^= (uint8_t)(1 << rnd(w->r, 8));
}

static void set_byte(struct work *w)
{
	w->buf[place(w)] = (uint8_t)rnd(w->r, 256);
}

/* The numbers where lengths go wrong, in either byte order. */
static void set_number(struct work *w)
{
	static const uint32_t edges[] = {
		0,   1,	     2,	     3,	     4,	     5,		 7,	     8,
		15,  16,     17,     20,     32,     127,	 128,	     255,
		256, 0x7fff, 0x8000, 0xfffc, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff
	};
	uint32_t v = edges[rnd(w->r, ARRAY_SIZE(edges))];
	size_t width = (size_t)1 << rnd(w->r, 3), at;

	if (w->size < width)
		return;
	at = rnd(w->r, (uint32_t)(w->size - width + 1));
	if (rnd(w->r, 2))
		v = __builtin_bswap32(v) >> (8 * (4 - width));
	memcpy(w->buf + at, &v, width);
}

/* A length a little off is worse than one that is nonsense. */
static void step_byte(struct work *w)
{
	w->buf[place(w)] += (uint8_t)(rnd(w->r, 2) ? 1 + rnd(w->r, 8) : 256 - 1 - rnd(w->r, 8));
}

static void cut_out(struct work *w)
{
	size_t at = place(w), n = 1 + rnd(w->r, (uint32_t)MIN(w->size - at, 64));

	n = MIN(n, w->size - at);
	memmove(w->buf + at, w->buf + at + n, w->size - at - n);
	w->size -= n;
}

static void cut_off(struct work *w)
{
	w->size = place(w);
}

static void put_in(struct work *w, const uint8_t *p, size_t n)
{
	size_t at = place(w);

	n = MIN(n, w->max - w->size);
	memmove(w->buf + at + n, w->buf + at, w->size - at);
	memcpy(w->buf + at, p, n);
	w->size += n;
}

static void put_random(struct work *w)
{
	uint8_t bytes[16];
	size_t n = 1 + rnd(w->r, sizeof(bytes));

	rnd_bytes(w->r, bytes, n);
	put_in(w, bytes, n);
}

static void repeat(struct work *w)
{
	uint8_t bytes[64];
	size_t from = place(w), n = MIN(w->size - from, 1 + (size_t)rnd(w->r, sizeof(bytes)));

	memcpy(bytes, w->buf + from, n);
	put_in(w, bytes, n);
}

static void borrow(struct work *w)
{
	size_t from, n;

	if (!w->other_size)
		return;
	from = rnd(w->r, (uint32_t)w->other_size);
	n = 1 + rnd(w->r, (uint32_t)MIN(w->other_size - from, 512));
	put_in(w, w->other + from, MIN(n, w->other_size - from));
}

size_t mutate(struct rnd *r, uint8_t *buf, size_t size, size_t max, const uint8_t *other,
	      size_t other_size)
{
	static void (*const ways[])(struct work *
				    w) = { flip_bit, set_byte,	 set_number, set_number, step_byte,
					   cut_out,  put_random, repeat,     borrow,	 cut_off };
	struct work w = { r, buf, size, max, other, other_size };
	uint32_t times = 1 + rnd(r, 1U << rnd(r, 5));

	while (times--) {
		/* cutting off too often would leave only beginnings */
		size_t way = rnd(r, ARRAY_SIZE(ways));

		if (!w.size)
			w.buf[w.size++] = (uint8_t)rnd(r, 256);
		if (ways[way] != cut_off || rnd(r, 8) == 0)
			ways[way](&w);
	}
	return w.size;
}
