/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/end_json.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/text.h"
#include "show/report_json.h"

static void end_json_side(json_t **o, const char *key, const struct addr *a, uint16_t port)
{
	json_t *side = json_object();
	char text[PREFIX_TEXT_MAX];

	object_put_text(&side, "addr", addr_format(a, text));
	if (port)
		object_put_number(&side, "port", ntohs(port));
	object_put(o, key, side);
}

static void end_json_tuples(json_t **o, const struct end *e)
{
	const struct conn c = end_conn(e);
	const struct addr src = tuple_src(&c.key.orig, c.key.family),
			  dst = tuple_dst(&c.key.orig, c.key.family),
			  as = tuple_dst(&c.reply, c.key.family),
			  to = tuple_src(&c.reply, c.key.family);
	char text[PREFIX_TEXT_MAX], proto[8];

	object_put_text(o, "proto", l4proto_name(e->l4proto, proto));
	object_put_text(o, "src", addr_format(&src, text));
	object_put_text(o, "dst", addr_format(&dst, text));
	if (l4proto_has_ports(e->l4proto) || l4proto_is_icmp(e->l4proto))
		object_put_number(o, "sport", ntohs(e->sport));
	if (l4proto_has_ports(e->l4proto))
		object_put_number(o, "dport", ntohs(e->dport));
	object_put_number(o, "zone", e->zone);
	end_json_side(o, "as", &as, e->as_port);
	if (!addr_equal(&to, &dst) || (l4proto_has_ports(e->l4proto) && e->to_port != e->dport))
		end_json_side(o, "to", &to, e->to_port);
}

static json_t *end_json_deed(const struct deed *d)
{
	static const char *const by[] = {
		[BY_UNKNOWN] = "unknown", [BY_KERNEL] = "kernel", [BY_PROGRAM] = "program",
		[BY_ENDED] = "ended",	  [BY_US] = "us",	  NULL
	};
	char text[PREFIX_TEXT_MAX];
	json_t *o = json_object();

	object_put_text(&o, "what", word_of(deed_words, d->what));
	object_put_number(&o, "at_us", d->at);
	if (d->address.addr.family)
		object_put_text(&o, "address", prefix_format(&d->address, text));
	if (*d->device)
		object_put_text(&o, "device", d->device);
	object_put_text(&o, "by", word_of(by, d->by));
	if (*d->comm)
		object_put_text(&o, "comm", d->comm);
	if (d->pid)
		object_put_number(&o, "pid", d->pid);
	if (d->port)
		object_put_number(&o, "port", d->port);
	if (d->is_likely)
		object_put_bool(&o, "likely", true);
	if (*d->operation)
		object_put_text(&o, "operation", d->operation);
	if (d->what == DEED_FULL) {
		object_put_number(&o, "count", d->count);
		object_put_number(&o, "max", d->max);
	}
	return o;
}

json_t *end_json(const struct end_told *t)
{
	const struct end *e = &t->end;
	const struct conn c = end_conn(e);
	json_t *o = json_object();

	object_put_number(&o, "at_us", e->at);
	object_put_text(&o, "device", t->device);
	end_json_tuples(&o, e);
	if (e->cause == END_RETRANSLATED)
		object_put_number(&o, "new_port", ntohs(e->new_port));
	if (c.tcp_state != CONN_TCP_NONE)
		object_put_text(&o, "state", conn_tcp_state_name((enum conn_tcp_state)c.tcp_state));
	if (e->flags & END_TOLD)
		object_put_number(&o, "timeout_s", e->timeout);
	object_put_text(&o, "cause", word_of(end_cause_words, e->cause));
	object_put_bool(&o, "certain", e->doubt == DOUBT_NONE);
	if (e->doubt != DOUBT_NONE)
		object_put_text(&o, "doubt", word_of(end_doubt_words, e->doubt));
	object_put_bool(&o, "put_back", e->flags & END_PUT_BACK);
	object_put_bool(&o, "pinned", e->flags & END_WAS_PINNED);
	object_put_bool(&o, "assured", e->flags & END_ASSURED);
	object_put_bool(&o, "answered", e->flags & END_SEEN_REPLY);
	object_put_bool(&o, "altered", e->flags & END_ALTERED);
	if (e->cause == END_RETRANSLATED)
		object_put_bool(&o, "new_reset", e->flags & END_NEW_RESET);
	if (e->cause == END_TIMEOUT)
		object_put_text(&o, "sysctl", end_sysctl(e));
	if (t->deed.what != DEED_NONE)
		object_put(&o, "deed", end_json_deed(&t->deed));
	return o;
}
