/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/option.h"
#include "core/text.h"

#define SOCKET_FILE "/control.sock"
#define MSEC(n) ((n)*USEC_PER_MSEC)
#define SEC(n) ((n)*USEC_PER_SEC)
#define HOUR SEC((usec_t)3600)
#define DEVICES_MAX 1024

enum value_type {
	VALUE_PATH,	     /* absolute; SETTINGS_PATH_MAX bytes */
	VALUE_OPTIONAL_PATH, /* or empty */
	VALUE_NAME,	     /* SETTINGS_NAME_MAX bytes */
	VALUE_DURATION,	     /* usec_t */
	VALUE_COUNT,	     /* unsigned */
	VALUE_WORD,	     /* an enum, by the names in its table */
};

/* Words of an enum in the order of its members, ended by NULL. */
static const char *const pin_words[] = { "continuous", "on-demand", "off", NULL };
static const char *const stop_words[] = { "keep", "release", NULL };
static const char *const hold_words[] = { "auto", "nft", "iptables", "off", NULL };

struct key {
	const char *name;
	enum value_type type;
	size_t offset;
	uint64_t min, max; /* VALUE_DURATION, VALUE_COUNT */
	const char *const *words;
};

#define AGENT(member) offsetof(struct settings, member)
#define DEVICE(member) offsetof(struct device_settings, member)

static const struct key agent_keys[] = {
	{ "run_dir", VALUE_PATH, AGENT(run_dir) },
	{ "socket", VALUE_PATH, AGENT(socket) },
	{ "group", VALUE_NAME, AGENT(group) },
	{ "pin_deadline", VALUE_DURATION, AGENT(pin_deadline), MSEC(1), SEC(60) },
	{ "pin_max_fill", VALUE_COUNT, AGENT(pin_max_fill), 1, 100 },
	{ "hold_max", VALUE_DURATION, AGENT(hold_max), MSEC(1), SEC(10) },
	{ "hold", VALUE_WORD, AGENT(hold), .words = hold_words },
	{ "on_stop", VALUE_WORD, AGENT(on_stop), .words = stop_words },
	{ "textfile", VALUE_OPTIONAL_PATH, AGENT(textfile) },
	{ "timeout", VALUE_DURATION, AGENT(deadline), MSEC(1), HOUR },
	{ "announce_count", VALUE_COUNT, AGENT(announce.count), 0, 100 },
	{ "announce_interval", VALUE_DURATION, AGENT(announce.interval), 0, SEC(1) },
	{ "announce_again", VALUE_COUNT, AGENT(announce.again), 0, 100 },
	{ "announce_again_after", VALUE_DURATION, AGENT(announce.again_after), 0, HOUR },
	{ NULL },
};

static const struct key device_keys[] = {
	{ "pin", VALUE_WORD, DEVICE(pin), .words = pin_words },
	{ "pin_after", VALUE_DURATION, DEVICE(pin_after), 0, HOUR },
	{ NULL },
};

static int duration_set(const struct key *k, const char *value, usec_t *field,
			struct request_error *ret_error)
{
	char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];
	usec_t d;
	int r;

	r = duration_parse(value, &d);
	if (r == -EINVAL)
		return request_error_set(ret_error,
					 "%s: " QUOTED " is not a duration such as "
					 "500ms or 2s (units: us, ms, s, min, h)",
					 k->name, value);
	if (r < 0 || d < k->min || d > k->max)
		return request_error_set(ret_error, "%s: " QUOTED " is not between %s and %s",
					 k->name, value, duration_format(k->min, least),
					 duration_format(k->max, most));
	*field = d;
	return 0;
}

static int count_set(const struct key *k, const char *value, unsigned *field,
		     struct request_error *ret_error)
{
	uint64_t n;

	if (text_number(value, k->min, k->max, &n) < 0)
		return request_error_set(ret_error,
					 "%s: " QUOTED " is not a number from %llu to "
					 "%llu",
					 k->name, value, (unsigned long long)k->min,
					 (unsigned long long)k->max);
	*field = (unsigned)n;
	return 0;
}

static int path_set(const struct key *k, const char *value, char *field,
		    struct request_error *ret_error)
{
	bool may_be_empty = k->type == VALUE_OPTIONAL_PATH;

	if (!(may_be_empty && !*value) && *value != '/')
		return request_error_set(ret_error, "%s: " QUOTED " is not an absolute path",
					 k->name, value);
	if (strlen(value) >= SETTINGS_PATH_MAX)
		return request_error_set(ret_error,
					 "%s: the path " QUOTED "... is longer than %d "
					 "characters",
					 k->name, value, SETTINGS_PATH_MAX - 1);
	memcpy(field, value, strlen(value) + 1);
	return 0;
}

static int name_set(const struct key *k, const char *value, char *field,
		    struct request_error *ret_error)
{
	if (!*value || strlen(value) >= SETTINGS_NAME_MAX || strpbrk(value, " \t/:"))
		return request_error_set(ret_error, "%s: " QUOTED " is not a name", k->name, value);
	memcpy(field, value, strlen(value) + 1);
	return 0;
}

static int word_set(const struct key *k, const char *value, void *field,
		    struct request_error *ret_error)
{
	char list[96] = "";
	unsigned i;
	size_t n = 0;

	for (i = 0; k->words[i]; i++) {
		if (!strcmp(k->words[i], value)) {
			/* every enum here is an int or an unsigned of its size */
			memcpy(field, &i, sizeof(i));
			return 0;
		}
		if (n < sizeof(list))
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
					      k->words[i]);
	}
	return request_error_set(ret_error, "%s: " QUOTED " is none of %s", k->name, value, list);
}

static int key_set(const struct key *k, const char *value, void *base,
		   struct request_error *ret_error)
{
	void *field = (char *)base + k->offset;

	switch (k->type) {
	case VALUE_PATH:
	case VALUE_OPTIONAL_PATH:
		return path_set(k, value, field, ret_error);
	case VALUE_NAME:
		return name_set(k, value, field, ret_error);
	case VALUE_DURATION:
		return duration_set(k, value, field, ret_error);
	case VALUE_COUNT:
		return count_set(k, value, field, ret_error);
	case VALUE_WORD:
		return word_set(k, value, field, ret_error);
	}
	return -EINVAL;
}

static int table_apply(const struct key *keys, const char *section, const char *name,
		       const char *value, void *base, struct request_error *ret_error)
{
	const struct key *k;

	for (k = keys; k->name; k++) {
		if (!strcmp(k->name, name))
			return key_set(k, value, base, ret_error);
	}
	return request_error_set(ret_error, "unknown key " QUOTED " in section [%.48s]", name,
				 section);
}

/* The device's entry, made with its defaults when it is new. */
static int device_get(struct settings *s, const char *name, struct device_settings **ret,
		      struct request_error *ret_error)
{
	struct device_settings *devices;
	size_t i;
	int r;

	r = device_name_check(name, ret_error);
	if (r < 0)
		return r;
	for (i = 0; i < s->n_devices; i++) {
		if (!strcmp(s->devices[i].name, name)) {
			*ret = &s->devices[i];
			return 0;
		}
	}
	if (s->n_devices == DEVICES_MAX)
		return request_error_set(ret_error, "device " QUOTED " is too much: at most %d fit",
					 name, DEVICES_MAX);
	devices = realloc(s->devices, (s->n_devices + 1) * sizeof(*devices));
	if (!devices)
		return -ENOMEM;
	s->devices = devices;
	devices[s->n_devices] =
		(struct device_settings){ .pin = PIN_CONTINUOUS, .pin_after = SEC(2) };
	memcpy(devices[s->n_devices].name, name, strlen(name) + 1);
	*ret = &devices[s->n_devices++];
	return 0;
}

/* "device NAME": where NAME starts, or NULL. */
static const char *section_device(const char *section)
{
	static const char word[] = "device";

	if (strncmp(section, word, sizeof(word) - 1))
		return NULL;
	section += sizeof(word) - 1;
	return *section == ' ' || *section == '\t' ? section + strspn(section, " \t") : NULL;
}

int settings_section(struct settings *s, const char *section, struct request_error *ret_error)
{
	const char *device = section_device(section);
	struct device_settings *d;

	if (device)
		return device_get(s, device, &d, ret_error);
	if (!strcmp(section, "device"))
		return request_error_set(ret_error, "section [device] names no device");
	if (strcmp(section, "agent"))
		return request_error_set(ret_error, "unknown section [%.48s]", section);
	return 0;
}

int settings_apply(struct settings *s, const char *section, const char *key, const char *value,
		   struct request_error *ret_error)
{
	const char *device = section_device(section);
	struct device_settings *d;
	int r;

	if (!*section)
		return request_error_set(ret_error, "key " QUOTED " stands before any section",
					 key);
	if (!device) {
		r = settings_section(s, section, ret_error);
		if (r < 0)
			return r;
		return table_apply(agent_keys, section, key, value, s, ret_error);
	}
	r = device_get(s, device, &d, ret_error);
	if (r < 0)
		return r;
	return table_apply(device_keys, section, key, value, d, ret_error);
}

int settings_finish(struct settings *s, struct request_error *ret_error)
{
	if (*s->socket)
		return 0;
	if (strlen(s->run_dir) + sizeof(SOCKET_FILE) > SETTINGS_PATH_MAX)
		return request_error_set(ret_error,
					 "run_dir: " QUOTED "... leaves no room for the "
					 "socket's path; give socket",
					 s->run_dir);
	snprintf(s->socket, sizeof(s->socket), "%.*s" SOCKET_FILE,
		 (int)(sizeof(s->socket) - sizeof(SOCKET_FILE)), s->run_dir);
	return 0;
}

void settings_init(struct settings *s)
{
	*s = (struct settings){
		.run_dir = VIPSAFE_RUN_DIR,
		.group = "vipsafe",
		.pin_deadline = MSEC(500),
		.pin_max_fill = 95,
		.hold_max = MSEC(500),
		.deadline = SEC(10),
		.hold = HOLD_AUTO,
		.on_stop = STOP_KEEP,
		.announce = { .count = 5, .interval = 0, .again = 5, .again_after = SEC(5) },
	};
}

void settings_done(struct settings *s)
{
	free(s->devices);
	s->devices = NULL;
	s->n_devices = 0;
}
