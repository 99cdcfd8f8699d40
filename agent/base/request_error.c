/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with a word of a request. */
#include "base/request.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/option.h"
#include "base/text.h"

int request_error_set(struct request_error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_line_va(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Refuse what dev_valid_name() in net/core/dev.c refuses. From IFNAMSIZ on, NAME can only be an
 * alternative name; the kernel knows whether it is. */
int device_name_check(const char *name, struct request_error *ret_error)
{
	const char *p;

	if (!*name)
		return request_error_set(ret_error, "device name \"\" is empty");
	if (strlen(name) >= DEVICE_NAME_MAX)
		return request_error_set(ret_error,
					 "device name " QUOTED "... is longer than %d characters",
					 name, DEVICE_NAME_MAX - 1);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return request_error_set(ret_error, QUOTED " is no device name", name);
	for (p = name; *p; p++) {
		if (*p == ':')
			return request_error_set(ret_error,
						 QUOTED " is a label, not a device: "
							"write \"dev %.*s label %.48s\"",
						 name, (int)MIN(p - name, 48), name, name);
		if (*p == '/' || *p == ' ' || (*p >= '\t' && *p <= '\r'))
			return request_error_set(
				ret_error, "device name " QUOTED " holds a slash or a space", name);
	}
	return 0;
}
