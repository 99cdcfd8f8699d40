/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "entry.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "kernel/abi_ct.h"
#include "kernel/attr.h"
#include "kernel/ctcodec.h"
#include "kernel/cttext.h"

#define CREATE_MAX (2 * CT_PAYLOAD_MAX)

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

static void tuple_holds(const struct tuple *t, uint8_t family, uint8_t l4proto)
{
	size_t size = addr_size(family);

	CLAIM(is_zero(t->src + size, sizeof(t->src) - size));
	CLAIM(is_zero(t->dst + size, sizeof(t->dst) - size));
	if (!l4proto_has_ports(l4proto) && !l4proto_is_icmp(l4proto))
		CLAIM(t->l4 == 0);
}

static void key_holds(const struct conn_key *k)
{
	CLAIM(k->family == AF_INET || k->family == AF_INET6);
	CLAIM(k->zone_dir <= CONN_ZONE_REPLY);
	CLAIM(k->zone || k->zone_dir == CONN_ZONE_BOTH);
	CLAIM(is_zero(k->pad, sizeof(k->pad)));
	tuple_holds(&k->orig, k->family, k->l4proto);
}

static const void *attrs_of(const struct nlmsghdr *nlh, size_t *ret_len)
{
	size_t head = NLMSG_SPACE(sizeof(struct nfgenmsg));

	CLAIM(nlh->nlmsg_len >= head);
	*ret_len = nlh->nlmsg_len - head;
	return (const uint8_t *)nlh + head;
}

void delete_holds(const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[CTA_SYNPROXY + 1], *tuple[CTA_TUPLE_MAX + 1];
	size_t len;
	const void *attrs = attrs_of(nlh, &len);

	CLAIM(attrs_parse(attrs, len, tb, CTA_SYNPROXY));
	CLAIM(tb[CTA_TUPLE_ORIG]);
	CLAIM(nest_parse(tb[CTA_TUPLE_ORIG], tuple, CTA_TUPLE_MAX));
	CLAIM(tuple[CTA_TUPLE_IP] && attr_len(tuple[CTA_TUPLE_IP]) >= 2 * (NLA_HDRLEN + 4));
	CLAIM(tuple[CTA_TUPLE_PROTO] && attr_len(tuple[CTA_TUPLE_PROTO]) > NLA_HDRLEN);
}

void entry_sends(const struct conn_record *r)
{
	static uint8_t buf[CREATE_MAX] __attribute__((aligned(8)));
	const struct nlattr *tb[CTA_SYNPROXY + 1];
	struct ct_create create = {
		.conn = r->conn,
		.payload = r->payload,
		.payload_len = r->payload_len,
		.orphan = !r->master,
		.timeout = r->conn->timeout,
	};
	const struct nlmsghdr *nlh = (const void *)buf;
	char text[CONN_TEXT_MAX], line[CONN_LINE_MAX];
	const void *attrs;
	size_t len;
	int n;

	n = ctcodec_create(buf, sizeof(buf), 7, NLM_F_ACK, &create);
	CLAIM(n > 0 && n % NLMSG_ALIGNTO == 0 && (uint32_t)n == nlh->nlmsg_len);
	attrs = attrs_of(nlh, &len);
	CLAIM(attrs_parse(attrs, len, tb, CTA_SYNPROXY));
	CLAIM(tb[CTA_TUPLE_ORIG] && tb[CTA_TUPLE_REPLY] && tb[CTA_TIMEOUT] && tb[CTA_STATUS]);
	/* one that does not fit is refused, not cut */
	CLAIM(ctcodec_create(buf, (size_t)n - 1, 7, 0, &create) == -EMSGSIZE);
	n = ctcodec_delete(buf, sizeof(buf), 8, 0, &r->conn->key, r->conn->id);
	CLAIM(n > 0 && (uint32_t)n == nlh->nlmsg_len);
	delete_holds(nlh);
	CLAIM(ctcodec_get(buf, sizeof(buf), 9, 0, &r->conn->key) > 0);
	delete_holds(nlh);
	CLAIM(conn_format(r->conn, text) == text && memchr(text, '\0', sizeof(text)));
	CLAIM(cttext_line(r, line) == line && memchr(line, '\0', sizeof(line)));
}

/* What we would create is read as what it was made from. */
static void entry_returns(const struct conn_record *r)
{
	static uint8_t buf[CREATE_MAX] __attribute__((aligned(8)));
	static uint8_t payload[CT_PAYLOAD_MAX] __attribute__((aligned(8)));
	struct ct_create create = {
		.conn = r->conn,
		.payload = r->payload,
		.payload_len = r->payload_len,
		.timeout = r->conn->timeout,
	};
	struct conn_record again;
	struct conn_key master;
	struct conn c;

	CLAIM(ctcodec_create(buf, sizeof(buf), 7, 0, &create) > 0);
	CLAIM(ctcodec_decode((const void *)buf, &c, &master, payload, &again) == 0);
	CLAIM(conn_key_equal(&c.key, &r->conn->key));
	CLAIM(c.timeout == r->conn->timeout);
	CLAIM(c.tcp_state == r->conn->tcp_state);
	CLAIM(c.has_master == r->conn->has_master);
	CLAIM(!c.has_master || conn_key_equal(&master, r->master));
	CLAIM(again.payload_len == r->payload_len);
	CLAIM(memcmp(again.payload, r->payload, r->payload_len) == 0);
}

void entry_holds(const struct conn_record *r)
{
	const struct nlattr *tb[CTA_SYNPROXY + 1];
	const struct conn *c = r->conn;

	key_holds(&c->key);
	tuple_holds(&c->reply, c->key.family, c->key.l4proto);
	CLAIM(c->tcp_state == CONN_TCP_NONE || c->key.l4proto == IPPROTO_TCP);
	CLAIM(c->has_master == (r->master != NULL));
	if (r->master)
		key_holds(r->master);
	CLAIM(r->payload_len <= CT_PAYLOAD_MAX);
	CLAIM(attrs_parse(r->payload, r->payload_len, tb, CTA_SYNPROXY));
	CLAIM(!tb[CTA_TUPLE_ORIG] && !tb[CTA_TUPLE_REPLY] && !tb[CTA_ZONE] && !tb[CTA_ID]);
	entry_sends(r);
	entry_returns(r);
}
