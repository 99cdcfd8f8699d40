/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ports.h"

#include <errno.h>
#include <string.h>

/* Parse a port at *TEXT, which is moved behind it. */
static bool ports_parse_one(const char **text, uint16_t *ret)
{
	const char *p = *text;
	uint32_t value = 0;

	while (*p >= '0' && *p <= '9' && value <= UINT16_MAX)
		value = 10 * value + (uint32_t)(*p++ - '0');
	if (p == *text || value > UINT16_MAX)
		return false;
	*text = p;
	*ret = (uint16_t)value;
	return true;
}

int ports_read_range(struct ports *p, const char *text)
{
	uint16_t low, high;

	text += strspn(text, " \t");
	if (!ports_parse_one(&text, &low))
		return -EBADMSG;
	text += strspn(text, " \t");
	if (!ports_parse_one(&text, &high) || text[strspn(text, " \t\n")] || low > high)
		return -EBADMSG;
	p->low = low;
	p->high = high;
	return 0;
}

/* Parse "80,8000-8010" or an empty text. */
int ports_read_reserved(struct ports *p, const char *text)
{
	uint8_t reserved[sizeof(p->reserved)] = { 0 };
	uint16_t first, last;

	text += strspn(text, " \t\n");
	while (*text) {
		if (!ports_parse_one(&text, &first))
			return -EBADMSG;
		last = first;
		if (*text == '-' && (text++, !ports_parse_one(&text, &last)))
			return -EBADMSG;
		for (uint32_t port = first; port <= last; port++)
			reserved[port / 8] |= (uint8_t)(1 << port % 8);
		if (*text == ',')
			text++;
		else if (text[strspn(text, " \t\n")])
			return -EBADMSG;
		else
			break;
	}
	memcpy(p->reserved, reserved, sizeof(reserved));
	return 0;
}

bool ports_is_reserved(const struct ports *p, uint16_t port)
{
	return p->reserved[port / 8] & 1 << port % 8;
}

bool ports_has(const struct ports *p, uint16_t port)
{
	return port >= p->low && port <= p->high && !ports_is_reserved(p, port);
}

size_t ports_count(const struct ports *p, enum ports_pass pass)
{
	uint32_t step = pass == PORTS_FIRST_PASS ? 2 : 1;
	size_t n = 0;

	for (uint32_t port = p->low; port <= p->high; port += step)
		n += !ports_is_reserved(p, (uint16_t)port);
	return n;
}
