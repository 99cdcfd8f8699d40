/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/status_check.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "show/status.h"

static const char *check_text(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* Whether somebody has to be told: 0, or STATUS_CODE_UNKNOWN. */
static int check_addresses(json_t *o, char *why)
{
	json_int_t there = json_integer_value(json_object_get(o, "present"));
	json_int_t all = json_integer_value(json_object_get(o, "addresses"));
	const char *wanted = check_text(o, "wanted"), *error = check_text(o, "error");
	bool is_add = !strcmp(wanted, "present");

	/* what is under way comes to an end, or to an error */
	if (json_is_true(json_object_get(o, "moving")) ||
	    (is_add ? there == all : !there || strcmp(wanted, "absent") != 0))
		return 0;
	text_line(why, STATUS_CHECK_TEXT_MAX,
		  "%.100s is %.16s, and %lld of its %lld addresses %s %s%s%.100s",
		  check_text(o, "name"), check_text(o, "state"),
		  (long long)(is_add ? all - there : there), (long long)all,
		  (is_add ? all - there : there) == 1 ? "is" : "are",
		  is_add ? "MISSING" : "STILL THERE", *error ? ": " : "", error);
	return STATUS_CODE_UNKNOWN;
}

static bool check_protects(json_t *device)
{
	const char *protection = check_text(device, "protection");

	return !strcmp(protection, "continuous") || !strcmp(protection, "on demand");
}

static int check_devices(json_t *list, char *why)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *o = json_array_get(list, i);
		const char *reason = check_text(o, "reason");

		if (!check_protects(o) || json_is_true(json_object_get(o, "in_force")))
			continue;
		text_line(why, STATUS_CHECK_TEXT_MAX, "%s: %s is not in force: %s%s%s%.160s",
			  check_text(o, "device"), check_text(o, "protection"),
			  check_text(o, "state"),
			  json_is_true(json_object_get(o, "quarantined")) ? ", quarantined" : "",
			  *reason ? ": " : "", reason);
		return STATUS_CODE_UNKNOWN;
	}
	return 0;
}

/* Whether anything is to be protected. */
static bool check_is_of_use(json_t *status)
{
	json_t *list = json_object_get(status, "devices");
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (check_protects(json_array_get(list, i)))
			return true;
	return json_array_size(json_object_get(status, "instances")) > 0;
}

static int check_named(json_t *list, const char *instance, bool runs, char *why)
{
	size_t i;
	int code;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *o = json_array_get(list, i);

		if (strcmp(check_text(o, "name"), instance) != 0)
			continue;
		code = check_addresses(o, why);
		return code && !runs ? STATUS_CODE_NOT_RUNNING : code;
	}
	text_line(why, STATUS_CHECK_TEXT_MAX, "there is no instance \"%.100s\"", instance);
	return EXIT_USAGE;
}

int status_check(json_t *status, const char *instance, char ret_why[STATUS_CHECK_TEXT_MAX])
{
	json_t *instances = json_object_get(status, "instances");
	bool runs = json_is_true(json_object_get(status, "running"));
	int code;
	size_t i;

	*ret_why = '\0';
	if (instance)
		return check_named(instances, instance, runs, ret_why);
	if (!runs) {
		text_line(ret_why, STATUS_CHECK_TEXT_MAX, "vipsafed is not running");
		return STATUS_CODE_NOT_RUNNING;
	}
	if (!check_is_of_use(status)) {
		text_line(ret_why, STATUS_CHECK_TEXT_MAX, "no device is guarded");
		return STATUS_CODE_UNKNOWN;
	}
	code = check_devices(json_object_get(status, "devices"), ret_why);
	for (i = 0; i < json_array_size(instances) && !code; i++)
		code = check_addresses(json_array_get(instances, i), ret_why);
	return code;
}

/* ---- conntrackd ---- */

static bool check_has_conntrackd(const struct settings *s, const char *name)
{
	const struct instance_settings *one = instance_settings_find(s, name);

	return one && one->conntrackd;
}

bool status_check_asks_conntrackd(const struct settings *s, const char *instance)
{
	size_t i;

	for (i = 0; i < s->n_instances; i++)
		if (s->instances[i].conntrackd &&
		    (!instance || !strcmp(s->instances[i].name, instance)))
			return true;
	return false;
}

int status_check_conntrackd(json_t *status, const char *instance, const struct settings *s,
			    const struct conntrackd_stats *said,
			    char ret_why[STATUS_CHECK_TEXT_MAX])
{
	json_t *list = json_object_get(status, "instances");
	char why[CONNTRACKD_WHY_MAX];
	size_t i;

	*ret_why = '\0';
	for (i = 0; i < json_array_size(list); i++) {
		json_t *o = json_array_get(list, i);
		const char *name = check_text(o, "name");

		if ((instance && strcmp(name, instance) != 0) || !check_has_conntrackd(s, name) ||
		    conntrackd_in_sync(said, !strcmp(check_text(o, "state"), "MASTER"), why))
			continue;
		text_line(ret_why, STATUS_CHECK_TEXT_MAX, "%.100s is not in sync: %s", name, why);
		return STATUS_CODE_UNKNOWN;
	}
	return 0;
}
