/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of services as such: their ports (class B), the map, its sources; and of what could
 * not be seen. */
#include "lvs/message.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "lvs/renew.h"
#include "lvs/text.h"

void lvs_message_port(const struct lvs_message *s, const struct lvs_port *p,
		      struct lvs_finding *ret)
{
	char local[LVS_ENDPOINT_MAX], peer[LVS_ENDPOINT_MAX], proto[8];
	char service[LVS_SERVICE_TEXT_MAX];

	lvs_endpoint_format(&p->local, p->port, local);
	lvs_service_text(s, p->service, local, service);
	if (p->in_use)
		lvs_finding_init(
			ret, SEVERITY_CRITICAL, "lvs-port",
			"%s to %s has the port of service %s: IPVS takes its answers for a "
			"new client's",
			local, lvs_endpoint_format(&p->peer, p->peer_port, peer), service);
	else if (p->port)
		lvs_finding_init(
			ret, SEVERITY_WARNING, "lvs-port",
			"connect() may choose port %u/%s of service %s (%u-%u): IPVS would "
			"take the answers for a new client's",
			p->port, l4proto_name(p->l4proto, proto), service, s->ports->low,
			s->ports->high);
	else
		lvs_finding_init(ret, SEVERITY_WARNING, "lvs-port",
				 "service %s has all %s ports of a local address: IPVS takes the "
				 "answers to this node's own connections for a new client's",
				 service, l4proto_name(p->l4proto, proto));
	if (p->port)
		lvs_remedy_reserve(p->port, p->in_use, ret->f.fix, ret->note);
	else
		snprintf(ret->f.advice, sizeof(ret->f.advice),
			 "give the service an address that this node's connections do not use");
}

/* ---- the map --------------------------------------------------------------------- */

bool lvs_message_is_active(const struct lvs_map *m)
{
	return lvs_map_summary(m).services > 0;
}

static void sources_text(const struct lvs_map *m, char *buf, size_t size)
{
	const struct lvs_source *sources;
	size_t i, n = lvs_map_sources(m, &sources), at = 0;

	snprintf(buf, size, "none");
	for (i = 0; i < n && at < size; i++) {
		unsigned days = (unsigned)(sources[i].age / USEC_PER_SEC / 86400);

		at += (size_t)snprintf(buf + at, size - at, "%s%s", i ? ", " : "",
				       lvs_source_kind_name(sources[i].kind));
		if (days && at < size)
			at += (size_t)snprintf(buf + at, size - at, " (%u days old)", days);
	}
}

void lvs_message_map(const struct lvs_message *s, struct lvs_finding *ret)
{
	struct lvs_summary m = lvs_map_summary(s->map);
	char sources[160], more[96] = "";

	sources_text(s->map, sources, sizeof(sources));
	if (!m.services) {
		lvs_finding_init(ret, SEVERITY_NOTE, "lvs-map", "no LVS described (sources: %s)",
				 sources);
		return;
	}
	if (m.unresolved)
		snprintf(more, sizeof(more), "; of %u firewall marks the addresses are not known",
			 m.unresolved);
	lvs_finding_init(ret, SEVERITY_NOTE, "lvs-map",
			 "%u services from %s, of which %u show clients' addresses to %u real "
			 "servers%s",
			 m.services, sources, m.visible, m.endpoints, more);
}

const char *lvs_source_text(const struct lvs_source *source, char buf[LVS_SOURCE_TEXT_MAX])
{
	text_line(buf, LVS_SOURCE_TEXT_MAX, "%s%s%s", lvs_source_kind_name(source->kind),
		  *source->path ? ":" : "", source->path);
	return buf;
}

bool lvs_message_source(const struct lvs_message *s, size_t i, struct lvs_finding *ret)
{
	char text[LVS_SOURCE_TEXT_MAX];
	const struct lvs_source *source;

	if (i >= lvs_map_sources(s->map, &source))
		return false;
	source += i;
	if (!source->failed && !source->skipped)
		return false;
	lvs_source_text(source, text);
	if (source->failed) {
		lvs_finding_init(ret, SEVERITY_WARNING, "lvs-map-incomplete", "%s cannot be read",
				 text);
		return true;
	}
	lvs_finding_init(ret, SEVERITY_WARNING, "lvs-map-incomplete",
			 "%s: %u of %u lines or blocks are not understood", text, source->skipped,
			 source->blocks);
	if (source->first_bad)
		snprintf(ret->f.advice, sizeof(ret->f.advice), "look at %s%sline %u",
			 text_escape(source->bad_path, text, sizeof(text)),
			 *source->bad_path ? ", " : "", source->first_bad);
	return true;
}

bool lvs_message_old(const struct lvs_message *s, size_t i, usec_t elapsed, struct lvs_finding *ret)
{
	bool is_copy = elapsed < LVS_OLD;
	char text[LVS_SOURCE_TEXT_MAX];
	const struct lvs_source *source;
	usec_t age;

	if (i >= lvs_map_sources(s->map, &source))
		return false;
	source += i;
	age = lvs_source_age(source, elapsed);
	if (age < LVS_OLD || source->failed)
		return false;
	lvs_finding_init(ret, SEVERITY_WARNING, "lvs-map-old",
			 is_copy ? "%s was written %llu days ago: the director's services may be "
				   "others by now"
				 : "%s could last be read %llu days ago",
			 lvs_source_text(source, text), (unsigned long long)(age / LVS_OLD));
	if (is_copy)
		snprintf(ret->f.advice, sizeof(ret->f.advice), "copy it anew from the director");
	/* not said again each day */
	ret->print = hash_fold(i, is_copy) | 1;
	return true;
}

void lvs_message_unseen(const char *what, const char *why, struct lvs_finding *ret)
{
	lvs_finding_init(ret, SEVERITY_UNSEEN, "lvs-unseen", "%s: %s", what, why);
}
