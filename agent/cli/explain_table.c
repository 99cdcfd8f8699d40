/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections there are now: from the table or, for whoever may not read it, from the daemon's
 * list of what its guards know. */
#include "cli/explain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "cli/client.h"
#include "show/connections.h"

struct explain_asking {
	local_sink sink;
	void *ud;
	struct kernel kernel;
	bool ended, whole;
	int result; /* of SINK */
};

/* ---- one line of the daemon's ------------------------------------------------------------- */

static uint16_t explain_port(const json_t *tuple, const char *key)
{
	const json_int_t n = json_integer_value(json_object_get(tuple, key));

	return htons(n > 0 && n <= UINT16_MAX ? (uint16_t)n : 0);
}

static bool explain_host(const json_t *tuple, const char *key, uint8_t ret[16], uint8_t *family)
{
	const char *text = json_string_value(json_object_get(tuple, key));
	struct addr a;

	if (!text || addr_parse(text, &a) < 0 || (*family && a.family != *family))
		return false;
	*family = a.family;
	memcpy(ret, a.bytes, sizeof(a.bytes));
	return true;
}

static bool explain_read_tuple(const json_t *o, const char *key, uint8_t l4proto, uint8_t *family,
			       struct tuple *ret)
{
	const json_t *tuple = json_object_get(o, key);

	memset(ret, 0, sizeof(*ret));
	if (!explain_host(tuple, "src", ret->src, family) ||
	    !explain_host(tuple, "dst", ret->dst, family))
		return false;
	if (l4proto_is_icmp(l4proto)) {
		ret->icmp.id = explain_port(tuple, "id");
	} else {
		ret->sport = explain_port(tuple, "sport");
		ret->dport = explain_port(tuple, "dport");
	}
	return true;
}

static uint8_t explain_tcp_state(const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "state"));
	unsigned s;

	for (s = CONN_TCP_SYN_SENT; name && s <= CONN_TCP_SYN_SENT2; s++)
		if (!strcmp(conn_tcp_state_name((enum conn_tcp_state)s), name))
			return (uint8_t)s;
	return CONN_TCP_NONE;
}

/* O, a line of "connections", as an entry. False: it is none. */
static bool explain_read_conn(const json_t *o, struct conn *ret)
{
	const char *name = json_string_value(json_object_get(o, "protocol"));
	const json_int_t zone = json_integer_value(json_object_get(o, "zone")),
			 timeout = json_integer_value(json_object_get(o, "timeout"));
	int known = name ? pattern_proto(name) : -EINVAL;
	uint64_t l4proto = known < 0 ? 0 : (uint64_t)known;
	struct tuple orig;
	uint8_t family = 0;

	memset(ret, 0, sizeof(*ret));
	if (!name || (known < 0 && text_number(name, 0, 255, &l4proto) < 0) ||
	    !explain_read_tuple(o, "original", (uint8_t)l4proto, &family, &orig) ||
	    !explain_read_tuple(o, "reply", (uint8_t)l4proto, &family, &ret->reply))
		return false;
	ret->key = conn_key_make(family, (uint8_t)l4proto, &orig, (uint16_t)zone, CONN_ZONE_BOTH);
	ret->timeout = timeout > 0 ? (uint32_t)timeout : 0;
	ret->tcp_state = explain_tcp_state(o);
	ret->status = CONN_SRC_NAT | CONN_SRC_NAT_DONE; /* it lists nothing else */
	if (json_is_true(json_object_get(o, "replied")))
		ret->status |= CONN_SEEN_REPLY;
	if (json_is_true(json_object_get(o, "assured")))
		ret->status |= CONN_ASSURED;
	return true;
}

static int explain_hand_over(struct explain_asking *a, const json_t *o)
{
	const char *device = json_string_value(json_object_get(o, "device"));
	const char *word = json_string_value(json_object_get(o, "protection"));
	unsigned p = PROTECTION_NONE;
	struct conn c;
	const struct conn_record record = { .conn = &c };

	if (!word || !explain_read_conn(o, &c))
		return 0;
	while (p <= PROTECTION_COMMITTED &&
	       strcmp(connections_protection((enum protection)p), word) != 0)
		p++;
	return p > PROTECTION_COMMITTED
		       ? 0
		       : a->sink(a->ud, &a->kernel, &record, device, (enum protection)p);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static bool explain_on_connections(void *ud, const struct wire_answer *answer)
{
	struct explain_asking *a = ud;
	const char *lines = answer->out ? answer->out : "";

	if (answer->error_code)
		return false;
	if (answer->result) {
		a->ended = true;
		a->whole = strstr(answer->result, "true") != NULL;
		return false;
	}
	while (*lines && !a->result) {
		const size_t n = strcspn(lines, "\n");
		json_t *o = json_loadb(lines, n, 0, NULL);

		a->result = explain_hand_over(a, o);
		json_decref(o);
		lines += n + (lines[n] == '\n');
	}
	return !a->result;
}

/* -EPERM: no daemon has told. */
static int explain_ask_connections(const struct cli *cli, const struct pattern *p, local_sink sink,
				   void *ud)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	struct explain_asking a = { .sink = sink, .ud = ud };
	char proto[8];
	char *words[] = { (char *)"proto", proto };
	const bool one = p->parts & PATTERN_PROTO;
	struct wire_request r = { .op = WIRE_CONNECTIONS, .words = words, .n_words = one ? 2 : 0 };

	if (kernel_real_new(&real) < 0)
		return -EPERM;
	a.kernel = kernel_real_get(real);
	if (one)
		snprintf(proto, sizeof(proto), "%u", p->l4proto);
	(void)client_listen(cli->settings.socket, &r, cli->options.timeout, explain_on_connections,
			    &a);
	if (a.result)
		return a.result;
	return !a.ended ? -EPERM : a.whole ? 0 : -EINTR;
}

int explain_table(const struct cli *cli, const struct pattern *p, bool ask, local_sink sink,
		  void *ud)
{
	int r = local_table(cli, "", sink, ud);

	return r == -EPERM && ask ? explain_ask_connections(cli, p, sink, ud) : r;
}
