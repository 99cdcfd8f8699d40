/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All orders of a dozen things that can happen to three flows (lib/orders.h), searched breadth
 * first: the real guard and the real moves are driven from the start through each order that leads
 * to a world not seen before. Worlds are told apart by a hash of what can be seen of them.
 * With all three flows the search ends earlier than with A and B alone. ORDERS_DEPTH=N and
 * ORDERS_DEPTH_3=N change how deep it goes: with three flows to 12 are 64 thousand worlds, which
 * take minutes;
 * ORDERS_TRY="flush tick kill" does one order and says what it comes to. */
#include "lib/orders.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DEPTH 12
#define DEPTH_3 4
#define DEPTH_NAMED 5 /* as a kernel that is named: there are six */
#define WRONG_DEPTH 8 /* a wrong program is found earlier */
#define NODES_MAX (1u << 20)

/* A world, by the order that first led to it. */
struct node {
	uint32_t parent;
	uint8_t act, depth;
};

struct search {
	enum pin_mode mode;
	void (*sabotage)(struct orders *o);
	unsigned depth;
	bool without_c;
	struct node *nodes;
	uint32_t n, done;
	uint64_t *seen;	 /* hashes, 0: none */
	uint64_t orders; /* that were done */
	char wrong[160];
};

static char at[512]; /* the order under way, to be told of if an assertion fails */

static size_t path_of(const struct search *x, uint32_t node, uint8_t ret[DEPTH + 1])
{
	size_t n = x->nodes[node].depth;

	for (size_t i = n; i > 0; i--) {
		ret[i - 1] = x->nodes[node].act;
		node = x->nodes[node].parent;
	}
	return n;
}

static void say_path(const uint8_t *acts, size_t n)
{
	size_t len = 0;

	at[0] = '\0';
	for (size_t i = 0; i < n && len < sizeof(at); i++)
		len += (size_t)snprintf(at + len, sizeof(at) - len, "%s%s", i ? " " : "",
					orders_words[acts[i]]);
}

static bool is_new(struct search *x, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & (4 * NODES_MAX - 1);

	hash += !hash;
	while (x->seen[i] && x->seen[i] != hash)
		i = (i + 1) & (4 * NODES_MAX - 1);
	if (x->seen[i])
		return false;
	x->seen[i] = hash;
	return true;
}

static void add_node(struct search *x, uint32_t parent, enum orders_act act, unsigned depth)
{
	assert_true(x->n < NODES_MAX);
	x->nodes[x->n++] =
		(struct node){ .parent = parent, .act = (uint8_t)act, .depth = (uint8_t)depth };
}

/* ACTS from the start. False: something is wrong, or the last of them is not possible. */
static bool run_order(struct search *x, struct orders *o, const uint8_t *acts, size_t n)
{
	bool good = true;

	say_path(acts, n);
	x->orders++;
	orders_begin(o, x->mode, x->sabotage);
	for (size_t i = 0; i < n && good; i++) {
		if (!orders_is_possible(o, acts[i]))
			return false;
		good = orders_do(o, acts[i]);
	}
	return good;
}

/* ACT after what led to NODE. False: something is wrong. */
static bool try_act(struct search *x, uint32_t node, enum orders_act act)
{
	uint8_t acts[DEPTH + 1];
	size_t n = path_of(x, node, acts);
	struct orders o;

	acts[n++] = (uint8_t)act;
	if (run_order(x, &o, acts, n) && is_new(x, orders_hash(&o))) {
		add_node(x, node, act, (unsigned)n);
		(void)orders_settle(&o);
	}
	snprintf(x->wrong, sizeof(x->wrong), "%s", o.wrong);
	orders_end(&o);
	return !*x->wrong;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void search(struct search *x)
{
	x->nodes = calloc(NODES_MAX, sizeof(*x->nodes));
	x->seen = calloc(4 * (size_t)NODES_MAX, sizeof(*x->seen));
	assert_true(x->nodes && x->seen);
	add_node(x, 0, 0, 0);
	for (; x->done < x->n && x->nodes[x->done].depth < x->depth && !*x->wrong; x->done++) {
		for (int act = 0; act < ORDERS_COUNT && !*x->wrong; act++)
			if (!x->without_c || (act != ORDERS_OUT_C && act != ORDERS_IN_C))
				(void)try_act(x, x->done, (enum orders_act)act);
	}
	free(x->nodes);
	free(x->seen);
}

static unsigned depth_of(const char *variable, unsigned depth)
{
	const char *kernel = getenv("VIPSAFE_SIM_KERNEL"), *wanted = getenv(variable);

	if (kernel)
		depth = MIN(depth - 1, DEPTH_NAMED);
	return wanted ? MIN((unsigned)atoi(wanted), DEPTH) : depth;
}

static void explore(enum pin_mode mode, bool without_c)
{
	struct search x = { .mode = mode,
			    .without_c = without_c,
			    .depth = without_c ? depth_of("ORDERS_DEPTH", DEPTH)
					       : depth_of("ORDERS_DEPTH_3", DEPTH_3) };
	double began = seconds();

	search(&x);
	printf("# %s, %s: %u worlds to depth %u, %llu orders, %.1f s\n",
	       mode == PIN_CONTINUOUS ? "continuous" : "on demand",
	       without_c ? "A and B" : "all flows", x.n, x.depth, (unsigned long long)x.orders,
	       seconds() - began);
	if (*x.wrong)
		fail_msg("%s: after %s", x.wrong, at);
	*at = '\0';
}

static void no_order_breaks_a_continuous_guard(void **state _unused_)
{
	explore(PIN_CONTINUOUS, true);
}

static void no_order_breaks_a_guard_on_demand(void **state _unused_)
{
	explore(PIN_ON_DEMAND, true);
}

static void nor_with_a_rival_for_the_port(void **state _unused_)
{
	explore(PIN_CONTINUOUS, false);
	explore(PIN_ON_DEMAND, false);
}

/* ---- wrong programs: each has to be found, or the search would prove nothing ------------ */

static bool create_nothing(struct orders *o _unused_, struct ct_op *op)
{
	op->result = 0;
	return op->verb == CT_CREATE;
}

static void pin_without_creating(struct orders *o)
{
	o->bad_op = create_nothing;
}

static bool take_the_port(struct orders *o, struct ct_op *op)
{
	struct fake *f = o->s->fake;

	for (size_t i = 0; op->verb == CT_CREATE && i < f->n_entries; i++)
		if (tuple_equal(&f->entries[i].conn.reply, &op->conn->reply))
			(void)fake_delete_by(f, &f->entries[i].conn.key, 0);
	return false;
}

static void restore_at_any_price(struct orders *o)
{
	o->bad_op = take_the_port;
}

static void hold_nothing_back(struct orders *o)
{
	o->s->fake->hold_is_sham = true;
}

static void not_see_what_is_altered(struct orders *o)
{
	o->s->fake->lie_about = &o->altered.key;
	o->s->fake->lie = CONN_SRC_NAT;
}

static void leave_the_rules(struct orders *o)
{
	o->s->fake->hold_stays = true;
}

static void not_ask_who_deletes(struct orders *o)
{
	o->is_blind = true;
}

static void must_find(void (*sabotage)(struct orders *o), enum pin_mode mode, const char *wrong)
{
	struct search x = { .mode = mode, .depth = WRONG_DEPTH, .sabotage = sabotage };

	search(&x);
	printf("# found after %llu orders: %s: %s\n", (unsigned long long)x.orders, at, x.wrong);
	if (!strstr(x.wrong, wrong))
		fail_msg("found is \"%s\" instead of \"%s\"", x.wrong, wrong);
	*at = '\0';
}

static void a_pin_that_creates_nothing_is_found(void **state _unused_)
{
	must_find(pin_without_creating, PIN_CONTINUOUS, "the guard takes its entry");
}

static void a_restore_that_creates_nothing_is_found(void **state _unused_)
{
	must_find(pin_without_creating, PIN_ON_DEMAND, "A: ");
}

static void a_taken_port_is_found(void **state _unused_)
{
	must_find(restore_at_any_price, PIN_ON_DEMAND, "C: ");
}

static void a_hold_that_holds_nothing_is_found(void **state _unused_)
{
	must_find(hold_nothing_back, PIN_ON_DEMAND, "a reset for a protected flow");
}

static void a_touched_altered_entry_is_found(void **state _unused_)
{
	must_find(not_see_what_is_altered, PIN_CONTINUOUS, "an altered entry is touched");
}

static void a_rule_that_is_left_is_found(void **state _unused_)
{
	must_find(leave_the_rules, PIN_CONTINUOUS, "a rule is left");
}

static void what_was_deleted_and_comes_back_is_found(void **state _unused_)
{
	must_find(not_ask_who_deletes, PIN_ON_DEMAND, "what was deleted on purpose is back");
}

static int say_where(void **state _unused_)
{
	if (*at)
		printf("# it was after: %s\n", at);
	*at = '\0';
	return 0;
}

/* ---- single orders ----------------------------------------------------------------------- */

/* The next act of WORDS, which are moved past it. ORDERS_COUNT: there is none of that name. */
static enum orders_act read_act(const char **words)
{
	size_t len = strcspn(*words, " ");
	int act = 0;

	while (act < ORDERS_COUNT &&
	       (strlen(orders_words[act]) != len || strncmp(*words, orders_words[act], len) != 0))
		act++;
	*words += len + strspn(*words + len, " ");
	return (enum orders_act)act;
}

/* What came of WORDS, told after each act if IS_TOLD. False: something is wrong, or cannot be. */
static bool do_order(struct orders *o, const char *words, bool is_told)
{
	while (*words) {
		enum orders_act act = read_act(&words);

		if (act == ORDERS_COUNT || !orders_is_possible(o, act)) {
			snprintf(o->wrong, sizeof(o->wrong), "not possible, before \"%s\"", words);
			return false;
		}
		(void)orders_do(o, act);
		if (is_told)
			printf("%-14s %016llx at %llu us: A %s, C %s\n", orders_words[act],
			       (unsigned long long)orders_hash(o),
			       (unsigned long long)o->s->fake->clock,
			       scene_works(o->s, &o->flows[0].conn) ? "works" : "-",
			       scene_works(o->s, &o->flows[1].conn) ? "works" : "-");
		if (*o->wrong)
			return false;
	}
	return true;
}

/* While a repair saved what it was to put back, a run took the rules of its hold away. */
static void a_run_amid_a_repair_ends_no_hold(void **state _unused_)
{
	struct orders o;

	orders_begin(&o, PIN_CONTINUOUS, NULL);
	assert_true(do_order(&o, "tick out-c flush tick pin tick", false));
	assert_true(fake_is_held(o.s->fake));
	assert_true(orders_settle(&o));
	orders_end(&o);
}

static int try_one(const char *words, enum pin_mode mode)
{
	struct orders o;

	orders_begin(&o, mode, NULL);
	if (do_order(&o, words, true))
		(void)orders_settle(&o);
	printf("in the end     %s\n", *o.wrong ? o.wrong : "well");
	orders_end(&o);
	return 0;
}

#define CASE(f) cmocka_unit_test_teardown(f, say_where)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_pin_that_creates_nothing_is_found),
		CASE(a_restore_that_creates_nothing_is_found),
		CASE(a_taken_port_is_found),
		CASE(a_hold_that_holds_nothing_is_found),
		CASE(a_touched_altered_entry_is_found),
		CASE(a_rule_that_is_left_is_found),
		CASE(what_was_deleted_and_comes_back_is_found),
		CASE(a_run_amid_a_repair_ends_no_hold),
		CASE(no_order_breaks_a_continuous_guard),
		CASE(no_order_breaks_a_guard_on_demand),
		CASE(nor_with_a_rival_for_the_port),
	};
	const char *one = getenv("ORDERS_TRY");

	/* files are made for each order */
	if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	if (one)
		return try_one(one, getenv("ORDERS_ON_DEMAND") ? PIN_ON_DEMAND : PIN_CONTINUOUS);
	return cmocka_run_group_tests_name("orders", tests, NULL, NULL);
}
