/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is restored, what never is, and in which order. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/scene.h"

#define OTHERS 12

static void del_vip4(struct scene *s)
{
	scene_populate(s, OTHERS);
	scene_remember(s);
	scene_move(s, OP_DEL, VIP4 "/32", NULL);
	scene_expect(s, EXIT_DONE, true);
}

static void vip_as_client_is_not_restored(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_flow(IPPROTO_TCP, VIP4, 40000, SERVER4, 443, VIP4, 40000);

	scene_add(s, &c);
	del_vip4(s);
	assert_null(fake_entry_find(s->fake, &c.key));
	assert_int_equal(s->report.entries.reasons[SKIP_OF_VIP], 1);
	assert_int_equal(s->report.vip_flows.removed, 1);
	assert_int_equal(scene_broken(s, true), 0);
}

/* A socket bound to the VIP whose packets are masqueraded all the same. */
static void masqueraded_vip_is_not_restored(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_flow(IPPROTO_TCP, VIP4, 40000, SERVER4, 443, HOST4, 40000);

	scene_add(s, &c);
	del_vip4(s);
	assert_null(fake_entry_find(s->fake, &c.key));
	assert_int_equal(s->report.entries.reasons[SKIP_OF_VIP], 1);
}

static void vip_as_server_is_not_restored(void **state)
{
	struct scene *s = *state;
	/* DNAT to a pod, hairpin masquerade: the flush takes it */
	struct conn c = scene_flow(IPPROTO_TCP, "10.1.0.9", 40000, VIP4, 443, HOST4, 40000);

	c.reply.src[0] = 10;
	c.reply.src[1] = 1;
	c.reply.src[2] = 0;
	c.reply.src[3] = 77;
	c.status |= CONN_DST_NAT;
	scene_add(s, &c);
	del_vip4(s);
	assert_null(fake_entry_find(s->fake, &c.key));
	assert_int_equal(s->report.entries.reasons[SKIP_OF_VIP], 1);
	assert_int_equal(scene_broken(s, true), 0);
}

static void translated_to_vip_is_not_restored(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_flow(IPPROTO_TCP, "10.1.0.9", 40000, SERVER4, 443, VIP4, 40000);

	scene_add(s, &c);
	del_vip4(s);
	assert_null(fake_entry_find(s->fake, &c.key));
	assert_int_equal(s->report.entries.reasons[SKIP_OF_VIP], 1);
	assert_int_equal(scene_broken(s, true), 0);
}

/* The same IP stays with another prefix: its flows are as good as before. */
static void same_ip_with_another_prefix_keeps_its_flows(void **state)
{
	struct scene *s = *state;
	struct conn out = scene_flow(IPPROTO_TCP, "10.1.0.9", 40000, SERVER4, 443, VIP4, 40000);
	struct conn in = scene_flow(IPPROTO_TCP, "10.1.0.9", 1234, VIP4, 22, HOST4, 1234);

	fake_addr(s->fake, s->dev, VIP4 "/24", NULL);
	scene_add(s, &out);
	scene_add(s, &in);
	del_vip4(s);
	assert_true(fake_has_addr(s->fake, s->dev, VIP4 "/24"));
	assert_false(fake_has_addr(s->fake, s->dev, VIP4 "/32"));
	assert_int_equal(s->report.entries.reasons[SKIP_OF_VIP], 0);
	assert_int_equal(scene_broken(s, false), 0);
}

static void same_ip_on_another_device_keeps_its_flows(void **state)
{
	struct scene *s = *state;
	struct conn out = scene_flow(IPPROTO_TCP, "10.1.0.9", 40000, SERVER4, 443, VIP4, 40000);

	fake_addr(s->fake, s->pods, VIP4 "/32", NULL);
	scene_add(s, &out);
	del_vip4(s);
	assert_int_equal(scene_broken(s, false), 0);
}

static void closing_flows_are_not_restored(void **state)
{
	struct scene *s = *state;
	struct conn wait = scene_tcp(500), gone = scene_tcp(501), fin = scene_tcp(502);

	wait.tcp_state = CONN_TCP_TIME_WAIT;
	gone.tcp_state = CONN_TCP_CLOSE;
	fin.tcp_state = CONN_TCP_FIN_WAIT; /* one half still talks */
	scene_add(s, &wait);
	scene_add(s, &gone);
	scene_add(s, &fin);
	del_vip4(s);
	assert_null(fake_entry_find(s->fake, &wait.key));
	assert_null(fake_entry_find(s->fake, &gone.key));
	assert_true(scene_works(s, &fin));
	assert_int_equal(s->report.entries.reasons[SKIP_CLOSING], 2);
	assert_int_equal(scene_broken(s, false), 2);
}

/* Its time ran out between snapshot and restore: bringing it back would let a
 * dead flow live on. */
static void expired_flow_is_not_restored(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_tcp(500);

	fake_entry_expires(s->fake, scene_add(s, &c), s->fake->clock + 3 * USEC_PER_SEC);
	s->fake->delete_cost = 5 * USEC_PER_SEC;
	s->req.timeout = 60 * USEC_PER_SEC;
	del_vip4(s);
	assert_null(fake_entry_find(s->fake, &c.key));
	assert_int_equal(scene_broken(s, false), 1);
	assert_int_equal(s->report.entries.lost, 0);
}

/* What the move took is taken off the timeouts: a flow that has ended does not
 * live longer for having been restored. */
static void timeouts_are_aged(void **state)
{
	struct scene *s = *state;

	s->fake->delete_cost = 20 * USEC_PER_SEC;
	s->req.timeout = 60 * USEC_PER_SEC;
	del_vip4(s);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
}

static void source_that_is_nobodys_is_not_restored(void **state)
{
	struct scene *s = *state;
	struct conn c =
		scene_flow(IPPROTO_TCP, "10.1.0.9", 40000, SERVER4, 443, "192.168.11.55", 40000);

	scene_add(s, &c);
	del_vip4(s);
	assert_null(fake_entry_find(s->fake, &c.key));
	assert_int_equal(s->report.entries.reasons[SKIP_NOT_LOCAL], 1);
	assert_int_equal(scene_broken(s, false), 1);
}

/* The table may list children first; the kernel refuses them without master. */
static void masters_come_before_children(void **state)
{
	struct scene *s = *state;
	struct conn master = scene_tcp(500), child = scene_tcp(400), grand = scene_tcp(300);
	struct fake_entry *e;

	child.status |= CONN_EXPECTED;
	grand.status |= CONN_EXPECTED;
	assert_non_null(fake_entry_add(s->fake, &grand, &child.key, s->dev, 400));
	assert_non_null(fake_entry_add(s->fake, &child, &master.key, s->dev, 400));
	scene_add(s, &master);
	del_vip4(s);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
	e = fake_entry_find(s->fake, &grand.key);
	assert_true(e->conn.has_master && conn_key_equal(&e->master, &child.key));
	/* in the right order at once, not by trying until it fits */
	assert_int_equal(s->fake->create.calls, s->fake->created);
}

/* Its master is gone for good: better an orphan than a broken data stream. */
static void child_without_master_is_restored_as_orphan(void **state)
{
	struct scene *s = *state;
	struct conn master = scene_tcp(500), child = scene_tcp(400);
	const struct fake_entry *e;

	master.tcp_state = CONN_TCP_CLOSE;
	child.status |= CONN_EXPECTED;
	scene_add(s, &master);
	assert_non_null(fake_entry_add(s->fake, &child, &master.key, s->dev, 400));
	del_vip4(s);
	assert_true(scene_works(s, &child));
	e = fake_entry_find(s->fake, &child.key);
	assert_false(e->conn.has_master);
}

static void equal_tuples_in_different_zones(void **state)
{
	struct scene *s = *state;
	struct conn plain = scene_tcp(500), zoned = plain, origin = plain;

	zoned.key.zone = 7;
	zoned.reply.dport = htons(61007);
	origin.key.zone = 9;
	origin.key.zone_dir = CONN_ZONE_ORIG;
	origin.reply.dport = htons(61009);
	scene_add(s, &plain);
	scene_add(s, &zoned);
	scene_add(s, &origin);
	del_vip4(s);
	assert_true(scene_works(s, &plain));
	assert_true(scene_works(s, &zoned));
	assert_true(scene_works(s, &origin));
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
}

static void every_protocol_is_restored(void **state)
{
	struct scene *s = *state;
	const uint8_t protos[] = { IPPROTO_TCP,	 IPPROTO_UDP,  IPPROTO_UDPLITE,
				   IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_ICMP,
				   IPPROTO_GRE,	 50 /* ESP */, 253 };

	for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
		bool ports = l4proto_has_ports(protos[i]) || l4proto_is_icmp(protos[i]);
		uint16_t port = ports ? 4000 : 0, seen = ports ? 5000 : 0;
		struct conn c = scene_flow(protos[i], "10.1.0.9", port, SERVER4, port, HOST4, seen);

		scene_add(s, &c);
	}
	del_vip4(s);
	assert_int_equal(scene_broken(s, false), 0);
	assert_int_equal(s->fake->created, s->fake->flushed);
	scene_check_restored(s);
}

/* Masquerade behind DNAT: both translations come back. */
static void dnat_and_masquerade(void **state)
{
	struct scene *s = *state;
	struct conn c = scene_flow(IPPROTO_TCP, "10.1.0.9", 40000, "10.96.0.10", 80, HOST4, 41000);
	struct addr pod;

	assert_int_equal(addr_parse("10.232.3.77", &pod), 0);
	memcpy(c.reply.src, pod.bytes, 16);
	c.reply.sport = htons(8080);
	c.status |= CONN_DST_NAT;
	scene_add(s, &c);
	del_vip4(s);
	assert_int_equal(scene_broken(s, false), 0);
	scene_check_restored(s);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(vip_as_client_is_not_restored),
		CASE(masqueraded_vip_is_not_restored),
		CASE(vip_as_server_is_not_restored),
		CASE(translated_to_vip_is_not_restored),
		CASE(same_ip_with_another_prefix_keeps_its_flows),
		CASE(same_ip_on_another_device_keeps_its_flows),
		CASE(closing_flows_are_not_restored),
		CASE(expired_flow_is_not_restored),
		CASE(timeouts_are_aged),
		CASE(source_that_is_nobodys_is_not_restored),
		CASE(masters_come_before_children),
		CASE(child_without_master_is_restored_as_orphan),
		CASE(equal_tuples_in_different_zones),
		CASE(every_protocol_is_restored),
		CASE(dnat_and_masquerade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
