/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal of a move. It has the layout of the build that wrote it, so an
 * input is not a file but changes to one that was just written: two bytes say
 * where, one how many bytes follow to be put there; 255: it ends there. */
#include "lib/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/entry.h"
#include "lib/file.h"
#include "kernel/abi_ct.h"
#include "kernel/attr.h"
#include "move/journal.h"

#define BOOT_ID "0f6c1d5e-7a0b-4f0e-9a51-3c1f5b2f7d10"
#define SIZE_MAX_WRITTEN 65536
#define CUT 255

/* What the kernel gave for a TCP entry with a mark and a helper. */
static const uint8_t payload[] __attribute__((aligned(8))) = {
	8,  0, CTA_MARK, 0, 0, 0, 0, 77,		   /* */
	16, 0, CTA_HELP, 0, 8, 0, 1, 0,	 'f', 't', 'p', 0, /* */
	0,  0, 0,	 0,
};

static bool keep(const void *ud _unused_, size_t i _unused_)
{
	return true;
}

static void add(struct connset *set, uint8_t family, uint8_t proto, uint16_t port,
		const struct conn_key *master, struct conn *ret)
{
	struct tuple t = { .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 } };
	struct conn_record r = {
		.conn = ret, .master = master, .payload = payload, .payload_len = sizeof(payload)
	};

	t.sport = htons(port);
	t.dport = htons(80);
	*ret = (struct conn){ .timeout = 60, .id = port, .has_master = master };
	ret->key = conn_key_make(family, proto, &t, port % 3, CONN_ZONE_ORIG);
	ret->reply = tuple_invert(&t, proto);
	CLAIM(connset_add(set, &r) == 0);
}

static size_t write_one(uint8_t *buf, size_t size)
{
	struct request q = { .op = OP_DEL, .device = "eth0", .n_vips = 2 };
	struct connset *set = connset_new(1, 0);
	struct conn a, b, c;

	CLAIM(set);
	CLAIM(prefix_parse("192.0.2.10/32", PREFIX_LEN_REQUIRED, &q.vips[0].prefix) == 0);
	CLAIM(prefix_parse("2001:db8::10/64", PREFIX_LEN_REQUIRED, &q.vips[1].prefix) == 0);
	add(set, AF_INET, IPPROTO_TCP, 1024, NULL, &a);
	add(set, AF_INET, IPPROTO_TCP, 1025, &a.key, &b);
	add(set, AF_INET6, IPPROTO_UDP, 1026, NULL, &c);
	CLAIM(journal_write(AT_FDCWD, FILE_NAME, BOOT_ID, &q, 1, set, keep, NULL) == 0);
	connset_free(set);
	return file_content(buf, size);
}

static size_t change(struct input in, uint8_t *buf, size_t size)
{
	while (in.left) {
		size_t at = input_u16(&in) % (size + 1), n = input_byte(&in);
		const uint8_t *p;

		if (n == CUT)
			return at;
		p = input_take(&in, n, &n);
		memcpy(buf + at, p, MIN(n, size - at));
	}
	return size;
}

static bool is_bool(const bool *b)
{
	uint8_t byte;

	memcpy(&byte, b, 1);
	return byte <= 1;
}

static void request_holds(const struct request *q, bool moved)
{
	CLAIM(q->op == OP_ADD || q->op == OP_DEL);
	CLAIM(q->strategy <= STRATEGY_NONE && q->hold <= HOLD_OFF);
	CLAIM(q->vip_flows <= VIP_FLOWS_RESET);
	CLAIM(is_bool(&q->plan) && is_bool(&q->force));
	CLAIM(is_bool(&q->is_instance) && is_bool(&q->by.is_known));
	CLAIM(memchr(q->by.command, '\0', sizeof(q->by.command)));
	CLAIM(q->device[0] && memchr(q->device, '\0', sizeof(q->device)));
	/* only a repair has no address to change */
	CLAIM(q->n_vips <= VIPS_MAX && (q->n_vips || moved));
	for (size_t i = 0; i < q->n_vips; i++) {
		const struct vip *v = &q->vips[i];

		CLAIM(addr_size(v->prefix.addr.family));
		CLAIM(v->prefix.len <= 8 * addr_size(v->prefix.addr.family));
		CLAIM(memchr(v->label, '\0', sizeof(v->label)));
		CLAIM(v->broadcast_mode <= BROADCAST_GIVEN);
		CLAIM(v->broadcast_mode != BROADCAST_GIVEN || v->broadcast.family == AF_INET);
		CLAIM(is_bool(&v->noprefixroute) && is_bool(&v->dad));
		CLAIM(is_bool(&v->has_preferred_lft));
	}
}

static void entries_hold(const struct connset *set)
{
	for (size_t i = 0; i < connset_count(set); i++) {
		struct conn_record r = { .conn = connset_get(set, i) };
		int64_t master = connset_master(set, i);

		r.payload = connset_payload(set, i, &r.payload_len);
		if (master >= 0)
			r.master = &connset_get(set, (size_t)master)->key;
		CLAIM(is_bool(&r.conn->has_master));
		CLAIM(r.conn->key.zone_dir <= CONN_ZONE_REPLY);
		entry_sends(&r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t written[SIZE_MAX_WRITTEN], changed[SIZE_MAX_WRITTEN];
	static size_t n;
	struct input in = { data, size };
	struct journal j;
	int r;

	if (!n)
		n = write_one(written, sizeof(written));
	memcpy(changed, written, n);
	file_load(changed, change(in, changed, n));
	r = journal_read(AT_FDCWD, FILE_NAME, BOOT_ID, 1, &j);
	/* a slot may say that there is nothing to finish, but none was written */
	CLAIM(r == 0 || r == -EBADMSG || (r == -ENOENT && size));
	CLAIM(size || (r == 0 && connset_count(j.set) == 3));
	if (r < 0)
		return 0;
	request_holds(&j.request, j.moved);
	entries_hold(j.set);
	journal_done(&j);
	return 0;
}
