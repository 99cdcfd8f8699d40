/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An explanation for people: one block for each event of a connection. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/when.h"
#include "show/explain_words.h"
#include "show/history.h"
#include "show/wrap.h"

typedef unsigned long long ull;

#define INDENT 14 /* of the values */
#define WIDTH_MIN 40

static void explain_row(const char *name, const char *text, unsigned width, FILE *out)
{
	char safe[4 * EXPLAIN_TEXT_MAX], line[4 * EXPLAIN_TEXT_MAX + INDENT];

	if (!*text)
		return;
	snprintf(line, sizeof(line), "  %-*s%s", INDENT - 2, name,
		 text_escape(text, safe, sizeof(safe)));
	wrap_print(line, width, INDENT, out);
}

/* ---- who it was ------------------------------------------------------------------------- */

/* "10.0.0.1:80" or "[fd00::1]:80" */
static const char *explain_endpoint(const json_t *tuple, const char *host, const char *port,
				    char buf[80])
{
	const char *addr = explain_string(tuple, host);
	const bool six = strchr(addr, ':');

	if (json_object_get(tuple, port))
		snprintf(buf, 80, six ? "[%.47s]:%llu" : "%.47s:%llu", addr,
			 (ull)explain_number(tuple, port));
	else
		snprintf(buf, 80, "%.47s", addr);
	return buf;
}

static void explain_print_who(const json_t *item, unsigned width, FILE *out)
{
	const json_t *orig = json_object_get(item, "original"),
		     *reply = json_object_get(item, "reply");
	const char *device = explain_string(item, "device");
	char src[80], dst[80], as[80], to[80], line[EXPLAIN_TEXT_MAX], safe[4 * EXPLAIN_TEXT_MAX];
	const ull zone = explain_number(item, "zone");
	size_t n;

	explain_endpoint(orig, "src", "sport", src);
	explain_endpoint(orig, "dst", "dport", dst);
	/* of what vipsafe has removed itself the port is not always known any more */
	explain_endpoint(reply, "dst", explain_number(reply, "dport") ? "dport" : "", as);
	explain_endpoint(reply, "src", "sport", to);
	n = (size_t)snprintf(line, sizeof(line), "%.8s %s -> %s", explain_string(item, "protocol"),
			     src, dst);
	if (strcmp(src, as) != 0)
		n += (size_t)snprintf(line + n, sizeof(line) - n, " as %s", as);
	if (strcmp(dst, to) != 0)
		n += (size_t)snprintf(line + n, sizeof(line) - n, " to %s", to);
	if (*device)
		n += (size_t)snprintf(line + n, sizeof(line) - n, " on %.15s", device);
	if (zone)
		snprintf(line + n, sizeof(line) - n, " zone %llu", zone);
	wrap_print(text_escape(line, safe, sizeof(safe)), width, 4, out);
}

static bool explain_same_who(const json_t *a, const json_t *b)
{
	return a &&
	       json_equal((json_t *)json_object_get(a, "original"),
			  (json_t *)json_object_get(b, "original")) &&
	       json_equal((json_t *)json_object_get(a, "reply"),
			  (json_t *)json_object_get(b, "reply")) &&
	       explain_number(a, "zone") == explain_number(b, "zone") &&
	       !strcmp(explain_string(a, "protocol"), explain_string(b, "protocol"));
}

/* ---- one event ---------------------------------------------------------------------------- */

static void explain_print_when(const struct explain_context *c, const json_t *item, unsigned width,
			       FILE *out)
{
	const usec_t at = explain_number(item, "at_us");
	char when[WHEN_TEXT_MAX], age[32], text[WHEN_TEXT_MAX + 48];

	if (!at || !strcmp(explain_string(item, "kind"), "alive"))
		return;
	snprintf(text, sizeof(text), "%s, %s ago",
		 when_format_short(when_of(at, c->wall, c->now), c->wall, when),
		 history_age(c->now > at ? c->now - at : 0, age));
	explain_row("when", text, width, out);
}

static void explain_print_cause(const json_t *item, unsigned width, FILE *out)
{
	const char *doubt = explain_string(item, "doubt"), *after = explain_string(item, "after");
	const char *sure = "";
	char text[EXPLAIN_TEXT_MAX];

	if (!strcmp(explain_string(item, "kind"), "possible"))
		sure = "perhaps ";
	else if (!json_is_true(json_object_get(item, "certain")))
		sure = "probably ";
	if (!strcmp(explain_string(item, "cause"), "alive"))
		snprintf(text, sizeof(text), "none: %s", explain_string(item, "protection"));
	else
		snprintf(text, sizeof(text), "%s%s%s%s%s%s", sure, explain_string(item, "cause"),
			 *after ? ", since it was " : "", after, *doubt ? ": " : "", doubt);
	explain_row("cause", text, width, out);
}

static void explain_print_item(const struct explain_context *c, const json_t *item, unsigned width,
			       FILE *out)
{
	const json_t *evidence = json_object_get(item, "evidence");
	size_t i;

	explain_print_when(c, item, width, out);
	explain_print_cause(item, width, out);
	explain_row("what", explain_string(item, "text"), width, out);
	for (i = 0; i < json_array_size(evidence); i++) {
		const char *text = json_string_value(json_array_get(evidence, i));

		explain_row(i ? "" : "evidence", text ? text : "", width, out);
	}
	explain_row("prevention", explain_string(item, "prevention"), width, out);
}

/* ---- all --------------------------------------------------------------------------------- */

static void explain_print_possible(const struct explain_context *c, const json_t *list, bool known,
				   unsigned width, FILE *out)
{
	size_t i;

	if (!json_array_size(list))
		return;
	fputs(known ? "\nBesides that it may be\n" : "Nothing is known of it. It may be\n", out);
	for (i = 0; i < json_array_size(list); i++) {
		if (i)
			fputc('\n', out);
		explain_print_item(c, json_array_get(list, i), width, out);
	}
}

void explain_print(const struct explain_context *c, const json_t *result, unsigned columns,
		   size_t max, FILE *out)
{
	const json_t *items = json_object_get(result, "connections"), *last = NULL;
	const size_t n = json_array_size(items), shown = max && n > max ? max : n;
	const unsigned width = columns ? MAX(columns, WIDTH_MIN) : 0;
	size_t i;

	for (i = 0; i < shown; i++) {
		const json_t *item = json_array_get(items, i);

		if (i)
			fputc('\n', out);
		if (!explain_same_who(last, item))
			explain_print_who(item, width, out);
		explain_print_item(c, item, width, out);
		last = item;
	}
	if (shown < n)
		fprintf(out, "\n%zu older %s not shown: name more of it, or use -v or --json\n",
			n - shown, n - shown == 1 ? "one is" : "ones are");
	if (!n && !json_array_size(json_object_get(result, "possible")))
		fputs("No connection is remembered that ended then.\n", out);
	explain_print_possible(c, json_object_get(result, "possible"), n > 0, width, out);
}
