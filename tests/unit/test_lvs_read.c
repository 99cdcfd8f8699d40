/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services read from files and from the configuration. */
#include "lib/lvs_scene.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lvs/text.h"
#include "base/settings.h"
#include "show/config.h"
#include "lvs/source.h"

#define DIR "test_lvs_read.tmp"

static int make_dir(void **state _unused_)
{
	return mkdir(DIR, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

static int remove_dir(void **state _unused_)
{
	static const char *const names[] = { "save", "conf", "a.conf", "ini" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64];

		snprintf(path, sizeof(path), DIR "/%s", names[i]);
		unlink(path);
	}
	return rmdir(DIR);
}

static const char *write_file(const char *name, const char *text)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof(path), DIR "/%s", name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	return path;
}

static struct lvs_map *load(enum lvs_source_kind kind, const char *path)
{
	struct lvs_source_settings source = { .kind = kind };
	struct lvs_settings s = { .sources = &source, .n_sources = 1 };
	struct lvs_map *m = NULL;

	snprintf(source.path, sizeof(source.path), "%s", path);
	assert_int_equal(lvs_load(&s, "", NULL, &m), 0);
	return m;
}

static struct lvs_source source_of(const struct lvs_map *m)
{
	const struct lvs_source *sources;

	assert_int_equal(lvs_map_sources(m, &sources), 1);
	return sources[0];
}

/* "tcp 10.9.9.1:80 = nat 10.9.2.2:80*1 …": all of a map in one text. */
static void print_map(const struct lvs_map *m, char *buf, size_t size)
{
	char end[LVS_RANGE_MAX];
	size_t at = 0, i, j;

	*buf = '\0';
	for (i = 0; i < lvs_map_services(m); i++) {
		const struct lvs_service *s = lvs_map_service(m, (uint32_t)i);

		if (!s->n_matches)
			continue;
		for (j = 0; j < s->n_matches; j++) {
			const struct lvs_match *match = &s->matches[j];
			char proto[8];

			if (match->l4proto)
				lvs_range_format(&match->first, &match->last, match->port, end);
			else
				snprintf(end, sizeof(end), "%u/%u", match->fwmark,
					 match->first.family == AF_INET6 ? 6 : 4);
			at += (size_t)snprintf(
				buf + at, size - at, "%s%s %s", j ? ", " : "",
				match->l4proto ? l4proto_name(match->l4proto, proto) : "mark", end);
		}
		at += (size_t)snprintf(buf + at, size - at, "%s =", s->persistent ? " p" : "");
		for (j = 0; j < s->n_reals; j++)
			at += (size_t)snprintf(
				buf + at, size - at, " %s %s*%u",
				lvs_method_name(s->reals[j].method),
				lvs_endpoint_format(&s->reals[j].addr, s->reals[j].port, end),
				s->reals[j].weight);
		at += (size_t)snprintf(buf + at, size - at, "\n");
		assert_true(at < size);
	}
}

static void assert_map(const struct lvs_map *m, const char *wanted)
{
	char text[4096];

	print_map(m, text, sizeof(text));
	assert_string_equal(text, wanted);
}

static void reads_what_ipvsadm_writes(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = load(
		LVS_FROM_SAVE,
		write_file(
			"save",
			"-A -t 10.9.9.1:0 -s wlc -p 600 -M 255.255.255.0\n"
			"-a -t 10.9.9.1:0 -r 10.9.2.2:0 -m -w 1\n"
			"-A -t 10.9.9.1:3306 -s rr\n"
			"-a -t 10.9.9.1:3306 -r 10.9.2.2:3269 -m -w 5\n"
			"-a -t 10.9.9.1:3306 -r 10.9.2.3:3306 -g -w 0\n"
			"-a -t 10.9.9.1:3306 -r 10.9.2.4:3306 -i -w 1 --tun-type ipip\n"
			"-a -t 10.9.9.1:3306 -r 10.9.2.5:3306 -i -w 1 --tun-type gue "
			"--tun-port 6080 --tun-csum\n"
			"-a -t 10.9.9.1:3306 -r 10.9.2.6:3306 -i -w 1 --tun-type gre --tun-csum\n"
			"-A -u 10.9.9.1:53 -s sh -o -b sh-fallback,sh-port\n"
			"-A -u 10.9.9.1:5060 -s rr -p 60 --pe sip -o\n"
			"-A --sctp-service 10.9.9.1:9999 -s wlc\n"
			"-A -t [fd00::1]:443 -s rr -p 360 -M 64\n"
			"-a -t [fd00::1]:443 -r [fd00:2::2]:8443 -m -w 1\n"
			"-A -f 77 -s mh -p 360 -b mh-fallback,mh-port\n"
			"-a -f 77 -r 10.9.2.2:0 -m -w 1\n"
			"-a -f 9 -6 -r [fd02::2]:0 -m -w 1\n"));
	struct lvs_source s = source_of(m);

	assert_map(m, "tcp 10.9.9.1:0 p = nat 10.9.2.2:0*1\n"
		      "tcp 10.9.9.1:3306 = nat 10.9.2.2:3269*5 dr 10.9.2.3:3306*0 "
		      "tun 10.9.2.4:3306*1 tun 10.9.2.5:3306*1 tun 10.9.2.6:3306*1\n"
		      "udp 10.9.9.1:53 =\n"
		      "udp 10.9.9.1:5060 p =\n"
		      "sctp 10.9.9.1:9999 =\n"
		      "tcp [fd00::1]:443 p = nat [fd00:2::2]:8443*1\n"
		      "mark 77/4 p = nat 10.9.2.2:0*1\n"
		      "mark 9/6 = nat [fd02::2]:0*1\n");
	assert_int_equal(s.blocks, 16);
	assert_int_equal(s.skipped, 0);
	assert_false(s.failed);
	assert_true(s.age < 3600 * USEC_PER_SEC);
	assert_int_equal(lvs_map_summary(m).unresolved, 2);
}

static void reads_what_people_write(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = load(
		LVS_FROM_SAVE,
		write_file("save",
			   "# by hand\n\n   \t\n"
			   "ipvsadm --add-service --tcp-service 10.9.9.1:80 --scheduler rr "
			   "--persistent --netmask 255.255.255.255 --ops # so\n"
			   "/sbin/ipvsadm --add-server --tcp-service=10.9.9.1:80 --real-server "
			   "10.9.2.2:80 --masquerading --weight 3 -x 10 -y 5\r\n"
			   "ipvsadm -a -t 10.9.9.1:80 -r 10.9.2.3 --gatewaying --weight=2\n"
			   "ipvsadm -a -t 10.9.9.1:80 -r 10.9.2.4:80 --ipip --tun-type gue "
			   "--tun-port 1 --tun-nocsum --tun-remcsum\n"
			   "-a -t 10.9.9.1:80 -r 10.9.2.5:80\n"
			   "-A -f 5 --ipv6 -s rr --sched-flags a,b\n"
			   "-A -t 10.9.9.1:80 -p -s rr\n"
			   "-A -u 10.9.9.1:53 -p5 -s rr --what-comes 7 --next\n"));

	/* the same service again; what is not known here is passed over */
	assert_map(m, "tcp 10.9.9.1:80 p = nat 10.9.2.2:80*3 dr 10.9.2.3:0*2 tun 10.9.2.4:80*1 "
		      "dr 10.9.2.5:80*1\n"
		      "mark 5/6 =\n"
		      "udp 10.9.9.1:53 p =\n");
	assert_int_equal(source_of(m).skipped, 0);
}

static void reads_the_dialect_of_dpvs(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m =
		load(LVS_FROM_SAVE,
		     write_file("save", "-A -t 10.141.16.0:3306 -s wrr -j enable\n"
					"-a -t 10.141.16.0:3306 -r 10.112.61.163:3269 -b -w 1\n"
					"-P -z 192.168.100.200 -t 10.141.16.0:3306 -F dpdk1\n"
					"-A -t 10.141.16.1:80 -s rr --proxy-protocol v2\n"
					"-a -t 10.141.16.1:80 -r 10.112.61.163:80 -b -w 1\n"
					"-A -s rr -H proto=tcp,src-range=10.0.0.0-10.0.0.255\n"
					"-a -t 10.141.16.2:80 -r 10.112.61.163:81 -J\n"));
	struct lvs_dest d;

	assert_map(m, "tcp 10.141.16.0:3306 = fullnat 10.112.61.163:3269*1\n"
		      "tcp 10.141.16.1:80 = fullnat 10.112.61.163:80*1\n"
		      "tcp 10.141.16.2:80 = snat 10.112.61.163:81*1\n");
	assert_int_equal(source_of(m).skipped, 0);
	/* behind the PROXY protocol nothing is rewritten */
	assert_true(lvs_map_lookup(m, IPPROTO_TCP, AF_INET, end_of("10.141.16.0:1").addr.bytes,
				   3306, &d));
	assert_false(lvs_map_lookup(m, IPPROTO_TCP, AF_INET, end_of("10.141.16.1:1").addr.bytes, 80,
				    &d));
	assert_int_equal(lvs_map_summary(m).visible, 1);
}

static void passes_over_what_it_cannot_read(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m =
		load(LVS_FROM_SAVE, write_file("save", "-A -t 10.9.9.1:80 -s rr\n"
						       "rubbish\n"
						       "-A -t www.example.com:80\n"
						       "-A -t 10.9.9.1:http\n"
						       "-A -t 10.9.9.1:65536\n"
						       "-A -t\n"
						       "-A\n"
						       "-A -a -t 10.9.9.1:81 -r 10.9.2.2:80\n"
						       "-A -t 10.9.9.1:82 -r 10.9.2.2:80\n"
						       "-a -t 10.9.9.1:80\n"
						       "-A -t 10.9.9.1:83 nonsense\n"
						       "-A -t 10.9.9.1:84 -w -1\n"
						       "-A -f 0\n"
						       "-A -A -t 10.9.9.1:85 -u 10.9.9.1:85\n"
						       "iptables -A -t 10.9.9.1:86\n"
						       "-a -t 10.9.9.1:80 -r 10.9.2.2:80 -m\n"));
	struct lvs_source s = source_of(m);

	assert_map(m, "tcp 10.9.9.1:80 = nat 10.9.2.2:80*1\n");
	assert_int_equal(s.blocks, 16);
	assert_int_equal(s.skipped, 14);
	assert_int_equal(s.first_bad, 2);
}

static void says_what_cannot_be_opened(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *absent = load(LVS_FROM_SAVE, DIR "/nothing");
	_cleanup_(lvs_map_freep) struct lvs_map *device = load(LVS_FROM_SAVE, "/dev/zero");
	_cleanup_(lvs_map_freep) struct lvs_map *dir = load(LVS_FROM_KEEPALIVED, DIR);
	_cleanup_(lvs_map_freep) struct lvs_map *gone = load(LVS_FROM_KEEPALIVED, DIR "/nothing");

	assert_true(source_of(absent).failed && source_of(device).failed);
	assert_true(source_of(dir).failed && source_of(gone).failed);
	assert_int_equal(lvs_map_summary(absent).services, 0);
}

static void survives_a_million_lines(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = NULL;
	FILE *f = fopen(DIR "/save", "w");
	struct lvs_source s;
	struct rusage u;
	int i;

	assert_non_null(f);
	for (i = 0; i < 250000; i++)
		fprintf(f,
			"-A -t 10.%d.%d.%d:80 -s rr\n-a -t 10.%d.%d.%d:80 -r 11.0.0.1:80 -m -w 1\n"
			"-A -t 10.0.0.0:80 -s rr\n-A -t host%d:name\n",
			i >> 16, i >> 8 & 255, i & 255, i >> 16, i >> 8 & 255, i & 255, i);
	/* one line of a megabyte, and no end of line */
	for (i = 0; i < 1 << 20; i++)
		putc('x', f);
	assert_int_equal(fclose(f), 0);
	m = load(LVS_FROM_SAVE, DIR "/save");
	s = source_of(m);
	assert_int_equal(s.blocks, 1000001);
	assert_int_equal(s.first_bad, 4);
	/* every fourth line makes no sense, and half of the services are too much */
	assert_int_equal(lvs_map_summary(m).services, LVS_SERVICES_MAX);
	assert_int_equal(s.skipped, 250001 + 2 * (250000 - LVS_SERVICES_MAX));
	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	printf("# %ld MiB at most\n", u.ru_maxrss / 1024);
}

static void reads_keepalived(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = NULL;
	struct lvs_source s;

	write_file("a.conf", "virtual_server fd00::1 443 {\n"
			     "  lb_kind DR\n"
			     "  real_server fd00:2::2 443 { weight 2 }\n"
			     "}\n");
	m = load(LVS_FROM_KEEPALIVED,
		 write_file("conf", "$VIP=10.9.9.1\n"
				    "include a.conf\n"
				    "vrrp_instance VI_1 { state MASTER }\n"
				    "virtual_server_group G {\n"
				    "  10.9.8.1-3 80\n"
				    "  10.9.7.0/24 8080\n"
				    "  10.9.6.255-10.9.7.5 81\n"
				    "  fwmark 12\n"
				    "  fwmark 13 inet6\n"
				    "}\n"
				    "virtual_server group G {\n"
				    "  lvs_method NAT\n  protocol UDP\n  ops\n"
				    "  real_server 10.9.2.2 53 {\n    weight 3\n  }\n"
				    "  real_server 10.9.2.3 53 {\n    lvs_method TUN\n  }\n"
				    "}\n"
				    "virtual_server $VIP 80 {\n"
				    "  persistence_timeout 50\n"
				    "  sorry_server 10.9.2.9 8000\n"
				    "  sorry_server_lvs_method DR\n"
				    "  real_server 10.9.2.2 8080 { }\n"
				    "}\n"
				    "virtual_server fwmark 7 {\n"
				    "  lb_kind FNAT\n"
				    "  persistence_timeout 0\n"
				    "  real_server 10.9.2.2 0 { }\n"
				    "}\n"
				    /* keepalived passes over what is no time */
				    "virtual_server fwmark 8 { persistence_timeout -1\n }\n"
				    "virtual_server fwmark 9 { persistence_timeout\n }\n"
				    "virtual_server fwmark 10 { persistence_granularity 255.0.0.0\n"
				    "  persistence_timeout 0\n }\n"));
	s = source_of(m);
	assert_map(m, "tcp [fd00::1]:443 = dr [fd00:2::2]:443*2\n"
		      "udp 10.9.8.1-10.9.8.3:80, udp 10.9.7.0-10.9.7.255:8080, "
		      "udp 10.9.6.255-10.9.7.5:81, mark 12/4, mark 13/6 = "
		      "nat 10.9.2.2:53*3 tun 10.9.2.3:53*1\n"
		      "tcp 10.9.9.1:80 p = dr 10.9.2.9:8000*0 nat 10.9.2.2:8080*1\n"
		      "mark 7/4 = fullnat 10.9.2.2:0*1\n"
		      "mark 8/4 =\nmark 9/4 p =\nmark 10/4 p =\n");
	assert_int_equal(s.blocks, 7);
	assert_int_equal(s.skipped, 0);
}

static void counts_what_it_does_not_understand(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = NULL;
	struct lvs_source s;

	m = load(LVS_FROM_KEEPALIVED,
		 write_file("conf",
			    "virtual_server 10.9.9.1 80 {\n"
			    "  real_server 10.9.2.2 80 { }\n"
			    "  real_server db.example.com 80 { }\n"
			    "}\n"
			    "virtual_server group NOBODY { }\n"
			    "virtual_server $UNKNOWN 80 { real_server 10.9.2.2 80 { } }\n"
			    "@main virtual_server 10.9.9.2 80 { real_server 10.9.2.2 80 { } }\n"
			    "virtual_server 10.9.9.3 80 { lvs_method MAGIC\n }\n"
			    "virtual_server 10.9.9.1 80 { }\n"
			    "include nowhere.conf\n"));
	s = source_of(m);
	assert_int_equal(s.skipped, 7);
	assert_int_equal(s.blocks, 7);
	assert_int_equal(s.first_bad, 1);
	/* the rest of a block is used all the same */
	assert_int_equal(lvs_map_summary(m).services, 3);
}

static void survives_bombs(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = NULL;
	FILE *f = fopen(DIR "/conf", "w");
	int i;

	/* a group of 4000 used 4000 times, a range of all there is, and itself */
	assert_non_null(f);
	fputs("virtual_server_group G {\n", f);
	for (i = 0; i < 4000; i++)
		fprintf(f, "  10.%d.%d.1-254 %d\n", i >> 8, i & 255, 1 + i);
	fputs("  0.0.0.0/0 80\n  ::/0 80\n}\n", f);
	for (i = 0; i < 4000; i++)
		fprintf(f, "virtual_server group G { protocol %s\n real_server 1.1.1.1 80 { } }\n",
			i % 3 ? i % 2 ? "TCP" : "UDP" : "SCTP");
	fprintf(f, "include conf\n");
	assert_int_equal(fclose(f), 0);
	m = load(LVS_FROM_KEEPALIVED, DIR "/conf");
	assert_int_equal(lvs_map_summary(m).services, 3);
	assert_true(source_of(m).skipped >= 3997 + 1);
}

static int read_ini(const char *text, struct settings *ret, struct request_error *e)
{
	const char *path = write_file("ini", text);

	chmod(path, 0600);
	return config_load(path, ret, e);
}

static void reads_the_ini(void **state _unused_)
{
	_cleanup_(lvs_map_freep) struct lvs_map *m = NULL;
	struct request_error e = { "" };
	struct settings s;
	const struct lvs_source *sources;

	/* as the manual has it */
	assert_int_equal(
		read_ini("[lvs]\n"
			 "sources = ipvs, save:/nowhere/director.rules\n"
			 "conn_hold = 110            ; seconds a closed VIP tuple stays dangerous\n"
			 "warn_per_day = 1           ; class A risk: expected hits per day\n"
			 "info_per_day = 0.02\n"
			 "warn_p_connect = 0.001\n"
			 "on_certain = restore ; nat_beyond = yes\n"
			 "[lvs-service mysql]\n"
			 "vip = 10.141.16.0:3306 ; proto = tcp ; method = fullnat ; toa = packet   "
			 "; none|socket|packet|unknown\n"
			 "real = 10.112.61.163:3269 weight=1\n"
			 "real = 10.112.62.1:3269 weight=2 # another\n"
			 "[lvs-fwmark 77]\n"
			 "match = tcp 10.9.9.1:80,443\n",
			 &s, &e),
		0);
	assert_true(s.lvs->conn_hold == 110 * USEC_PER_SEC);
	assert_true(s.lvs->info_per_day == 0.02);
	assert_int_equal(s.lvs->on_certain, ON_CERTAIN_RESTORE);
	assert_true(s.lvs->nat_beyond);
	assert_int_equal(s.lvs->n_sources, 2);
	assert_int_equal(lvs_load(s.lvs, "/etc/x.conf", NULL, &m), 0);
	assert_map(m, "tcp 10.141.16.0:3306 = fullnat 10.112.61.163:3269*1 "
		      "fullnat 10.112.62.1:3269*2\n"
		      "mark 77/4, mark 77/6, tcp 10.9.9.1:80, tcp 10.9.9.1:443 =\n");
	assert_int_equal(lvs_map_service(m, 0)->toa, LVS_TOA_PACKET);
	assert_string_equal(lvs_map_service(m, 0)->name, "mysql");
	assert_string_equal(lvs_map_service(m, 1)->name, "fwmark-77");
	assert_int_equal(lvs_map_sources(m, &sources), 2); /* no IPVS here */
	assert_string_equal(sources[0].path, "/etc/x.conf");
	assert_true(sources[1].failed);
	settings_done(&s);
}

static void refuses_a_bad_ini(void **state _unused_)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "[lvs]\nsources = ipvs, file:/x\n", "ini:2: sources: \"file:/x\" is none of" },
		{ "[lvs]\nsources = save:relative\n", "ini:2: sources: \"save:relative\"" },
		{ "[lvs]\nwarn_p_connect = 2\n", "ini:2: warn_p_connect: \"2\"" },
		{ "[lvs]\non_certain = maybe\n", "ini:2: on_certain: \"maybe\" is none of" },
		{ "[lvs-service]\n", "ini:1: section [lvs-service] names no" },
		{ "[lvs-service a]\nvip = example.com:80\n", "ini:2: vip: \"example.com:80\"" },
		{ "[lvs-service a]\nvip = 10.9.9.1:80,0\n", "ini:2: vip: \"0\" is no port" },
		{ "[lvs-service a]\nreal = 10.9.9.1:80 weight=x\n", "ini:2: real: \"weight=x\"" },
		{ "[lvs-service a]\nreal = 10.0.0.0/24:80\n",
		  "ini:2: real: \"10.0.0.0/24:80\" is no" },
		{ "[lvs]\ngone_rs_hold = 900\n", "ini:2: unknown key \"gone_rs_hold\"" },
		{ "[lvs-service a]\nreal = 10.9.9.1:80 10.9.9.2:80\n", "ini:2: real:" },
		{ "[lvs-fwmark x]\n", "ini:1: lvs-fwmark: \"x\" is no firewall mark" },
		{ "[lvs-fwmark 5]\nmatch = 10.9.9.1:80\n", "ini:2: match:" },
		/* lines are counted as they stand in the file */
		{ "[lvs-service a]\n\nvip = 10.9.9.1:80 ; toa = none ; method = magic\n",
		  "ini:3: method: \"magic\"" },
		{ "[lvs-service a]\nvip = 10.9.9.1:80 ; toa = none\nproto = tcp ; toa = none\n",
		  "ini:3: key \"toa\" given twice" },
		{ "[lvs-service a]\nvip = 10.9.9.1:80 ; toa = none\nrubbish\n",
		  "ini:3: this is neither" },
		/* elsewhere it is a comment, known key or not */
		{ "[agent]\nhold = nft ; on_stop = nonsense\n[lvs]\non_certain = x\n", "ini:4:" },
		{ "[lvs]\non_certain = skip ; is = good\nconn_hold = x\n", "ini:3: conn_hold" },
	};
	struct request_error e;
	struct settings s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		e = (struct request_error){ "" };
		assert_int_equal(read_ini(rows[i].text, &s, &e), -EINVAL);
		if (!strstr(e.text, rows[i].error))
			fail_msg("\"%s\" is not in \"%s\"", rows[i].error, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_ipvsadm_writes),
		cmocka_unit_test(reads_what_people_write),
		cmocka_unit_test(reads_the_dialect_of_dpvs),
		cmocka_unit_test(passes_over_what_it_cannot_read),
		cmocka_unit_test(says_what_cannot_be_opened),
		cmocka_unit_test(survives_a_million_lines),
		cmocka_unit_test(reads_keepalived),
		cmocka_unit_test(counts_what_it_does_not_understand),
		cmocka_unit_test(survives_bombs),
		cmocka_unit_test(reads_the_ini),
		cmocka_unit_test(refuses_a_bad_ini),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
