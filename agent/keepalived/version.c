/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/version.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static const char *version_part(const char *p, unsigned *ret)
{
	size_t n = strspn(p, "0123456789");
	uint64_t value;
	char part[8];

	if (!n || n >= sizeof(part))
		return NULL;
	memcpy(part, p, n);
	part[n] = '\0';
	if (text_number(part, 0, 9999, &value) < 0)
		return NULL;
	*ret = (unsigned)value;
	return p + n;
}

int keepalived_version_parse(const char *text, struct keepalived_version *ret)
{
	struct keepalived_version v = { 0 };
	static const char program[] = "keepalived";
	const char *p = text;

	if (!strncasecmp(p, program, sizeof(program) - 1) && p[sizeof(program) - 1] &&
	    strchr(" -", p[sizeof(program) - 1]))
		p += sizeof(program);
	/* the epoch of a package's version */
	if (p[strspn(p, "0123456789")] == ':')
		p += strspn(p, "0123456789") + 1;
	if (*p == 'v')
		p++;
	p = version_part(p, &v.major);
	if (!p || *p != '.')
		return -EINVAL;
	p = version_part(p + 1, &v.minor);
	if (p && *p == '.')
		p = version_part(p + 1, &v.patch);
	if (!p || !v.major || !strchr(" \t(-+~_.\n", *p))
		return -EINVAL;
	*ret = v;
	return 0;
}

bool keepalived_version_before(const struct keepalived_version *v, unsigned major, unsigned minor,
			       unsigned patch)
{
	if (!v->major || v->major != major)
		return v->major && v->major < major;
	if (v->minor != minor)
		return v->minor < minor;
	return v->patch < patch;
}
