/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "front/status.h"

#include "core/text.h"
#include "front/report_json.h"
#include "front/status_part.h"

typedef unsigned long long ull;

/* In the order in which they are told. */
static const struct status_part parts[] = {
	{ "devices", status_devices_json, status_devices_print },
};

json_t *status_json_new(const struct status *s)
{
	json_t *o = json_object();
	int failed = 0;
	size_t i;

	failed |= json_object_set_new(o, "version", json_string(s->version));
	failed |= json_object_set_new(o, "pid", json_integer(s->pid));
	failed |= json_object_set_new(o, "uptime_us", json_integer((json_int_t)s->uptime));
	failed |= json_object_set_new(o, "moves", json_integer((json_int_t)s->moves));
	failed |= json_object_set_new(o, "refused", json_integer((json_int_t)s->refused));
	failed |= json_object_set_new(o, "config_error", report_json_string(s->config_error));
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		failed |= json_object_set_new(o, parts[i].key, parts[i].json(s));
	if (failed) {
		json_decref(o);
		return NULL;
	}
	return o;
}

void status_print(const struct status *s, bool verbose, FILE *out)
{
	char text[4 * REQUEST_ERROR_MAX];
	size_t i;

	fprintf(out, "vipsafed %s is running (pid %lld, for %llu s)\n", s->version,
		(long long)s->pid, (ull)(s->uptime / USEC_PER_SEC));
	if (*s->config_error)
		fprintf(out, "the configuration was not reloaded: %s\n",
			text_escape(s->config_error, text, sizeof(text)));
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		parts[i].print(s, verbose, out);
	if (verbose)
		fprintf(out, "moves: %llu, clients refused: %llu\n", (ull)s->moves,
			(ull)s->refused);
}
