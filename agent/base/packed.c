/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/packed.h"

#include <endian.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

#define KIND_ZONE 3U /* enum conn_zone_dir */
#define KIND_IPV6 4U

static uint32_t number4(const uint8_t addr[16])
{
	uint32_t number;

	memcpy(&number, addr, sizeof(number));
	return number;
}

int packed_tuple_take(struct payloads *addrs, uint8_t family, const struct tuple *from,
		      struct packed_tuple *ret)
{
	struct packed_tuple t = { .l4 = from->l4 };
	int r;

	if (family == AF_INET) {
		t.src = number4(from->src);
		t.dst = number4(from->dst);
		*ret = t;
		return 0;
	}
	r = payloads_take(addrs, from->src, sizeof(from->src), &t.src);
	if (r < 0)
		return r;
	r = payloads_take(addrs, from->dst, sizeof(from->dst), &t.dst);
	if (r < 0) {
		payloads_drop(addrs, t.src);
		return r;
	}
	*ret = t;
	return 0;
}

void packed_tuple_drop(struct payloads *addrs, uint8_t family, const struct packed_tuple *t)
{
	if (family == AF_INET)
		return;
	payloads_drop(addrs, t->src);
	payloads_drop(addrs, t->dst);
}

/* In two words, as it lies in memory: the fields are hashed and compared as such words, and
 * would have to wait in the processor for each other if they were written one by one. */
static void key_put(struct packed_key *ret, uint32_t src, uint32_t dst, const struct conn_key *from)
{
	uint32_t kind = (from->zone_dir & KIND_ZONE) | (from->family == AF_INET6 ? KIND_IPV6 : 0);
	uint32_t rest = le16toh(from->zone) | kind << 16 | (uint32_t)from->l4proto << 24;
	uint32_t l4 = le16toh(from->orig.sport) | (uint32_t)le16toh(from->orig.dport) << 16;
	uint64_t one = htole64(le32toh(src) | (uint64_t)le32toh(dst) << 32);
	uint64_t two = htole64(l4 | (uint64_t)rest << 32);

	memcpy(ret, &one, sizeof(one));
	memcpy((uint8_t *)ret + sizeof(one), &two, sizeof(two));
}

int packed_key_take(struct payloads *addrs, const struct conn_key *from, struct packed_key *ret)
{
	struct packed_tuple t;
	int r = packed_tuple_take(addrs, from->family, &from->orig, &t);

	if (r == 0)
		key_put(ret, t.src, t.dst, from);
	return r;
}

void packed_key_drop(struct payloads *addrs, const struct packed_key *k)
{
	packed_tuple_drop(addrs, packed_family(k), &k->orig);
}

bool packed_key_find(const struct payloads *addrs, const struct conn_key *from,
		     struct packed_key *ret)
{
	uint32_t src, dst;

	if (from->family == AF_INET) {
		key_put(ret, number4(from->orig.src), number4(from->orig.dst), from);
		return true;
	}
	src = payloads_find(addrs, from->orig.src, sizeof(from->orig.src));
	dst = payloads_find(addrs, from->orig.dst, sizeof(from->orig.dst));
	if (src == PAYLOAD_NONE || dst == PAYLOAD_NONE)
		return false;
	key_put(ret, src, dst, from);
	return true;
}

uint8_t packed_family(const struct packed_key *k)
{
	return k->kind & KIND_IPV6 ? AF_INET6 : AF_INET;
}

static void addr_get(const struct payloads *addrs, uint8_t family, uint32_t number, uint8_t ret[16])
{
	size_t len;

	if (family == AF_INET)
		memcpy(ret, &number, sizeof(number));
	else
		memcpy(ret, payloads_get(addrs, number, &len), 16);
}

struct tuple packed_tuple_get(const struct payloads *addrs, uint8_t family,
			      const struct packed_tuple *t)
{
	struct tuple ret;

	memset(&ret, 0, sizeof(ret));
	addr_get(addrs, family, t->src, ret.src);
	addr_get(addrs, family, t->dst, ret.dst);
	ret.l4 = t->l4;
	return ret;
}

struct conn_key packed_key_get(const struct payloads *addrs, const struct packed_key *k)
{
	const struct tuple orig = packed_tuple_get(addrs, packed_family(k), &k->orig);

	return conn_key_make(packed_family(k), k->l4proto, &orig, k->zone,
			     (enum conn_zone_dir)(k->kind & KIND_ZONE));
}
