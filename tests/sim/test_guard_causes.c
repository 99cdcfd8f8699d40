/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How connections end under a guard by themselves, by programs, or from a full table. */
#include "lib/altered.h"
#include "lib/ending.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define FLOWS 20

/* ---- programs ---- */

static void deleted(void **state)
{
	struct ending w = ending_begin(state, PIN_ON_DEMAND);
	struct conn c[FLOWS];
	struct end_told t;
	unsigned i;

	for (i = 0; i < FLOWS; i++)
		c[i] = ending_known(&w, (uint16_t)(i + 1), CONN_TCP_ESTABLISHED);
	fake_owner_add(w.s->fake, PORT_NETFILTER, 555, "conntrack", 555);
	for (i = 0; i < FLOWS; i++)
		assert_int_equal(fake_delete_by(w.s->fake, &c[i].key, 555), 0);
	ending_spin(&w, 100 * USEC_PER_MSEC);
	for (i = 0; i < FLOWS; i++) {
		t = ending_only(w.s, &c[i], END_DELETED);
		assert_int_equal(t.deed.by, BY_PROGRAM);
		assert_string_equal(t.deed.comm, "conntrack");
		assert_int_equal(t.end.doubt, DOUBT_NONE);
	}
	assert_int_equal(w.s->fake->owners_asked, 1);
	ending_spin(&w, 3 * USEC_PER_SEC);
	assert_int_equal(ending_counted(&w, END_DELETED), FLOWS);
	ending_end(&w);
}

static void deleted_by_a_program_that_has_ended(void **state)
{
	struct ending w = ending_begin(state, PIN_ON_DEMAND);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);

	assert_int_equal(fake_delete_by(w.s->fake, &c.key, 556), 0);
	ending_spin(&w, 100 * USEC_PER_MSEC);
	assert_int_equal(ending_only(w.s, &c, END_DELETED).deed.by, BY_ENDED);
	ending_end(&w);
}

/* A run of ours beside the guard removes what is translated to the address that it deletes. */
static void deleted_by_vipsafe(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED),
		    early = ending_known(&w, 2, CONN_TCP_ESTABLISHED);
	struct end_told t;

	fake_owner_add(w.s->fake, PORT_NETFILTER, 556, "vipsafed", 90);
	fake_owner_add(w.s->fake, PORT_ROUTE, 557, "vipsafed", 90);
	/* seen before the address is: it may be another reason */
	assert_int_equal(fake_delete_by(w.s->fake, &early.key, 556), 0);
	ending_spin(&w, 10 * USEC_PER_MSEC);
	t = ending_only(w.s, &early, END_ADDRESS);
	assert_int_equal(t.end.doubt, DOUBT_MOMENT);
	w.s->fake->addr_by = 557;
	w.s->fake->flush_after = USEC_PER_SEC; /* the kernel is slower */
	guarding_foreign_delete(w.s, HOST4 "/24");
	assert_int_equal(fake_delete_by(w.s->fake, &c.key, 556), 0);
	ending_spin(&w, 100 * USEC_PER_MSEC);
	t = ending_only(w.s, &c, END_ADDRESS);
	assert_int_equal(t.end.doubt, DOUBT_NONE);
	assert_int_equal(t.deed.what, DEED_ADDRESS);
	assert_int_equal(t.deed.by, BY_US);
	ending_end(&w);
}

/* ---- by itself ---- */

static void finished(void **state)
{
	static const enum conn_tcp_state last[] = { CONN_TCP_TIME_WAIT, CONN_TCP_LAST_ACK };
	struct ending w = ending_begin(state, PIN_ON_DEMAND);
	unsigned i;

	for (i = 0; i < 4; i++) {
		struct conn c = ending_known(&w, (uint16_t)(i + 1), CONN_TCP_ESTABLISHED);
		struct end_told t;

		ending_kill_in(&w, &c, last[i % 2], i < 2);
		t = ending_only(w.s, &c, END_FINISHED);
		assert_int_equal(t.end.doubt, DOUBT_NONE);
	}
	assert_int_equal(ending_counted(&w, END_FINISHED), 4);
	ending_end(&w);
}

/* A pinned entry, and a kernel whose DESTROY tells neither state nor time. */
static void finished_on_an_old_kernel(void **state)
{
	struct ending w = ending_begin(state, PIN_CONTINUOUS);
	struct conn c;

	w.s->fake->full_deaths = false;
	c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	ending_spin(&w, 2 * USEC_PER_SEC);
	assert_int_equal(guarding_status(w.g).pinned, 1);
	ending_kill_in(&w, &c, CONN_TCP_TIME_WAIT, true);
	assert_true(ending_only(w.s, &c, END_FINISHED).end.flags & END_WAS_PINNED);
	ending_end(&w);
}

static void reset(void **state)
{
	struct ending w = ending_begin(state, PIN_ON_DEMAND);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED), refused, half;
	struct end_told t;

	ending_kill_in(&w, &c, CONN_TCP_CLOSE, true);
	ending_only(w.s, &c, END_RESET);
	refused = ending_known(&w, 2, CONN_TCP_SYN_SENT);
	ending_kill_in(&w, &refused, CONN_TCP_CLOSE, false);
	t = ending_only(w.s, &refused, END_RESET_SERVER);
	assert_int_equal(t.end.doubt, DOUBT_SIDE);
	half = scene_tcp(3); /* SYN, SYN/ACK, RST */
	half.tcp_state = CONN_TCP_SYN_RECV;
	half.status &= ~(uint32_t)CONN_ASSURED;
	fake_tell(w.s->fake, scene_add(w.s, &half));
	ending_spin(&w, 20 * USEC_PER_MSEC);
	ending_kill_in(&w, &half, CONN_TCP_CLOSE, true);
	t = ending_only(w.s, &half, END_RESET_CLIENT);
	assert_int_equal(t.end.doubt, DOUBT_SIDE);
	ending_end(&w);
}

static void timeout(void **state)
{
	struct ending w = ending_begin(state, PIN_ON_DEMAND);
	struct conn c = ending_known(&w, 1, CONN_TCP_ESTABLISHED), half, udp;
	struct end_told t;

	ending_kill(&w, &c, true);
	t = ending_only(w.s, &c, END_TIMEOUT);
	assert_int_equal(t.end.doubt, DOUBT_NONE);
	assert_string_equal(end_sysctl(&t.end), "nf_conntrack_tcp_timeout_established");
	half = ending_known(&w, 2, CONN_TCP_FIN_WAIT);
	ending_kill(&w, &half, true);
	t = ending_only(w.s, &half, END_TIMEOUT);
	assert_string_equal(end_sysctl(&t.end), "nf_conntrack_tcp_timeout_fin_wait");
	udp = scene_flow(IPPROTO_UDP, "10.1.0.3", 5000, SERVER4, 53, HOST4, 6000);
	fake_tell(w.s->fake, scene_add(w.s, &udp));
	ending_spin(&w, 20 * USEC_PER_MSEC);
	ending_kill(&w, &udp, true);
	t = ending_only(w.s, &udp, END_TIMEOUT);
	assert_string_equal(end_sysctl(&t.end), "nf_conntrack_udp_timeout_stream");
	ending_end(&w);
}

static void timeout_on_an_old_kernel(void **state)
{
	struct ending w = ending_begin(state, PIN_ON_DEMAND);
	struct conn c;

	w.s->fake->full_deaths = false;
	c = ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	ending_kill(&w, &c, true);
	assert_int_equal(ending_only(w.s, &c, END_TIMEOUT).end.doubt, DOUBT_KERNEL);
	ending_end(&w);
}

/* ---- a full table ---- */

static void early_drop(void **state)
{
	struct ending w = ending_begin(state, PIN_ON_DEMAND);
	struct conn filler = ending_known(&w, 1, CONN_TCP_ESTABLISHED), c;
	struct end_told t;

	w.s->fake->ct_max = 2;
	w.s->fake->max_is_untold = false;
	c = ending_known(&w, 2, CONN_TCP_SYN_SENT);
	ending_spin(&w, 1200 * USEC_PER_MSEC); /* the count of drops is watched */
	assert_int_equal(fake_drop_early(w.s->fake, &c.key), 0);
	fake_tell(w.s->fake, scene_add(w.s, &(struct conn){ .key = scene_tcp(3).key,
							    .reply = scene_tcp(3).reply,
							    .status = scene_tcp(3).status }));
	ending_spin(&w, 50 * USEC_PER_MSEC);
	t = ending_only(w.s, &c, END_EARLY_DROP);
	assert_int_equal(t.end.doubt, DOUBT_NONE);
	assert_int_equal(t.deed.what, DEED_FULL);
	assert_int_equal(t.deed.max, 2);
	(void)filler;
	ending_end(&w);
}

static void early_drop_uncounted(void **state)
{
	struct ending w = ending_begin(state, PIN_ON_DEMAND);
	struct conn c;

	w.s->fake->no_stats = true;
	ending_known(&w, 1, CONN_TCP_ESTABLISHED);
	ending_known(&w, 3, CONN_TCP_ESTABLISHED);
	c = ending_known(&w, 2, CONN_TCP_SYN_SENT);
	w.s->fake->ct_max = 2;
	w.s->fake->max_is_untold = false;
	ending_spin(&w, 1200 * USEC_PER_MSEC);
	assert_int_equal(fake_drop_early(w.s->fake, &c.key), 0);
	ending_spin(&w, 50 * USEC_PER_MSEC);
	assert_int_equal(ending_only(w.s, &c, END_EARLY_DROP).end.doubt, DOUBT_FULL);
	ending_end(&w);
}

/* ---- IPVS ---- */

/* What IPVS had altered goes with the connection of IPVS, long before its time. */
static void dropped_by_ipvs(void **state)
{
	struct ending w = ending_begin(state, PIN_OFF);
	struct conn other = ending_known(&w, 9, CONN_TCP_ESTABLISHED), c = altered_ipvs(1);
	struct end_told t;

	fake_tell(w.s->fake, scene_add(w.s, &c));
	ending_spin(&w, 20 * USEC_PER_MSEC);
	ending_kill(&w, &c, false);
	t = ending_only(w.s, &c, END_IPVS);
	assert_int_equal(t.end.doubt, DOUBT_MOMENT);
	assert_true(t.end.flags & END_ALTERED);
	/* of one that nobody altered it is not said */
	ending_kill(&w, &other, false);
	ending_only(w.s, &other, END_UNKNOWN);
	ending_end(&w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		CASE(deleted_by_vipsafe),
		CASE(deleted),
		CASE(deleted_by_a_program_that_has_ended),
		CASE(finished),
		CASE(finished_on_an_old_kernel),
		CASE(reset),
		CASE(timeout),
		CASE(timeout_on_an_old_kernel),
		CASE(early_drop),
		CASE(early_drop_uncounted),
		CASE(dropped_by_ipvs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
