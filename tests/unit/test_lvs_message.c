/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of collisions, how often, and of which service ports; and how
 * addresses are written. */
#include "lib/lvs_scene.h"

#include <errno.h>

#include "lvs/message_line.h"
#include "lvs/text.h"
#include "lvs/message.h"
#include "show/settings_text.h"

struct scene {
	struct lvs_map *map;
	struct settings settings;
	struct ports ports;
	struct lvs_message say;
	struct lvs_line line;
	char text[LVS_LINE_TEXT_MAX], remedy[LVS_LINE_TEXT_MAX];
};

static void scene_init(struct scene *s, enum lvs_method method, enum lvs_toa toa)
{
	memset(s, 0, sizeof(*s));
	s->map = map_of(VIP, method, toa, RS);
	assert_int_equal(settings_init(&s->settings, sections_all), 0);
	assert_int_equal(ports_read_range(&s->ports, "32768 60999"), 0);
	s->say = (struct lvs_message){ s->map, s->settings.lvs, &s->ports };
}

static void scene_done(struct scene *s)
{
	lvs_map_free(s->map);
	settings_done(&s->settings);
}

static void render(struct scene *s)
{
	lvs_line_text(&s->line, s->text);
	lvs_line_remedy(&s->line, s->remedy);
}

static struct collision pair_of(struct scene *s, enum flow_state direct, enum flow_state via,
				unsigned backoff)
{
	_cleanup_(collide_freep) struct collide *c =
		collide_new(s->map, (struct collide_node){ 0 }, 1);
	struct flow f = flow_of(IPPROTO_TCP, C, RS, direct);
	struct found found;

	f.backoff = (uint8_t)backoff;
	put(c, f);
	put(c, flow_of(IPPROTO_TCP, C, VIP, via));
	found = find_all(c);
	assert_int_equal(found.n, 1);
	return found.last;
}

static void tells_of_a_pair(void **state _unused_)
{
	_cleanup_(scene_done) struct scene s;
	struct collision c;

	scene_init(&s, LVS_FULLNAT, LVS_TOA_PACKET);
	c = pair_of(&s, FLOW_ESTABLISHED, FLOW_ESTABLISHED, 7);
	lvs_message_live(&s.say, &c, &s.line);
	render(&s);
	assert_string_equal(
		s.text,
		"ERROR lvs-collision class=A state=manifest certainty=1.00 proto=tcp "
		"client=192.168.11.7:61902 rs=10.112.61.163:3269 "
		"direct=[192.168.11.7:61902->10.112.61.163:3269 ESTABLISHED retrans=7] "
		"via=[192.168.11.7:61902->10.141.16.0:3306 ESTABLISHED] service=10.141.16.0:3306 "
		"method=fullnat toa=packet source=ini:test origin=inet_diag "
		"effect=\"direct session already reset on the RS; client will hang\"");
	assert_string_equal(
		s.remedy,
		"fix=\"ss -K src 192.168.11.7:61902 dst 10.112.61.163:3269\" "
		"prevent=\"iptables -t nat -I POSTROUTING -p tcp -d 10.141.16.0 --dport 3306 "
		"-j MASQUERADE --to-ports 61000-65535\" see=vipsafe-lvs(7)");
	assert_string_equal(lvs_line_value(&s.line, "state"), "manifest");
	assert_null(lvs_line_value(&s.line, "nothing"));

	lvs_message_imminent(&s.say, &c, "skip", &s.line);
	render(&s);
	assert_non_null(strstr(s.text, "WARNING lvs-collision class=A state=imminent action=skip "
				       "certainty=1.00 proto=tcp"));
	assert_non_null(strstr(s.text, "rs_share=1.00"));
}

/* Who is freed, and whose ports are to change, depends on whose they are. */
static void chooses_the_remedy(void **state _unused_)
{
	_cleanup_(scene_done) struct scene s;
	struct collision c;

	scene_init(&s, LVS_NAT, LVS_TOA_UNSET);
	c = pair_of(&s, FLOW_ESTABLISHED, FLOW_ESTABLISHED, 0);
	/* clients behind this node: their direct connections need a window, too */
	c.direct.origin = c.via.origin = FLOW_CONNTRACK;
	lvs_message_live(&s.say, &c, &s.line);
	render(&s);
	assert_string_equal(
		s.remedy,
		"prevent=\"iptables -t nat -I POSTROUTING -p tcp -d 10.141.16.0 --dport 3306 "
		"-j MASQUERADE --to-ports 61000-65535; "
		"iptables -t nat -I POSTROUTING -p tcp -d 10.112.61.163 --dport 3269 "
		"-j MASQUERADE --to-ports 1024-60999\" see=vipsafe-lvs(7)");

	/* what a director forwards is for the client to change */
	c.via.origin = FLOW_IPVS;
	lvs_message_live(&s.say, &c, &s.line);
	assert_string_equal(lvs_line_value(&s.line, "where"), "client");

	/* but not its own sockets, of which the other one hangs */
	c.direct.origin = FLOW_SOCKET;
	c.via.origin = FLOW_SOCKET | FLOW_IPVS;
	c.effect = COLLIDE_VIA_DEAF;
	lvs_message_live(&s.say, &c, &s.line);
	assert_null(lvs_line_value(&s.line, "where"));
	assert_string_equal(lvs_line_value(&s.line, "fix"),
			    "ss -K src 192.168.11.7:61902 dst 10.141.16.0:3306");
	assert_non_null(strstr(lvs_line_value(&s.line, "effect"), "it will hang"));
}

static void finds_room_for_a_window(void **state _unused_)
{
	_cleanup_(scene_done) struct scene s;
	struct collision c;

	scene_init(&s, LVS_NAT, LVS_TOA_UNSET);
	assert_int_equal(ports_read_range(&s.ports, "1024 65000"), 0);
	c = pair_of(&s, FLOW_OPENING, FLOW_ESTABLISHED, 0);
	lvs_message_live(&s.say, &c, &s.line);
	render(&s);
	assert_non_null(strstr(s.remedy,
			       "prevent='sysctl -w net.ipv4.ip_local_port_range=\"32768 49151\"; "
			       "iptables -t nat"));
	assert_non_null(strstr(s.remedy, "--to-ports 49152-65535'"));
	assert_null(strstr(s.text, "toa="));
}

static void weighs_what_it_knows(void **state _unused_)
{
	_cleanup_(scene_done) struct scene packet, unknown;
	struct collision c;

	scene_init(&packet, LVS_FULLNAT, LVS_TOA_PACKET);
	scene_init(&unknown, LVS_FULLNAT, LVS_TOA_UNSET);
	c = pair_of(&packet, FLOW_ESTABLISHED, FLOW_TIME_WAIT, 0);
	lvs_message_live(&packet.say, &c, &packet.line);
	assert_int_equal(packet.line.level, SEVERITY_CRITICAL);
	c.certainty = COLLIDE_POSSIBLE;
	c.share = 0.25;
	lvs_message_live(&packet.say, &c, &packet.line);
	assert_int_equal(packet.line.level, SEVERITY_WARNING);
	packet.settings.lvs->nat_beyond = true;
	c.certainty = COLLIDE_MANIFEST;
	lvs_message_live(&packet.say, &c, &packet.line);
	assert_int_equal(packet.line.level, SEVERITY_NOTE);
	lvs_message_imminent(&packet.say, &c, NULL, &packet.line);
	assert_int_equal(packet.line.level, SEVERITY_NOTE);
	assert_string_equal(lvs_line_value(&packet.line, "nat_beyond"), "yes");

	/* one step less: nobody knows what the toa does */
	c = pair_of(&unknown, FLOW_ESTABLISHED, FLOW_ESTABLISHED, 0);
	lvs_message_live(&unknown.say, &c, &unknown.line);
	assert_int_equal(unknown.line.level, SEVERITY_WARNING);
	assert_string_equal(lvs_line_value(&unknown.line, "toa"), "unknown");
	c.share = 0.5;
	lvs_message_live(&unknown.say, &c, &unknown.line);
	assert_int_equal(unknown.line.level, SEVERITY_NOTE);
}

static void tells_of_a_risk(void **state _unused_)
{
	_cleanup_(scene_done) struct scene s;
	struct risk_row row = { .class = COLLIDE_A, .l4proto = IPPROTO_TCP };

	scene_init(&s, LVS_NAT, LVS_TOA_UNSET);
	row.client = end_of(C).addr;
	row.direct =
		(struct lvs_side){ .service = LVS_NONE, .dest = end_of(RS).addr, .port = 3269 };
	row.via = (struct lvs_side){ .service = 0, .dest = end_of(VIP).addr, .port = 3306 };
	row.in = (struct risk_input){ 50, 612, 1, 14116, 0, 5.1 };
	row.risk = risk_of(&row.in);
	assert_true(lvs_message_risk(&s.say, &row, 300 * USEC_PER_SEC, &s.line));
	render(&s);
	assert_string_equal(
		s.text, "WARNING lvs-collision class=A state=risk proto=tcp client=192.168.11.7 "
			"rs=10.112.61.163:3269 service=10.141.16.0:3306 direct=50 via_entries=612 "
			"rate_direct=0.0/s rate_via=5.1/s share=1.00 "
			"ports=14116(range=32768-60999,parity=even) p_now=0.8914 "
			"expected_per_day=1560.78 p_connect_stall=0.0434 sample=300s");

	/* without rates only what is now */
	assert_true(lvs_message_risk(&s.say, &row, 0, &s.line));
	assert_null(lvs_line_value(&s.line, "expected_per_day"));
	/* nothing to lose, or no port in common */
	row.in = (struct risk_input){ 0, 3, 1, 14116, 0, 0 };
	row.risk = risk_of(&row.in);
	assert_false(lvs_message_risk(&s.say, &row, 0, &s.line));
	row.in = (struct risk_input){ 1, 1, 1, 14116, 0, 0.0001 };
	row.risk = risk_of(&row.in);
	assert_false(lvs_message_risk(&s.say, &row, 300 * USEC_PER_SEC, &s.line));
	row.in.via_rate = 0.01;
	row.risk = risk_of(&row.in);
	assert_true(lvs_message_risk(&s.say, &row, 300 * USEC_PER_SEC, &s.line));
	assert_int_equal(s.line.level, SEVERITY_NOTE);
	row.in.via_rate = 1;
	row.risk = risk_of(&row.in);
	assert_true(lvs_message_risk(&s.say, &row, 300 * USEC_PER_SEC, &s.line));
	assert_int_equal(s.line.level, SEVERITY_WARNING);
	row.choice = PORTS_DISJOINT;
	assert_false(lvs_message_risk(&s.say, &row, 300 * USEC_PER_SEC, &s.line));
}

static void says_a_thing_once_an_hour(void **state _unused_)
{
	_cleanup_(lvs_ratelimit_freep) struct lvs_ratelimit *q = lvs_ratelimit_new();
	_cleanup_(scene_done) struct scene s;
	struct collision c, other;
	uint32_t repeats;
	uint64_t print;
	usec_t now = 5 * USEC_PER_SEC;
	unsigned i;

	scene_init(&s, LVS_NAT, LVS_TOA_UNSET);
	c = other = pair_of(&s, FLOW_ESTABLISHED, FLOW_ESTABLISHED, 0);
	other.via.cport++;
	print = lvs_print_collision(&c);
	assert_true(print != lvs_print_collision(&other));
	other = c, other.certainty = COLLIDE_POSSIBLE;
	assert_true(print != lvs_print_collision(&other));
	other = c, other.direct.backoff = 3, other.direct.since = 9;
	assert_true(print == lvs_print_collision(&other));

	assert_true(lvs_ratelimit_ask(q, print, now, &repeats));
	assert_int_equal(repeats, 0);
	assert_false(lvs_ratelimit_ask(q, print, now, &repeats));
	assert_false(lvs_ratelimit_ask(q, print, now + LVS_RATELIMIT_INTERVAL - 1, &repeats));
	assert_true(lvs_ratelimit_ask(q, print, now + LVS_RATELIMIT_INTERVAL, &repeats));
	assert_int_equal(repeats, 2);
	/* a flood of others makes it forget, and costs no memory */
	for (i = 0; i < 100000; i++)
		assert_true(lvs_ratelimit_ask(q, print + 1 + i, now + LVS_RATELIMIT_INTERVAL,
					      &repeats));
}

static void warns_of_service_ports(void **state _unused_)
{
	_cleanup_(scene_done) struct scene s;
	struct lvs_map *m = lvs_map_new();
	struct addrset local = { .n = 0 };
	struct addr own = end_of("10.9.2.1:0").addr;
	struct lvs_ports p;
	struct flow f = flow_of(IPPROTO_TCP, "10.9.2.1:50000", "10.9.2.2:80", FLOW_OPENING);

	scene_init(&s, LVS_NAT, LVS_TOA_UNSET);
	add_service(m, "10.9.2.1:50000", LVS_DR, LVS_TOA_UNSET); /* of any method */
	add_service(m, "10.9.2.1:80", LVS_NAT, LVS_TOA_UNSET);
	add_service(m, "10.9.2.1:40000", LVS_NAT, LVS_TOA_UNSET);
	add_service(m, "10.9.2.9:50000", LVS_NAT, LVS_TOA_UNSET);
	add_service(m, "10.9.2.1:0", LVS_NAT, LVS_TOA_UNSET);
	assert_int_equal(lvs_map_finish(m), 0);
	lvs_map_free(s.map);
	s.map = m;
	s.say.map = m;
	assert_int_equal(addrset_add(&local, &own), 0);
	assert_int_equal(ports_read_reserved(&s.ports, "40000"), 0);
	assert_int_equal(lvs_ports_find(m, &local, &s.ports, &p), 0);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.list[0].port, 0);
	assert_int_equal(p.list[1].port, 50000);
	lvs_message_port(&s.say, &p.list[1], &s.line);
	render(&s);
	assert_string_equal(
		s.text, "WARNING lvs-collision class=B state=risk local=10.9.2.1 port=50000/tcp "
			"service=10.9.2.1:50000 range=32768-60999 reserved=no effect=\"connect() "
			"may pick it; SYN/ACK is then scheduled by IPVS\"");
	assert_string_equal(s.remedy,
			    "fix='sysctl -w net.ipv4.ip_local_reserved_ports=\"$(sysctl -n "
			    "net.ipv4.ip_local_reserved_ports),50000\"' see=vipsafe-lvs(7)");

	f.l4proto = IPPROTO_UDP;
	lvs_ports_use(&p, &f);
	assert_false(p.list[1].in_use);
	f.l4proto = IPPROTO_TCP;
	lvs_ports_use(&p, &f);
	assert_true(p.list[1].in_use);
	lvs_message_port(&s.say, &p.list[1], &s.line);
	render(&s);
	assert_non_null(strstr(s.text, "ERROR lvs-collision class=B state=certain"));
	assert_non_null(strstr(s.text, "peer=10.9.2.2:80"));
	/* a service of all ports is one line, not one for each */
	lvs_message_port(&s.say, &p.list[0], &s.line);
	render(&s);
	assert_non_null(strstr(s.text, "port=any/tcp"));
	assert_string_equal(s.remedy, "");
	lvs_ports_done(&p);
	addrset_done(&local);
}

static void tells_of_the_map(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *none = lvs_map_new(), *dr = NULL;
	_cleanup_(scene_done) struct scene s;
	struct lvs_source *source;

	scene_init(&s, LVS_NAT, LVS_TOA_UNSET);
	lvs_message_map(&s.say, &s.line);
	render(&s);
	assert_string_equal(s.text, "INFO lvs-map sources=ini(1) services=1 client_visible=1 "
				    "rs_endpoints=1 check=\"class A check active\"");
	assert_false(lvs_message_source(&s.say, 0, &s.line));
	source = lvs_map_source_of(s.map, 0);
	source->blocks = 7;
	lvs_source_skip(source, NULL, 214);
	assert_true(lvs_message_source(&s.say, 0, &s.line));
	assert_false(lvs_message_source(&s.say, 1, &s.line));
	render(&s);
	assert_string_equal(s.text, "WARNING lvs-map incomplete source=ini:test blocks=7 "
				    "understood=6 first_bad=line:214");

	/* never silent where nothing can be found */
	assert_int_equal(lvs_map_finish(none), 0);
	s.say.map = none;
	lvs_message_map(&s.say, &s.line);
	render(&s);
	assert_non_null(strstr(s.text, "collision check inactive: no LVS services known"));
	assert_false(lvs_message_is_active(none));
	dr = map_of(VIP, LVS_DR, LVS_TOA_UNSET, VIP);
	s.say.map = dr;
	lvs_message_map(&s.say, &s.line);
	render(&s);
	assert_non_null(strstr(s.text, "class A check inactive"));
}

static void escapes_what_files_say(void **state _unused_)
{
	struct lvs_line l;
	char text[LVS_LINE_TEXT_MAX];
	json_t *o;

	lvs_line_init(&l, SEVERITY_NOTE, "lvs-map");
	lvs_line_add(&l, "source", "save:\x1b[2J\n\xff");
	lvs_line_number(&l, "n", "%d", 3);
	lvs_line_number(&l, "broken", "%s", "x y");
	assert_string_equal(lvs_line_text(&l, text),
			    "INFO lvs-map source=save:\\x1b[2J\\x0a\\xff n=3 broken=\"x y\"");
	o = lvs_line_json(&l);
	assert_int_equal(json_integer_value(json_object_get(o, "n")), 3);
	assert_string_equal(json_string_value(json_object_get(o, "broken")), "x y");
	json_decref(o);
}

static void parses_ranges(void **state _unused_)
{
	static const struct {
		const char *text, *range; /* NULL: refused */
	} rows[] = {
		{ "10.9.9.1:80", "10.9.9.1:80" },
		{ "10.9.9.1", "10.9.9.1:0" },
		{ "10.9.9.1-10:80", "10.9.9.1-10.9.9.10:80" },
		{ "10.9.9.1-10.9.10.2:80", "10.9.9.1-10.9.10.2:80" },
		{ "10.9.9.77/24:80", "10.9.9.0-10.9.9.255:80" },
		{ "0.0.0.0/0:80", "0.0.0.0-255.255.255.255:80" },
		{ "[fd00::1]:80", "[fd00::1]:80" },
		{ "[fd00::/120]:80", "[fd00::-fd00::ff]:80" },
		{ "[fd00::1-f]:80", "[fd00::1-fd00::f]:80" },
		{ "fd00::1", "[fd00::1]:0" },
		{ "10.9.9.10-1:80", NULL },
		{ "10.9.9.1-256:80", NULL },
		{ "10.9.9.1-fd00::1", NULL },
		{ "10.9.9.1:", NULL },
		{ "10.9.9.1:65536", NULL },
		{ "[fd00::1", NULL },
		{ "[fd00::1]80", NULL },
		{ "10.9.9.1/33:80", NULL },
		{ "", NULL },
	};
	char text[LVS_RANGE_MAX];
	struct addr first, last;
	uint16_t port;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = lvs_match_parse(rows[i].text, &first, &last, &port);

		if (!rows[i].range) {
			if (r != -EINVAL)
				fail_msg("%s is taken", rows[i].text);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(lvs_range_format(&first, &last, port, text), rows[i].range);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_of_a_pair),
		cmocka_unit_test(chooses_the_remedy),
		cmocka_unit_test(finds_room_for_a_window),
		cmocka_unit_test(weighs_what_it_knows),
		cmocka_unit_test(tells_of_a_risk),
		cmocka_unit_test(says_a_thing_once_an_hour),
		cmocka_unit_test(warns_of_service_ports),
		cmocka_unit_test(tells_of_the_map),
		cmocka_unit_test(escapes_what_files_say),
		cmocka_unit_test(parses_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
