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
	uint32_t origins = lvs_map_origins(m, service);
	const struct lvs_service *s = lvs_map_service(m, service);
	bool more = false;

	fputs("    from ", stdout);
	for (i = 0; i < n; i++) {
		if (!(origins & 1U << i))
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
	const struct lvs_match *matches;
	const struct lvs_real *reals;
	size_t i, n;

	n = lvs_map_matches(m, service, &matches);
	for (i = 0; i < n; i++)
		printf("%-4s %s%s%s%s\n", proto_text(&matches[i], proto),
		       match_text(&matches[i], text), !i && *s->name ? "  " : "",
		       !i ? text_escape(s->name, name, sizeof(name)) : "",
		       s->persistent ? "  persistent" : "");
	n = lvs_map_reals(m, service, &reals);
	for (i = 0; i < n; i++) {
		const char *toa = toa_text(m, service);

		printf("    -> %-24s %s%s%s weight %u%s\n",
		       lvs_endpoint_format(&reals[i].addr, reals[i].port, text),
		       lvs_method_name(reals[i].method), *toa ? " toa=" : "", toa, reals[i].weight,
		       lvs_real_is_visible(s, &reals[i]) ? "  sees the client" : "");
	}
	print_origins(m, service);
}

/* ---- JSON --------------------------------------------------------------------- */

static int lvs_map_put(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value);
}

static json_t *source_json(const struct lvs_source *s)
{
	json_t *o = json_object();
	int failed = 0;

	failed |= lvs_map_put(o, "kind", json_string(lvs_source_kind_name(s->kind)));
	failed |= lvs_map_put(o, "path", object_string(s->path));
	failed |= lvs_map_put(o, "age_s", json_integer((json_int_t)(s->age / USEC_PER_SEC)));
	failed |= lvs_map_put(o, "readable", json_boolean(!s->failed));
	failed |= lvs_map_put(o, "services", json_integer(s->services));
	failed |= lvs_map_put(o, "blocks", json_integer(s->blocks));
	failed |= lvs_map_put(o, "skipped", json_integer(s->skipped));
	failed |= lvs_map_put(o, "first_bad", json_integer(s->first_bad));
	failed |= lvs_map_put(o, "bad_path", object_string(*s->bad_path ? s->bad_path : s->path));
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *match_json(const struct lvs_match *match)
{
	json_t *o = json_object();
	char text[LVS_RANGE_MAX], proto[8];
	int failed = 0;

	failed |= lvs_map_put(o, "proto", json_string(proto_text(match, proto)));
	if (match->l4proto)
		failed |= lvs_map_put(o, "vip", json_string(match_text(match, text)));
	if (match->fwmark)
		failed |= lvs_map_put(o, "fwmark", json_integer(match->fwmark));
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *real_json(const struct lvs_service *s, const struct lvs_real *r)
{
	json_t *o = json_object();
	char text[LVS_ENDPOINT_MAX];
	int failed = 0;

	failed |= lvs_map_put(o, "rs", json_string(lvs_endpoint_format(&r->addr, r->port, text)));
	failed |= lvs_map_put(o, "method", json_string(lvs_method_name(r->method)));
	failed |= lvs_map_put(o, "weight", json_integer(r->weight));
	failed |= lvs_map_put(o, "client_visible", json_boolean(lvs_real_is_visible(s, r)));
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *origins_json(const struct lvs_map *m, uint32_t service)
{
	const struct lvs_source *sources;
	size_t i, n = lvs_map_sources(m, &sources);
	json_t *a = json_array();

	for (i = 0; i < n; i++) {
		if (lvs_map_origins(m, service) & 1U << i)
			json_array_append_new(a,
					      json_string(lvs_source_kind_name(sources[i].kind)));
	}
	return a;
}

static json_t *service_json(const struct lvs_map *m, uint32_t service)
{
	const struct lvs_service *s = lvs_map_service(m, service);
	json_t *o = json_object(), *matches = json_array(), *reals = json_array();
	const struct lvs_match *match;
	const struct lvs_real *real;
	size_t i, n;
	int failed = 0;

	n = lvs_map_matches(m, service, &match);
	for (i = 0; i < n; i++)
		failed |= json_array_append_new(matches, match_json(&match[i]));
	n = lvs_map_reals(m, service, &real);
	for (i = 0; i < n; i++)
		failed |= json_array_append_new(reals, real_json(s, &real[i]));
	failed |= lvs_map_put(o, "name", object_string(s->name));
	failed |= lvs_map_put(o, "matches", matches);
	failed |= lvs_map_put(o, "persistent", json_boolean(s->persistent));
	failed |= lvs_map_put(o, "toa", json_string(toa_text(m, service)));
	failed |= lvs_map_put(o, "reals", reals);
	failed |= lvs_map_put(o, "origins", origins_json(m, service));
	failed |= lvs_map_put(o, "line", json_integer(s->line));
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}

static json_t *map_json(const struct lvs_map *m)
{
	json_t *o = json_object(), *sources = json_array(), *services = json_array();
	struct lvs_summary summary = lvs_map_summary(m);
	const struct lvs_source *source;
	size_t i, n = lvs_map_sources(m, &source);
	int failed = 0;

	for (i = 0; i < n; i++)
		failed |= json_array_append_new(sources, source_json(&source[i]));
	for (i = 0; i < lvs_map_services(m); i++) {
		if (lvs_map_origins(m, (uint32_t)i))
			failed |= json_array_append_new(services, service_json(m, (uint32_t)i));
	}
	failed |= lvs_map_put(o, "active", json_boolean(lvs_message_is_active(m)));
	failed |= lvs_map_put(o, "sources", sources);
	failed |= lvs_map_put(o, "services", services);
	failed |= lvs_map_put(o, "client_visible", json_integer(summary.visible));
	failed |= lvs_map_put(o, "rs_endpoints", json_integer(summary.endpoints));
	failed |= lvs_map_put(o, "unresolved_fwmarks", json_integer(summary.unresolved));
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
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
		if (lvs_map_origins(m, (uint32_t)i))
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
