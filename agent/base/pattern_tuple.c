/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tuples as people have them at hand. */
#include "base/pattern.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/option.h"
#include "base/text.h"

#define TOKENS_MAX 96

/* A line cut at white space and at "->"; the tokens are in TEXT. */
struct tokens {
	char text[PATTERN_TEXT_MAX];
	char *at[TOKENS_MAX];
	size_t n;
};

static void tokens_cut(struct tokens *t, const char *text)
{
	char *p;

	snprintf(t->text, sizeof(t->text), "%s", text);
	while ((p = strstr(t->text, "->")))
		memcpy(p, "  ", 2);
	p = t->text;
	for (t->n = 0; t->n < TOKENS_MAX;) {
		p += strspn(p, " \t\r\n");
		if (!*p)
			break;
		t->at[t->n++] = p;
		p += strcspn(p, " \t\r\n");
		if (*p)
			*p++ = '\0';
	}
}

/* The token I, "" beyond the end. */
static const char *token(const struct tokens *t, size_t i)
{
	return i < t->n ? t->at[i] : "";
}

/* Where the next token is that begins with TEXT, I or a later one; t->n: nowhere. */
static size_t token_find(const struct tokens *t, size_t i, const char *text)
{
	while (i < t->n && strncmp(t->at[i], text, strlen(text)) != 0)
		i++;
	return i;
}

/* An address as it is, without the brackets, interface or IPv4 mapping of ss. */
static int host_parse(const char *text, size_t len, struct prefix *ret)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char host[PREFIX_TEXT_MAX];
	struct addr a;

	if (len > 1 && text[0] == '[' && text[len - 1] == ']')
		text++, len -= 2;
	len = MIN(len, strcspn(text, "%"));
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (addr_parse(host, &a) < 0)
		return -EINVAL;
	if (a.family == AF_INET6 && !memcmp(a.bytes, mapped, sizeof(mapped)))
		a = addr_make(AF_INET, a.bytes + 12);
	*ret = (struct prefix){ .addr = a, .len = (uint8_t)(8 * addr_size(a.family)) };
	return 0;
}

/* How the port is written behind the address. */
enum end_form {
	END_COLON,	/* "10.0.0.1:80", "[fd00::1]:80", or no port */
	END_COLON_EVER, /* the same, but there always is one: "fd00::1:8080" of netstat */
	END_DOT,	/* "10.0.0.1.80", or no port */
};

/* One end of a connection: P's source or, if SECOND, its destination. What is "*", or as ss and
 * netstat show that there is no peer, an address of zeros, is not said. 0 or -EINVAL. */
static int end_apply(struct pattern *p, const char *text, size_t len, enum end_form form,
		     bool second, struct request_error *e)
{
	const char by = form == END_DOT ? '.' : ':';
	struct prefix host = { .len = 0 };
	size_t split = len;
	char port[16] = "*";

	if (form == END_COLON_EVER || host_parse(text, len, &host) < 0) {
		while (split && text[split - 1] != by)
			split--;
		if (split && len - split < sizeof(port)) {
			memcpy(port, text + split, len - split);
			port[len - split] = '\0';
			split--;
		} else {
			split = len;
		}
		if (!(split == 1 && *text == '*') && host_parse(text, split, &host) < 0)
			return request_error_set(e, QUOTED " is no address, nor one with a port",
						 text);
	}
	if (strcmp(port, "*") != 0 && pattern_apply(p, second ? "dport" : "sport", port, e) < 0)
		return -EINVAL;
	if (memcmp(host.addr.bytes, (uint8_t[16]){ 0 }, 16) != 0) {
		*(second ? &p->dst : &p->src) = host;
		p->parts |= second ? PATTERN_DST : PATTERN_SRC;
	}
	return 0;
}

/* "tcp      6 431999 ESTABLISHED src=... dst=... sport=... dport=... src=... ...": the first tuple,
 * of which the token FIRST is the beginning. */
static int tuple_of_conntrack(struct pattern *p, const struct tokens *t, size_t first,
			      struct request_error *e)
{
	static const struct {
		const char *key, *word;
		bool anywhere; /* not only in the first tuple */
	} keys[] = {
		{ "src=", "src" },	  { "dst=", "dst" },  { "sport=", "sport" },
		{ "dport=", "dport" },	  { "id=", "sport" }, { "zone=", "zone", true },
		{ "zone-orig=", "zone" },
	};
	bool reply = false;
	size_t i, k;

	for (i = 0; i < first; i++) {
		bool unknown = !strcmp(t->at[i], "unknown");

		if (!unknown && pattern_proto(t->at[i]) < 0)
			continue;
		if (pattern_apply(p, "proto", unknown ? token(t, i + 1) : t->at[i], e) < 0)
			return -EINVAL;
		break;
	}
	for (i = first; i < t->n; i++) {
		reply = reply || (i > first && !strncmp(t->at[i], "src=", 4));
		for (k = 0; k < ARRAY_SIZE(keys); k++) {
			size_t len = strlen(keys[k].key);

			if (!strncmp(t->at[i], keys[k].key, len) && (!reply || keys[k].anywhere) &&
			    pattern_apply(p, keys[k].word, t->at[i] + len, e) < 0)
				return -EINVAL;
		}
	}
	return 0;
}

/* "... IN=br-mgmt OUT= SRC=10.0.0.1 DST=10.232.3.28 ... PROTO=TCP SPT=33862 DPT=8899 ...": what the
 * target LOG writes. */
static int tuple_of_log(struct pattern *p, const struct tokens *t, struct request_error *e)
{
	static const struct {
		const char *key, *word;
	} keys[] = {
		{ "SRC=", "src" }, { "DST=", "dst" }, { "SPT=", "sport" }, { "DPT=", "dport" }
	};
	static const struct {
		const char *token;
		uint8_t l4proto;
	} protocols[] = { { "PROTO=TCP", IPPROTO_TCP },
			  { "PROTO=UDP", IPPROTO_UDP },
			  { "PROTO=ICMP", IPPROTO_ICMP },
			  { "PROTO=ICMPv6", IPPROTO_ICMPV6 } };
	size_t i, k;

	for (i = 0; i < t->n; i++) {
		/* what an ICMP error is about is in brackets behind it */
		if (*t->at[i] == '[' && p->parts & PATTERN_DST)
			break;
		for (k = 0; k < ARRAY_SIZE(protocols); k++)
			if (!strcmp(t->at[i], protocols[k].token)) {
				p->l4proto = protocols[k].l4proto;
				p->parts |= PATTERN_PROTO;
			}
		for (k = 0; k < ARRAY_SIZE(keys); k++)
			if (!strncmp(t->at[i], keys[k].key, 4) &&
			    pattern_apply(p, keys[k].word, t->at[i] + 4, e) < 0)
				return -EINVAL;
	}
	return 0;
}

/* The two ends around the arrow AT, whose ports are written as FORM. */
static int ends_of_tcpdump(struct pattern *p, const struct tokens *t, size_t at, enum end_form form,
			   struct request_error *e)
{
	const char *from = at ? token(t, at - 1) : "", *to = token(t, at + 1);
	size_t len = strcspn(to, ",");

	len -= len && to[len - 1] == ':';
	return end_apply(p, from, strlen(from), form, false, e) < 0 ||
			       end_apply(p, to, len, form, true, e) < 0
		       ? -EINVAL
		       : 0;
}

/* The arrow between two addresses, not the one between two hardware addresses before it; *P gets
 * the ends. t->n, and E about the first one: there is none. */
static size_t arrow_of_tcpdump(struct pattern *p, const struct tokens *t, struct request_error *e)
{
	static const enum end_form forms[] = { END_DOT, END_COLON };
	struct request_error other, *why = e;
	size_t at, i;

	for (at = token_find(t, 0, ">"); at < t->n; at = token_find(t, at + 1, ">"))
		for (i = 0; i < ARRAY_SIZE(forms); i++, why = &other) {
			struct pattern q = *p;

			if (ends_of_tcpdump(&q, t, at, forms[i], why) < 0)
				continue;
			*p = q;
			return at;
		}
	return at;
}

/* "... IP 10.0.0.1.33862 > 10.232.3.28.8899: Flags [P.], ..." */
static int tuple_of_tcpdump(struct pattern *p, const struct tokens *t, struct request_error *e)
{
	static const struct {
		const char *token;
		uint8_t l4proto;
	} marks[] = {
		{ "Flags", IPPROTO_TCP },  { "tcp", IPPROTO_TCP },	 { "UDP,", IPPROTO_UDP },
		{ "ICMP", IPPROTO_ICMP },  { "ICMP6,", IPPROTO_ICMPV6 }, { "sctp", IPPROTO_SCTP },
		{ "GREv0,", IPPROTO_GRE }, { "GREv1,", IPPROTO_GRE },
	};
	const size_t at = arrow_of_tcpdump(p, t, e);
	size_t i, k;
	char id[8];

	if (at == t->n)
		return -EINVAL;
	for (i = at + 2; i < t->n && !(p->parts & PATTERN_PROTO); i++)
		for (k = 0; k < ARRAY_SIZE(marks); k++)
			if (!strcmp(t->at[i], marks[k].token)) {
				p->l4proto = marks[k].l4proto;
				p->parts |= PATTERN_PROTO;
			}
	if (!(p->parts & PATTERN_PROTO) || !l4proto_is_icmp(p->l4proto))
		return 0;
	for (i = at + 2; i + 1 < t->n && strcmp(t->at[i], "id") != 0; i++)
		;
	snprintf(id, sizeof(id), "%.*s", (int)MIN(strcspn(token(t, i + 1), ","), sizeof(id) - 1),
		 token(t, i + 1));
	return *id ? pattern_apply(p, "sport", id, e) : 0;
}

/* "tcp6" and the like, of ss and netstat. */
static int family_proto(const char *text)
{
	char name[16];

	snprintf(name, sizeof(name), "%s", text);
	if (*name && name[strlen(name) - 1] == '6' && pattern_proto(name) < 0)
		name[strlen(name) - 1] = '\0';
	return pattern_proto(name);
}

/* A counter, a date or a time of day, as they stand before a line that was pasted. */
static bool is_stamp(const char *text)
{
	const size_t n = strspn(text, "0123456789");
	const char *p = text + n;

	if (!n || !*p)
		return n > 0;
	if (n == 4 && *p == '-')
		return !p[strspn(p, "0123456789-:.TZ+")];
	if (n != 2 || *p != ':' || strspn(p + 1, "0123456789") != 2 || p[3] != ':')
		return false;
	return !p[4 + strspn(p + 4, "0123456789.,")];
}

/* The queues of a line of ss that was asked for one state, and so does not show it. */
static bool has_queues(const struct tokens *t)
{
	const size_t i = t->n && family_proto(t->at[0]) >= 0;

	return i + 1 < t->n && !t->at[i][strspn(t->at[i], "0123456789")] &&
	       !t->at[i + 1][strspn(t->at[i + 1], "0123456789")];
}

/* Two ends, with a protocol before, and what they are translated to behind "as", as vipsafe itself
 * writes it. In a line of ss or netstat there is more, of which the state tells that it is one. */
static int tuple_of_ends(struct pattern *p, const struct tokens *t, struct request_error *e)
{
	static const char *const states[] = {
		"ESTAB",     "ESTABLISHED", "SYN-SENT",	  "SYN_SENT",	"SYN-RECV",
		"SYN_RECV",  "FIN-WAIT-1",  "FIN_WAIT1",  "FIN-WAIT-2", "FIN_WAIT2",
		"TIME-WAIT", "TIME_WAIT",   "CLOSE-WAIT", "CLOSE_WAIT", "LAST-ACK",
		"LAST_ACK",  "CLOSING",	    "UNCONN",	  "CLOSE",	NULL,
	};
	bool line = has_queues(t);
	size_t i, ends = 0;

	for (i = 0; i < t->n; i++)
		line = line || word_find(states, t->at[i]) >= 0;
	for (i = 0; i < t->n && ends < 2; i++) {
		struct pattern was = *p;

		if (!ends && is_stamp(t->at[i]))
			continue;
		if (end_apply(p, t->at[i], strlen(t->at[i]), line ? END_COLON_EVER : END_COLON,
			      ends > 0, e) == 0) {
			ends++;
			continue;
		}
		*p = was;
		if (!ends && !(p->parts & PATTERN_PROTO) && family_proto(t->at[i]) >= 0) {
			p->l4proto = (uint8_t)family_proto(t->at[i]);
			p->parts |= PATTERN_PROTO;
		} else if (!line) {
			return -EINVAL;
		}
	}
	if (!line && i < t->n && strcmp(t->at[i], "as") != 0)
		return request_error_set(e, "unknown word " QUOTED, t->at[i]);
	return 0;
}

int pattern_tuple(struct pattern *ret, const char *text, struct request_error *e)
{
	struct pattern p = { .any_side = true };
	struct tokens t;
	size_t first;
	int r;

	tokens_cut(&t, text);
	first = token_find(&t, 0, "src=");
	if (first < t.n) {
		p.any_side = false;
		r = tuple_of_conntrack(&p, &t, first, e);
	} else if (token_find(&t, 0, "SRC=") < t.n) {
		r = tuple_of_log(&p, &t, e);
	} else if (token_find(&t, 0, ">") < t.n) {
		r = tuple_of_tcpdump(&p, &t, e);
	} else {
		r = tuple_of_ends(&p, &t, e);
	}
	if (r < 0 || pattern_check(&p, e) < 0)
		return -EINVAL;
	if (!(p.parts & (PATTERN_SRC | PATTERN_DST | PATTERN_SPORT | PATTERN_DPORT)))
		return request_error_set(e, QUOTED " names no address", text);
	*ret = p;
	return 0;
}

/* Where the port of TEXT may begin; 0: it has none, or is no IPv6 address. */
static size_t port_of_ipv6(const char *text)
{
	const char *colon = strrchr(text, ':');
	struct prefix host;
	uint64_t port;

	if (!colon || host_parse(text, strlen(text), &host) < 0 || *text == '[' ||
	    host.addr.family != AF_INET6 || host_parse(text, (size_t)(colon - text), &host) < 0 ||
	    text_number(colon + 1, 1, 65535, &port) < 0)
		return 0;
	return (size_t)(colon + 1 - text);
}

bool pattern_tuple_ports(const char *text, char *buf, size_t size)
{
	bool found = false;
	struct tokens t;
	size_t i, n = 0;

	tokens_cut(&t, text);
	*buf = '\0';
	for (i = 0; i < t.n && n < size; i++) {
		const size_t port = port_of_ipv6(t.at[i]);

		if (port)
			n += (size_t)snprintf(buf + n, size - n, "%s[%.*s]:%s", i ? " " : "",
					      (int)port - 1, t.at[i], t.at[i] + port);
		else
			n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? " " : "", t.at[i]);
		found |= port > 0;
	}
	return found;
}
