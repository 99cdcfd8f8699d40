/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/firewall_packet.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <vipsafe/base.h>

static bool is_word(const struct word *w, const char *text)
{
	return w->len == strlen(text) && !strncasecmp(w->p, text, w->len);
}

static bool begins(const struct word *w, const char *text)
{
	return w->len >= strlen(text) && !strncasecmp(w->p, text, strlen(text));
}

static bool packet_has(const struct word *w, char c)
{
	return memchr(w->p, c, w->len) != NULL;
}

static bool is_numeric(const struct word *w)
{
	return w->len && isdigit((unsigned char)w->p[0]);
}

enum rule_match packet_state(const struct word *w)
{
	if (is_numeric(w))
		return MATCH_MAYBE;
	return is_word(w, "invalid") ? MATCH_ALWAYS : MATCH_NEVER;
}

enum rule_match packet_protocol(const struct word *w)
{
	if (is_word(w, "tcp") || is_word(w, "6") || is_word(w, "all"))
		return MATCH_ALWAYS;
	return is_numeric(w) && packet_has(w, '-') ? MATCH_MAYBE : MATCH_NEVER;
}

enum rule_match packet_device(const struct word *w)
{
	return is_word(w, "lo") ? MATCH_NEVER : MATCH_MAYBE;
}

static bool is_everywhere(const struct word *w)
{
	return is_word(w, "0.0.0.0/0") || is_word(w, "::/0");
}

static bool is_loopback(const struct word *w)
{
	return begins(w, "127.") || is_word(w, "::1") || is_word(w, "::1/128");
}

/* Whether W is a single address, not "10.0.0.0/8" or "10.0.0.1-10.0.0.9". */
static bool is_host(const struct word *w)
{
	const char *slash = memchr(w->p, '/', w->len);
	struct word length;

	if (!is_numeric(w) && !packet_has(w, ':'))
		return false;
	if (!slash)
		return !packet_has(w, '-');
	length = (struct word){ .p = slash + 1, .len = w->len - (size_t)(slash + 1 - w->p) };
	return is_word(&length, packet_has(w, ':') ? "128" : "32") ||
	       is_word(&length, "255.255.255.255");
}

enum rule_match packet_source(const struct word *w)
{
	if (is_everywhere(w))
		return MATCH_ALWAYS;
	return is_loopback(w) || is_host(w) ? MATCH_NEVER : MATCH_MAYBE;
}

enum rule_match packet_destination(const struct word *w)
{
	if (is_everywhere(w))
		return MATCH_ALWAYS;
	if (is_loopback(w) || begins(w, "224.") || begins(w, "239.") || begins(w, "255.") ||
	    begins(w, "ff"))
		return MATCH_NEVER;
	return MATCH_MAYBE;
}

enum rule_match packet_port(const struct word *w)
{
	bool range = packet_has(w, ':') || (is_numeric(w) && packet_has(w, '-'));

	return range ? MATCH_MAYBE : MATCH_NEVER;
}

enum rule_match packet_type(const struct word *w)
{
	static const char *const others[] = { "broadcast", "multicast",	  "anycast", "blackhole",
					      "otherhost", "unreachable", "prohibit" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (is_word(w, others[i]))
			return MATCH_NEVER;
	return MATCH_MAYBE;
}

enum rule_match packet_mark(const struct word *w)
{
	struct word value = *w;
	const char *slash = memchr(w->p, '/', w->len);
	uint32_t n;

	if (slash)
		value.len = (size_t)(slash - w->p);
	if (!word_number(&value, &n))
		return MATCH_MAYBE;
	return n ? MATCH_NEVER : MATCH_ALWAYS;
}

/* ---- TCP flags ---------------------------------------------------------------------- */

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, OTHER = 64, ALL = 63 };

static unsigned flags_of(const struct word *list)
{
	static const struct {
		const char *name;
		unsigned flag;
	} names[] = { { "fin", FIN }, { "syn", SYN }, { "rst", RST },	{ "psh", PSH },
		      { "ack", ACK }, { "urg", URG }, { "all", ALL },	{ "none", 0 },
		      { "0x0", 0 },   { "ecn", 0 },   { "cwr", OTHER }, { "ece", OTHER } };
	const char *p = list->p, *end = list->p + list->len;
	unsigned flags = 0;

	while (p < end) {
		struct word one = { .p = p };
		size_t i;

		while (p < end && !strchr(",| \t()", *p))
			p++;
		one.len = (size_t)(p - one.p);
		p += p < end;
		for (i = 0; i < ARRAY_SIZE(names); i++)
			if (is_word(&one, names[i].name))
				break;
		if (one.len)
			flags |= i < ARRAY_SIZE(names) ? names[i].flag : OTHER;
	}
	return flags;
}

enum rule_match packet_flags(const struct word *mask, const struct word *set)
{
	unsigned looked_at = flags_of(mask), wanted = flags_of(set);
	const unsigned known = SYN | RST | ACK, packet = ACK;

	if ((wanted ^ packet) & looked_at & known)
		return MATCH_NEVER;
	return looked_at & ~known ? MATCH_MAYBE : MATCH_ALWAYS;
}

/* ---- targets ---------------------------------------------------------------------------- */

enum rule_verdict target_verdict(const struct word *name)
{
	static const struct {
		const char *name;
		enum rule_verdict verdict;
	} targets[] = {
		{ "ACCEPT", VERDICT_ACCEPT },	 { "DROP", VERDICT_DROP },
		{ "REJECT", VERDICT_DROP },	 { "TARPIT", VERDICT_DROP },
		{ "STEAL", VERDICT_DROP },	 { "RETURN", VERDICT_RETURN },
		{ "LOG", VERDICT_NONE },	 { "NFLOG", VERDICT_NONE },
		{ "ULOG", VERDICT_NONE },	 { "MARK", VERDICT_NONE },
		{ "CONNMARK", VERDICT_NONE },	 { "CT", VERDICT_NONE },
		{ "NOTRACK", VERDICT_NONE },	 { "SET", VERDICT_NONE },
		{ "TRACE", VERDICT_NONE },	 { "TOS", VERDICT_NONE },
		{ "DSCP", VERDICT_NONE },	 { "ECN", VERDICT_NONE },
		{ "TTL", VERDICT_NONE },	 { "HL", VERDICT_NONE },
		{ "TCPMSS", VERDICT_NONE },	 { "TCPOPTSTRIP", VERDICT_NONE },
		{ "CLASSIFY", VERDICT_NONE },	 { "CHECKSUM", VERDICT_NONE },
		{ "AUDIT", VERDICT_NONE },	 { "RATEEST", VERDICT_NONE },
		{ "SECMARK", VERDICT_NONE },	 { "CONNSECMARK", VERDICT_NONE },
		{ "TEE", VERDICT_NONE },	 { "LED", VERDICT_NONE },
		{ "IDLETIMER", VERDICT_NONE },	 { "HMARK", VERDICT_NONE },
		{ "FLOWOFFLOAD", VERDICT_NONE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(targets); i++)
		if (word_is(name, targets[i].name))
			return targets[i].verdict;
	return VERDICT_UNKNOWN;
}
