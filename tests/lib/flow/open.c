/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow open: flows that are idle unless told otherwise, line by line. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ping(struct client *c)
{
	struct patience p = client_patience(c);

	for (size_t i = 0; i < c->n; i++)
		client_ask(c, c->flows[i]);
	while (client_waiting(c) && client_wait(c, &p))
		;
	/* An answer after the deadline is none. */
	for (size_t i = 0; i < c->n; i++)
		c->flows[i]->waiting = false;
	printf("ping ");
	client_print_counts(c);
	putchar('\n');
}

static size_t count_pushed(const struct client *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->flows[i]->pushed;
	return n;
}

static void heard(struct client *c)
{
	struct patience p = client_patience(c);

	while (count_pushed(c) < c->n && client_wait(c, &p))
		;
	printf("heard %zu of %zu\n", count_pushed(c), c->n);
	for (size_t i = 0; i < c->n; i++)
		c->flows[i]->pushed = false;
}

static void print_ports(const struct client *c)
{
	for (size_t i = 0; i < c->n; i++)
		printf("%u %s\n", c->flows[i]->local_port, c->flows[i]->seen);
}

static void open_more(struct client *c, size_t n)
{
	size_t opened = client_open(c, n);

	if (opened == n)
		printf("open %zu\n", n);
	else
		printf("open %zu of %zu\n", opened, n);
}

/* False when it was the last. */
static bool obey(struct client *c, const char *line)
{
	if (!strcmp(line, "ping"))
		ping(c);
	else if (!strcmp(line, "heard"))
		heard(c);
	else if (!strcmp(line, "ports"))
		print_ports(c);
	else if (!strncmp(line, "more ", 5))
		open_more(c, strtoul(line + 5, NULL, 10));
	else if (!strcmp(line, "quit"))
		return false;
	else
		printf("unknown: %s\n", line);
	return true;
}

int open_main(const struct options *o)
{
	struct client c;
	char line[128];

	if (!client_init(&c, o))
		return 1;
	open_more(&c, o->n);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!obey(&c, line))
			break;
	}
	client_done(&c);
	return 0;
}
