/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/setting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"
#include "base/text.h"

static int duration_set(const struct setting *k, const char *value, usec_t *field,
			struct request_error *ret_error)
{
	char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];
	uint64_t n;
	usec_t d;
	int r;

	if (k->type == SETTING_SECONDS && text_number(value, 0, UINT32_MAX, &n) == 0) {
		d = n * USEC_PER_SEC;
		r = 0;
	} else {
		r = duration_parse(value, &d);
	}
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

static int count_set(const struct setting *k, const char *value, unsigned *field,
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

/* Parse "12" or "0.25". strtod() depends on the locale, and accepts much else. */
static int rate_parse(const char *text, double *ret)
{
	const char *point = strchr(text, '.');
	size_t len = point ? (size_t)(point - text) : strlen(text), digits;
	double scale = 1, value = 0;
	size_t i;

	digits = strspn(text, "0123456789");
	if (digits != len || !len || len > 12)
		return -EINVAL;
	for (i = 0; i < len; i++)
		value = value * 10 + (text[i] - '0');
	if (point) {
		digits = strspn(point + 1, "0123456789");
		if (!digits || digits > 12 || point[1 + digits])
			return -EINVAL;
		for (i = 0; i < digits; i++) {
			scale /= 10;
			value += (point[1 + i] - '0') * scale;
		}
	}
	*ret = value;
	return 0;
}

static int rate_set(const struct setting *k, const char *value, double *field,
		    struct request_error *ret_error)
{
	double d;

	if (rate_parse(value, &d) < 0 || d < (double)k->min || d > (double)k->max)
		return request_error_set(ret_error,
					 "%s: " QUOTED " is not a number from %llu to %llu "
					 "such as 0.25",
					 k->name, value, (unsigned long long)k->min,
					 (unsigned long long)k->max);
	*field = d;
	return 0;
}

static bool path_has_suffix(const char *path, const char *suffix)
{
	size_t n = strlen(path), len = suffix ? strlen(suffix) : 0;

	return !len || (n >= len && !strcmp(path + n - len, suffix));
}

static int path_set(const struct setting *k, const char *value, char *field,
		    struct request_error *ret_error)
{
	bool may_be_empty = k->type == SETTING_OPTIONAL_PATH;

	if (!(may_be_empty && !*value) && *value != '/')
		return request_error_set(ret_error, "%s: " QUOTED " is not an absolute path",
					 k->name, value);
	if (*value && !path_has_suffix(value, k->suffix))
		return request_error_set(ret_error, "%s: " QUOTED " does not end with %s", k->name,
					 value, k->suffix);
	if (strlen(value) >= SETTINGS_PATH_MAX)
		return request_error_set(ret_error,
					 "%s: the path " QUOTED "... is longer than %d "
					 "characters",
					 k->name, value, SETTINGS_PATH_MAX - 1);
	memcpy(field, value, strlen(value) + 1);
	return 0;
}

static int name_set(const struct setting *k, const char *value, char *field,
		    struct request_error *ret_error)
{
	if (!*value || strlen(value) >= SETTINGS_NAME_MAX || strpbrk(value, " \t/:"))
		return request_error_set(ret_error, "%s: " QUOTED " is not a name", k->name, value);
	memcpy(field, value, strlen(value) + 1);
	return 0;
}

static int word_set(const struct setting *k, const char *value, void *field,
		    struct request_error *ret_error)
{
	char list[96];
	int i = word_find(k->words, value);

	if (i < 0)
		return request_error_set(ret_error, "%s: " QUOTED " is none of %s", k->name, value,
					 word_list(k->words, ", ", list, sizeof(list)));
	/* every enum here is an int or an unsigned of its size */
	*(unsigned *)field = (unsigned)i;
	return 0;
}

static int bool_set(const struct setting *k, const char *value, bool *field,
		    struct request_error *ret_error)
{
	if (strcmp(value, "yes") && strcmp(value, "no"))
		return request_error_set(ret_error, "%s: " QUOTED " is none of yes, no", k->name,
					 value);
	*field = *value == 'y';
	return 0;
}

int setting_set(const struct setting *k, const char *value, void *base,
		struct request_error *ret_error)
{
	void *field = (char *)base + k->offset;

	switch (k->type) {
	case SETTING_PATH:
	case SETTING_OPTIONAL_PATH:
		return path_set(k, value, field, ret_error);
	case SETTING_NAME:
		return name_set(k, value, field, ret_error);
	case SETTING_DURATION:
	case SETTING_SECONDS:
		return duration_set(k, value, field, ret_error);
	case SETTING_COUNT:
		return count_set(k, value, field, ret_error);
	case SETTING_RATE:
		return rate_set(k, value, field, ret_error);
	case SETTING_WORD:
		return word_set(k, value, field, ret_error);
	case SETTING_BOOL:
		return bool_set(k, value, field, ret_error);
	case SETTING_PARSED:
	case SETTING_LIST:
		return k->add(base, value, ret_error);
	}
	return -EINVAL;
}

const struct setting *setting_find(const struct setting *keys, const char *name)
{
	const struct setting *k;

	for (k = keys; k->name; k++) {
		if (!strcmp(k->name, name))
			return k;
	}
	return NULL;
}

void setting_init(const struct setting *keys, void *base)
{
	const struct setting *k;
	struct request_error e;

	/* This cannot fail: a unit test checks the defaults of all tables. */
	for (k = keys; k->name; k++) {
		if (k->initial)
			(void)setting_set(k, k->initial, base, &e);
	}
}

const char *setting_range(const struct setting *k, char *buf, size_t size)
{
	char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];

	switch (k->type) {
	case SETTING_PATH:
		snprintf(buf, size, "absolute path");
		break;
	case SETTING_OPTIONAL_PATH:
		snprintf(buf, size, "absolute path%s%s, or empty",
			 k->suffix ? " that ends with " : "", k->suffix ? k->suffix : "");
		break;
	case SETTING_NAME:
		snprintf(buf, size, "name");
		break;
	case SETTING_DURATION:
	case SETTING_SECONDS:
		snprintf(buf, size, "%s to %s", duration_format(k->min, least),
			 duration_format(k->max, most));
		break;
	case SETTING_COUNT:
	case SETTING_RATE:
		snprintf(buf, size, "%llu to %llu", (unsigned long long)k->min,
			 (unsigned long long)k->max);
		break;
	case SETTING_WORD:
		word_list(k->words, " | ", buf, size);
		break;
	case SETTING_BOOL:
		snprintf(buf, size, "yes | no");
		break;
	case SETTING_PARSED:
		snprintf(buf, size, "%s", k->shape);
		break;
	case SETTING_LIST:
		snprintf(buf, size, "%s; may be repeated", k->shape);
		break;
	}
	return buf;
}
