/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is only done for who insists: to take the node off the net, an address
 * from whoever looks after it, or to do the opposite of what an instance's state
 * wants. */
#include <netinet/in.h>
#include <string.h>

#include "keepalived/instance_settings.h"
#include "keepalived/instance_file.h"

#include "lib/scene.h"

#define FLOWS 20
#define VIP_OF_INSTANCE "192.168.11.55"

static void refused(struct scene *s, const char *why)
{
	scene_expect(s, EXIT_UNSAFE, false);
	assert_int_equal(s->report.result, RESULT_REFUSED);
	assert_non_null(strstr(s->report.error, why));
	assert_non_null(strstr(s->report.error, "--force"));
	assert_int_equal(s->fake->writes, 0);
}

/* OP of WORD is refused because of WHY, planned too; who insists has his way. */
static void needs_force(struct scene *s, enum op op, const char *word, const char *why)
{
	s->req.plan = true;
	scene_move(s, op, word, NULL);
	refused(s, why);
	s->req.plan = false;
	scene_move(s, op, word, NULL);
	refused(s, why);
	s->req.force = true;
	scene_move(s, op, word, NULL);
	scene_expect(s, EXIT_DONE, true);
	s->req.force = false;
}

static void the_last_address_of_a_family(void **state)
{
	struct scene *s = *state;

	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_move(s, OP_DEL, VIP6 "/128", NULL);
	s->fake->writes = 0;
	needs_force(s, OP_DEL, HOST4 "/24", "the last IPv4 address of br-mgmt");
	assert_true(scene_warned(s, "last-ipv4-address"));
	s->fake->writes = 0;
	needs_force(s, OP_DEL, HOST6 "/64", "the last IPv6 address of br-mgmt");
}

/* A device that was made for an address never has another. */
static void the_one_of_a_device_of_its_own(void **state)
{
	struct scene *s = *state;

	s->fake->links[s->dev - 10].is_own = true;
	scene_move(s, OP_DEL, VIP4 "/32", HOST4 "/24", NULL);
	scene_expect(s, EXIT_DONE, true);
	assert_false(scene_warned(s, "last-ipv4-address"));
}

static void all_that_are_left_at_once(void **state)
{
	struct scene *s = *state;

	scene_move(s, OP_DEL, VIP4 "/32", HOST4 "/24", NULL);
	refused(s, "the last IPv4 address of br-mgmt");
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
}

/* Those of other devices do not help. */
static void another_device_has_more(void **state)
{
	struct scene *s = *state;
	struct request_error e;

	request_init(&s->req, OP_DEL);
	assert_int_equal(
		request_parse(&s->req, 3, (char *[]){ "10.1.0.1/16", "dev", "br-pod" }, &e), 0);
	scene_run(s);
	refused(s, "the last IPv4 address of br-pod");
}

static struct ifaddr *find(struct scene *s, const char *text)
{
	struct prefix p;
	size_t i;

	assert_int_equal(prefix_parse(text, PREFIX_LEN_REQUIRED, &p), 0);
	for (i = 0; i < s->fake->n_addrs; i++)
		if (prefix_equal(&s->fake->addrs[i].prefix, &p))
			return &s->fake->addrs[i];
	fail_msg("no %s", text);
	return NULL;
}

static void what_dhcp_has_given(void **state)
{
	struct scene *s = *state;

	find(s, HOST4 "/24")->valid_lft = 3600;
	needs_force(s, OP_DEL, HOST4 "/24", "has a lifetime (3600 s are left)");
}

static void what_the_kernel_has_made(void **state)
{
	struct scene *s = *state;

	find(s, HOST6 "/64")->proto = 2;
	needs_force(s, OP_DEL, HOST6 "/64", "the kernel has made");
	find(s, VIP6 "/128")->proto = 18; /* keepalived's */
	fake_addr(s->fake, s->dev, HOST6 "/64", NULL);
	scene_move(s, OP_DEL, VIP6 "/128", NULL);
	scene_expect(s, EXIT_DONE, true);
}

/* ---- instances ------------------------------------------------------------------ */

static struct instance known[2];
static const struct instance *const known_list = known;

static void configure(struct scene *s)
{
	struct request_error e;

	assert_int_equal(settings_apply(&s->settings, "instance VI_0", "address",
					"192.168.11.54/32 dev br-mgmt", &e),
			 0);
	assert_int_equal(settings_apply(&s->settings, "instance VI_1", "address",
					VIP_OF_INSTANCE "/32 dev br-mgmt", &e),
			 0);
	assert_int_equal(settings_finish(&s->settings, &e), 0);
	memset(known, 0, sizeof(known));
	known[0].state = INSTANCE_BACKUP;
	s->env.states = &known_list;
}

static void is_there(struct scene *s, bool there)
{
	bool is = fake_has_addr(s->fake, s->dev, VIP_OF_INSTANCE "/32");

	if (is && !there)
		assert_int_equal(fake_addr_del(s->fake, s->dev, VIP_OF_INSTANCE "/32"), 0);
	if (!is && there)
		fake_addr(s->fake, s->dev, VIP_OF_INSTANCE "/32", NULL);
	s->fake->writes = 0;
}

static void what_an_instance_wants_otherwise(void **state)
{
	static const enum instance_state others[] = { INSTANCE_BACKUP, INSTANCE_FAULT,
						      INSTANCE_STOP };
	struct scene *s = *state;
	size_t i;

	configure(s);
	known[1].state = INSTANCE_MASTER;
	is_there(s, true);
	needs_force(s, OP_DEL, VIP_OF_INSTANCE "/32", "instance VI_1, which is MASTER");
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		known[1].state = others[i];
		is_there(s, false);
		needs_force(s, OP_ADD, VIP_OF_INSTANCE "/32", "instance VI_1, which is");
	}
	/* another length is the same address for everybody else */
	is_there(s, false);
	needs_force(s, OP_ADD, VIP_OF_INSTANCE "/24", "instance VI_1, which is");
	known[1].state = INSTANCE_MASTER;
	scene_move(s, OP_DEL, VIP_OF_INSTANCE "/24", NULL); /* here it is not */
	scene_expect(s, EXIT_DONE, true);
}

static void what_goes_with_its_state_is_done(void **state)
{
	struct scene *s = *state;

	configure(s);
	known[1].state = INSTANCE_MASTER;
	is_there(s, false);
	scene_move(s, OP_ADD, VIP_OF_INSTANCE "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	known[1].state = INSTANCE_BACKUP;
	scene_move(s, OP_DEL, VIP_OF_INSTANCE "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	/* the address is another node's whatever its prefix length is */
	scene_move(s, OP_ADD, VIP_OF_INSTANCE "/28", NULL);
	scene_expect(s, EXIT_UNSAFE, false);
	/* nobody has said anything yet */
	known[1].state = INSTANCE_UNKNOWN;
	scene_move(s, OP_ADD, VIP_OF_INSTANCE "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
	scene_move(s, OP_DEL, VIP_OF_INSTANCE "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
}

/* What is to be done has been decided already, and may be decided anew. */
static void an_instance_does_what_it_wants(void **state)
{
	struct scene *s = *state;

	configure(s);
	known[1].state = INSTANCE_MASTER;
	is_there(s, true);
	assert_int_equal(fake_addr_del(s->fake, s->dev, VIP4 "/32"), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, HOST4 "/24"), 0);
	find(s, VIP_OF_INSTANCE "/32")->valid_lft = 60;
	scene_move(s, OP_DEL, VIP_OF_INSTANCE "/32", NULL);
	refused(s, "instance VI_1, which is MASTER");
	s->req.is_instance = true;
	scene_run(s);
	scene_expect(s, EXIT_DONE, true);
	assert_false(fake_has_addr(s->fake, s->dev, VIP_OF_INSTANCE "/32"));
}

/* A VIP that is alone on its device goes with its instance's state. */
static void the_last_one_may_be_an_instances(void **state)
{
	struct scene *s = *state;

	configure(s);
	is_there(s, true);
	assert_int_equal(fake_addr_del(s->fake, s->dev, VIP4 "/32"), 0);
	assert_int_equal(fake_addr_del(s->fake, s->dev, HOST4 "/24"), 0);
	known[1].state = INSTANCE_BACKUP;
	scene_move(s, OP_DEL, VIP_OF_INSTANCE "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
}

/* Without a daemon the file tells. */
static void the_file_tells(void **state)
{
	struct scene *s = *state;
	bool stale;

	configure(s);
	s->env.states = NULL;
	is_there(s, true);
	known[1].state = INSTANCE_MASTER;
	known[1].source = SOURCE_HOOK;
	known[1].stamp = known[1].since = 1;
	assert_int_equal(instance_file_store(&s->settings, s->env.boot_id, known, &stale), 0);
	scene_move(s, OP_DEL, VIP_OF_INSTANCE "/32", NULL);
	refused(s, "instance VI_1, which is MASTER");
	/* of another boot it tells nothing */
	s->env.boot_id = "3f1c2f1e-0000-4000-8000-000000000002";
	scene_move(s, OP_DEL, VIP_OF_INSTANCE "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
}

static void kill_before_the_move(struct scene *s, const char *stage)
{
	if (!strcmp(stage, "move"))
		s->kill_at = s->n_stages - 1;
}

static void take_report(void *ud, const struct report *r)
{
	*(struct report *)ud = *r;
}

/* A run that was killed is finished, unless its instance wants the opposite by now, or
 * nobody waits for it any more. */
static void a_killed_run_gives_way_to_a_newer_word(void **state)
{
	struct scene *s = *state;

	configure(s);
	scene_populate(s, FLOWS);
	scene_remember(s);
	for (unsigned i = 0; i < 3; i++) { /* finished, contradicted, given up */
		is_there(s, true);
		known[1].state = INSTANCE_BACKUP;
		s->on_stage = kill_before_the_move;
		s->req.deadline = i == 2 ? s->fake->clock + USEC_PER_SEC : 0;
		scene_move(s, OP_DEL, VIP_OF_INSTANCE "/32", NULL);
		s->on_stage = NULL;
		s->kill_at = -1;
		assert_true(fake_has_addr(s->fake, s->dev, VIP_OF_INSTANCE "/32"));
		known[1].state = i == 1 ? INSTANCE_MASTER : INSTANCE_BACKUP;
		fake_advance(s->fake, 2 * USEC_PER_SEC);
		assert_int_equal(run_recover(&s->env, take_report, &s->report), 1);
		assert_int_equal(fake_has_addr(s->fake, s->dev, VIP_OF_INSTANCE "/32"), i > 0);
		assert_int_equal(s->report.exit_code, i ? EXIT_UNSAFE : EXIT_DONE);
	}
	assert_int_equal(scene_broken(s, true), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_last_address_of_a_family),
		CASE(the_one_of_a_device_of_its_own),
		CASE(all_that_are_left_at_once),
		CASE(another_device_has_more),
		CASE(what_dhcp_has_given),
		CASE(what_the_kernel_has_made),
		CASE(what_an_instance_wants_otherwise),
		CASE(what_goes_with_its_state_is_done),
		CASE(an_instance_does_what_it_wants),
		CASE(the_last_one_may_be_an_instances),
		CASE(the_file_tells),
		CASE(a_killed_run_gives_way_to_a_newer_word),
	};

	return cmocka_run_group_tests_name("insist", tests, NULL, NULL);
}
