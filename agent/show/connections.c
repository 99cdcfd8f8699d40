/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"
#include "base/text.h"
#include "show/report_json.h"

#define AT_RISK "at-risk"

static const char *const protection_words[] = {
	[PROTECTION_NONE] = "none",	      [PROTECTION_PINNED] = "pinned",
	[PROTECTION_UNPINNED] = "unpinned",   [PROTECTION_ALTERED] = "altered",
	[PROTECTION_LINGERING] = "lingering", [PROTECTION_UNSELECTED] = "not-selected",
	[PROTECTION_COMMITTED] = "committed", NULL,
};

/* ---- which ------------------------------------------------------------------------ */

const char *connections_word(size_t i)
{
	if (i < PROTECTION_COMMITTED)
		return protection_words[i + 1];
	return i == PROTECTION_COMMITTED ? AT_RISK : NULL;
}

const char *connections_protection(enum protection p)
{
	return word_of(protection_words, p);
}

static int connections_device(struct connections *q, const char *value, struct request_error *e)
{
	if (*q->device)
		return request_error_set(e, "\"dev\" is given twice");
	if (!value)
		return request_error_set(e, "\"dev\" has no value");
	if (device_name_check(value, e) < 0)
		return -EINVAL;
	snprintf(q->device, sizeof(q->device), "%s", value);
	return 0;
}

int connections_parse(struct connections *ret, int argc, char *const argv[],
		      struct request_error *e)
{
	struct connections q = { .protections = 0 };
	int i;

	for (i = 0; i < argc; i++) {
		int p = word_find(protection_words, argv[i]);

		if (p > PROTECTION_NONE) {
			q.protections |= 1U << p;
			if (p == PROTECTION_PINNED)
				q.protections |= 1U << PROTECTION_COMMITTED;
		} else if (!strcmp(argv[i], AT_RISK)) {
			q.at_risk = true;
		} else {
			const char *value = i + 1 < argc ? argv[i + 1] : NULL;

			if ((strcmp(argv[i], "dev") ? pattern_apply(&q.pattern, argv[i], value, e)
						    : connections_device(&q, value, e)) < 0)
				return -EINVAL;
			i++;
		}
	}
	if (pattern_check(&q.pattern, e) < 0)
		return -EINVAL;
	*ret = q;
	return 0;
}

/* Whether a flush would take C, and somebody would miss it. */
static bool is_at_risk(const struct conn *c, enum protection p)
{
	return (p == PROTECTION_UNPINNED || p == PROTECTION_ALTERED ||
		p == PROTECTION_UNSELECTED) &&
	       c->tcp_state != CONN_TCP_TIME_WAIT && c->tcp_state != CONN_TCP_CLOSE;
}

bool connections_want(const struct connections *q, const struct kernel *k,
		      const struct conn_record *record, enum protection p)
{
	uint32_t mark = 0;

	if (p == PROTECTION_NONE)
		return false;
	if ((q->protections || q->at_risk) && !(q->protections & 1U << p) &&
	    !(q->at_risk && is_at_risk(record->conn, p)))
		return false;
	if (q->pattern.parts & PATTERN_MARK)
		(void)k->ops->ct_mark(k->ctx, record, &mark);
	return pattern_matches(&q->pattern, record->conn, mark);
}

/* ---- how --------------------------------------------------------------------------- */

void connections_put_tuple(json_t **o, const char *key, const struct conn *c, const struct tuple *t)
{
	struct addr src = tuple_src(t, c->key.family), dst = tuple_dst(t, c->key.family);
	char text[PREFIX_TEXT_MAX];
	json_t *tuple = json_object();

	object_put_text(&tuple, "src", addr_format(&src, text));
	object_put_text(&tuple, "dst", addr_format(&dst, text));
	if (l4proto_is_icmp(c->key.l4proto)) {
		object_put_number(&tuple, "type", t->icmp.type);
		object_put_number(&tuple, "code", t->icmp.code);
		object_put_number(&tuple, "id", ntohs(t->icmp.id));
	} else if (l4proto_has_ports(c->key.l4proto)) {
		object_put_number(&tuple, "sport", ntohs(t->sport));
		object_put_number(&tuple, "dport", ntohs(t->dport));
	}
	object_put(o, key, tuple);
}

static json_t *connections_json_new(const struct kernel *k, const struct conn_record *record,
				    const char *device, enum protection p)
{
	const struct conn *c = record->conn;
	json_t *o = json_object();
	uint32_t mark = 0;
	char proto[8];

	(void)k->ops->ct_mark(k->ctx, record, &mark);
	object_put_text(&o, "protocol", l4proto_name(c->key.l4proto, proto));
	if (c->key.l4proto == IPPROTO_TCP)
		object_put_text(&o, "state",
				conn_tcp_state_name((enum conn_tcp_state)c->tcp_state));
	object_put_number(&o, "timeout", c->timeout);
	connections_put_tuple(&o, "original", c, &c->key.orig);
	connections_put_tuple(&o, "reply", c, &c->reply);
	object_put_bool(&o, "replied", c->status & CONN_SEEN_REPLY);
	object_put_bool(&o, "assured", c->status & CONN_ASSURED);
	object_put_number(&o, "mark", mark);
	object_put_number(&o, "zone", c->key.zone);
	object_put_number(&o, "id", c->id);
	object_put_bool(&o, "helper", c->has_helper);
	object_put_text(&o, "device", device);
	object_put_text(&o, "protection", connections_protection(p));
	object_put_bool(&o, "at_risk", is_at_risk(c, p));
	return o;
}

/* A line of JSON under way; json_dumpb() came with jansson 2.10. */
struct json_line {
	char *buf;
	size_t size;
};

static int connections_put(const char *piece, size_t size, void *ud)
{
	struct json_line *l = ud;

	if (size > CONNECTION_LINE_MAX - 2 - l->size)
		return -1;
	memcpy(l->buf + l->size, piece, size);
	l->size += size;
	return 0;
}

size_t connections_line(const struct kernel *k, const struct conn_record *record,
			const char *device, enum protection p, bool json,
			char buf[CONNECTION_LINE_MAX])
{
	char line[CONN_LINE_MAX], name[DEVICE_NAME_MAX * 4];
	struct json_line l = { .buf = buf };
	bool failed;
	json_t *o;
	int n;

	if (json) {
		o = connections_json_new(k, record, device, p);
		failed = !o || json_dump_callback(o, connections_put, &l,
						  JSON_COMPACT | JSON_ENSURE_ASCII) < 0;
		json_decref(o);
		if (failed)
			return 0;
		memcpy(buf + l.size, "\n", 2);
		return l.size + 1;
	}
	n = snprintf(buf, CONNECTION_LINE_MAX, "%s # %s %s\n",
		     k->ops->ct_line(k->ctx, record, line), connections_protection(p),
		     text_escape(device, name, sizeof(name)));
	return n > 0 && n < CONNECTION_LINE_MAX ? (size_t)n : 0;
}
