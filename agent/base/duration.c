/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/duration.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const struct {
	const char *name;
	usec_t usec;
} units[] = {
	{ "us", 1 },
	{ "ms", USEC_PER_MSEC },
	{ "s", USEC_PER_SEC },
	{ "min", 60 * USEC_PER_SEC },
	{ "h", 3600 * USEC_PER_SEC },
};

int duration_parse(const char *text, usec_t *ret)
{
	size_t digits = strspn(text, "0123456789"), i;
	char number[24];
	uint64_t n;

	if (!digits)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text + digits, units[i].name))
			continue;
		if (digits >= sizeof(number))
			return -ERANGE;
		memcpy(number, text, digits);
		number[digits] = '\0';
		/* USEC_NEVER is not a duration */
		if (text_number(number, 0, (USEC_NEVER - 1) / units[i].usec, &n) < 0)
			return -ERANGE;
		*ret = n * units[i].usec;
		return 0;
	}
	return -EINVAL;
}

const char *duration_format(usec_t d, char buf[DURATION_TEXT_MAX])
{
	size_t i = ARRAY_SIZE(units) - 1;

	while (i && (d < units[i].usec || d % units[i].usec))
		i--;
	if (!d) /* not "0us" */
		snprintf(buf, DURATION_TEXT_MAX, "0s");
	else
		snprintf(buf, DURATION_TEXT_MAX, "%llu%s", (unsigned long long)(d / units[i].usec),
			 units[i].name);
	return buf;
}
