/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a hook hands over: the words keepalived called it with, as they are.
 * Those that cannot be understood are the daemon's to count. */
#include <errno.h>
#include <string.h>

#include "show/report_json.h"
#include "show/wire_row.h"

const char *const wire_notify_keys[] = { "words", "stamp_us", "acted", NULL };

/* Long enough for every good one, and for the beginning of a bad one. */
#define WORD_MAX 300

int wire_notify_read(json_t *o, const char *name _unused_, struct wire_request *r,
		     struct request_error *e)
{
	json_t *words = json_object_get(o, "words"), *stamp = json_object_get(o, "stamp_us");
	struct wire_notify *n = &r->notify;
	char *argv[WIRE_WORDS_MAX];
	size_t i;

	if (!json_is_array(words) || json_array_size(words) > ARRAY_SIZE(argv))
		return wire_wrong("words", e);
	for (i = 0; i < json_array_size(words); i++) {
		argv[i] = (char *)json_string_value(json_array_get(words, i));
		if (!argv[i])
			return wire_wrong("words", e);
	}
	if (stamp && (!json_is_integer(stamp) || json_integer_value(stamp) < 0))
		return wire_wrong("stamp_us", e);
	if (wire_get_flag(o, "acted", &n->acted, e) < 0)
		return -EINVAL;
	n->is_bad = instance_event_words(&n->event, (int)i, argv, &n->why) < 0;
	n->event.stamp = (usec_t)json_integer_value(stamp);
	n->event.source = SOURCE_HOOK;
	return 0;
}

int wire_notify_write(json_t *o, const struct wire_request *r)
{
	const struct wire_notify *n = &r->notify;
	json_t *words = json_array();
	char word[WORD_MAX];
	int failed = 0, i;

	for (i = 0; i < n->n_words && i < WIRE_WORDS_MAX; i++) {
		snprintf(word, sizeof(word), "%s", n->words[i]);
		failed |= json_array_append_new(words, report_json_string(word));
	}
	failed |= json_object_set_new(o, "words", words);
	failed |= json_object_set_new(o, "stamp_us", json_integer((json_int_t)n->event.stamp));
	failed |= json_object_set_new(o, "acted", json_boolean(n->acted));
	return failed;
}
