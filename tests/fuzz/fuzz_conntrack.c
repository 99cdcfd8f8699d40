/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ctnetlink answers to a listing, at once or in steps, to a batch, and what it tells unasked.
 * First byte: which of them; the rest as wire.h says. */
#include "lib/fuzz.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/entry.h"
#include "kernel/ct.h"
#include "lib/wire.h"

void wire_sent(const struct nlmsghdr *nlh)
{
	CLAIM(nlh->nlmsg_type >> 8 == NFNL_SUBSYS_CTNETLINK);
	if ((nlh->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE)
		delete_holds(nlh);
}

static int on_entry(void *ud, const struct conn_record *r)
{
	size_t *count = ud;

	entry_holds(r);
	return ++*count == 1000 ? -ECANCELED : 0;
}

static void list(void)
{
	struct ct *ct = NULL;
	size_t count = 0;

	CLAIM(ct_new(&ct) == 0);
	if (ct_dump(ct, AF_UNSPEC, on_entry, &count) == 0)
		/* the second listing has another number */
		(void)ct_dump(ct, AF_INET, on_entry, &count);
	ct_free(ct);
}

static void list_in_steps(void)
{
	struct ct_list *l = NULL;
	size_t count = 0, before = 0;
	int r = ct_list_new(AF_UNSPEC, &l);

	while (r == 0 && (r = ct_list_step(l, on_entry, &count)) == 1) {
		CLAIM(count - before <= CT_LIST_STEP);
		before = count;
		r = 0;
	}
	CLAIM(r <= 0);
	if (r == 0)
		CLAIM(ct_list_step(l, on_entry, &count) == 0); /* the end is the end */
	ct_list_free(l);
}

/* A pin between two questions. */
static void change(void)
{
	struct conn c = { .timeout = 60, .id = 7, .tcp_state = CONN_TCP_ESTABLISHED }, found;
	struct tuple t = { .src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 } };
	struct ct_op ops[4] = {
		{ .verb = CT_GET, .conn = &c, .found = &found },
		{ .verb = CT_DELETE, .conn = &c },
		{ .verb = CT_CREATE, .conn = &c, .timeout = 60 },
		{ .verb = CT_GET, .conn = &c, .sink = on_entry },
	};
	struct ct *ct = NULL;
	size_t count = 0;
	int r;

	t.sport = htons(1024);
	t.dport = htons(80);
	c.key = conn_key_make(AF_INET, IPPROTO_TCP, &t, 0, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&t, IPPROTO_TCP);
	ops[3].ud = &count;
	CLAIM(ct_new(&ct) == 0);
	r = ct_batch(ct, ops, ARRAY_SIZE(ops));
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		CLAIM(ops[i].result <= 0);
		CLAIM(r < 0 || ops[i].result != -EINPROGRESS);
	}
	ct_free(ct);
}

static void watch(void)
{
	struct ctevents *e = NULL;
	size_t count = 0;

	CLAIM(ctevents_new(AF_UNSPEC, true, 4711, &e) == 0);
	(void)ctevents_read(e, on_entry, &count);
	ctevents_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const exchanges[])(void) = { list, change, watch, list_in_steps };
	struct input in = { data, size };
	size_t which = input_byte(&in) % ARRAY_SIZE(exchanges);

	wire_load(in.data, in.left);
	exchanges[which]();
	return 0;
}
