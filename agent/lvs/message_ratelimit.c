/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/message_ratelimit.h"

#include <stdlib.h>
#include <string.h>

#include "lvs/map_store.h"

/* A print is kept in its place or in one of those behind it, this many in all. */
#define WAYS 8

struct said {
	uint64_t print; /* 0: free */
	usec_t at;
	uint32_t repeats;
};

struct lvs_ratelimit {
	struct said said[LVS_RATELIMIT_MAX];
};

struct lvs_ratelimit *lvs_ratelimit_new(void)
{
	return calloc(1, sizeof(struct lvs_ratelimit));
}

struct lvs_ratelimit *lvs_ratelimit_free(struct lvs_ratelimit *q)
{
	free(q);
	return NULL;
}

bool lvs_ratelimit_ask(struct lvs_ratelimit *q, uint64_t print, usec_t now, uint32_t *ret_repeats)
{
	struct said *place = NULL;
	size_t i;

	print = print ? print : 1;
	for (i = 0; i < WAYS; i++) {
		struct said *s = &q->said[(lvs_spread(print) + i) % LVS_RATELIMIT_MAX];

		if (s->print == print) {
			if (now - s->at < LVS_RATELIMIT_INTERVAL) {
				s->repeats++;
				return false;
			}
			*ret_repeats = s->repeats;
			*s = (struct said){ print, now, 0 };
			return true;
		}
		if (!place || (place->print && (!s->print || s->at < place->at)))
			place = s;
	}
	*place = (struct said){ print, now, 0 };
	*ret_repeats = 0;
	return true;
}

static uint64_t mix_bytes(uint64_t h, const uint8_t *bytes)
{
	uint64_t words[2];

	memcpy(words, bytes, sizeof(words));
	return lvs_mix(lvs_mix(h, words[0]), words[1]);
}

static uint64_t mix_flow(uint64_t h, const struct flow *f)
{
	h = mix_bytes(mix_bytes(h, f->client), f->dest);
	return lvs_mix(h, (uint64_t)f->cport << 32 | (uint64_t)f->dport << 16 | f->l4proto);
}

uint64_t lvs_print_collision(const struct collision *c)
{
	bool manifest = c->certainty == COLLIDE_MANIFEST;

	/* a pair that was possible is said again when it is manifest */
	return mix_flow(mix_flow((uint64_t)manifest << 8 | c->class, &c->direct), &c->via);
}

uint64_t lvs_print_risk(const struct risk_row *row)
{
	uint64_t h = lvs_mix_addr(lvs_mix(row->class, row->l4proto), &row->client);

	h = lvs_mix_addr(lvs_mix(h, row->direct.port), &row->direct.dest);
	return lvs_mix_addr(lvs_mix(h, row->via.port), &row->via.dest);
}

uint64_t lvs_print_text(const char *text)
{
	uint64_t h = 0;

	while (*text)
		h = lvs_mix(h, (uint8_t)*text++);
	return h;
}
