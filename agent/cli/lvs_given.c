/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe lvs check vip … real …: a service on the command line. */
#include <errno.h>
#include <string.h>

#include "base/option.h"
#include "cli/lvs.h"
#include "lvs/settings.h"

#define GIVEN "lvs-service given"

/* VALUE may be a list of real servers. */
static int given_apply(struct settings *s, const char *key, char *value, struct request_error *e)
{
	char *save = NULL, *word;
	int r = 0;

	if (strcmp(key, "real") != 0)
		return settings_apply(s, GIVEN, key, value, e);
	for (word = strtok_r(value, ",", &save); word && r == 0; word = strtok_r(NULL, ",", &save))
		r = settings_apply(s, GIVEN, key, word, e);
	return r;
}

/* It goes before those of the configuration. */
static void given_first(struct lvs_settings *s)
{
	struct lvs_service_settings last = s->services[s->n_services - 1];

	memmove(&s->services[1], s->services, (s->n_services - 1) * sizeof(last));
	s->services[0] = last;
}

int lvs_given(struct cli *cli, int argc, char *argv[], struct request_error *e)
{
	static const char *const keys[] = { "vip", "real", "proto", "method", "toa" };
	bool vip = false, real = false;
	size_t k;
	int i, r = 0;

	for (i = 0; i < argc && r == 0; i += 2) {
		for (k = 0; k < ARRAY_SIZE(keys) && strcmp(argv[i], keys[k]) != 0;)
			k++;
		if (k == ARRAY_SIZE(keys))
			return request_error_set(e, "unknown word " QUOTED, argv[i]);
		if (i + 1 == argc)
			return request_error_set(e, "%s is followed by its value", argv[i]);
		vip |= k == 0;
		real |= k == 1;
		r = given_apply(&cli->settings, argv[i], argv[i + 1], e);
	}
	if (r == 0 && argc && (!vip || !real))
		return request_error_set(e, "a service has a vip and a real: " LVS_HOW_TO_DESCRIBE);
	if (r == 0 && argc)
		given_first(cli->settings.lvs);
	return r;
}
