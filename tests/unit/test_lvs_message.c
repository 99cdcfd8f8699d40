/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of collisions, how often, and of which service ports; and how
 * addresses are written. */
#include "lib/lvs_scene.h"

#include <errno.h>
#include <stdlib.h>

#include "lvs/message.h"
#include "lvs/said.h"
#include "lvs/text.h"
#include "show/settings_text.h"

struct scene {
	struct lvs_map *map;
	struct settings settings;
	struct ports ports;
	struct lvs_message say;
	struct lvs_node node;
	struct addrset own;
	struct lvs_live *live; /* owned */
	bool nft;
	struct lvs_finding found;
};

static bool scene_uses_nft(void *ud)
{
	return *(bool *)ud;
}

static void scene_init(struct scene *s, enum lvs_method method, enum lvs_toa toa)
{
	memset(s, 0, sizeof(*s));
	s->map = map_of(VIP, method, toa, RS);
	assert_int_equal(settings_init(&s->settings, sections_all), 0);
	assert_int_equal(ports_read_range(&s->ports, "32768 60999"), 0);
	s->live = calloc(1, sizeof(*s->live));
	s->node.ports = &s->ports;
	s->node.live = s->live;
	s->node.own = &s->own;
	s->node.uses_nft = scene_uses_nft;
	s->node.nat_in_turn = true;
	s->node.ud = &s->nft;
	s->say = (struct lvs_message){ s->map, s->settings.lvs, &s->ports, true, &s->node };
}

static void scene_done(struct scene *s)
{
	lvs_map_free(s->map);
	free(s->live);
	settings_done(&s->settings);
}

static struct collision pair_of(struct scene *s, enum flow_state direct, enum flow_state via)
{
	_cleanup_(collide_freep) struct collide *c =
		collide_new(s->map, (struct collide_node){ 0 }, 1);
	struct found found;

	put(c, flow_of(IPPROTO_TCP, C, RS, direct));
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
	c = pair_of(&s, FLOW_ESTABLISHED, FLOW_ESTABLISHED);
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(s.found.f.code, "lvs-collision");
	assert_string_equal(s.found.f.text,
			    "192.168.11.7:61902 directly to 10.112.61.163:3269 and through "
			    "10.141.16.0:3306: one connection to the server; the server has reset "
			    "the direct one, which will hang (if the map is right)");
	/* what may be a healthy connection is not to be closed */
	assert_string_equal(s.found.f.fix, "");
	assert_int_equal(lvs_finding_rank(&s.found), LVS_RANK_CRITICAL);

	c.certainty = COLLIDE_MANIFEST;
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(s.found.f.code, "lvs-crossed");
	assert_string_equal(
		s.found.f.text,
		"192.168.11.7:61902 directly to 10.112.61.163:3269 hangs, since the answers "
		"go to the one through 10.141.16.0:3306");
	assert_string_equal(s.found.f.fix, "ss -K src 192.168.11.7:61902 dst 10.112.61.163:3269");
	assert_int_equal(lvs_finding_rank(&s.found), LVS_RANK_MANIFEST);
	/* where the kernel cannot close a socket, that is no fix */
	s.say.can_destroy = false;
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(s.found.f.fix, "");
	assert_non_null(strstr(s.found.f.advice, "open that connection again"));
}

/* Who is freed, and whose ports are to change, depends on whose they are. */
static void chooses_the_remedy(void **state _unused_)
{
	_cleanup_(scene_done) struct scene s;
	struct collision c;

	scene_init(&s, LVS_NAT, LVS_TOA_UNSET);
	c = pair_of(&s, FLOW_ESTABLISHED, FLOW_ESTABLISHED);
	c.certainty = COLLIDE_MANIFEST;
	c.direct.state = FLOW_TIME_WAIT;
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(s.found.f.fix, "");
	/* our own sockets on a director, of which the other one hangs */
	c.direct.state = FLOW_ESTABLISHED;
	c.via.origin = FLOW_SOCKET | FLOW_IPVS;
	c.effect = COLLIDE_VIA_DEAF;
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(s.found.f.fix, "ss -K src 192.168.11.7:61902 dst 10.141.16.0:3306");
	assert_non_null(
		strstr(s.found.f.text, "through 10.141.16.0:3306 hangs, since the answers"));
	/* clients behind this node have no socket here */
	c.direct.origin = c.via.origin = FLOW_CONNTRACK | FLOW_TRANSLATED;
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(s.found.f.fix, "");
	assert_true(*s.found.prevent);
}

static void prints_the_rules(void **state _unused_)
{
	_cleanup_(scene_done) struct scene s;
	struct flow six[2] = {
		flow_of(IPPROTO_TCP, "[fd00::1]:5000", "[fd00::9]:80", FLOW_ESTABLISHED),
		flow_of(IPPROTO_TCP, "[fd00::1]:5000", "[fd00::9]:443", FLOW_ESTABLISHED)
	};
	struct collision c;
	struct addr own;
	size_t i;

	scene_init(&s, LVS_NAT, LVS_TOA_UNSET);
	c = pair_of(&s, FLOW_ESTABLISHED, FLOW_ESTABLISHED);
	c.direct.origin = c.via.origin = FLOW_SOCKET;
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(s.found.prevent,
			    "iptables -w -t nat -I POSTROUTING -s 192.168.11.7 -d 10.141.16.0 -p "
			    "tcp --dport 3306 -j SNAT --to-source 192.168.11.7:61000-65535");
	/* of a node of its own IPVS nothing leaves with the service as its destination */
	c.via.origin |= FLOW_IPVS;
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(s.found.prevent, "");
	/* clients behind the node that keep their address */
	c.direct.origin = c.via.origin = FLOW_CONNTRACK;
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(
		s.found.prevent,
		"iptables -w -t nat -I POSTROUTING -s 192.168.11.7 -d 10.141.16.0 -p tcp --dport "
		"3306 -j SNAT --to-source 192.168.11.7:61000-65535 && iptables -w -t nat -I "
		"POSTROUTING -s 192.168.11.7 -d 10.112.61.163 -p tcp --dport 3269 -j SNAT "
		"--to-source 192.168.11.7:1024-60999");
	/* what conntrack remembers of this node's own, whose socket is closed */
	own = end_of("192.168.11.7:0").addr;
	assert_int_equal(addrset_add(&s.own, &own), 0);
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(s.found.prevent,
			    "iptables -w -t nat -I POSTROUTING -s 192.168.11.7 -d 10.141.16.0 -p "
			    "tcp --dport 3306 -j SNAT --to-source 192.168.11.7:61000-65535");
	/* as long as it gets: all of it, or nothing */
	s.nft = true;
	assert_int_equal(ports_read_range(&s.ports, "1024 65535"), 0);
	c.via = six[0];
	c.direct = six[1];
	c.direct.origin = c.via.origin = FLOW_CONNTRACK | FLOW_TRANSLATED;
	own = end_of("[fd00::1]:0").addr;
	assert_int_equal(addrset_add(&s.own, &own), 0);
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(
		s.found.prevent,
		"r=$(sysctl -n net.ipv4.ip_local_reserved_ports) && sysctl -w "
		"net.ipv4.ip_local_reserved_ports=\"${r:+$r,}61440-65535\" && nft 'table ip6 "
		"lvs_ports { chain out { type nat hook postrouting priority 99; fib saddr type != "
		"local ip6 daddr fd00::9 "
		"tcp dport 80 snat to [fd00::1]:61440-65535; fib saddr type != local ip6 daddr "
		"fd00::9 tcp dport 443 snat to [fd00::1]:1024-61439; }; }'");
	/* on old kernels such a table would undo the node's own */
	s.node.nat_in_turn = false;
	lvs_message_pair(&s.say, &c, &s.found);
	assert_string_equal(s.found.prevent, "");
	assert_non_null(strstr(s.found.note, "before Linux 4.18"));
	assert_non_null(strstr(s.found.note, "tcp dport 80 snat to [fd00::1]:61440-65535"));
	s.node.nat_in_turn = true;
	for (i = 0; i < 16; i += 2) {
		six[0].client[i] = six[0].dest[i] = six[1].client[i] = six[1].dest[i] = 0xfe;
		six[0].client[i + 1] = six[0].dest[i + 1] = 0xaa;
		six[1].client[i + 1] = six[1].dest[i + 1] = 0xaa;
	}
	c.via = six[0];
	c.direct = six[1];
	c.direct.origin = c.via.origin = FLOW_CONNTRACK | FLOW_TRANSLATED;
	lvs_message_pair(&s.say, &c, &s.found);
	assert_true(!*s.found.prevent || strstr(s.found.prevent, "; }; }'"));
	addrset_done(&s.own);
}

static void weighs_what_it_knows(void **state _unused_)
{
	static const struct {
		enum lvs_method method;
		enum lvs_toa toa;
		enum severity severity;
		const char *words;
	} rows[] = {
		{ LVS_NAT, LVS_TOA_UNSET, SEVERITY_CRITICAL, "(if the map is right)" },
		{ LVS_FULLNAT, LVS_TOA_PACKET, SEVERITY_CRITICAL, "(if the map is right)" },
		{ LVS_FULLNAT, LVS_TOA_UNKNOWN, SEVERITY_WARNING, "toa rewrites packets" },
		{ LVS_FULLNAT, LVS_TOA_UNSET, SEVERITY_WARNING, "toa rewrites packets" },
		{ LVS_UNKNOWN, LVS_TOA_UNSET, SEVERITY_WARNING, "no method is given" },
	};
	const char *words;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(scene_done) struct scene s;
		struct collision c;

		scene_init(&s, rows[i].method, rows[i].toa);
		c = pair_of(&s, FLOW_ESTABLISHED, FLOW_ESTABLISHED);
		lvs_message_pair(&s.say, &c, &s.found);
		assert_int_equal(s.found.f.severity, rows[i].severity);
		assert_non_null(strstr(s.found.f.text, rows[i].words));
		c.certainty = COLLIDE_POSSIBLE, c.share = 0.25;
		lvs_message_pair(&s.say, &c, &s.found);
		assert_int_equal(s.found.f.severity, SEVERITY_WARNING);
		words = rows[i].severity == SEVERITY_WARNING ? rows[i].words
							     : "chance 25 %: there are";
		assert_non_null(strstr(s.found.f.text, words));
		c.share = 1; /* one of the two has ended */
		lvs_message_pair(&s.say, &c, &s.found);
		words = words == rows[i].words ? words : "older than the end";
		assert_non_null(strstr(s.found.f.text, words));
		/* another NAT hides what is seen here; what has happened has happened */
		s.settings.lvs->nat_beyond = true;
		lvs_message_pair(&s.say, &c, &s.found);
		assert_int_equal(s.found.f.severity, SEVERITY_NOTE);
		c.certainty = COLLIDE_MANIFEST;
		lvs_message_pair(&s.say, &c, &s.found);
		assert_int_equal(s.found.f.severity, SEVERITY_CRITICAL);
	}
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
	row.has_rates = true;
	assert_true(lvs_message_risk(&s.say, &row, &s.found));
	assert_int_equal(s.found.f.severity, SEVERITY_WARNING);
	assert_non_null(strstr(s.found.f.text,
			       "expected per day: kill 1560.78 (a living direct one "
			       "is reset), stall 0.00 (a new one hangs)"));
	assert_true(s.found.has_rates && s.found.risk.kill > 1560);
	/* where each destination has a counter of its own they may be fewer */
	row.is_bound = true;
	assert_true(lvs_message_risk(&s.say, &row, &s.found));
	assert_non_null(strstr(s.found.f.text, "kill up to 1560.78"));
	assert_non_null(strstr(s.found.f.text, "stall up to 0.00"));

	/* without rates only what is now */
	row.has_rates = false;
	assert_true(lvs_message_risk(&s.say, &row, &s.found));
	assert_null(strstr(s.found.f.text, "per day"));
	/* nothing to lose, or no port in common */
	row.in = (struct risk_input){ 0, 3, 1, 14116, 0, 0 };
	row.risk = risk_of(&row.in);
	assert_false(lvs_message_risk(&s.say, &row, &s.found));
	row.has_rates = true;
	row.in = (struct risk_input){ 1, 1, 1, 14116, 0, 0.0001 };
	row.risk = risk_of(&row.in);
	assert_false(lvs_message_risk(&s.say, &row, &s.found));
	row.in.via_rate = 0.01;
	row.risk = risk_of(&row.in);
	assert_true(lvs_message_risk(&s.say, &row, &s.found));
	assert_int_equal(s.found.f.severity, SEVERITY_NOTE);
	row.in.via_rate = 1;
	row.risk = risk_of(&row.in);
	assert_true(lvs_message_risk(&s.say, &row, &s.found));
	assert_int_equal(s.found.f.severity, SEVERITY_WARNING);
	row.choice = PORTS_DISJOINT;
	assert_false(lvs_message_risk(&s.say, &row, &s.found));
}

static void says_a_thing_once_an_hour(void **state _unused_)
{
	_cleanup_(lvs_said_freep) struct lvs_said *q = lvs_said_new();
	_cleanup_(scene_done) struct scene s;
	struct collision c, other;
	uint32_t repeats;
	uint64_t print;
	usec_t now = 5 * USEC_PER_SEC;
	unsigned i;

	scene_init(&s, LVS_NAT, LVS_TOA_UNSET);
	c = other = pair_of(&s, FLOW_ESTABLISHED, FLOW_ESTABLISHED);
	other.via.cport++;
	print = lvs_print_collision(&c);
	assert_true(print != lvs_print_collision(&other));
	other = c, other.certainty = COLLIDE_MANIFEST;
	assert_true(print != lvs_print_collision(&other));
	other = c, other.direct.backoff = 3, other.direct.since = 9;
	assert_true(print == lvs_print_collision(&other));
	lvs_message_pair(&s.say, &c, &s.found);
	assert_true(print == lvs_print_finding(&s.found));

	assert_true(lvs_said_ask(q, print, now, &repeats));
	assert_int_equal(repeats, 0);
	assert_false(lvs_said_ask(q, print, now, &repeats));
	assert_false(lvs_said_ask(q, print, now + LVS_SAID_INTERVAL - 1, &repeats));
	assert_true(lvs_said_ask(q, print, now + LVS_SAID_INTERVAL, &repeats));
	assert_int_equal(repeats, 2);
	/* a flood of others makes it forget, and costs no memory */
	for (i = 0; i < 100000; i++)
		assert_true(lvs_said_ask(q, print + 1 + i, now + LVS_SAID_INTERVAL, &repeats));
}

/* A map of this node's own services, or of what a file says of another director. */
static struct lvs_map *map_of_ports(enum lvs_source_kind kind)
{
	struct lvs_map *m = lvs_map_new();

	assert_int_equal(lvs_map_add_source(m, kind, "", 0), 0);
	add_service(m, "10.9.2.1:50000", LVS_DR, LVS_TOA_UNSET); /* of any method */
	add_service(m, "10.9.2.1:51000", LVS_NAT, LVS_TOA_UNSET);
	add_service(m, "10.9.2.1:80", LVS_NAT, LVS_TOA_UNSET);
	add_service(m, "10.9.2.1:40000", LVS_NAT, LVS_TOA_UNSET);
	add_service(m, "10.9.2.9:50000", LVS_NAT, LVS_TOA_UNSET);
	add_service(m, "10.9.2.1:0", LVS_NAT, LVS_TOA_UNSET);
	assert_int_equal(lvs_map_finish(m), 0);
	return m;
}

static void warns_of_service_ports(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *others = map_of_ports(LVS_FROM_SAVE);
	_cleanup_(scene_done) struct scene s;
	struct addrset local = { .n = 0 };
	struct addr own = end_of("10.9.2.1:0").addr;
	struct lvs_ports p;
	struct flow f = flow_of(IPPROTO_TCP, "10.9.2.1:50000", "10.9.2.2:80", FLOW_OPENING);
	struct flow listener = flow_of(IPPROTO_TCP, "[::]:51000", "[::]:0", FLOW_LISTENING);
	struct flow client =
		flow_of(IPPROTO_TCP, "10.9.2.1:51000", "10.9.2.5:999", FLOW_ESTABLISHED);

	scene_init(&s, LVS_NAT, LVS_TOA_UNSET);
	lvs_map_free(s.map);
	s.map = map_of_ports(LVS_FROM_IPVS);
	s.say.map = s.map;
	assert_int_equal(addrset_add(&local, &own), 0);
	assert_int_equal(ports_read_reserved(&s.ports, "40000"), 0);
	/* a real server of another director has the VIP, too: nothing is scheduled here */
	assert_int_equal(lvs_ports_find(others, &local, &s.ports, &p), 0);
	assert_int_equal(p.n, 0);
	lvs_ports_done(&p);

	assert_int_equal(lvs_ports_find(s.map, &local, &s.ports, &p), 0);
	assert_int_equal(p.n, 3);
	/* what a listener has, connect() cannot choose: those are clients */
	lvs_ports_use(&p, &listener);
	lvs_ports_use(&p, &client);
	lvs_ports_settle(&p);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.list[0].port, 0);
	assert_int_equal(p.list[1].port, 50000);
	lvs_message_port(&s.say, &p.list[1], &s.found);
	assert_int_equal(s.found.f.severity, SEVERITY_WARNING);
	assert_string_equal(s.found.f.text, "connect() may choose port 50000/tcp of service "
					    "10.9.2.1:50000 (32768-60999): IPVS would take the "
					    "answers for a new client's");
	/* an empty part between commas is refused by the kernel */
	assert_string_equal(s.found.f.fix,
			    "r=$(sysctl -n net.ipv4.ip_local_reserved_ports) && sysctl -w "
			    "net.ipv4.ip_local_reserved_ports=\"${r:+$r,}50000\"");
	assert_non_null(strstr(s.found.note, "/etc/sysctl.d/"));

	f.l4proto = IPPROTO_UDP;
	lvs_ports_use(&p, &f);
	assert_false(p.list[1].in_use);
	f.l4proto = IPPROTO_TCP;
	lvs_ports_use(&p, &f);
	assert_true(p.list[1].in_use);
	lvs_message_port(&s.say, &p.list[1], &s.found);
	assert_int_equal(s.found.f.severity, SEVERITY_CRITICAL);
	assert_non_null(strstr(s.found.f.text, "10.9.2.1:50000 to 10.9.2.2:80 has the port"));
	assert_non_null(strstr(s.found.note, "then open that connection again"));
	/* a service of all ports is one finding, not one for each */
	lvs_message_port(&s.say, &p.list[0], &s.found);
	assert_non_null(strstr(s.found.f.text, "all tcp ports"));
	assert_string_equal(s.found.f.fix, "");
	lvs_ports_done(&p);
	addrset_done(&local);
}

static void tells_of_the_map(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *none = lvs_map_new();
	_cleanup_(scene_done) struct scene s;
	struct lvs_source *source;

	scene_init(&s, LVS_NAT, LVS_TOA_UNSET);
	lvs_message_map(&s.say, &s.found);
	assert_string_equal(s.found.f.text,
			    "1 services from ini, of which 1 show clients' addresses "
			    "to 1 real servers");
	assert_false(lvs_message_source(&s.say, 0, &s.found));
	source = lvs_map_source_of(s.map, 0);
	source->blocks = 7;
	lvs_source_skip(source, NULL, 214);
	assert_true(lvs_message_source(&s.say, 0, &s.found));
	assert_string_equal(s.found.f.text, "ini:test: 1 of 7 lines or blocks are not understood");
	assert_string_equal(s.found.f.advice, "look at line 214");
	assert_false(lvs_message_source(&s.say, 1, &s.found));
	/* what a file says is made printable */
	snprintf(source->path, sizeof(source->path), "/\x1b[2J\n\xff");
	source->failed = true;
	assert_true(lvs_message_source(&s.say, 0, &s.found));
	assert_string_equal(s.found.f.text, "ini:/\\x1b[2J\\x0a\\xff cannot be read");

	/* never silent where nothing can be found */
	assert_int_equal(lvs_map_finish(none), 0);
	s.say.map = none;
	lvs_message_map(&s.say, &s.found);
	assert_non_null(strstr(s.found.f.text, "no LVS described"));
	assert_false(lvs_message_is_active(none));
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
		{ "fd00:0:0:0:0:0:0:1", "[fd00::1]:0" },
		{ "fd00::/64", "[fd00::-fd00::ffff:ffff:ffff:ffff]:0" },
		{ "fd00::1:80", NULL }, /* is that a port? */
		{ "fd00::1-fd00::9:80", NULL },
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

		if (r != (rows[i].range ? 0 : -EINVAL))
			fail_msg("%s: %d", rows[i].text, r);
		if (!rows[i].range)
			continue;
		assert_string_equal(lvs_range_format(&first, &last, port, text), rows[i].range);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_of_a_pair),
		cmocka_unit_test(chooses_the_remedy),
		cmocka_unit_test(prints_the_rules),
		cmocka_unit_test(weighs_what_it_knows),
		cmocka_unit_test(tells_of_a_risk),
		cmocka_unit_test(says_a_thing_once_an_hour),
		cmocka_unit_test(warns_of_service_ports),
		cmocka_unit_test(tells_of_the_map),
		cmocka_unit_test(parses_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
