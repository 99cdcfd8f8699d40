/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/explain.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/end.h"
#include "base/text.h"
#include "base/when.h"
#include "show/connections.h"
#include "show/explain_words.h"
#include "show/report_json.h"

typedef unsigned long long ull;

/* ---- what ended -------------------------------------------------------------------------- */

static void explain_put_time(const struct explain_context *c, json_t **o, const char *key,
			     const char *key_us, usec_t at)
{
	char text[WHEN_TEXT_MAX];

	object_put_text(o, key, when_format(when_of(at, c->wall, c->now), text));
	object_put_number(o, key_us, at);
}

static json_t *explain_tuple(const char *src, ull sport, const char *dst, ull dport, bool ports)
{
	json_t *o = json_object();

	object_put_text(&o, "src", src);
	object_put_text(&o, "dst", dst);
	if (ports) {
		object_put_number(&o, "sport", sport);
		object_put_number(&o, "dport", dport);
	}
	return o;
}

/* Both directions of END, as "vipsafe connections" has them. */
static void explain_put_tuples(json_t **o, const json_t *end)
{
	const char *src = explain_string(end, "src"), *dst = explain_string(end, "dst");
	const json_t *as = json_object_get(end, "as"), *to = json_object_get(end, "to");
	const ull sport = explain_number(end, "sport"), dport = explain_number(end, "dport");
	const bool ports = sport || dport;
	const char *reply_src = to ? explain_string(to, "addr") : dst;
	ull reply_sport = to ? explain_number(to, "port") : dport;

	object_put_text(o, "protocol", explain_string(end, "proto"));
	object_put(o, "original", explain_tuple(src, sport, dst, dport, ports));
	object_put(o, "reply",
		   explain_tuple(reply_src, reply_sport, as ? explain_string(as, "addr") : src,
				 as ? explain_number(as, "port") : sport, ports));
	object_put_number(o, "zone", explain_number(end, "zone"));
	object_put_text(o, "device", explain_string(end, "device"));
}

static void explain_note(json_t **list, const char *fmt, ...) _printf_(2, 3);
static void explain_note(json_t **list, const char *fmt, ...)
{
	char text[EXPLAIN_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	text_line_va(text, sizeof(text), fmt, ap);
	va_end(ap);
	object_append(list, json_string(text));
}

static bool explain_is(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static void explain_note_entry(json_t **list, const json_t *end)
{
	const char *state = explain_string(end, "state");
	const json_t *left = json_object_get(end, "timeout_s");
	const bool pinned = explain_is(end, "pinned"); /* then it had been answered */

	if (left)
		explain_note(list, "the entry had %llu s left%s%s",
			     explain_number(end, "timeout_s"), *state ? " in state " : "", state);
	else if (*state)
		explain_note(list, "the entry's last known state was %s", state);
	explain_note(list, "it was %s%s%s", pinned ? "pinned" : "not pinned",
		     pinned || explain_is(end, "answered") ? "" : ", and nobody had answered it",
		     explain_is(end, "altered") ? ", and altered by another program" : "");
}

static void explain_note_deed(const struct explain_context *c, json_t **list, const json_t *deed)
{
	static const char *const done[DEED_WHAT_COUNT] = {
		[DEED_ADDRESS] = "was deleted",	      [DEED_LINK] = "the link went down",
		[DEED_ENTRIES] = "entries deleted",   [DEED_AWAY] = "did not come back",
		[DEED_HEARD] = "was heard elsewhere", [DEED_GIVEN] = "was given up",
		[DEED_ARRIVED] = "was added",
	};
	const int what = word_find(deed_words, explain_string(deed, "what"));
	const char *address = explain_string(deed, "address");
	const usec_t at = explain_number(deed, "at_us");
	const ull port = explain_number(deed, "port");
	char when[WHEN_TEXT_MAX], who[EXPLAIN_TEXT_MAX], source[40] = "";

	if (what <= DEED_NONE)
		return;
	when_format_short(when_of(at, c->wall, c->now), c->wall, when);
	if (port)
		snprintf(source, sizeof(source), ", netlink port %llu", port);
	if (what == DEED_FULL)
		explain_note(list, "%s the table had %llu of %llu entries", when,
			     explain_number(deed, "count"), explain_number(deed, "max"));
	else
		explain_note(list, "%s %s%s%s by %s%s", when, address, *address ? " " : "",
			     done[what], explain_who(c, deed, who), source);
}

static void explain_put_deed(const struct explain_context *c, json_t **o, const json_t *deed)
{
	const char *address = explain_string(deed, "address");
	const char *instance =
		*address && c->instance && !strcmp(explain_string(deed, "comm"), "keepalived")
			? c->instance(c->ud, address)
			: NULL;
	json_t *copy = json_deep_copy(deed);

	if (instance)
		object_put_text(&copy, "instance", instance);
	explain_put_time(c, &copy, "when", "at_us", explain_number(deed, "at_us"));
	object_put(o, "deed", copy);
}

static json_t *explain_evidence(const struct explain_context *c, enum end_cause cause,
				const json_t *end, const json_t *deed)
{
	json_t *list = json_array();
	char when[WHEN_TEXT_MAX];

	if (deed)
		explain_note_deed(c, &list, deed);
	if (cause == END_RETRANSLATED)
		explain_note(
			&list, "%s the same original tuple, with port %llu instead of %llu",
			when_format_short(when_of(explain_number(end, "at_us"), c->wall, c->now),
					  c->wall, when),
			explain_number(end, "new_port"),
			explain_number(json_object_get(end, "as"), "port"));
	explain_note_entry(&list, end);
	return list;
}

json_t *explain_end(const struct explain_context *c, const json_t *end)
{
	const json_t *deed = json_object_get(end, "deed");
	const bool certain = !json_is_false(json_object_get(end, "certain"));
	int cause = word_find(end_cause_words, explain_string(end, "cause"));
	json_t *o = json_object();
	struct explain_words w;

	if (!json_is_object(deed))
		deed = NULL;
	if (!json_is_object(end)) {
		json_decref(o);
		return NULL;
	}
	if (cause < 0) /* of a newer daemon */
		cause = END_UNKNOWN;
	explain_words(c, (enum end_cause)cause, end, deed, &w);
	object_put_text(&o, "kind", cause == END_RETRANSLATED ? "retranslated" : "end");
	explain_put_time(c, &o, "when", "at_us", explain_number(end, "at_us"));
	explain_put_tuples(&o, end);
	if (*explain_string(end, "state"))
		object_put_text(&o, "state", explain_string(end, "state"));
	object_put_text(&o, "cause", word_of(end_cause_words, (unsigned)cause));
	object_put_bool(&o, "certain", certain && cause != END_UNKNOWN);
	if (!certain)
		object_put_text(&o, "doubt", explain_string(end, "doubt"));
	if (cause == END_RETRANSLATED) {
		object_put_number(&o, "old_port",
				  explain_number(json_object_get(end, "as"), "port"));
		object_put_number(&o, "new_port", explain_number(end, "new_port"));
		object_put_bool(&o, "reset", explain_is(end, "new_reset"));
	}
	if (*explain_string(end, "sysctl"))
		object_put_text(&o, "sysctl", explain_string(end, "sysctl"));
	object_put_bool(&o, "pinned", explain_is(end, "pinned"));
	object_put_bool(&o, "put_back", explain_is(end, "put_back"));
	object_put_text(&o, "text", w.text);
	object_put(&o, "evidence", explain_evidence(c, (enum end_cause)cause, end, deed));
	object_put_text(&o, "prevention", w.prevention);
	if (deed)
		explain_put_deed(c, &o, deed);
	return o;
}

/* ---- what lives -------------------------------------------------------------------------- */

static const char *explain_protection(const struct conn *conn, enum protection p, bool has_device)
{
	switch (p) {
	case PROTECTION_PINNED:
		return "It lives, and it is pinned: no address delete and no link that goes down "
		       "takes its translation away.";
	case PROTECTION_COMMITTED:
		return "It lives, committed from the peer: another node had it, and it was written "
		       "to "
		       "the table when its address came. No address delete and no link that goes "
		       "down takes its translation away.";
	case PROTECTION_UNPINNED:
		return "It lives, and it is not pinned: a flush, or its link going down, would "
		       "take "
		       "its translation away.";
	case PROTECTION_ALTERED:
		return "It lives. Another program has altered its entry, so that it cannot be "
		       "pinned: a flush would take it.";
	case PROTECTION_LINGERING:
		return "It lives. Its address is gone, and it stays for a while in case that comes "
		       "back.";
	case PROTECTION_UNSELECTED:
		return "It lives. \"only\" or \"except\" of its device leaves it unprotected: a "
		       "flush, or its link going down, would take its translation away.";
	case PROTECTION_NONE:
		break;
	}
	if (!(conn->status & CONN_SRC_NAT_DONE))
		return "It lives. Its source is not translated, so that no address delete and no "
		       "link that goes down takes anything away from it.";
	return has_device ? "It lives."
			  : "It lives. The address that it is translated to is on no "
			    "device of this node.";
}

json_t *explain_alive(const struct explain_context *c, const struct kernel *k,
		      const struct conn_record *record, const char *device, enum protection p)
{
	const struct conn *conn = record->conn;
	json_t *o = json_object(), *evidence = json_array();
	char proto[8], line[CONN_LINE_MAX], when[WHEN_TEXT_MAX];
	const bool has_state = conn->key.l4proto == IPPROTO_TCP;
	const char *state = conn_tcp_state_name((enum conn_tcp_state)conn->tcp_state);

	object_put_text(&o, "kind", "alive");
	explain_put_time(c, &o, "when", "at_us", c->now);
	object_put_text(&o, "protocol", l4proto_name(conn->key.l4proto, proto));
	connections_put_tuple(&o, "original", conn, &conn->key.orig);
	connections_put_tuple(&o, "reply", conn, &conn->reply);
	object_put_number(&o, "zone", conn->key.zone);
	object_put_text(&o, "device", device ? device : "");
	if (has_state)
		object_put_text(&o, "state", state);
	object_put_text(&o, "cause", "alive");
	object_put_bool(&o, "certain", true);
	object_put_text(&o, "protection", connections_protection(p));
	object_put_text(&o, "text", explain_protection(conn, p, device != NULL));
	explain_note(&evidence, "the table has it%s%s, for %u s more without a packet",
		     has_state ? " in state " : "", has_state ? state : "", conn->timeout);
	explain_note(&evidence, "%s", k->ops->ct_line(k->ctx, record, line));
	if (c->unended && c->recorded_since)
		explain_note(&evidence, "no end of it was recorded since %s",
			     when_format_short(when_of(c->recorded_since, c->wall, c->now), c->wall,
					       when));
	object_put(&o, "evidence", evidence);
	object_put_text(&o, "prevention",
			p == PROTECTION_UNPINNED
				? "pin = continuous in the section of its device; "
				  "\"vipsafe status\" says why it is not pinned yet."
				: "");
	return o;
}

/* ---- all of it ---------------------------------------------------------------------------- */

struct explain_row {
	json_t *item;
	usec_t at;
	size_t place;
};

static int explain_newer(const void *a, const void *b)
{
	const struct explain_row *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? 1 : -1;
	return x->place < y->place ? -1 : x->place > y->place;
}

json_t *explain_sort(json_t *items)
{
	const size_t n = json_array_size(items);
	_cleanup_free_ struct explain_row *rows = calloc(n + 1, sizeof(*rows));
	json_t *sorted = json_array();
	size_t i;

	for (i = 0; rows && i < n; i++) {
		json_t *item = json_array_get(items, i);

		rows[i] = (struct explain_row){ item, explain_number(item, "at_us"), i };
	}
	if (rows)
		qsort(rows, n, sizeof(*rows), explain_newer);
	for (i = 0; rows && i < n; i++)
		object_append(&sorted, json_incref(rows[i].item));
	if (!rows) {
		json_decref(sorted);
		sorted = NULL;
	}
	json_decref(items);
	return sorted;
}

/* So many events of others may lie between a new translation and the reset that answers it. */
#define AFTER_MAX 256

/* The re-translation to the port of RESET, which is ITEMS[AT]; NULL: there is none. */
static json_t *explain_cause_of_reset(json_t *items, size_t at)
{
	json_t *reset = json_array_get(items, at);
	json_t *orig = json_object_get(reset, "original");
	const ull port = explain_number(json_object_get(reset, "reply"), "dport");
	size_t i;

	for (i = at + 1; i < json_array_size(items) && i <= at + AFTER_MAX; i++) {
		json_t *older = json_array_get(items, i);

		if (!strcmp(explain_string(older, "kind"), "retranslated") &&
		    explain_number(older, "new_port") == port &&
		    json_equal(json_object_get(older, "original"), orig))
			return older;
	}
	return NULL;
}

/* Without memory it stays as it was. */
static void explain_set(json_t *item, const char *key, const char *text)
{
	(void)json_object_set_new(item, key, object_string(text));
}

/* A reset that a new translation has caused is told as its consequence. */
static void explain_link(json_t *items)
{
	size_t i;

	for (i = 0; i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i), *older;

		if (strncmp(explain_string(item, "cause"), "reset", 5) != 0)
			continue;
		older = explain_cause_of_reset(items, i);
		if (!older)
			continue;
		explain_set(item, "after", "retranslated");
		explain_set(item, "text",
			    "The server reset it: it had been re-translated just before, and came "
			    "from a port that the server did not know.");
		explain_set(item, "prevention", explain_string(older, "prevention"));
	}
}

json_t *explain_result(const struct explain_context *c, const char *tuple, json_t *items,
		       json_t *possible)
{
	static const char *const sources[] = { [EXPLAIN_FROM_NOTHING] = "nothing",
					       [EXPLAIN_FROM_DAEMON] = "daemon",
					       [EXPLAIN_FROM_FILE] = "file" };
	json_t *o = json_object(), *recorded = json_object();

	explain_link(items);
	object_put_text(&recorded, "from", sources[c->source]);
	if (c->recorded_since)
		explain_put_time(c, &recorded, "since", "since_us", c->recorded_since);
	object_put_number(&recorded, "max", c->recorded_max);
	object_put_bool(&recorded, "complete", !c->incomplete);
	object_put_text(&o, "tuple", tuple);
	object_put_bool(&o, "nearest", c->nearest);
	explain_put_time(c, &o, "when", "at_us", c->now);
	object_put(&o, "recorded", recorded);
	object_put(&o, "connections", items);
	object_put(&o, "possible", possible);
	return o;
}
