/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries whose place at the real server a newcomer has taken while they were
 * flushed (docs/lvs.md 6). The flush cannot be told from the move, so the newcomer
 * comes right after that. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lvs/settings.h"
#include "lvs/map.h"
#include "lib/scene.h"

#define VIP_LVS "10.141.16.0"
#define RS "10.112.61.163"
#define PORT_VIP 3306
#define PORT_RS 3269
#define PORT 31445 /* that both are translated to */

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct lvs_map *map_of(enum lvs_method method, unsigned n_reals)
{
	struct lvs_service s = { .name = "mysql", .method = method, .toa = LVS_TOA_PACKET };
	struct lvs_match match = { .l4proto = IPPROTO_TCP, .port = PORT_VIP };
	struct lvs_real real = { .port = PORT_RS, .method = method, .weight = 1 };
	struct lvs_map *m = lvs_map_new();

	assert_non_null(m);
	match.first = match.last = addr_of(VIP_LVS);
	real.addr = addr_of(RS);
	assert_int_equal(lvs_map_add_source(m, LVS_FROM_INI, "test", 0), 0);
	assert_int_equal(lvs_map_add_service(m, &s), 0);
	assert_true(lvs_map_add_match(m, 0, &match) >= 0);
	for (; n_reals--; real.addr.bytes[3]++)
		assert_true(lvs_map_add_real(m, 0, &real) >= 0);
	assert_int_equal(lvs_map_finish(m), 0);
	return m;
}

static struct conn direct_flow(void)
{
	return scene_flow(IPPROTO_TCP, "10.1.0.9", 33862, RS, PORT_RS, HOST4, PORT);
}

static struct conn via_flow(void)
{
	return scene_flow(IPPROTO_TCP, "10.1.0.4", 40000, VIP_LVS, PORT_VIP, HOST4, PORT);
}

static bool is_there(const struct scene *s, struct conn c)
{
	return fake_entry_find(s->fake, &c.key) != NULL;
}

static void comes(struct scene *s, const char *stage, struct conn c, enum conn_tcp_state state)
{
	if (strcmp(stage, "verify") != 0)
		return;
	c.tcp_state = (uint8_t)state;
	fake_tell(s->fake, scene_add(s, &c));
}

static void via_comes(struct scene *s, const char *stage)
{
	comes(s, stage, via_flow(), CONN_TCP_ESTABLISHED);
}

static void via_begins(struct scene *s, const char *stage)
{
	comes(s, stage, via_flow(), CONN_TCP_SYN_SENT);
}

static void direct_comes(struct scene *s, const char *stage)
{
	comes(s, stage, direct_flow(), CONN_TCP_ESTABLISHED);
}

static int warnings(const struct scene *s, const char *word)
{
	int n = 0;

	for (size_t i = 0; i < s->report.n_warnings; i++)
		n += !strcmp(s->report.warnings[i].code, "lvs-collision") &&
		     strstr(s->report.warnings[i].text, word);
	return n;
}

/* Delete VIP4 with ENTRY in the table and whoever ON_STAGE brings. */
static void move_with(struct scene *s, struct lvs_map *m, struct conn entry,
		      void (*on_stage)(struct scene *s, const char *stage))
{
	s->env.lvs_map = &m;
	s->on_stage = on_stage;
	scene_populate(s, 8);
	scene_add(s, &entry);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_true(s->fake->flushed > 0);
	scene_expect(s, EXIT_DONE, true);
	scene_check_report(s);
	lvs_map_free(m);
}

static void skips_what_a_newcomer_has_taken(void **state)
{
	struct scene *s = *state;

	move_with(s, map_of(LVS_FULLNAT, 1), direct_flow(), via_comes);
	assert_false(is_there(s, direct_flow()));
	assert_true(is_there(s, via_flow()));
	assert_int_equal(s->report.entries.superseded, 1);
	assert_int_equal(s->report.entries.lost, 0);
	assert_int_equal(warnings(s, "not restored, since the server has reset it"), 1);
	assert_int_equal(warnings(s, "192.168.11.7:31445->10.141.16.0:3306 has its port, and "
				     "service mysql (10.141.16.0:3306) makes them one"),
			 1);
	/* and nobody else's */
	assert_int_equal(scene_broken(s, false), 1);
}

static void restores_when_told_to(void **state)
{
	struct scene *s = *state;

	s->settings.lvs->on_certain = ON_CERTAIN_RESTORE;
	move_with(s, map_of(LVS_FULLNAT, 1), direct_flow(), via_comes);
	assert_true(is_there(s, direct_flow()) && is_there(s, via_flow()));
	assert_int_equal(s->report.entries.superseded, 0);
	assert_int_equal(warnings(s, "is restored: "), 1);
}

static void restores_while_the_newcomer_only_begins(void **state)
{
	struct scene *s = *state;

	move_with(s, map_of(LVS_NAT, 1), direct_flow(), via_begins);
	assert_true(is_there(s, direct_flow()) && is_there(s, via_flow()));
	assert_int_equal(warnings(s, "is restored: "), 1);
}

static void restores_one_through_the_service(void **state)
{
	struct scene *s = *state;

	move_with(s, map_of(LVS_NAT, 1), via_flow(), direct_comes);
	assert_true(is_there(s, direct_flow()) && is_there(s, via_flow()));
	assert_int_equal(warnings(s, "is restored: "), 1);
}

static void restores_what_may_be_elsewhere(void **state)
{
	struct scene *s = *state;

	move_with(s, map_of(LVS_NAT, 4), direct_flow(), via_comes);
	assert_true(is_there(s, direct_flow()) && is_there(s, via_flow()));
	assert_int_equal(warnings(s, "is restored: "), 1);
}

static void says_nothing_of_dr(void **state)
{
	struct scene *s = *state;

	move_with(s, map_of(LVS_DR, 1), direct_flow(), via_comes);
	assert_true(is_there(s, direct_flow()) && is_there(s, via_flow()));
	assert_int_equal(warnings(s, ""), 0);
}

static void says_nothing_without_a_map(void **state)
{
	struct scene *s = *state;

	move_with(s, NULL, direct_flow(), via_comes);
	assert_true(is_there(s, direct_flow()) && is_there(s, via_flow()));
	assert_int_equal(warnings(s, ""), 0);
}

/* Behind another NAT nobody knows what the server sees: nothing is left out, nothing said. */
static void obeys_nat_beyond(void **state)
{
	struct scene *s = *state;

	s->settings.lvs->nat_beyond = true;
	move_with(s, map_of(LVS_FULLNAT, 1), direct_flow(), via_comes);
	assert_true(is_there(s, direct_flow()) && is_there(s, via_flow()));
	assert_int_equal(warnings(s, ""), 0);
	s->settings.lvs->nat_beyond = false;
}

/* They collided before the flush: both come back, and it is said once. */
static void restores_both_of_an_old_pair(void **state)
{
	struct scene *s = *state;
	struct conn via = via_flow();

	scene_add(s, &via);
	move_with(s, map_of(LVS_NAT, 1), direct_flow(), NULL);
	assert_true(is_there(s, direct_flow()) && is_there(s, via_flow()));
	assert_int_equal(s->report.entries.superseded, 0);
	assert_int_equal(warnings(s, ""), 1);
	assert_int_equal(warnings(s, "(if the map is right)"), 1);
	assert_int_equal(scene_broken(s, false), 0);
}

/* A local connection through the service, which conntrack does not know. */
static struct flow socket_flow(void)
{
	struct flow f = {
		.family = AF_INET,
		.l4proto = IPPROTO_TCP,
		.state = FLOW_ESTABLISHED,
		.origin = FLOW_SOCKET,
		.cport = PORT,
		.dport = PORT_VIP,
	};

	memcpy(f.client, addr_of(HOST4).bytes, 16);
	memcpy(f.dest, addr_of(VIP_LVS).bytes, 16);
	return f;
}

static void leaves_an_old_socket_alone(void **state)
{
	struct scene *s = *state;
	struct flow f = socket_flow();

	s->fake->sockets = &f;
	s->fake->n_sockets = 1;
	move_with(s, map_of(LVS_NAT, 1), direct_flow(), NULL);
	assert_true(is_there(s, direct_flow()));
	assert_int_equal(warnings(s, ""), 1);
	assert_int_equal(warnings(s, "(if the map is right)"), 1);
	s->fake->n_sockets = 0;
}

static void socket_comes(struct scene *s, const char *stage)
{
	s->fake->n_sockets |= !strcmp(stage, "verify");
}

static void gives_way_to_a_new_socket(void **state)
{
	struct scene *s = *state;
	struct flow f = socket_flow();

	s->fake->sockets = &f;
	move_with(s, map_of(LVS_NAT, 1), direct_flow(), socket_comes);
	assert_false(is_there(s, direct_flow()));
	assert_int_equal(s->report.entries.superseded, 1);
	assert_int_equal(warnings(s, "is not restored"), 1);
	s->fake->n_sockets = 0;
}

static void plans_with_the_warning(void **state)
{
	struct scene *s = *state;
	struct conn via = via_flow(), direct = direct_flow();
	struct lvs_map *m = map_of(LVS_NAT, 1);

	scene_add(s, &via);
	scene_add(s, &direct);
	s->env.lvs_map = &m;
	s->req.plan = true;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	assert_int_equal(warnings(s, "(if the map is right)"), 1);
	lvs_map_free(m);
}

static void warns_when_adding(void **state)
{
	struct scene *s = *state;
	struct conn via = via_flow(), direct = direct_flow();
	struct lvs_map *m = map_of(LVS_NAT, 1);

	scene_add(s, &via);
	scene_add(s, &direct);
	s->env.lvs_map = &m;
	scene_move(s, OP_ADD, "192.168.11.101/32", NULL);
	assert_int_equal(warnings(s, "(if the map is right)"), 1);
	assert_true(is_there(s, direct_flow()) && is_there(s, via_flow()));
	s->req.plan = true;
	scene_move(s, OP_ADD, "192.168.11.102/32", NULL);
	assert_int_equal(warnings(s, "(if the map is right)"), 1);
	lvs_map_free(m);
}

static void tells_of_many_in_a_few_lines(void **state)
{
	struct scene *s = *state;
	struct lvs_map *m = map_of(LVS_NAT, 1);

	for (uint16_t i = 0; i < 40; i++) {
		struct conn c = scene_flow(IPPROTO_TCP, "10.1.0.9", (uint16_t)(2000 + i), RS,
					   PORT_RS, HOST4, (uint16_t)(PORT + i));

		scene_add(s, &c);
		c = scene_flow(IPPROTO_TCP, "10.1.0.4", (uint16_t)(2000 + i), VIP_LVS, PORT_VIP,
			       HOST4, (uint16_t)(PORT + i));
		scene_add(s, &c);
	}
	s->env.lvs_map = &m;
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_int_equal(warnings(s, ""), 5);
	assert_true(scene_warned(s, "lvs-collisions"));
	assert_int_equal(s->report.warnings_dropped, 0);
	lvs_map_free(m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(skips_what_a_newcomer_has_taken),
		TEST(restores_when_told_to),
		TEST(restores_while_the_newcomer_only_begins),
		TEST(restores_one_through_the_service),
		TEST(restores_what_may_be_elsewhere),
		TEST(obeys_nat_beyond),
		TEST(says_nothing_of_dr),
		TEST(says_nothing_without_a_map),
		TEST(restores_both_of_an_old_pair),
		TEST(leaves_an_old_socket_alone),
		TEST(gives_way_to_a_new_socket),
		TEST(plans_with_the_warning),
		TEST(warns_when_adding),
		TEST(tells_of_many_in_a_few_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
