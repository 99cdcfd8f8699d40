/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answer to "explain": the recorded ends, read from their file as the client reads, so that
 * nothing is kept but the lines of one step. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/answer.h"
#include "guard/ends.h"
#include "show/end_json.h"
#include "show/report_json.h"

/* A line, at most: an end with a deed, and names that are all escapes. */
#define ENDS_LINE_MAX ((size_t)2048)

struct ends_listing {
	struct ends_list *ends; /* owned; NULL: there are none */
	bool whole, over;
	size_t at, len;
	char lines[ENDS_LIST_STEP * ENDS_LINE_MAX + 1];
};

static int answer_ends_take(void *ud, const struct end_told *told)
{
	struct ends_listing *l = ud;
	_cleanup_free_ char *line = object_line(end_json(told));
	const size_t n = line ? strlen(line) : 0;

	if (!n || n + 1 > ENDS_LINE_MAX) {
		l->whole = false;
		return 0;
	}
	memcpy(l->lines + l->len, line, n);
	l->lines[l->len + n] = '\n';
	l->len += n + 1;
	return 0;
}

static int answer_ends_next(void *ud, char **ret_line)
{
	struct ends_listing *l = ud;
	size_t max = 0;
	usec_t since;
	int r;

	if (l->at == l->len && l->over) {
		since = l->ends ? ends_list_whole(l->ends, &max) : 0;
		*ret_line = wire_answer_told(l->whole, since, max);
		return *ret_line ? 1 : -ENOMEM;
	}
	if (l->at == l->len) {
		l->at = l->len = 0;
		r = ends_list_step(l->ends, answer_ends_take, l);
		l->over = r <= 0;
		l->whole = l->whole && r >= 0;
	}
	if (l->at == l->len)
		return 0;
	*ret_line = answer_packet(l->lines, &l->at, l->len);
	return *ret_line ? 0 : -ENOMEM;
}

static void answer_ends_done(void *ud)
{
	struct ends_listing *l = ud;

	ends_list_free(l->ends);
	free(l);
}

void answer_explain(struct daemon *d, struct client *c, const struct wire_request *r)
{
	struct control_list list = { .next = answer_ends_next, .done = answer_ends_done };
	struct ends_listing *l = calloc(1, sizeof(*l));
	struct request_error e;
	int failed = -ENOMEM;

	if (l) {
		if (d->ends)
			ends_write_all(d->ends, os_now());
		failed = ends_list_new(d->settings.run_dir, d->boot_id, &r->ends, &l->ends);
		l->over = failed == -ENOENT; /* none has ended yet */
		failed = l->over ? 0 : failed;
	}
	if (failed < 0) {
		request_error_set(&e, "the recorded ends cannot be read: %s", strerror(-failed));
		free(l);
		control_refuse(c, WIRE_INTERNAL, e.text);
		return;
	}
	l->whole = true;
	list.ud = l;
	if (control_send_list(c, &list) < 0)
		answer_ends_done(l);
}
