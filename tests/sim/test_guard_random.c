/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guard through a random life: connections begin and end, addresses come and
 * go by anybody's hand, events are lost, doubled in listings and late. Whatever
 * happens, no connection that nobody ended is lost, none that somebody ended is
 * brought back, and in the end the guard knows what is there. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "lib/scene.h"

#include "guard/guard.h"
#include "../lib/random.h"

#define POOL 120
#define LIVES 30
#define ACTS 60

struct stream {
	struct conn conn;
	bool there; /* nobody has ended it */
};

struct life {
	struct scene *s;
	struct guard *g;
	struct rnd r;
	struct stream pool[POOL];
	unsigned bounces; /* of the node's own addresses */
};

/* Not so often that the guard takes it for a fight. */
#define BOUNCES_MAX 8

static void spin(struct life *l, usec_t duration)
{
	usec_t until = l->s->fake->clock + duration;

	while (l->s->fake->clock < until) {
		guard_ready(l->g);
		(void)guard_tick(l->g);
		fake_advance(l->s->fake, 1 + rnd(&l->r, 4000));
	}
}

static struct conn make(uint16_t i)
{
	switch (i % 4) {
	case 0:
		return scene_flow(IPPROTO_UDP, "10.1.3.3", (uint16_t)(2000 + i), SERVER4, 53, HOST4,
				  (uint16_t)(30000 + i));
	case 1:
		return scene_flow(IPPROTO_TCP, "fd00:1::7", (uint16_t)(2000 + i), SERVER6, 443,
				  HOST6, (uint16_t)(30000 + i));
	default:
		return scene_tcp(i);
	}
}

/* Whether the node has the address that F is translated to. */
static bool is_served(const struct life *l, const struct stream *f)
{
	bool six = f->conn.key.family == AF_INET6;

	return fake_has_addr(l->s->fake, l->s->dev, six ? HOST6 "/64" : HOST4 "/24");
}

static void be_born(struct life *l, struct stream *f)
{
	if (f->there || !is_served(l, f) || fake_entry_find(l->s->fake, &f->conn.key))
		return;
	fake_tell(l->s->fake, scene_add(l->s, &f->conn));
	f->there = true;
}

static void be_ended(struct life *l, struct stream *f)
{
	if (!f->there || !fake_entry_find(l->s->fake, &f->conn.key)) /* flushed just now */
		return;
	assert_int_equal(fake_delete_by(l->s->fake, &f->conn.key, 4711), 0);
	f->there = false;
}

static void move(struct life *l, enum op op, const char *vip)
{
	struct scene *s = l->s;
	struct request req;

	request_init(&req, op);
	s->req.strategy = STRATEGY_AUTO;
	s->req.hold = HOLD_AUTO;
	s->req.vip_flows = VIP_FLOWS_DROP;
	if (!guard_serves(l->g, &req))
		return;
	s->env.source = guard_source(l->g);
	scene_move(s, op, vip, NULL);
	s->env.source = (struct source){ .ops = NULL };
	scene_check_report(s);
	/* the last address of the device is not deleted */
	assert_true(s->report.exit_code == EXIT_DONE || s->report.exit_code == EXIT_UNSAFE);
}

/* An address goes or comes back, by whatever hand. */
static void toggle(struct life *l, const char *prefix)
{
	struct fake *f = l->s->fake;
	bool there = fake_has_addr(f, l->s->dev, prefix);

	if (rnd(&l->r, 2))
		move(l, there ? OP_DEL : OP_ADD, prefix);
	else if (there)
		assert_int_equal(fake_addr_del(f, l->s->dev, prefix), 0);
	else
		fake_addr(f, l->s->dev, prefix, NULL);
}

/* An address of the node goes for a moment, or comes back: what is translated to it lingers. */
static void toggle_own(struct life *l, const char *prefix)
{
	struct fake *f = l->s->fake;

	if (!fake_has_addr(f, l->s->dev, prefix))
		fake_addr(f, l->s->dev, prefix, NULL);
	else if (l->bounces++ < BOUNCES_MAX)
		assert_int_equal(fake_addr_del(f, l->s->dev, prefix), 0);
}

static void come_back(struct life *l)
{
	struct fake *f = l->s->fake;

	if (!fake_has_addr(f, l->s->dev, HOST4 "/24"))
		fake_addr(f, l->s->dev, HOST4 "/24", NULL);
	if (!fake_has_addr(f, l->s->dev, HOST6 "/64"))
		fake_addr(f, l->s->dev, HOST6 "/64", NULL);
}

/* So does the link, with everything. */
static void bounce_link(struct life *l)
{
	if (l->bounces++ >= BOUNCES_MAX)
		return;
	fake_link_set(l->s->fake, "br-mgmt", false);
	spin(l, rnd(&l->r, 2) ? rnd(&l->r, 3000000) : 0);
	fake_link_set(l->s->fake, "br-mgmt", true);
}

/* Another process has the lock, and takes the rules away with its own. */
static void work_beside(struct life *l)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/lock-br-mgmt", l->s->dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		spin(l, 30 * USEC_PER_MSEC);
		fake_take_hold(l->s->fake);
	}
	close(fd);
}

static enum guard_state state_of(const struct life *l)
{
	struct guard_status s;

	guard_get_status(l->g, &s);
	return s.state;
}

/* Events are lost. Once the table is being read, whatever comes is known and repaired; unless
 * more are lost meanwhile. */
static void lose_events(struct life *l)
{
	struct fake *fake = l->s->fake;

	guard_ready(l->g);
	if (fake->n_pending || state_of(l) == GUARD_SYNCING)
		return;
	fake->list_piece = 1 + rnd(&l->r, 4);
	fake->entry_cost = rnd(&l->r, 2) ? 300 : 0;
	fake->events_lost = 1;
	guard_ready(l->g);
	for (int i = 0; i < 1000 && state_of(l) == GUARD_STALE; i++)
		spin(l, USEC_PER_MSEC);
	spin(l, rnd(&l->r, 2) ? rnd(&l->r, 10000) : USEC_PER_SEC);
}

static void act(struct life *l)
{
	struct stream *f = &l->pool[rnd(&l->r, POOL)];
	struct fake *fake = l->s->fake;
	struct fake_entry *e;

	switch (rnd(&l->r, 13)) {
	case 0:
	case 1:
	case 2:
		be_born(l, f);
		break;
	case 3:
		be_ended(l, f);
		break;
	case 4: /* a change */
		e = fake_entry_find(fake, &f->conn.key);
		if (e)
			fake_tell(fake, e);
		break;
	case 5:
		toggle(l, VIP4 "/32");
		break;
	case 6:
		toggle(l, VIP6 "/128");
		break;
	case 7: /* nobody repairs while it is not known what was there */
		lose_events(l);
		break;
	case 8:
		fake->dump_doubles = rnd(&l->r, 2);
		fake->hide_dump = fake->dump.calls + 1;
		fake->hide_nth = 2 + rnd(&l->r, 5);
		break;
	case 9:
		work_beside(l);
		break;
	case 10:
		toggle_own(l, HOST4 "/24");
		break;
	case 11:
		toggle_own(l, HOST6 "/64");
		break;
	case 12:
		bounce_link(l);
		break;
	}
	spin(l, rnd(&l->r, 4) ? rnd(&l->r, 20000) : rnd(&l->r, 3000000));
}

static int note(void *ud, const struct conn_key *key, uint32_t id, bool pinned)
{
	struct life *l = ud;
	const struct fake_entry *e = fake_entry_find(l->s->fake, key);

	assert_non_null(e);
	assert_int_equal(e->conn.id, id);
	if (pinned)
		assert_int_equal(e->masq, 0);
	return 0;
}

static void check(struct life *l)
{
	struct guard_status s;

	for (size_t i = 0; i < POOL; i++) {
		const struct stream *f = &l->pool[i];

		if (f->there != (fake_entry_find(l->s->fake, &f->conn.key) != NULL) ||
		    (f->there && !scene_works(l->s, &f->conn)))
			fail_msg("stream %zu: %s", i, f->there ? "lost" : "brought back");
	}
	assert_int_equal(l->s->fake->unheld_creates, 0);
	guard_get_status(l->g, &s);
	assert_int_equal(s.state, GUARD_LIVE);
	assert_int_equal(s.pinned + s.unpinned, l->s->fake->n_entries);
	assert_int_equal(guard_each(l->g, note, l), 0);
}

static void live(void **state, struct rnd *r, enum pin_mode mode)
{
	struct device_settings d = { .name = "br-mgmt",
				     .pin = mode,
				     .pin_after = 2 * USEC_PER_SEC,
				     .linger = 600 * USEC_PER_SEC };
	struct life l;

	scene_teardown(state);
	scene_setup(state);
	memset(&l, 0, sizeof(l));
	l.s = *state;
	l.r = *r;
	for (uint16_t i = 0; i < POOL; i++)
		l.pool[i].conn = make(i);
	/* late, for both families, in every other life */
	l.s->fake->flush_after = rnd(&l.r, 2) ? rnd(&l.r, 250) * USEC_PER_MSEC : 0;
	/* and very much so */
	if (l.s->fake->flush_after && rnd(&l.r, 2))
		l.s->fake->flush_after *= 15;
	l.s->fake->full_deaths = true;
	if (l.s->fake->flush_after)
		l.s->fake->probe4 = KERNEL_UNKNOWN;
	for (size_t i = 0; i < POOL / 2; i++)
		be_born(&l, &l.pool[rnd(&l.r, POOL)]);
	scene_boot(l.s);
	assert_int_equal(guard_new(&l.s->env, &d, &l.g), 0);
	spin(&l, USEC_PER_SEC);
	for (int i = 0; i < ACTS; i++)
		act(&l);
	l.s->fake->hide_dump = 0;
	come_back(&l);
	spin(&l, 5 * USEC_PER_SEC);
	check(&l);
	guard_free(l.g);
	*r = l.r;
}

static void nothing_is_lost_on_continuous_pin(void **state)
{
	struct rnd r = rnd_begin("nothing_is_lost_on_continuous_pin");

	for (int i = 0; i < LIVES; i++)
		live(state, &r, PIN_CONTINUOUS);
}

static void nothing_is_lost_on_demand(void **state)
{
	struct rnd r = rnd_begin("nothing_is_lost_on_demand");

	for (int i = 0; i < LIVES; i++)
		live(state, &r, PIN_ON_DEMAND);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nothing_is_lost_on_continuous_pin),
		CASE(nothing_is_lost_on_demand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
