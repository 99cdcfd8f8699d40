/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pattern_tuple() on a line that somebody pasted, or with a first byte that is odd pattern_words()
 * on words with a NUL between two of them; and when_parse() on either. */
#include "lib/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/patterns.h"
#include "base/when.h"

#define WORDS_MAX 64

static void when_holds(const char *text)
{
	const usec_t now = 1796007511 * USEC_PER_SEC, year_10000 = 253402300800 * USEC_PER_SEC;
	struct request_error e = { "" };
	char buf[WHEN_TEXT_MAX];
	struct when w;

	if (when_parse(text, now, &w, &e) < 0) {
		CLAIM(e.text[0] && memchr(e.text, '\0', sizeof(e.text)));
		return;
	}
	CLAIM(w.at < 4 * year_10000); /* of a number of seconds, or a year of four digits */
	CLAIM(strlen(when_format(w.at, buf)) < sizeof(buf));
	CLAIM(strlen(when_format_short(w.at, now, buf)) < sizeof(buf));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t how = input_byte(&in);
	char *text = input_text(in.data, in.left), *argv[WORDS_MAX];
	struct request_error e = { "" };
	struct pattern p = { 0 };
	int r, argc = 0;

	if (how % 2) {
		for (size_t i = 0; i < in.left && argc < WORDS_MAX; i += strlen(text + i) + 1)
			argv[argc++] = text + i;
		r = pattern_words(&p, argc, argv, &e);
	} else {
		r = pattern_tuple(&p, text, &e);
	}
	if (r == 0) {
		pattern_holds(&p);
	} else {
		CLAIM(r == -EINVAL && e.text[0] && memchr(e.text, '\0', sizeof(e.text)));
		for (const char *t = e.text; *t; t++)
			CLAIM(*t >= ' ' && *t <= '~');
	}
	when_holds(text);
	free(text);
	return 0;
}
