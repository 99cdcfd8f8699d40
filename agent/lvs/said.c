/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/said.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* A print is kept in its place or in one of those behind it, this many in all. */
#define WAYS 8

struct lvs_one_said {
	uint64_t print; /* 0: free */
	usec_t at;
	uint32_t repeats;
};

struct lvs_said {
	struct lvs_one_said said[LVS_SAID_MAX];
};

struct lvs_said *lvs_said_new(void)
{
	return calloc(1, sizeof(struct lvs_said));
}

struct lvs_said *lvs_said_free(struct lvs_said *q)
{
	free(q);
	return NULL;
}

bool lvs_said_ask(struct lvs_said *q, uint64_t print, usec_t now, uint32_t *ret_repeats)
{
	struct lvs_one_said *place = NULL;
	size_t i;

	print = print ? print : 1;
	for (i = 0; i < WAYS; i++) {
		struct lvs_one_said *s = &q->said[(hash_fold(0, print) + i) % LVS_SAID_MAX];

		if (s->print == print) {
			if (now - s->at < LVS_SAID_INTERVAL) {
				s->repeats++;
				return false;
			}
			*ret_repeats = s->repeats;
			*s = (struct lvs_one_said){ print, now, 0 };
			return true;
		}
		if (!place || (place->print && (!s->print || s->at < place->at)))
			place = s;
	}
	*place = (struct lvs_one_said){ print, now, 0 };
	*ret_repeats = 0;
	return true;
}

static uint64_t mix_flow(uint64_t h, const struct flow *f)
{
	h = hash_long(hash_long(h, f->client, sizeof(f->client)), f->dest, sizeof(f->dest));
	return hash_fold(h, (uint64_t)f->cport << 32 | (uint64_t)f->dport << 16 | f->l4proto);
}

uint64_t lvs_print_collision(const struct collision *c)
{
	bool manifest = c->certainty == COLLIDE_MANIFEST;

	/* a pair that was possible is said again when it is manifest */
	return mix_flow(mix_flow((uint64_t)manifest << 8 | c->class, &c->direct), &c->via);
}

uint64_t lvs_print_finding(const struct lvs_finding *f)
{
	if (f->has_pair)
		return lvs_print_collision(&f->pair);
	return f->print ? f->print : hash_long(0, f->f.text, strlen(f->f.text));
}
