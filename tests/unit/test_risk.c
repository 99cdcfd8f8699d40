/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formula against the figures of its derivation and against dice. */
#include "lib/lvs_scene.h"

#include "lvs/forecast.h"
#include "../lib/random.h"

#define PLAIN 14116.0
#define RANDOM 64512.0

static void assert_near(double value, double expected, double tolerance)
{
	if (value < expected - tolerance || value > expected + tolerance)
		fail_msg("%g is not %g +- %g", value, expected, tolerance);
}

static struct risk risk(double n, double m, double w, double ports, double a_v, double a_d)
{
	struct risk_input in = { n, m, w, ports, a_d, a_v };

	return risk_of(&in);
}

static void gives_the_printed_figures(void **state _unused_)
{
	static const struct {
		double n, m, ports, now, tolerance;
	} now[] = {
		{ 10, 10, PLAIN, 0.007, 0.0005 },  { 10, 100, PLAIN, 0.069, 0.0005 },
		{ 50, 50, PLAIN, 0.163, 0.0005 },  { 100, 100, PLAIN, 0.510, 0.0005 },
		{ 50, 600, PLAIN, 0.89, 0.005 },   { 10, 100, RANDOM, 0.015, 0.0005 },
		{ 50, 50, RANDOM, 0.038, 0.0005 }, { 100, 100, RANDOM, 0.14, 0.005 },
	};
	static const struct {
		double a_v, n, w, per_day;
	} rates[] = {
		{ 0.1, 10, 1, 6 },    { 1, 50, 1, 306 },      { 5, 50, 1, 1530 },
		{ 5, 50, 0.25, 383 }, { 50, 200, 0.1, 6121 },
	};
	/* of entries in TIME_WAIT alone: 120 s of them */
	static const double stalls[][2] = {
		{ 0.1, 0.0009 }, { 1, 0.0085 }, { 5, 0.043 }, { 50, 0.43 }
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(now); i++)
		assert_near(risk(now[i].n, now[i].m, 1, now[i].ports, 0, 0).now, now[i].now,
			    now[i].tolerance);
	for (i = 0; i < ARRAY_SIZE(rates); i++)
		assert_near(risk(rates[i].n, 0, rates[i].w, PLAIN, rates[i].a_v, 0).kill,
			    rates[i].per_day, 0.6);
	for (i = 0; i < ARRAY_SIZE(stalls); i++)
		assert_near(risk(0, 120 * stalls[i][0], 1, PLAIN, 0, 0).stall_chance, stalls[i][1],
			    0.0006 * stalls[i][1] / 0.0085);
}

static void is_a_chance_at_every_edge(void **state _unused_)
{
	static const double sizes[] = { 0, 0.3, 1, 14115, 14116, 60000 };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			struct risk r = risk(sizes[i], sizes[j], 1, PLAIN, 0, 0);

			assert_true(r.now >= 0 && r.now <= 1);
			assert_true(r.stall_chance >= 0 && r.stall_chance <= 1);
			assert_true(r.kill == 0 && r.stall == 0);
		}
	}
	assert_true(risk(14116, 1, 1, PLAIN, 0, 0).now == 1);
	assert_true(risk(50, 50, 1, 0, 9, 9).now == 0);
	assert_true(risk(50, 50, 1, 0, 9, 9).kill == 0 && risk(50, 50, 1, 0, 9, 9).stall == 0);
	/* a share of a half makes of two entries one */
	assert_near(risk(10, 2, 0.5, PLAIN, 0, 0).now, 10 / PLAIN, 1e-9);
}

/* N ports and M ports drawn without repetition from R: how often do they meet? */
static double dice(struct rnd *rnd_, unsigned n, unsigned m, unsigned r, unsigned rounds)
{
	uint32_t *mark = calloc(r, sizeof(*mark));
	unsigned round, i, hits = 0;

	assert_non_null(mark);
	for (round = 1; round <= rounds; round++) {
		bool hit = false;
		uint32_t port;

		for (i = 0; i < n;) {
			port = rnd(rnd_, r);
			i += mark[port] != 2 * round;
			mark[port] = 2 * round;
		}
		for (i = 0; i < m;) {
			port = rnd(rnd_, r);
			if (mark[port] == 2 * round + 1)
				continue;
			hit |= mark[port] == 2 * round;
			mark[port] = 2 * round + 1;
			i++;
		}
		hits += hit;
	}
	free(mark);
	return (double)hits / rounds;
}

static void agrees_with_dice(void **state _unused_)
{
	static const unsigned cases[][3] = {
		{ 10, 100, 14116 },  { 50, 50, 14116 },	  { 100, 100, 14116 },
		{ 100, 100, 28232 }, { 100, 100, 64512 }, { 20, 300, 14116 },
	};
	const unsigned rounds = 20000;
	struct rnd r = rnd_begin("agrees_with_dice");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		double seen = dice(&r, cases[i][0], cases[i][1], cases[i][2], rounds);
		double told = risk(cases[i][0], cases[i][1], 1, cases[i][2], 0, 0).now;

		printf("# N=%u M=%u R=%u: dice %.4f, formula %.4f\n", cases[i][0], cases[i][1],
		       cases[i][2], seen, told);
		/* six standard deviations: sqrt(p (1-p) / rounds) is at most 0.0036 */
		assert_near(seen, told, 0.0215);
	}
}

static struct ports usual_ports(void)
{
	struct ports p = { 0 };

	assert_int_equal(ports_read_range(&p, "32768\t60999"), 0);
	return p;
}

static void learns_the_allocator_from_its_ports(void **state _unused_)
{
	struct port_sample even = { 0 }, both = { 0 }, any = { 0 }, window = { 0 }, few = { 0 };
	struct port_sample odd = { 0 };
	struct ports p = usual_ports();
	double n;
	int i;

	for (i = 0; i < 40; i++) {
		port_sample_add(&even, &p, (uint16_t)(32768 + 2 * i));
		port_sample_add(&both, &p, (uint16_t)(40000 + i));
		port_sample_add(&any, &p, (uint16_t)(1024 + 1500 * i));
		port_sample_add(&window, &p, (uint16_t)(61000 + i));
		port_sample_add(&odd, &p, (uint16_t)(32769 + 2 * i));
	}
	port_sample_add(&few, &p, 61000);
	assert_int_equal(port_choice_of(&p, &even, &even, &n), PORTS_ONE_PARITY);
	assert_true(n == PLAIN);
	assert_int_equal(port_choice_of(&p, &even, &both, &n), PORTS_RANGE);
	assert_true(n == 28232);
	assert_int_equal(port_choice_of(&p, &any, &even, &n), PORTS_RANDOM);
	assert_true(n == RANDOM);
	assert_int_equal(port_choice_of(&p, &window, &even, &n), PORTS_DISJOINT);
	assert_true(n == 0);
	assert_int_equal(port_choice_of(&p, &odd, &even, &n), PORTS_DISJOINT);
	assert_int_equal(port_choice_of(&p, &odd, &odd, &n), PORTS_RANGE);
	/* one port outside says nothing of the next */
	assert_int_equal(port_choice_of(&p, &few, &even, &n), PORTS_RANDOM);
	assert_int_equal(port_choice_of(&p, &window, &any, &n), PORTS_RANDOM);

	/* reserved ports are nobody's */
	assert_int_equal(ports_read_reserved(&p, "32768-32777,40001"), 0);
	assert_int_equal(port_choice_of(&p, &even, &even, &n), PORTS_ONE_PARITY);
	assert_true(n == PLAIN - 5);
}

static int take_row(void *ud, const struct risk_row *row)
{
	struct risk_row *rows = ud;
	size_t i = 0;

	while (rows[i].l4proto)
		i++;
	assert_true(i < 4);
	rows[i] = *row;
	return 0;
}

static void add_flows(struct collide *c, const char *client, const char *dest, int first, int n)
{
	char text[64];
	int i;

	for (i = 0; i < n; i++) {
		struct flow f;

		snprintf(text, sizeof(text), "%s:%d", client, 32768 + 2 * (first + i));
		f = flow_of(IPPROTO_TCP, text, dest, FLOW_ESTABLISHED);
		assert_int_equal(collide_add(c, &f), 0);
	}
}

static void counts_clients_and_rates(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	_cleanup_(collide_freep) struct collide *before = NULL, *c = NULL;
	_cleanup_(forecast_freep) struct forecast *fc = forecast_new();
	struct risk_row rows[4] = { { .l4proto = 0 } };
	struct ports p = usual_ports();
	uint64_t unseen;
	uint32_t s = add_service(m, "10.141.16.0:3306", LVS_NAT, LVS_TOA_UNSET);

	add_real(m, s, "10.0.0.1:3269", LVS_NAT, 1);
	add_real(m, s, "10.0.0.2:3269", LVS_NAT, 3);
	assert_int_equal(lvs_map_finish(m), 0);
	before = collide_new(m, (struct collide_node){ 0 }, 1);
	c = collide_new(m, (struct collide_node){ 0 }, 1);
	add_flows(before, "192.168.1.1", "10.0.0.1:3269", 0, 40);
	add_flows(c, "192.168.1.1", "10.0.0.1:3269", 0, 50);
	add_flows(c, "192.168.1.1", "10.141.16.0:3306", 1000, 300);
	add_flows(c, "192.168.1.2", "10.141.16.0:3306", 1000, 7);
	add_flows(c, "192.168.1.2", "10.0.0.9:3269", 0, 7);

	forecast_begin(fc, 0, &p);
	assert_int_equal(forecast_compare(fc, before, c), 0);
	assert_int_equal(forecast_each(fc, m, c, 0, 60 * USEC_PER_SEC, take_row, rows, &unseen), 0);
	assert_int_equal(unseen, 0);
	assert_int_equal(rows[0].l4proto, IPPROTO_TCP);
	assert_int_equal(rows[1].l4proto, 0);
	assert_int_equal(rows[0].class, COLLIDE_A);
	assert_true(rows[0].in.direct == 50 && rows[0].in.via == 300);
	assert_true(rows[0].in.share == 0.25 && rows[0].in.ports == PLAIN);
	assert_near(rows[0].in.via_rate, 5, 1e-9);
	assert_near(rows[0].in.direct_rate, 10 / 60.0, 1e-9);
	assert_near(rows[0].risk.kill, 86400 * 5 * 0.25 * 50 / PLAIN, 1e-6);
	assert_near(rows[0].risk.stall, 86400 * 10 / 60.0 * 0.25 * 300 / PLAIN, 1e-6);

	/* of the last two windows, and no longer */
	rows[0].l4proto = 0;
	assert_int_equal(forecast_each(fc, m, c, 0, 600 * USEC_PER_SEC, take_row, rows, &unseen),
			 0);
	assert_near(rows[0].in.via_rate, 0.5, 1e-9);
	rows[0].l4proto = 0;
	assert_int_equal(forecast_each(fc, m, c, 0, 900 * USEC_PER_SEC, take_row, rows, &unseen),
			 0);
	assert_near(rows[0].in.via_rate, 1 / 3.0, 1e-9);
	rows[0].l4proto = 0;
	assert_int_equal(forecast_each(fc, m, c, 0, 910 * USEC_PER_SEC, take_row, rows, &unseen),
			 0);
	assert_near(rows[0].in.via_rate, 0, 1e-9);
	/* those that are gone by the next look were opened all the same */
	before = collide_free(before);
	before = collide_new(m, (struct collide_node){ 0 }, 1);
	collide_on_open(before, forecast_open, fc);
	forecast_begin(fc, 0, &p);
	add_flows(before, "192.168.1.1", "10.0.0.1:3269", 0, 60);
	collide_on_open(c, forecast_open, fc);
	add_flows(c, "192.168.1.1", "10.0.0.1:3269", 0, 50);
	rows[0].l4proto = 0;
	assert_int_equal(forecast_each(fc, m, c, 0, 60 * USEC_PER_SEC, take_row, rows, &unseen), 0);
	assert_near(rows[0].in.direct_rate, 1, 1e-9);

	/* of many there are rates after a few seconds, of few after a minute */
	rows[0].l4proto = 0;
	assert_int_equal(forecast_each(fc, m, c, 0, 10 * USEC_PER_SEC, take_row, rows, &unseen), 0);
	assert_true(rows[0].has_rates && rows[0].in.direct_rate == 6);
	forecast_begin(fc, 0, &p);
	add_flows(c, "192.168.1.1", "10.0.0.1:3269", 200, 49);
	rows[0].l4proto = 0;
	assert_int_equal(forecast_each(fc, m, c, 0, 59 * USEC_PER_SEC, take_row, rows, &unseen), 0);
	assert_true(!rows[0].has_rates && rows[0].risk.now > 0.2);
	assert_true(rows[0].risk.kill == 0 && rows[0].risk.stall == 0);
}

static void counts_two_services_of_one_server(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = lvs_map_new();
	_cleanup_(collide_freep) struct collide *before = NULL, *c = NULL;
	_cleanup_(forecast_freep) struct forecast *fc = forecast_new();
	struct risk_row rows[4] = { { .l4proto = 0 } };
	struct ports p = usual_ports();
	uint64_t unseen;
	uint32_t s = add_service(m, "10.9.9.1:80", LVS_NAT, LVS_TOA_UNSET);

	add_real(m, s, "10.0.0.1:8080", LVS_NAT, 1);
	s = add_service(m, "10.9.9.2:80", LVS_NAT, LVS_TOA_UNSET);
	add_real(m, s, "10.0.0.1:8080", LVS_NAT, 1);
	add_real(m, s, "10.0.0.2:8080", LVS_NAT, 1);
	assert_int_equal(lvs_map_finish(m), 0);
	before = collide_new(m, (struct collide_node){ 0 }, 1);
	c = collide_new(m, (struct collide_node){ 0 }, 1);
	add_flows(c, "192.168.1.1", "10.9.9.1:80", 0, 60);
	add_flows(c, "192.168.1.1", "10.9.9.2:80", 1000, 120);
	forecast_begin(fc, 0, &p);
	assert_int_equal(forecast_compare(fc, before, c), 0);
	assert_int_equal(forecast_each(fc, m, c, 0, 60 * USEC_PER_SEC, take_row, rows, &unseen), 0);
	assert_int_equal(rows[0].class, COLLIDE_A2);
	assert_true(rows[0].in.share == 0.5);
	/* sum (a_i w_i w_j M_j + a_j w_j w_i M_i) / R */
	assert_near(rows[0].risk.kill + rows[0].risk.stall,
		    86400 * (1 * 0.5 * 120 + 2 * 0.5 * 60) / PLAIN, 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_printed_figures),
		cmocka_unit_test(is_a_chance_at_every_edge),
		cmocka_unit_test(agrees_with_dice),
		cmocka_unit_test(learns_the_allocator_from_its_ports),
		cmocka_unit_test(counts_clients_and_rates),
		cmocka_unit_test(counts_two_services_of_one_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
