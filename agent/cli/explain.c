/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe explain: why a connection died. From the daemon, from what a daemon has left in the run
 * directory, and from the table; and what the node shows where none of these knows it. */
#include "cli/explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"
#include "base/text.h"
#include "base/when.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "guard/ends.h"
#include "show/end_json.h"

/* How much is listed. */
#define ALIVE_MAX 1000 /* living connections, of a tuple that says little */
#define SHOWN_MAX 20   /* in a text without -v */

/* "at" means so long before and after as well. */
#define AROUND (30 * USEC_PER_SEC)

struct explaining {
	struct cli *cli;
	struct explain_context context;
	char tuple[WIRE_WORD_MAX]; /* "": every connection */
	struct pattern pattern;
	usec_t since, until; /* monotonic; UNTIL 0: no limit */
	usec_t at;	     /* what is nearest to it is meant; 0: SINCE is */
	json_t *items;	     /* owned; NULL: out of memory */
	size_t n_alive;
	bool certain; /* the cause of an end is */
	struct conn alive;
	int code;	   /* of a daemon that refused; else 0 */
	int table_error;   /* why the table cannot be read */
	int file_error;	   /* and the file */
	bool heard, ended; /* something came from the daemon; all of it */
};

static void explain_take(struct explaining *e, json_t *item)
{
	if (!item)
		return;
	if (strcmp(json_string_value(json_object_get(item, "kind")), "end") == 0 &&
	    json_is_true(json_object_get(item, "certain")))
		e->certain = true;
	if (json_array_append_new(e->items, item) < 0)
		e->context.incomplete = true;
}

/* ---- the words ---------------------------------------------------------------------------- */

/* ARGV as one text. What is not printable separates as a space does. */
static void explain_join(int argc, char *const argv[], char *buf, size_t size)
{
	size_t n = 0;
	int i;

	*buf = '\0';
	for (i = 0; i < argc && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? " " : "", argv[i]);
	for (; *buf; buf++)
		if ((unsigned char)*buf < ' ' || (unsigned char)*buf >= 0x7f)
			*buf = ' ';
}

static int explain_parse_time(struct explaining *e, bool at, int argc, char *argv[],
			      struct request_error *error)
{
	const struct explain_context *c = &e->context;
	char text[128];
	struct when w;

	if (!argc)
		return request_error_set(error, "\"%s\" has no value", at ? "at" : "since");
	explain_join(argc, argv, text, sizeof(text));
	if (when_parse(text, c->wall, &w, error) < 0)
		return -EINVAL;
	if (at) {
		const usec_t around = AROUND + (w.is_ago ? w.span / 2 : 0);

		e->at = MAX(when_monotonic(w.at + (w.is_ago ? 0 : w.span / 2), c->wall, c->now),
			    (usec_t)1);
		/* before the boot: nothing can be of then, and 0 is no limit */
		e->until = MAX(
			when_monotonic(w.at + (w.is_ago ? 0 : w.span) + around, c->wall, c->now),
			(usec_t)1);
		w.at -= MIN(w.at, around);
	}
	e->since = when_monotonic(w.at, c->wall, c->now);
	return 0;
}

/* "SRC DST:PORT at 02:58" in one word: its three parts. False: it says no time. */
static bool explain_split(const char *word, char *buf, size_t size, char *parts[3])
{
	static const char *const marks[] = { " at ", " since " };
	size_t i;

	if (strlen(word) >= size)
		return false;
	snprintf(buf, size, "%s", word);
	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		parts[0] = buf;
		parts[1] = strstr(buf, marks[i]);
		if (!parts[1])
			continue;
		*parts[1]++ = '\0';
		parts[2] = parts[1] + strlen(marks[i]) - 1;
		parts[1][strlen(marks[i]) - 2] = '\0';
		return true;
	}
	return false;
}

static int explain_parse(struct explaining *e, int argc, char *argv[], struct request_error *error)
{
	char line[WIRE_WORD_MAX], *parts[3];
	int n = 0;

	if (argc == 1 && explain_split(argv[0], line, sizeof(line), parts)) {
		argv = parts;
		argc = 3;
	}

	while (n < argc && strcmp(argv[n], "at") != 0 && strcmp(argv[n], "since") != 0)
		n++;
	if (!argc)
		return request_error_set(error,
					 "a connection is missing: say SRC[:PORT] DST:PORT, or "
					 "paste a line of ss, conntrack -L or tcpdump");
	explain_join(n, argv, e->tuple, sizeof(e->tuple));
	if (n && pattern_tuple(&e->pattern, e->tuple, error) < 0)
		return -EINVAL;
	return n < argc ? explain_parse_time(e, !strcmp(argv[n], "at"), argc - n - 1, argv + n + 1,
					     error)
			: 0;
}

/* ---- from the daemon ---------------------------------------------------------------------- */

static void explain_take_lines(struct explaining *e, const char *lines)
{
	while (*lines) {
		const size_t n = strcspn(lines, "\n");
		json_t *end = json_loadb(lines, n, 0, NULL);

		if (end)
			explain_take(e, explain_end(&e->context, end));
		json_decref(end);
		lines += n + (lines[n] == '\n');
	}
}

static void explain_take_listed(struct explaining *e, const char *text)
{
	json_t *o = json_loads(text, 0, NULL);
	const json_int_t since = json_integer_value(json_object_get(o, "since_us")),
			 max = json_integer_value(json_object_get(o, "max"));

	e->ended = true;
	e->context.recorded_since = since > 0 ? (usec_t)since : 0;
	e->context.recorded_max = max > 0 ? (uint64_t)max : 0;
	e->context.incomplete |= json_is_false(json_object_get(o, "complete"));
	json_decref(o);
}

static bool explain_on_packet(void *ud, const struct wire_answer *a)
{
	struct explaining *e = ud;

	e->heard = true;
	if (a->error_code) {
		e->code = cli_fail(&e->cli->options, client_failure_code(CLIENT_REFUSED, a),
				   "explain: %s", a->error_text);
		return false;
	}
	if (a->result) {
		explain_take_listed(e, a->result);
		return false;
	}
	explain_take_lines(e, a->out ? a->out : "");
	return true;
}

/* Returns 0, or -ENOENT: there is no daemon; E->code, if it is set, ends the command. */
static int explain_ask(struct explaining *e)
{
	char since[32], until[32], barred[CLIENT_TEXT_MAX];
	char *words[] = { e->tuple, (char *)"since", since, (char *)"until", until };
	struct wire_request r = { .op = WIRE_EXPLAIN, .words = words, .n_words = e->until ? 5 : 3 };
	int status;

	snprintf(since, sizeof(since), "@%llu", (unsigned long long)e->since);
	snprintf(until, sizeof(until), "@%llu", (unsigned long long)e->until);
	e->context.source = EXPLAIN_FROM_DAEMON;
	status = client_listen(e->cli->settings.socket, &r, e->cli->options.timeout,
			       explain_on_packet, e);
	if (e->code || e->ended)
		return 0;
	if (status == -EACCES) {
		e->code = cli_fail(&e->cli->options, EXIT_NOT_PERMITTED, "explain: %s",
				   client_barred_text(e->cli->settings.socket, barred));
		return 0;
	}
	if (!e->heard && (status == -ENOENT || status == -ECONNREFUSED))
		return -ENOENT;
	e->code = cli_fail(&e->cli->options, EXIT_UNREACHABLE,
			   "explain: the daemon has ended the connection");
	return 0;
}

/* ---- from its file -------------------------------------------------------------------------- */

static bool explain_is_barred(int error)
{
	return error == -EPERM || error == -EACCES;
}

static int explain_on_end(void *ud, const struct end_told *told)
{
	struct explaining *e = ud;
	json_t *end = end_json(told);

	if (end)
		explain_take(e, explain_end(&e->context, end));
	json_decref(end);
	return 0;
}

static void explain_read(struct explaining *e)
{
	struct ends_query q = { .pattern = e->pattern, .since = e->since, .until = e->until };
	struct ends_list *list = NULL;
	size_t max = 0;
	int r = ends_list_new(e->cli->settings.run_dir, e->cli->boot_id, &q, &list);

	e->context.source = r < 0 ? EXPLAIN_FROM_NOTHING : EXPLAIN_FROM_FILE;
	e->file_error = r;
	if (explain_is_barred(r)) {
		e->code = cli_fail(&e->cli->options, EXIT_NOT_PERMITTED,
				   "explain: %sonly root may read what the daemon has recorded",
				   e->cli->options.local ? "" : "the daemon is not running, and ");
		return;
	}
	if (r < 0) {
		if (r != -ENOENT)
			cli_complain(stderr, "explain: %s: %s", e->cli->settings.run_dir,
				     strerror(-r));
		return;
	}
	/* before the ends: what is said of them may depend on it */
	e->context.recorded_since = ends_list_whole(list, &max);
	e->context.recorded_max = max;
	do
		r = ends_list_step(list, explain_on_end, e);
	while (r > 0);
	e->context.incomplete |= r < 0;
	ends_list_free(list);
}

/* ---- from the table ------------------------------------------------------------------------- */

static int explain_on_entry(void *ud, const struct kernel *k, const struct conn_record *record,
			    const char *device, enum protection p)
{
	struct explaining *e = ud;

	if (!pattern_matches(&e->pattern, record->conn, 0))
		return 0;
	if (e->n_alive == ALIVE_MAX) {
		e->context.incomplete = true;
		return -ECANCELED;
	}
	if (!e->n_alive++)
		e->alive = *record->conn;
	explain_take(e, explain_alive(&e->context, k, record, device, p));
	return 0;
}

static void explain_read_table(struct explaining *e)
{
	int r = explain_table(e->cli, &e->pattern, e->context.source == EXPLAIN_FROM_DAEMON,
			      explain_on_entry, e);

	e->context.incomplete |= r == -EINTR;
	e->table_error = r == -EINTR || r == -ECANCELED ? 0 : r;
}

/* ---- all ------------------------------------------------------------------------------------ */

/* Print it. Returns the exit code. */
static int explain_show(struct explaining *e, json_t *possible, bool known)
{
	const struct options *o = &e->cli->options;
	json_t *result;

	e->items = explain_sort(e->items);
	result = explain_result(&e->context, e->tuple, TAKE_PTR(e->items), possible);
	if (!o->json && result)
		explain_print(&e->context, result, terminal_columns(stdout),
			      o->verbose ? 0 : SHOWN_MAX, stdout);
	if (o->json || !result)
		render_json(result, stdout, stderr);
	else
		json_decref(result);
	if (known)
		return EXIT_DONE;
	return explain_is_barred(e->table_error) || explain_is_barred(e->file_error)
		       ? EXIT_NOT_PERMITTED
		       : EXIT_UNPROTECTED;
}

static void explain_complain(const struct explaining *e)
{
	if (e->context.source == EXPLAIN_FROM_NOTHING && e->file_error == -ENOENT)
		cli_complain(stderr,
			     "explain: the daemon is not running, and none has recorded ends "
			     "since the boot");
	else if (e->context.source == EXPLAIN_FROM_FILE && !e->cli->options.local)
		cli_complain(stderr,
			     "explain: the daemon is not running: what it recorded before is "
			     "shown");
	if (e->table_error)
		cli_complain(stderr, "explain: the conntrack table cannot be read: %s",
			     strerror(-e->table_error));
	if (e->context.nearest)
		cli_complain(stderr,
			     "explain: nothing of it is remembered of that time: the nearest "
			     "event is shown");
	if (e->context.incomplete)
		cli_complain(stderr, "explain: not everything could be read: some may be missing");
}

static void explain_fetch(struct explaining *e)
{
	if (e->cli->options.local || explain_ask(e) == -ENOENT)
		explain_read(e);
}

/* Nothing is remembered of that time: the event that is nearest to it, if there is any. */
static void explain_fetch_nearest(struct explaining *e)
{
	json_t *nearest = NULL;
	usec_t best = USEC_NEVER;
	size_t i;

	e->since = e->until = 0;
	e->heard = e->ended = false;
	explain_fetch(e);
	for (i = 0; i < json_array_size(e->items); i++) {
		json_t *item = json_array_get(e->items, i);
		const usec_t t = (usec_t)json_integer_value(json_object_get(item, "at_us"));
		const usec_t apart = t < e->at ? e->at - t : t - e->at;

		if (apart < best) {
			best = apart;
			nearest = item;
		}
	}
	json_incref(nearest);
	(void)json_array_clear(e->items);
	if (nearest)
		e->context.nearest = json_array_append_new(e->items, nearest) == 0;
}

static void explain_look_for(struct explaining *e)
{
	explain_fetch(e);
	if (e->at && !e->code && *e->tuple && !json_array_size(e->items))
		explain_fetch_nearest(e);
	e->context.unended = !json_array_size(e->items);
	if (!e->code && *e->tuple)
		explain_read_table(e);
}

/* "fd00::1:80" is an address, and may be meant as one with a port. */
static bool explain_other_reading(struct explaining *e)
{
	struct request_error error;
	char text[WIRE_WORD_MAX];

	if (!pattern_tuple_ports(e->tuple, text, sizeof(text)) ||
	    pattern_tuple(&e->pattern, text, &error) < 0)
		return false;
	memcpy(e->tuple, text, sizeof(text));
	e->heard = e->ended = false;
	return true;
}

static int explain(struct explaining *e)
{
	struct explain_look look;
	bool known;
	int code;

	explain_look_for(e);
	if (e->code)
		return e->code;
	if (!json_array_size(e->items) && explain_other_reading(e))
		explain_look_for(e);
	if (e->code)
		return e->code;
	explain_complain(e);
	known = json_array_size(e->items) > 0;
	explain_look_init(&look);
	if (*e->tuple && !e->certain)
		explain_look_lvs(e->cli, &e->pattern, e->n_alive ? &e->alive : NULL, &look);
	if (*e->tuple && !known)
		explain_look_node(e->cli, &look);
	look.facts.table_unseen = e->table_error != 0;
	code = explain_show(e, explain_possible(&e->context, &look.facts, known || !*e->tuple),
			    known);
	explain_look_done(&look);
	return code;
}

int command_explain(struct cli *cli, int argc, char *argv[])
{
	_cleanup_(explain_instances_freep) struct explain_instances *instances =
		explain_instances_new(&cli->settings);
	struct explaining e = { .cli = cli,
				.context = { .now = os_now(),
					     .wall = os_wall(),
					     .settings = &cli->settings,
					     .instance = instances ? explain_instance : NULL,
					     .ud = instances } };
	struct request_error error;
	int code;

	if (explain_parse(&e, argc, argv, &error) < 0)
		return command_usage(&cli->options, &error);
	e.items = json_array();
	code = e.items ? explain(&e) : EXIT_UNPROTECTED;
	json_decref(e.items);
	return code;
}
