/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How connections end under a guard because of addresses and links, or come back translated anew:
 * what is remembered of it, how surely, and what of it is there after a kill. */
#include "lib/ending.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "move/probe.h"

#define FLOWS 20

/* ---- addresses ---- */

static void address_deleted(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	struct end_told t;

	w.s->fake->addr_by = 4711;
	fake_owner_add(w.s->fake, PORT_ROUTE, 4711, "keepalived", 4711);
	guarding_foreign_delete(w.s, HOST4 "/24");
	ending_spin(&w, 2 * USEC_PER_SEC + 500 * USEC_PER_MSEC);
	t = ending_only(w.s, &c, END_ADDRESS);
	assert_int_equal(t.end.doubt, DOUBT_NONE);
	assert_int_equal(t.deed.what, DEED_ADDRESS);
	assert_int_equal(t.deed.by, BY_PROGRAM);
	assert_string_equal(t.deed.comm, "keepalived");
	assert_int_equal(t.deed.pid, 4711);
	assert_int_equal(t.deed.address.len, 24);
	assert_int_equal(ending_counted(&w, END_ADDRESS), 1);
	ending_end(&w);
}

static void address_by_nobody_known(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);

	guarding_foreign_delete(w.s, HOST4 "/24"); /* ifconfig: no netlink */
	ending_spin(&w, 100 * USEC_PER_MSEC);
	assert_int_equal(ending_only(w.s, &c, END_ADDRESS).deed.by, BY_UNKNOWN);
	ending_end(&w);
}

static void address_by_a_program_that_has_ended(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	struct end_told t;

	w.s->fake->addr_by = 99;
	guarding_foreign_delete(w.s, HOST4 "/24");
	ending_spin(&w, 100 * USEC_PER_MSEC);
	t = ending_only(w.s, &c, END_ADDRESS);
	assert_int_equal(t.deed.by, BY_ENDED);
	assert_int_equal(t.deed.port, 99);
	ending_end(&w);
}

/* keepalived in a container: its number there is another program's here. */
static void address_by_a_hidden_program(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	struct end_told t;

	w.s->fake->addr_by = 12;
	fake_owner_add(w.s->fake, PORT_ROUTE, 12, "keepalived", 40012);
	w.s->fake->owners[0].hidden = true;
	guarding_foreign_delete(w.s, HOST4 "/24");
	ending_spin(&w, 100 * USEC_PER_MSEC); /* what is urgent does not wait for a search */
	assert_int_equal(ending_only(w.s, &c, END_ADDRESS).deed.by, BY_UNKNOWN);
	ending_spin(&w, 2 * USEC_PER_SEC);
	t = ending_only(w.s, &c, END_ADDRESS);
	assert_int_equal(t.deed.by, BY_PROGRAM);
	assert_string_equal(t.deed.comm, "keepalived");
	assert_int_equal(t.deed.pid, 40012);
	ending_end(&w);
}

/* A failover of many addresses asks once who it was. */
static void many_addresses(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	char prefix[32];
	unsigned i;

	ending_spin(&w, 20 * USEC_PER_MSEC);
	w.s->fake->addr_by = 4711;
	fake_owner_add(w.s->fake, PORT_ROUTE, 4711, "keepalived", 4711);
	for (i = 1; i <= 200; i++) {
		snprintf(prefix, sizeof(prefix), "192.168.12.%u/32", i);
		fake_addr(w.s->fake, w.s->dev, prefix, "");
		guarding_foreign_delete(w.s, prefix);
	}
	ending_spin(&w, 100 * USEC_PER_MSEC);
	assert_int_equal(w.s->fake->owners_asked, 1);
	assert_int_equal(guarding_status(w.g).foreign_deletes, 200);
	ending_end(&w);
}

static void flush_of_the_device(void **state)
{
	struct ending w;
	struct end_told t;
	struct conn c;

	scene_unprobed(*state);
	w = ending_begin(state, PIN_OFF);
	c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	ending_spin(&w, 1100 * USEC_PER_MSEC);
	guarding_foreign_delete(w.s, VIP4 "/32");
	ending_spin(&w, 100 * USEC_PER_MSEC);
	t = ending_only(w.s, &c, END_FLUSH);
	assert_int_equal(t.end.doubt, DOUBT_MOMENT); /* nobody has tried this kernel */
	assert_int_equal(t.deed.what, DEED_ADDRESS);
	assert_int_equal(t.deed.address.len, 32);
	ending_end(&w);
}

static void flush_of_an_affected_kernel(void **state)
{
	const struct probe_result affected = { KERNEL_AFFECTED, KERNEL_AFFECTED, "", true };
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn c;

	assert_int_equal(probe_result_store(w.s->dir, w.s->env.boot_id, &affected), 0);
	c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	ending_spin(&w, 1100 * USEC_PER_MSEC);
	guarding_foreign_delete(w.s, VIP4 "/32");
	ending_spin(&w, 100 * USEC_PER_MSEC);
	assert_int_equal(ending_only(w.s, &c, END_FLUSH).end.doubt, DOUBT_NONE);
	ending_end(&w);
}

/* A fixed kernel does not flush the device: whatever took the entry, it was not that. */
static void no_flush_of_a_fixed_kernel(void **state)
{
	const struct probe_result fixed = { KERNEL_FIXED, KERNEL_FIXED, "", true };
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn c;

	w.s->fake->flush4 = FLUSH_ADDRESS;
	assert_int_equal(probe_result_store(w.s->dir, w.s->env.boot_id, &fixed), 0);
	c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	ending_spin(&w, 1100 * USEC_PER_MSEC);
	guarding_foreign_delete(w.s, VIP4 "/32");
	ending_kill(&w, &c, false);
	ending_only(w.s, &c, END_UNKNOWN);
	ending_end(&w);
}

static void link_down(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	struct end_told t;

	fake_link_set(w.s->fake, "br-mgmt", false);
	ending_spin(&w, 100 * USEC_PER_MSEC);
	t = ending_only(w.s, &c, END_LINK);
	assert_int_equal(t.deed.what, DEED_LINK);
	assert_int_equal(t.end.doubt, DOUBT_NONE);
	ending_end(&w);
}

static void put_back(void **state)
{
	struct ending w = ending_begin(state, PIN_ON_DEMAND);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	struct end_told t;

	guarding_foreign_delete(w.s, VIP4 "/32");
	ending_spin(&w, 3 * USEC_PER_SEC);
	assert_true(scene_works(w.s, &c));
	t = ending_only(w.s, &c, END_FLUSH);
	assert_true(t.end.flags & END_PUT_BACK);
	assert_int_equal(ending_counted(&w, END_FLUSH), 0); /* it is no end */
	ending_end(&w);
}

/* On a busy node something ends all the time. */
static void counted_among_others(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED), other;
	uint16_t i;

	fake_link_set(w.s->fake, "br-mgmt", false);
	ending_spin(&w, 50 * USEC_PER_MSEC);
	ending_only(w.s, &c, END_LINK);
	fake_link_set(w.s->fake, "br-mgmt", true);
	for (i = 0; i < 8; i++) {
		other = ending_known(&w, (uint16_t)(100 + i), CONN_TCP_ESTABLISHED);
		ending_kill_in(&w, &other, CONN_TCP_CLOSE, true);
		ending_spin(&w, 300 * USEC_PER_MSEC);
	}
	assert_int_equal(ending_counted(&w, END_LINK), 1);
	ending_end(&w);
}

static void swept(void **state)
{
	struct device_settings d = { .name = "br-mgmt", .pin = PIN_CONTINUOUS };
	struct ending w = ending_begin(state, PIN_CONTINUOUS);
	struct conn c;
	struct end_told t;

	d.linger = 2 * USEC_PER_SEC;
	guard_set(w.g, &d, false);
	c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	ending_spin(&w, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(w.g).pinned, 1);
	w.s->fake->addr_by = 7;
	fake_owner_add(w.s->fake, PORT_ROUTE, 7, "ip", 1234);
	guarding_foreign_delete(w.s, HOST4 "/24");
	ending_spin(&w, 4 * USEC_PER_SEC);
	t = ending_only(w.s, &c, END_SWEEP);
	assert_int_equal(t.deed.what, DEED_AWAY);
	assert_string_equal(t.deed.comm, "ip");
	assert_true(t.end.flags & END_WAS_PINNED);
	ending_end(&w);
}

/* A run of ours that the guard serves deletes an address: what was translated to it goes, all
 * else stays and has not ended. */
static void given_up(void **state)
{
	struct ending w = ending_begin(state, PIN_CONTINUOUS);
	struct conn kept = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	struct conn c = scene_flow(IPPROTO_TCP, "10.1.7.7", 40001, SERVER4, 80, VIP4, 50001);
	struct end_told t;

	c.tcp_state = CONN_TCP_ESTABLISHED;
	fake_tell(w.s->fake, scene_add(w.s, &c));
	ending_spin(&w, 4 * USEC_PER_SEC);
	assert_int_equal(guarding_status(w.g).pinned, 2);
	w.s->req.strategy = STRATEGY_AUTO;
	w.s->req.hold = HOLD_AUTO;
	w.s->env.source = guard_source(w.g);
	scene_move(w.s, OP_DEL, VIP4 "/32", NULL);
	w.s->env.source = (struct source){ .ops = NULL };
	ending_spin(&w, 6 * USEC_PER_SEC);
	t = ending_only(w.s, &c, END_SWEEP);
	assert_int_equal(t.deed.what, DEED_GIVEN);
	assert_int_equal(t.deed.by, BY_US);
	assert_string_equal(t.deed.operation, w.s->report.id);
	assert_int_equal(ending_told(w.s, &kept).n, 0);
	assert_true(scene_works(w.s, &kept));
	ending_end(&w);
}

/* ---- translated anew ---- */

static void retranslated(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED), again = c;
	struct ending_told t;

	guarding_foreign_delete(w.s, VIP4 "/32");
	ending_spin(&w, 100 * USEC_PER_MSEC);
	again.reply.dport ^= htons(0x0400);
	again.status &= ~(uint32_t)(CONN_SEEN_REPLY | CONN_ASSURED);
	fake_tell(w.s->fake, scene_add(w.s, &again));
	ending_spin(&w, 100 * USEC_PER_MSEC);
	ending_kill_in(&w, &again, CONN_TCP_CLOSE, false);
	t = ending_told(w.s, &c);
	assert_int_equal(t.n, 3);
	assert_int_equal(t.items[0].end.cause, END_RESET_SERVER);
	assert_int_equal(t.items[0].end.doubt, DOUBT_NONE);
	assert_int_equal(t.items[1].end.cause, END_RETRANSLATED);
	assert_int_equal(t.items[1].end.as_port, c.reply.dport);
	assert_int_equal(t.items[1].end.new_port, again.reply.dport);
	assert_true(t.items[1].end.flags & END_NEW_RESET);
	assert_int_equal(t.items[1].deed.what, DEED_ADDRESS); /* what it comes from */
	assert_int_equal(t.items[2].end.cause, END_FLUSH);
	assert_int_equal(ending_counted(&w, END_RETRANSLATED), 1);
	ending_end(&w);
}

/* A client that uses its port again begins a new connection, whatever port that is given. */
static void begun_anew(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED), again = c;

	ending_kill(&w, &c, true);
	again.reply.dport ^= htons(0x0400);
	again.tcp_state = CONN_TCP_SYN_SENT;
	again.status &= ~(uint32_t)(CONN_SEEN_REPLY | CONN_ASSURED);
	fake_tell(w.s->fake, scene_add(w.s, &again));
	ending_spin(&w, 100 * USEC_PER_MSEC);
	ending_only(w.s, &c, END_TIMEOUT);
	assert_int_equal(ending_counted(&w, END_RETRANSLATED), 0);
	ending_end(&w);
}

/* ---- only observing ---- */

static void observes_only(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	unsigned writes = w.s->fake->ct_writes;
	struct guard_status st;

	scene_populate(w.s, FLOWS);
	ending_spin(&w, 3 * USEC_PER_SEC);
	guarding_foreign_delete(w.s, VIP4 "/32");
	ending_spin(&w, USEC_PER_SEC);
	guarding_foreign_delete(w.s, HOST4 "/24");
	ending_spin(&w, 8 * USEC_PER_SEC);
	st = guarding_status(w.g);
	assert_int_equal(st.mode, PIN_OFF);
	assert_int_equal(st.pins, 0);
	assert_int_equal(st.restored, 0);
	assert_int_equal(st.removed, 0);
	assert_int_equal(st.foreign_deletes, 2);
	assert_true(st.lost > 0);
	assert_true(st.ends[END_FLUSH] >= FLOWS);
	assert_int_equal(w.s->fake->ct_writes, writes);
	assert_int_equal(w.s->fake->held_opened, 0);
	assert_false(guard_serves(w.g, &w.s->req));
	ending_end(&w);
}

/* ---- the memory ---- */

static void killed(void **state)
{
	struct ending w = ending_begin(state, PIN_ON_DEMAND);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED), later;
	struct ends *next;
	struct ending_told t;

	ending_kill(&w, &c, true);
	/* a kill writes nothing: the next one goes by what is on file */
	next = ending_memory(w.s, 65536);
	guard_remember(w.g, next);
	later = ending_known(&w, 2, CONN_TCP_ESTABLISHED);
	ending_kill(&w, &later, true);
	t = ending_told(w.s, NULL);
	assert_int_equal(t.n, 2);
	ending_only(w.s, &c, END_TIMEOUT);
	ending_only(w.s, &later, END_TIMEOUT);
	ends_free(next);
	guard_free(w.g);
	ends_free(w.ends); /* nothing waits there */
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		CASE(address_deleted),
		CASE(address_by_nobody_known),
		CASE(address_by_a_program_that_has_ended),
		CASE(address_by_a_hidden_program),
		CASE(many_addresses),
		CASE(flush_of_the_device),
		CASE(flush_of_an_affected_kernel),
		CASE(no_flush_of_a_fixed_kernel),
		CASE(link_down),
		CASE(put_back),
		CASE(counted_among_others),
		CASE(swept),
		CASE(given_up),
		CASE(retranslated),
		CASE(begun_anew),
		CASE(observes_only),
		CASE(killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
