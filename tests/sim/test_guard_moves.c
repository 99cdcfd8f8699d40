/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves on a guarded device: what the guard knows serves instead of a listing,
 * and what the run does is known to the guard afterwards. */
#include "lib/guarding.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "move/marks.h"

#define FLOWS 200

/* Live, and everything that can be pinned is. */
static struct guard *guarded(struct scene *s, enum pin_mode mode)
{
	struct guard *g = guarding_new(s, mode);

	guarding_spin(s, g, 4 * USEC_PER_SEC);
	s->req.strategy = STRATEGY_AUTO;
	s->req.hold = HOLD_AUTO;
	return g;
}

static bool served(struct scene *s, struct guard *g)
{
	struct request req;

	request_init(&req, OP_DEL);
	req.strategy = s->req.strategy;
	req.hold = s->req.hold;
	return guard_serves(g, &req);
}

/* As the daemon does. */
static void move(struct scene *s, struct guard *g, enum op op, const char *prefix)
{
	assert_true(served(s, g));
	s->env.source = guard_source(g);
	scene_move(s, op, prefix, NULL);
	s->env.source = (struct source){ .ops = NULL };
}

/* Behind the VIP: masqueraded to it. */
static struct conn behind(uint16_t n)
{
	return scene_flow(IPPROTO_TCP, "10.1.7.7", (uint16_t)(40000 + n), SERVER4, 80, VIP4,
			  (uint16_t)(50000 + n));
}

/* Whether the next guard would take what is pinned to the VIP for ours. */
static bool is_vip_on_file(const struct scene *s)
{
	_cleanup_close_ int dir = open(s->dir, O_RDONLY | O_DIRECTORY);
	struct addr vip;
	struct addrset set = { 0 };
	bool has;

	assert_int_equal(addr_parse(VIP4, &vip), 0);
	assert_int_equal(marks_read_addresses(dir, "br-mgmt", s->env.boot_id, &set), 0);
	has = addrset_has(&set, &vip);
	addrset_done(&set);
	return has;
}

static void a_delete_lists_nothing(void **state)
{
	struct scene *s = *state;
	struct guard *g;
	unsigned dumps, armed;

	scene_populate(s, FLOWS);
	scene_remember(s);
	g = guarded(s, PIN_CONTINUOUS);
	dumps = s->fake->dump.calls;
	armed = s->fake->held_armed;
	s->fake->ct_writes = 0;
	move(s, g, OP_DEL, VIP4 "/32");
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.before, BEFORE_SHADOW);
	assert_int_equal(s->report.entries.pinned, s->report.entries.candidates);
	assert_true(s->report.entries.pinned >= FLOWS);
	/* nothing is listed, held, or written: it costs what `ip addr del` does */
	assert_int_equal(s->fake->dump.calls, dumps);
	assert_int_equal(s->fake->held_armed, armed);
	assert_int_equal(s->fake->ct_writes, 0);
	assert_int_equal(s->fake->flushed, 0);
	assert_true(is_vip_on_file(s)); /* nothing is pinned to it: that waits for the answer */
	guarding_spin(s, g, USEC_PER_SEC);
	assert_false(is_vip_on_file(s));
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(s->fake->dump.calls, dumps);
	assert_int_equal(guarding_status(g).repairs, 0);
	guard_free(g);
	assert_int_equal(scene_leftovers(s, NULL), 0);
}

static void an_add_goes_through_it(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarded(s, PIN_CONTINUOUS);
	struct conn c =
		scene_flow(IPPROTO_TCP, "10.1.0.9", 5000, SERVER4, 80, "192.168.11.50", 6000);
	unsigned dumps = s->fake->dump.calls;

	move(s, g, OP_ADD, "192.168.11.50/24");
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->dump.calls, dumps);
	guarding_spin(s, g, 100 * USEC_PER_MSEC);
	fake_plan_birth(s->fake, s->fake->clock + 1, &c, s->dev);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	assert_int_equal(fake_entry_find(s->fake, &c.key)->masq, 0);
	guard_free(g);
}

static void address_events_overflow(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "move"))
		s->fake->addr_events_lost = 1;
}

/* What a run has changed is known even if the events of it were lost. */
static void lost_address_events_are_made_up_for(void **state)
{
	struct scene *s = *state;
	struct guard *g = guarded(s, PIN_CONTINUOUS);

	s->on_stage = address_events_overflow;
	move(s, g, OP_DEL, VIP4 "/32");
	s->on_stage = NULL;
	scene_expect(s, EXIT_DONE, true);
	guarding_spin(s, g, 2 * USEC_PER_SEC);
	move(s, g, OP_ADD, VIP4 "/32");
	scene_expect(s, EXIT_DONE, true);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	guard_free(g);
}

/* Born after the guard's last round of pins. */
static void the_unpinned_are_pinned_first(void **state)
{
	struct scene *s = *state;
	struct guard *g;
	struct conn c = scene_tcp(700), half = scene_tcp(701);
	unsigned dumps;

	scene_populate(s, FLOWS);
	g = guarded(s, PIN_CONTINUOUS);
	half.status &= ~(uint32_t)(CONN_ASSURED | CONN_SEEN_REPLY);
	half.tcp_state = CONN_TCP_SYN_SENT;
	fake_plan_birth(s->fake, s->fake->clock + 1, &c, s->dev);
	fake_plan_birth(s->fake, s->fake->clock + 1, &half, s->dev);
	fake_advance(s->fake, 10);
	scene_remember(s);
	dumps = s->fake->dump.calls;
	move(s, g, OP_DEL, VIP4 "/32");
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->dump.calls, dumps);
	assert_int_equal(s->fake->flushed, 0);
	assert_int_equal(s->fake->unheld_creates, 0);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(fake_entry_find(s->fake, &c.key)->masq, 0);
	/* and the guard knows: it does not pin them once more */
	s->fake->created = 0;
	guarding_spin(s, g, 3 * USEC_PER_SEC);
	assert_int_equal(s->fake->created, 0);
	guard_free(g);
}

/* Born between the last look and the delete, and flushed by it. */
static void birth_at_the_move(struct scene *s, const char *stage)
{
	struct conn c = scene_tcp(800);

	if (!strcmp(stage, "move") && !fake_entry_find(s->fake, &c.key)) {
		fake_plan_birth(s->fake, s->fake->clock, &c, s->dev);
		fake_advance(s->fake, 1);
	}
}

static void the_newborn_are_restored(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_tcp(800);
	struct guard *g;

	scene_populate(s, FLOWS);
	scene_remember(s);
	g = guarded(s, PIN_CONTINUOUS);
	s->on_stage = birth_at_the_move;
	move(s, g, OP_DEL, VIP4 "/32");
	s->on_stage = NULL;
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->flushed, 1);
	assert_true(scene_works(s, &c));
	assert_int_equal(s->report.entries.restored, 1);
	assert_int_equal(scene_broken(s, false), 0);
	guard_free(g);
}

/* IPv6 of 4.9: the flush comes when the run is over. */
static void a_late_flush_is_the_guards(void **state)
{
	struct scene *s = *state;
	struct guard *g;
	struct conn c = scene_flow(IPPROTO_UDP, "fd00:1::9", 7777, SERVER6, 53, HOST6, 7778);

	scene_populate(s, FLOWS);
	g = guarded(s, PIN_CONTINUOUS);
	s->fake->flush_after = 100 * USEC_PER_MSEC;
	s->fake->busy_nth = 1; /* nothing can be deleted, so nothing can be pinned */
	fake_plan_birth(s->fake, s->fake->clock + 1, &c, s->dev);
	fake_advance(s->fake, 10);
	scene_remember(s);
	move(s, g, OP_DEL, VIP6 "/128");
	assert_true(s->report.changed);
	assert_int_equal(s->report.entries.untouched, 1);
	assert_int_equal(s->fake->flushed, 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(s->fake->flushed, 1);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).repairs, 0); /* not a foreign hand's */
	assert_int_equal(guarding_status(g).restored, 1);
	guard_free(g);
}

static void flows_of_the_vip_are_dropped(void **state)
{
	struct scene *s = *state;
	struct guard *g;
	struct conn c;
	unsigned dumps;

	scene_populate(s, FLOWS);
	scene_remember(s);
	for (uint16_t i = 0; i < 30; i++) {
		c = behind(i);
		scene_add(s, &c);
	}
	g = guarded(s, PIN_CONTINUOUS);
	for (uint16_t i = 30; i < 35; i++) { /* unpinned ones too */
		c = behind(i);
		fake_tell(s->fake, scene_add(s, &c));
	}
	dumps = s->fake->dump.calls;
	move(s, g, OP_DEL, VIP4 "/32");
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->report.vip_flows.removed, 35);
	assert_int_equal(s->report.entries.reasons[SKIP_OF_VIP], 35);
	for (uint16_t i = 0; i < 35; i++) {
		c = behind(i);
		assert_null(fake_entry_find(s->fake, &c.key));
	}
	assert_int_equal(scene_broken(s, false), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(s->fake->dump.calls, dumps);
	assert_int_equal(guarding_status(g).pinned + guarding_status(g).unpinned,
			 s->fake->n_entries);
	guard_free(g);
}

static void flows_of_the_vip_are_kept(void **state)
{
	struct scene *s = *state;
	struct guard *g;
	struct conn c;

	for (uint16_t i = 0; i < 30; i++) {
		c = behind(i);
		scene_add(s, &c);
	}
	scene_populate(s, FLOWS);
	scene_remember(s);
	g = guarded(s, PIN_CONTINUOUS);
	s->req.vip_flows = VIP_FLOWS_KEEP;
	move(s, g, OP_DEL, VIP4 "/32");
	scene_expect(s, EXIT_DONE, true);
	assert_false(is_vip_on_file(s)); /* if the guard is killed now they stay all the same */
	guarding_spin(s, g, 5 * USEC_PER_SEC);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(guarding_status(g).removed, 0);
	/* and when it comes back they are still the guard's */
	s->req.vip_flows = VIP_FLOWS_DROP;
	move(s, g, OP_ADD, VIP4 "/32");
	move(s, g, OP_DEL, VIP4 "/32");
	assert_int_equal(s->report.vip_flows.removed, 30);
	guard_free(g);
}

static void flows_of_the_vip_are_reset(void **state)
{
	struct scene *s = *state;
	struct guard *g;
	struct conn c;

	for (uint16_t i = 0; i < 30; i++) {
		c = behind(i);
		scene_add(s, &c);
	}
	g = guarded(s, PIN_CONTINUOUS);
	s->req.vip_flows = VIP_FLOWS_RESET;
	move(s, g, OP_DEL, VIP4 "/32");
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->n_reset, 30);
	assert_int_equal(s->fake->deletes_before_reset, 0);
	assert_int_equal(s->fake->n_closed, !s->fake->no_sock_destroy);
	assert_int_equal(s->report.vip_flows.removed, 30);
	guard_free(g);
}

static void on_demand_pins_for_the_move(void **state)
{
	struct scene *s = *state;
	struct guard *g;
	unsigned dumps;

	scene_populate(s, FLOWS);
	scene_remember(s);
	g = guarded(s, PIN_ON_DEMAND);
	assert_int_equal(guarding_status(g).pinned, 0);
	dumps = s->fake->dump.calls;
	move(s, g, OP_DEL, VIP4 "/32");
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(s->fake->dump.calls, dumps);
	assert_int_equal(s->fake->flushed, 0);
	assert_int_equal(scene_broken(s, false), 0);
	assert_true(guarding_status(g).pinned >= FLOWS);
	guard_free(g);
}

static void it_serves_only_while_it_knows(void **state)
{
	struct scene *s = *state;
	struct guard *g;

	scene_populate(s, FLOWS);
	g = guarded(s, PIN_CONTINUOUS);
	assert_true(served(s, g));
	s->req.strategy = STRATEGY_RESTORE;
	assert_false(served(s, g));
	s->req.strategy = STRATEGY_AUTO;
	s->req.hold = scene_other_hold(s); /* the guard's is another */
	assert_false(served(s, g));
	s->req.hold = HOLD_AUTO;
	s->fake->events_lost = 1;
	assert_false(served(s, g));
	assert_int_equal(guarding_status(g).state, GUARD_STALE);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_true(served(s, g));
	guard_free(g);
}

/* Events are lost while the run is under way: then it looks for itself. */
static void lose_events(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "pin"))
		s->fake->events_lost = 1;
}

static void lost_events_during_a_move(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_tcp(900);
	struct guard *g;

	scene_populate(s, FLOWS);
	g = guarded(s, PIN_CONTINUOUS);
	fake_tell(s->fake, scene_add(s, &c));
	scene_remember(s);
	s->on_stage = lose_events;
	move(s, g, OP_DEL, VIP4 "/32");
	s->on_stage = NULL;
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(scene_broken(s, false), 0);
	guarding_spin(s, g, USEC_PER_SEC);
	assert_int_equal(guarding_status(g).state, GUARD_LIVE);
	guard_free(g);
}

static void none(void *ud, const struct report *r)
{
	(void)r;
	++*(unsigned *)ud;
}

/* A kill runs no destructor: what it left in the run directory is still there. */
static void abandon(struct scene *s, struct guard *g)
{
	char real[sizeof(s->dir)];

	memcpy(real, s->dir, sizeof(real));
	snprintf(s->settings.run_dir, sizeof(s->settings.run_dir), "/proc/nonexistent");
	guard_free(g);
	snprintf(s->settings.run_dir, sizeof(s->settings.run_dir), "%s", real);
}

/* Killed as each stage begins; the next daemon recovers and guards again. */
static void kill_at_any_stage(void **state, bool exposed)
{
	struct scene *s = *state;
	struct guard *g;
	int stages;

	scene_populate(s, FLOWS);
	g = guarded(s, PIN_CONTINUOUS);
	move(s, g, OP_DEL, VIP4 "/32");
	stages = s->n_stages;
	guard_free(g);
	for (int at = 0; at < stages; at++) {
		struct conn unpinned = scene_tcp(900), of_vip = behind(1);
		unsigned reports = 0;
		bool begun;

		scene_teardown(state);
		scene_setup(state);
		s = *state;
		scene_populate(s, FLOWS);
		scene_add(s, &of_vip);
		g = guarded(s, PIN_CONTINUOUS);
		if (exposed)
			fake_tell(s->fake, scene_add(s, &unpinned));
		scene_remember(s);
		s->kill_at = at;
		move(s, g, OP_DEL, VIP4 "/32");
		s->kill_at = -1;
		abandon(s, g);
		s->fake->held_open = true;
		fake_advance(s->fake, 200 * USEC_PER_MSEC);
		assert_true(run_recover(&s->env, none, &reports) >= 0);
		begun = reports > 0;
		assert_true(begun || fake_has_addr(s->fake, s->dev, VIP4 "/32") ||
			    at == stages - 1);
		assert_false(s->fake->held_open);
		g = guarded(s, PIN_CONTINUOUS);
		assert_int_equal(scene_broken(s, true), 0);
		if (begun) {
			assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
			assert_null(fake_entry_find(s->fake, &of_vip.key));
		}
		assert_int_equal(scene_leftovers(s, NULL), 0);
		guard_free(g);
	}
}

static void killed_with_something_to_save(void **state)
{
	kill_at_any_stage(state, true);
}

static void killed_with_everything_pinned(void **state)
{
	kill_at_any_stage(state, false);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_delete_lists_nothing),
		CASE(an_add_goes_through_it),
		CASE(lost_address_events_are_made_up_for),
		CASE(the_unpinned_are_pinned_first),
		CASE(the_newborn_are_restored),
		CASE(a_late_flush_is_the_guards),
		CASE(flows_of_the_vip_are_dropped),
		CASE(flows_of_the_vip_are_kept),
		CASE(flows_of_the_vip_are_reset),
		CASE(on_demand_pins_for_the_move),
		CASE(it_serves_only_while_it_knows),
		CASE(lost_events_during_a_move),
		CASE(killed_with_something_to_save),
		CASE(killed_with_everything_pinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
