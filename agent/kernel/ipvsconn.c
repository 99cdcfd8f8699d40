/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ipvsconn.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* A line, as far as it is read. */
struct words {
	const char *at;
};

/* The next word and its length; 0 at the end of the line. */
static size_t next_word(struct words *w, const char **ret)
{
	size_t n;

	w->at += strspn(w->at, " ");
	n = strcspn(w->at, " \n");
	*ret = w->at;
	w->at += n;
	return n;
}

static bool ipvsconn_word_is(const char *word, size_t n, const char *text)
{
	return strlen(text) == n && memcmp(word, text, n) == 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

/* N hexadecimal digits into N/2 bytes. */
static bool read_hex(const char *text, size_t n, uint8_t *ret)
{
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i / 2] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* "0A090102", or eight groups of four digits with colons. */
static bool ipvsconn_read_addr(struct words *w, struct addr *ret)
{
	uint8_t bytes[16] = { 0 };
	const char *word;
	size_t n = next_word(w, &word);

	if (n == 8 && read_hex(word, 8, bytes)) {
		*ret = addr_make(AF_INET, bytes);
		return true;
	}
	if (n != 39)
		return false;
	for (size_t group = 0; group < 8; group++)
		if (!read_hex(word + 5 * group, 4, bytes + 2 * group) ||
		    (group < 7 && word[5 * group + 4] != ':'))
			return false;
	*ret = addr_make(AF_INET6, bytes);
	return true;
}

/* "0CEA" */
static bool ipvsconn_read_port(struct words *w, uint16_t *ret)
{
	uint8_t bytes[2];
	const char *word;

	if (next_word(w, &word) != 4 || !read_hex(word, 4, bytes))
		return false;
	*ret = (uint16_t)(bytes[0] << 8 | bytes[1]);
	return true;
}

static bool read_end(struct words *w, struct addr *addr, uint16_t *port)
{
	return ipvsconn_read_addr(w, addr) && ipvsconn_read_port(w, port);
}

/* "IP" is what a template of a service by mark has. */
static bool read_proto(struct words *w, uint8_t *ret)
{
	static const struct {
		const char *name;
		uint8_t proto;
	} protos[] = {
		{ "TCP", IPPROTO_TCP }, { "UDP", IPPROTO_UDP }, { "SCTP", IPPROTO_SCTP },
		{ "AH", IPPROTO_AH },	{ "ESP", IPPROTO_ESP }, { "IP", 0 },
	};
	const char *word;
	size_t n = next_word(w, &word);

	for (size_t i = 0; i < ARRAY_SIZE(protos); i++)
		if (ipvsconn_word_is(word, n, protos[i].name)) {
			*ret = protos[i].proto;
			return true;
		}
	return false;
}

/* Other protocols have names of their own, or none. */
static uint8_t read_state(struct words *w)
{
	static const struct {
		const char *name;
		enum flow_state state;
	} states[] = {
		{ "SYN_SENT", FLOW_OPENING },	 { "SYN_RECV", FLOW_OPENING },
		{ "SYNACK", FLOW_OPENING },	 { "FIN_WAIT", FLOW_CLOSING },
		{ "CLOSE_WAIT", FLOW_CLOSING },	 { "LAST_ACK", FLOW_CLOSING },
		{ "TIME_WAIT", FLOW_TIME_WAIT }, { "CLOSE", FLOW_CLOSED },
	};
	const char *word;
	size_t n = next_word(w, &word);

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (ipvsconn_word_is(word, n, states[i].name))
			return (uint8_t)states[i].state;
	return FLOW_ESTABLISHED;
}

int ipvsconn_parse(const char *line, struct flow *ret)
{
	struct words w = { line };
	struct addr client, vip;
	struct flow f;

	memset(&f, 0, sizeof(f));
	if (!read_proto(&w, &f.l4proto) || !read_end(&w, &client, &f.cport) ||
	    !read_end(&w, &vip, &f.dport) || !read_end(&w, &f.rs, &f.rport) ||
	    client.family != vip.family)
		return -EBADMSG;
	if (f.l4proto == 0)
		return -ENOMSG;
	f.family = client.family;
	memcpy(f.client, client.bytes, sizeof(f.client));
	memcpy(f.dest, vip.bytes, sizeof(f.dest));
	f.state = read_state(&w);
	f.origin = FLOW_IPVS;
	f.has_rs = true;
	f.pin = f.cport == 0;
	*ret = f;
	return 0;
}
