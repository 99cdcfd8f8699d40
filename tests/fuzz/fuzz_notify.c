/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keepalived says, from outside. First byte: even for bytes of the FIFO,
 * taken in pieces of its upper seven bits; odd for the words of a script, a
 * newline between two of them, and a line of the file of states. */
#include "lib/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keepalived/instance.h"
#include "keepalived/instance_event.h"

#define WORDS_MAX 8

/* One instance, and what was heard. */
struct heard {
	struct instance instance;
	size_t lines;
	usec_t now;
};

static void error_holds(const struct request_error *e)
{
	CLAIM(memchr(e->text, '\0', sizeof(e->text)));
	CLAIM(e->text[0]);
	for (const char *p = e->text; *p; p++)
		CLAIM(*p >= ' ' && *p <= '~');
}

static void event_holds(const struct instance_event *e)
{
	CLAIM(memchr(e->name, '\0', sizeof(e->name)));
	CLAIM(e->name[0]);
	for (const char *p = e->name; *p; p++)
		CLAIM((unsigned char)*p >= ' ' && *p != 0x7f);
	CLAIM(e->state <= INSTANCE_DELETED);
	CLAIM(e->priority <= 255);
}

/* What an instance makes of it: with a state it is that one, or it is late. */
static void hear(struct heard *h, const struct instance_event *event, enum instance_source source)
{
	static const struct instance_policy policy = { true, true, true, true, true };
	struct instance_event e = *event;
	enum instance_effect heard;
	usec_t when;

	h->now += 1 + e.priority * 1000;
	e.stamp = source == SOURCE_FIFO ? h->now : h->now - e.priority * 500;
	e.source = source;
	heard = instance_receive(&h->instance, &e, h->now);
	CLAIM((heard == EFFECT_NOTHING) == (e.state == INSTANCE_UNKNOWN));
	if (heard == EFFECT_CHANGE || heard == EFFECT_DUPLICATE)
		CLAIM(h->instance.state == e.state);
	if (source == SOURCE_FIFO)
		CLAIM(heard != EFFECT_LATE);
	if (instance_next(&h->instance, &policy, PRESENT_SOME, h->now, &when) != ACTION_NONE)
		instance_begin(&h->instance, h->now);
	else
		CLAIM(when > h->now);
}

static void on_event(void *ud, const struct instance_event *event)
{
	struct heard *h = ud;

	h->lines++;
	event_holds(event);
	hear(h, event, SOURCE_FIFO);
}

static void on_bad(void *ud, const struct request_error *why)
{
	struct heard *h = ud;

	h->lines++;
	error_holds(why);
}

static void feed(const char *data, size_t size, size_t piece)
{
	struct heard h = { .now = 1000 * USEC_PER_SEC };
	const struct instance_lines_sink sink = { on_event, on_bad, &h };
	struct instance_lines lines = { .size = 0 };
	size_t newlines = 0;

	for (size_t i = 0; i < size; i++)
		newlines += data[i] == '\n';
	while (size) {
		size_t n = MIN(size, piece);

		instance_lines_feed(&lines, data, n, &sink);
		CLAIM(lines.size <= sizeof(lines.text));
		data += n;
		size -= n;
	}
	CLAIM(h.lines <= newlines);
}

static void words(char *text)
{
	struct heard h = { .now = 1000 * USEC_PER_SEC };
	char *argv[WORDS_MAX], *save = NULL, *word;
	struct request_error why = { "" };
	struct instance_event event;
	int n = 0;

	for (word = strtok_r(text, "\n", &save); word && n < WORDS_MAX;
	     word = strtok_r(NULL, "\n", &save))
		argv[n++] = word;
	if (instance_event_words(&event, n, argv, &why) < 0) {
		error_holds(&why);
		return;
	}
	event_holds(&event);
	hear(&h, &event, SOURCE_HOOK);
}

static void state_line(const char *text)
{
	char line[INSTANCE_TEXT_MAX], again[INSTANCE_TEXT_MAX];
	struct instance i, j;
	int r = instance_parse(&i, text, "VI_1", USEC_NEVER);

	if (r < 0) {
		CLAIM(r == -EINVAL || r == -ENOENT);
		return;
	}
	instance_format(&i, "VI_1", line);
	CLAIM(instance_parse(&j, line, "VI_1", USEC_NEVER) == 0);
	CLAIM(!strcmp(line, instance_format(&j, "VI_1", again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t how = input_byte(&in);
	char *text = input_text(in.data, in.left);

	if (how % 2) {
		state_line(text);
		words(text);
	} else {
		feed(text, in.left, 1 + how / 2);
	}
	free(text);
	return 0;
}
