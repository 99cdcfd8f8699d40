/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe lvs map: the services, and the origin of each. */
#include <netinet/in.h>
#include <string.h>

#include "cli/lvs.h"
#include "cli/render.h"
#include "lvs/text.h"
#include "base/text.h"
#include "lvs/message.h"
#include "show/report_json.h"

#define NAME_ROOM (4 * LVS_NAME_MAX)
#define PATH_ROOM (4 * LVS_PATH_MAX)

static const char *match_text(const struct lvs_match *match, char buf[LVS_RANGE_MAX])
{
	if (match->l4proto)
		return lvs_range_format(&match->first, &match->last, match->port, buf);
	snprintf(buf, LVS_RANGE_MAX, "fwmark %u", match->fwmark);
	return buf;
}

static const char *proto_text(const struct lvs_match *match, char buf[8])
{
	return match->l4proto ? l4proto_name(match->l4proto, buf) : "any";
}

static const char *toa_text(const struct lvs_map *m, uint32_t service)
{
	const struct lvs_service *s = lvs_map_service(m, service);

	if (lvs_map_method(m, service) != LVS_FULLNAT)
		return "";
	return lvs_toa_name(s->toa == LVS_TOA_UNSET ? LVS_TOA_UNKNOWN : s->toa);
}

static const char *age_text(usec_t age, char buf[32])
{
	unsigned long long s = age / USEC_PER_SEC;

	if (s >= 86400)
		snprintf(buf, 32, "%llud", s / 86400);
	else if (s >= 3600)
		snprintf(buf, 32, "%lluh", s / 3600);
	else
		snprintf(buf, 32, "%llus", s);
	return buf;
}

/* ---- text ------------------------------------------------------------------- */

static void print_sources(const struct lvs_map *m)
{
	const struct lvs_source *sources;
	size_t i, n = lvs_map_sources(m, &sources);
	char path[PATH_ROOM], age[32];

	for (i = 0; i < n; i++) {
		const struct lvs_source *s = &sources[i];

		printf("source %s%s%s: ", lvs_source_kind_name(s->kind), *s->path ? " " : "",
		       text_escape(s->path, path, sizeof(path)));
		if (s->failed) {
			puts("cannot be read");
			continue;
		}
		printf("%u services, %s old", s->services, age_text(s->age, age));
		if (s->skipped)
			printf(", %u of %u lines or blocks not understood", s->skipped, s->blocks);
		if (s->first_bad)
			printf(" (first: %s%sline %u)",
			       *s->bad_path ? text_escape(s->bad_path, path, sizeof(path)) : "",
			       *s->bad_path ? " " : "", s->first_bad);
		putchar('\n');
	}
}

static void print_origins(const struct lvs_map *m, uint32_t service)
{
	const struct lvs_source *sources;
	size_t i, n = lvs_map_sources(m, &sources);
	const struct lvs_service *s = lvs_map_service(m, service);
	bool more = false;

	fputs("    from ", stdout);
	for (i = 0; i < n; i++) {
		if (!(s->origins & 1U << i))
			continue;
		printf("%s%s", more ? ", " : "", lvs_source_kind_name(sources[i].kind));
		if (i == s->source && s->line)
			printf(" line %u", s->line);
		more = true;
	}
	putchar('\n');
}

static void print_service(const struct lvs_map *m, uint32_t service)
{
	const struct lvs_service *s = lvs_map_service(m, service);
	char text[LVS_RANGE_MAX], proto[8], name[NAME_ROOM];
	const char *toa = toa_text(m, service);
	size_t i;

	for (i = 0; i < s->n_matches; i++)
		printf("%-4s %s%s%s%s\n", proto_text(&s->matches[i], proto),
		       match_text(&s->matches[i], text), !i && *s->name ? "  " : "",
		       !i ? text_escape(s->name, name, sizeof(name)) : "",
		       s->persistent ? "  persistent" : "");
	for (i = 0; i < s->n_reals; i++) {
		const struct lvs_real *real = &s->reals[i];

		printf("    -> %-24s %s%s%s weight %u%s\n",
		       lvs_endpoint_format(&real->addr, real->port, text),
		       lvs_method_name(real->method), *toa ? " toa=" : "", toa, real->weight,
		       lvs_real_is_visible(s, real) ? "  sees the client" : "");
	}
	print_origins(m, service);
}

/* ---- JSON --------------------------------------------------------------------- */

static json_t *source_json(const struct lvs_source *s)
{
	json_t *o = json_object();

	object_put_text(&o, "kind", lvs_source_kind_name(s->kind));
	object_put_text(&o, "path", s->path);
	object_put_number(&o, "age_s", s->age / USEC_PER_SEC);
	object_put_bool(&o, "readable", !s->failed);
	object_put_number(&o, "services", s->services);
	object_put_number(&o, "blocks", s->blocks);
	object_put_number(&o, "skipped", s->skipped);
	object_put_number(&o, "first_bad", s->first_bad);
	object_put_text(&o, "bad_path", *s->bad_path ? s->bad_path : s->path);
	return o;
}

static json_t *match_json(const struct lvs_match *match)
{
	char text[LVS_RANGE_MAX], proto[8];
	json_t *o = json_object();

	object_put_text(&o, "proto", proto_text(match, proto));
	if (match->l4proto)
		object_put_text(&o, "vip", match_text(match, text));
	if (match->fwmark)
		object_put_number(&o, "fwmark", match->fwmark);
	return o;
}

static json_t *real_json(const struct lvs_service *s, const struct lvs_real *r)
{
	char text[LVS_ENDPOINT_MAX];
	json_t *o = json_object();

	object_put_text(&o, "rs", lvs_endpoint_format(&r->addr, r->port, text));
	object_put_text(&o, "method", lvs_method_name(r->method));
	object_put_number(&o, "weight", r->weight);
	object_put_bool(&o, "client_visible", lvs_real_is_visible(s, r));
	return o;
}

static json_t *origins_json(const struct lvs_map *m, uint32_t service)
{
	const struct lvs_source *sources;
	size_t i, n = lvs_map_sources(m, &sources);
	json_t *list = json_array();

	for (i = 0; i < n; i++) {
		if (lvs_map_service(m, service)->origins & 1U << i)
			object_append(&list, json_string(lvs_source_kind_name(sources[i].kind)));
	}
	return list;
}

static json_t *service_json(const struct lvs_map *m, uint32_t service)
{
	const struct lvs_service *s = lvs_map_service(m, service);
	json_t *o = json_object(), *matches = json_array(), *reals = json_array();
	size_t i;

	for (i = 0; i < s->n_matches; i++)
		object_append(&matches, match_json(&s->matches[i]));
	for (i = 0; i < s->n_reals; i++)
		object_append(&reals, real_json(s, &s->reals[i]));
	object_put_text(&o, "name", s->name);
	object_put(&o, "matches", matches);
	object_put_bool(&o, "persistent", s->persistent);
	object_put_text(&o, "toa", toa_text(m, service));
	object_put(&o, "reals", reals);
	object_put(&o, "origins", origins_json(m, service));
	object_put_number(&o, "line", s->line);
	return o;
}

static json_t *map_json(const struct lvs_map *m)
{
	json_t *o = json_object(), *sources = json_array(), *services = json_array();
	struct lvs_summary summary = lvs_map_summary(m);
	const struct lvs_source *source;
	size_t i, n = lvs_map_sources(m, &source);

	for (i = 0; i < n; i++)
		object_append(&sources, source_json(&source[i]));
	for (i = 0; i < lvs_map_services(m); i++) {
		if (lvs_map_service(m, (uint32_t)i)->n_matches)
			object_append(&services, service_json(m, (uint32_t)i));
	}
	object_put_bool(&o, "active", lvs_message_is_active(m));
	object_put(&o, "sources", sources);
	object_put(&o, "services", services);
	object_put_number(&o, "client_visible", summary.visible);
	object_put_number(&o, "rs_endpoints", summary.endpoints);
	object_put_number(&o, "unresolved_fwmarks", summary.unresolved);
	return o;
}

/* An incomplete map is not an error, but scripts should notice it. */
static enum exit_code code_of(const struct lvs_map *m)
{
	const struct lvs_source *sources;
	size_t i, n = lvs_map_sources(m, &sources);

	for (i = 0; i < n; i++) {
		if (sources[i].failed || sources[i].skipped)
			return EXIT_WARNINGS;
	}
	return EXIT_DONE;
}

int lvs_map_show(const struct cli *cli, const struct lvs_map *m)
{
	struct lvs_summary summary = lvs_map_summary(m);
	size_t i;

	if (cli->options.json) {
		render_json(map_json(m), stdout, stderr);
		return code_of(m);
	}
	print_sources(m);
	for (i = 0; i < lvs_map_services(m); i++) {
		if (lvs_map_service(m, (uint32_t)i)->n_matches)
			print_service(m, (uint32_t)i);
	}
	if (!summary.services)
		puts("no LVS services known: the collision check is inactive");
	else
		printf("%u services, %u show clients' addresses, %u real servers of those\n",
		       summary.services, summary.visible, summary.endpoints);
	if (summary.unresolved)
		printf("%u services by firewall mark with unknown addresses\n", summary.unresolved);
	return code_of(m);
}
