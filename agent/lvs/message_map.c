/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of services as such: their ports (class B), the map, its sources. */
#include <stdio.h>

#include "lvs/message.h"
#include "lvs/text.h"

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
