/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow busy: request and response without end on every flow. */
#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void ask_rested(struct client *c, uint64_t now)
{
	for (size_t i = 0; i < c->n; i++) {
		struct flow *f = c->flows[i];

		if (!f->waiting && now - f->sent_ms >= c->options->think_ms)
			client_ask(c, f);
	}
}

/* A flow whose source changed once is a changed flow, whatever came later. */
static void keep_changed(struct client *c, bool *changed)
{
	for (size_t i = 0; i < c->n; i++) {
		changed[i] |= c->flows[i]->fate == FATE_CHANGED;
		if (changed[i] && c->flows[i]->fate == FATE_ALIVE)
			c->flows[i]->fate = FATE_CHANGED;
	}
}

/* One exchange more on each, so that the counts tell how things are at the end. What is
 * still unanswered then gets the deadline, and counts with its age. */
static void finish(struct client *c)
{
	struct patience p = client_patience(c);
	uint64_t now;

	for (size_t i = 0; i < c->n; i++)
		if (!c->flows[i]->waiting)
			client_ask(c, c->flows[i]);
	while (client_waiting(c) && client_wait(c, &p))
		;
	now = now_ms();
	for (size_t i = 0; i < c->n; i++)
		if (c->flows[i]->waiting)
			c->longest_ms = now - c->flows[i]->sent_ms > c->longest_ms
						? now - c->flows[i]->sent_ms
						: c->longest_ms;
}

int busy_main(const struct options *o)
{
	struct client c;
	uint64_t end = o->seconds ? now_ms() + o->seconds * UINT64_C(1000) : UINT64_MAX;
	size_t opened;
	bool *changed;

	if (!client_init(&c, o))
		return 1;
	opened = client_open(&c, o->n);
	printf(opened == o->n ? "open %zu\n" : "open %zu of %zu\n", opened, o->n);
	changed = calloc(c.n + 1, sizeof(*changed));
	if (!changed)
		return 1;
	c.longest_ms = c.exchanges = 0;
	/* Any line on stdin, or its end, is the end. */
	while (now_ms() < end && !client_poll(&c, o->seconds ? -1 : STDIN_FILENO, 1)) {
		keep_changed(&c, changed);
		client_resend(&c, now_ms());
		ask_rested(&c, now_ms());
	}
	finish(&c);
	keep_changed(&c, changed);
	printf("busy ");
	client_print_counts(&c);
	printf(" exchanges=%" PRIu64 " longest_ms=%" PRIu64 "\n", c.exchanges, c.longest_ms);
	free(changed);
	client_done(&c);
	return 0;
}
