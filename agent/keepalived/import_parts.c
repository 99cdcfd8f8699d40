/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/import_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"

void importer_leave(struct importer *im, const struct keepalived_directive *at, const char *fmt,
		    ...)
{
	char raw[512], line[IMPORT_LINE_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (at)
		text_line(line, sizeof(line), "#! %.80s:%u: %s", at->file, at->line, raw);
	else
		text_line(line, sizeof(line), "#! %s", raw);
	fprintf(im->out, "%s\n", line);
	im->left++;
}

bool importer_has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

bool importer_is_device(const char *name)
{
	struct request_error e;

	return name && !importer_has_control(name) && !strchr(name, ';') &&
	       !device_name_check(name, &e);
}

void importer_guard(struct importer *im, const char *device)
{
	size_t i;

	if (!importer_is_device(device) || !strcmp(device, "lo") || !strcmp(device, DECOY_DEVICE))
		return;
	for (i = 0; i < im->n_devices; i++)
		if (!strcmp(im->devices[i], device))
			return;
	if (im->n_devices < IMPORT_DEVICES_MAX)
		im->devices[im->n_devices++] = device;
	else if (im->n_devices++ == IMPORT_DEVICES_MAX)
		importer_leave(im, NULL, "more than %d devices to be guarded", IMPORT_DEVICES_MAX);
}

bool importer_put(struct importer *im, const struct keepalived_directive *at, const char *key,
		  const char *value)
{
	struct request_error e = { "" };
	int r;

	if (strchr(value, ';') || importer_has_control(value) ||
	    strlen(key) + 3 + strlen(value) > IMPORT_LINE_MAX) {
		importer_leave(
			im, at,
			"%s = %.80s: cannot be a line of vipsafe.conf (too long, or with \";\" "
			"or a control character)",
			key, value);
		return false;
	}
	r = settings_apply(&im->one, im->section, key, value, &e);
	if (r == -ENOMEM)
		im->r = r;
	else if (r < 0)
		importer_leave(im, at, "%s", e.text);
	else
		fprintf(im->out, "%s = %s\n", key, value);
	return r >= 0;
}
