/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/message_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lvs/map_store.h"
#include "lvs/message.h"
#include "lvs/text.h"

static const char *const level_words[] = {
	[SEVERITY_NOTE] = "INFO",
	[SEVERITY_UNSEEN] = "WARNING",
	[SEVERITY_WARNING] = "WARNING",
	[SEVERITY_CRITICAL] = "ERROR",
	NULL,
};

void lvs_line_init(struct lvs_line *l, enum severity level, const char *topic)
{
	l->level = level;
	l->topic = topic;
	l->word = NULL;
	l->n = 0;
	l->used = 0;
}

static void _printf_(4, 0)
	add(struct lvs_line *l, const char *key, bool is_number, const char *fmt, va_list ap)
{
	size_t room = sizeof(l->values) - l->used;
	char raw[LVS_VALUES_MAX];

	if (l->n == LVS_FIELDS_MAX || room < 16 || vsnprintf(raw, sizeof(raw), fmt, ap) < 0)
		return;
	text_escape(raw, l->values + l->used, room);
	l->fields[l->n++] = (struct lvs_field){ key, l->values + l->used, is_number };
	l->used += strlen(l->values + l->used) + 1;
}

void lvs_line_add(struct lvs_line *l, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(l, key, false, fmt, ap);
	va_end(ap);
}

void lvs_line_number(struct lvs_line *l, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(l, key, true, fmt, ap);
	va_end(ap);
}

const char *lvs_line_value(const struct lvs_line *l, const char *key)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (!strcmp(l->fields[i].key, key))
			return l->fields[i].value;
	}
	return NULL;
}

static bool is_remedy(const char *key)
{
	return !strcmp(key, "fix") || !strcmp(key, "prevent") || !strcmp(key, "see");
}

/* Which quotes VALUE is put in. A command is to be pasted as it is, so one that has
 * double quotes of its own gets single ones. */
static const char *quote_of(const char *value)
{
	/* brackets hold a value together */
	if (*value == '[' || !strpbrk(value, " ;"))
		return "";
	return strchr(value, '"') ? "'" : "\"";
}

static const char *render(const struct lvs_line *l, bool remedy, size_t n,
			  char buf[LVS_LINE_TEXT_MAX])
{
	size_t i;

	for (i = 0; i < l->n && n < LVS_LINE_TEXT_MAX; i++) {
		const struct lvs_field *f = &l->fields[i];
		const char *quote = quote_of(f->value);

		if (is_remedy(f->key) != remedy)
			continue;
		n += (size_t)snprintf(buf + n, LVS_LINE_TEXT_MAX - n, "%s%s=%s%s%s", n ? " " : "",
				      f->key, quote, f->value, quote);
	}
	return buf;
}

const char *lvs_line_text(const struct lvs_line *l, char buf[LVS_LINE_TEXT_MAX])
{
	int n = snprintf(buf, LVS_LINE_TEXT_MAX, "%s %s%s%s", word_of(level_words, l->level),
			 l->topic, l->word ? " " : "", l->word ? l->word : "");

	return render(l, false, n < 0 ? 0 : (size_t)n, buf);
}

const char *lvs_line_remedy(const struct lvs_line *l, char buf[LVS_LINE_TEXT_MAX])
{
	*buf = '\0';
	return render(l, true, 0, buf);
}

static json_t *line_number(const char *text)
{
	json_error_t e;

	return json_loads(text, JSON_DECODE_ANY, &e);
}

json_t *lvs_line_json(const struct lvs_line *l)
{
	json_t *o = json_object();
	int failed = 0;
	size_t i;

	failed |= json_object_set_new(o, "level", json_string(word_of(level_words, l->level)));
	failed |= json_object_set_new(o, "topic", json_string(l->topic));
	if (l->word)
		failed |= json_object_set_new(o, "state", json_string(l->word));
	for (i = 0; i < l->n; i++) {
		const struct lvs_field *f = &l->fields[i];
		json_t *value = f->is_number ? line_number(f->value) : NULL;

		failed |= json_object_set_new(o, f->key, value ? value : json_string(f->value));
	}
	if (failed) {
		json_decref(o);
		o = NULL;
	}
	return o;
}

/* What is said of services as such: their ports (class B), the map, its sources. */

void lvs_message_add_service(const struct lvs_message *s, struct lvs_line *l, const char *key,
			     uint32_t service, const char *dest)
{
	const struct lvs_service *v;

	if (service == LVS_NONE) {
		lvs_line_add(l, key, "%s", dest);
		return;
	}
	v = lvs_map_service(s->map, service);
	lvs_line_add(l, key, "%s", *v->name ? v->name : dest);
}

static void add_reserve(struct lvs_line *l, uint16_t port)
{
	lvs_line_add(l, "fix",
		     "sysctl -w net.ipv4.ip_local_reserved_ports="
		     "\"$(sysctl -n net.ipv4.ip_local_reserved_ports),%u\"",
		     port);
	lvs_line_add(l, "see", LVS_MESSAGE_SEE);
}

void lvs_message_port(const struct lvs_message *s, const struct lvs_port *p, struct lvs_line *ret)
{
	char text[LVS_ENDPOINT_MAX], proto[8];

	lvs_line_init(ret, p->in_use ? SEVERITY_CRITICAL : SEVERITY_WARNING, "lvs-collision");
	lvs_line_add(ret, "class", "B");
	lvs_line_add(ret, "state", p->in_use ? "certain" : "risk");
	lvs_line_add(ret, "local", "%s", addr_format(&p->local, text));
	if (p->port)
		lvs_line_add(ret, "port", "%u/%s", p->port, l4proto_name(p->l4proto, proto));
	else
		lvs_line_add(ret, "port", "any/%s", l4proto_name(p->l4proto, proto));
	if (p->in_use)
		lvs_line_add(ret, "peer", "%s", lvs_endpoint_format(&p->peer, p->peer_port, text));
	lvs_endpoint_format(&p->local, p->port, text);
	lvs_message_add_service(s, ret, "service", p->service, text);
	lvs_line_add(ret, "range", "%u-%u", s->ports->low, s->ports->high);
	lvs_line_add(ret, "reserved", "no");
	lvs_line_add(ret, "effect", "%s",
		     p->in_use ? "IPVS takes the answers of this connection for a new client"
			       : "connect() may pick it; SYN/ACK is then scheduled by IPVS");
	if (p->port)
		add_reserve(ret, p->port);
}

/* ---- the map --------------------------------------------------------------------- */

bool lvs_message_is_active(const struct lvs_map *m)
{
	return lvs_map_summary(m).services > 0;
}

static void add_sources(const struct lvs_map *m, struct lvs_line *l)
{
	const struct lvs_source *sources;
	size_t i, n = lvs_map_sources(m, &sources), at = 0;
	char text[1024] = "";

	for (i = 0; i < n && at < sizeof(text); i++) {
		unsigned days = (unsigned)(sources[i].age / USEC_PER_SEC / 86400);

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s(%u", i ? "," : "",
				       lvs_source_kind_name(sources[i].kind), sources[i].services);
		if (days && at < sizeof(text))
			at += (size_t)snprintf(text + at, sizeof(text) - at, ";%ud-old", days);
		if (at < sizeof(text))
			at += (size_t)snprintf(text + at, sizeof(text) - at, ")");
	}
	lvs_line_add(l, "sources", "%s", n ? text : "none");
}

void lvs_message_map(const struct lvs_message *s, struct lvs_line *ret)
{
	struct lvs_summary m = lvs_map_summary(s->map);

	lvs_line_init(ret, SEVERITY_NOTE, "lvs-map");
	add_sources(s->map, ret);
	lvs_line_number(ret, "services", "%u", m.services);
	lvs_line_number(ret, "client_visible", "%u", m.visible);
	lvs_line_number(ret, "rs_endpoints", "%u", m.endpoints);
	if (m.unresolved)
		lvs_line_number(ret, "unresolved_fwmarks", "%u", m.unresolved);
	if (m.conflicts)
		lvs_line_number(ret, "conflicts", "%u", m.conflicts);
	lvs_line_add(ret, "check", "%s",
		     !m.services  ? "collision check inactive: no LVS services known"
		     : !m.visible ? "class A check inactive: no service shows clients' addresses"
				  : "class A check active");
}

bool lvs_message_source(const struct lvs_message *s, size_t i, struct lvs_line *ret)
{
	const struct lvs_source *source;

	if (i >= lvs_map_sources(s->map, &source))
		return false;
	source += i;
	if (!source->failed && !source->skipped)
		return false;
	lvs_line_init(ret, SEVERITY_WARNING, "lvs-map");
	ret->word = "incomplete";
	lvs_line_add(ret, "source", "%s%s%s", lvs_source_kind_name(source->kind),
		     *source->path ? ":" : "", source->path);
	if (source->failed) {
		lvs_line_add(ret, "error", "cannot be read");
		return true;
	}
	lvs_line_number(ret, "blocks", "%u", source->blocks);
	lvs_line_number(ret, "understood", "%u", source->blocks - source->skipped);
	if (*source->bad_path)
		lvs_line_add(ret, "first_bad", "%s:%u", source->bad_path, source->first_bad);
	else if (source->first_bad)
		lvs_line_add(ret, "first_bad", "line:%u", source->first_bad);
	return true;
}

void lvs_message_unseen(const char *what, const char *why, struct lvs_line *ret)
{
	lvs_line_init(ret, SEVERITY_WARNING, "lvs-check");
	lvs_line_add(ret, "unseen", "%s", what);
	lvs_line_add(ret, "reason", "%s", why);
}

/* A print is kept in its place or in one of those behind it, this many in all. */
#define WAYS 8

struct said {
	uint64_t print; /* 0: free */
	usec_t at;
	uint32_t repeats;
};

struct lvs_ratelimit {
	struct said said[LVS_RATELIMIT_MAX];
};

struct lvs_ratelimit *lvs_ratelimit_new(void)
{
	return calloc(1, sizeof(struct lvs_ratelimit));
}

struct lvs_ratelimit *lvs_ratelimit_free(struct lvs_ratelimit *q)
{
	free(q);
	return NULL;
}

bool lvs_ratelimit_ask(struct lvs_ratelimit *q, uint64_t print, usec_t now, uint32_t *ret_repeats)
{
	struct said *place = NULL;
	size_t i;

	print = print ? print : 1;
	for (i = 0; i < WAYS; i++) {
		struct said *s = &q->said[(lvs_spread(print) + i) % LVS_RATELIMIT_MAX];

		if (s->print == print) {
			if (now - s->at < LVS_RATELIMIT_INTERVAL) {
				s->repeats++;
				return false;
			}
			*ret_repeats = s->repeats;
			*s = (struct said){ print, now, 0 };
			return true;
		}
		if (!place || (place->print && (!s->print || s->at < place->at)))
			place = s;
	}
	*place = (struct said){ print, now, 0 };
	*ret_repeats = 0;
	return true;
}

static uint64_t mix_bytes(uint64_t h, const uint8_t *bytes)
{
	uint64_t words[2];

	memcpy(words, bytes, sizeof(words));
	return lvs_mix(lvs_mix(h, words[0]), words[1]);
}

static uint64_t mix_flow(uint64_t h, const struct flow *f)
{
	h = mix_bytes(mix_bytes(h, f->client), f->dest);
	return lvs_mix(h, (uint64_t)f->cport << 32 | (uint64_t)f->dport << 16 | f->l4proto);
}

uint64_t lvs_print_collision(const struct collision *c)
{
	bool manifest = c->certainty == COLLIDE_MANIFEST;

	/* a pair that was possible is said again when it is manifest */
	return mix_flow(mix_flow((uint64_t)manifest << 8 | c->class, &c->direct), &c->via);
}

uint64_t lvs_print_risk(const struct risk_row *row)
{
	uint64_t h = lvs_mix_addr(lvs_mix(row->class, row->l4proto), &row->client);

	h = lvs_mix_addr(lvs_mix(h, row->direct.port), &row->direct.dest);
	return lvs_mix_addr(lvs_mix(h, row->via.port), &row->via.dest);
}

uint64_t lvs_print_text(const char *text)
{
	uint64_t h = 0;

	while (*text)
		h = lvs_mix(h, (uint8_t)*text++);
	return h;
}
