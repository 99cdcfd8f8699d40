/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrackd: its file, what it says of itself, and what the doctor finds about both. */
#include "lib/linting.h"

#include <stdlib.h>

#include <vipsafe/base.h>

#include "keepalived/conntrackd_check.h"

#define LINK "UDP {\n IPv4_address 10.0.0.1\n Port 3780\n }\n"
#define SYNC(mode) "Sync {\n Mode FTFW {\n" mode "\n}\n" LINK "}\n"
#define GENERAL(more) "General {\n UNIX {\n Path /run/c.ctl\n }\n" more "}\n"
#define GOOD SYNC("StartupResync yes") GENERAL("")
#define FILTERED(filter) SYNC("StartupResync yes") GENERAL("Filter From Userspace {\n" filter "}\n")

/* ---- its file ---- */

static struct conntrackd_conf *conf_of(const char *text)
{
	struct conntrackd_conf *c = malloc(sizeof(*c));

	assert_non_null(c);
	assert_int_equal(conntrackd_conf_read(text, c), 0);
	return c;
}

static void reads_what_matters(void **state _unused_)
{
	struct conntrackd_conf *c = conf_of(
		"# Mode ALARM {\nSync {\n\tMode NOTRACK {\n\t\tCommitTimeout 180 # seconds\n"
		"\t\tDisableExternalCache On\n\t\tDisableInternalCache no\n\t}\n"
		"\tMulticast {\n\t\tInterface eth2\n\t}\n\tMulticast Default\n\t{\n\t}\n}\n"
		"General {\n\tLockFile /var/lock/x.lock\n\tLogFile /var/log/y.log\n"
		"\tUNIX {\n\t\tPath /run/z.ctl\n\t\tBacklog 20\n\t}\n"
		"\tFilter From Kernelspace {\n\t\tProtocol Accept {\n\t\t\tTCP\n\t\t\tSCTP\n\t\t}\n"
		"\t\tAddress Ignore {\n\t\t\tIPv4_address 127.0.0.1 # loopback\n"
		"\t\t\tIPv4_address 192.168.0.0/16\n\t\t\tIPv6_address ::1\n\t\t}\n"
		"\t\tState Accept {\n\t\t\tESTABLISHED CLOSED for TCP\n\t\t}\n\t}\n}\n");

	assert_true(c->has_sync && !c->has_stats);
	assert_int_equal(c->mode, CONNTRACKD_NOTRACK);
	assert_int_equal(c->commit_timeout, 180);
	assert_true(c->no_external_cache && !c->no_internal_cache && !c->startup_resync);
	assert_int_equal(c->links, 2);
	assert_string_equal(c->lock, "/var/lock/x.lock");
	assert_string_equal(c->socket, "/run/z.ctl");
	assert_int_equal(c->filter.address, CONNTRACKD_IGNORE);
	assert_int_equal(c->filter.n_addresses, 3);
	assert_int_equal(c->filter.dropped, 0);
	assert_int_equal(c->filter.protocol, CONNTRACKD_ACCEPT);
	assert_true(c->filter.tcp && !c->filter.udp);
	assert_int_equal(c->filter.state, CONNTRACKD_ACCEPT);
	assert_true(c->filter.established);
	free(c);
	c = conf_of("Stats {\n LogFile on\n}\nGeneral {\n}\n");
	assert_true(c->has_stats && !c->has_sync);
	assert_string_equal(c->lock, CONNTRACKD_LOCK);
	free(c);
}

static void braces_have_to_match(void **state _unused_)
{
	static const char *const texts[] = { "Sync {", "}", "Sync { } }", "{{{{{{{{{{}}}}}}}}}}" };
	struct conntrackd_conf *c = malloc(sizeof(*c));
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(conntrackd_conf_read(texts[i], c), -EINVAL);
	free(c);
}

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* What a connection is translated to decides nothing: only its client and its server do. */
static void the_filter_compares_client_and_server(void **state _unused_)
{
	static const struct {
		const char *filter, *client, *server;
		bool passes;
	} cases[] = {
		{ "", "10.1.1.5", "10.9.9.9", true },
		{ "Address Ignore {\n IPv4_address 10.1.0.0/16\n}\n", "10.1.1.5", "10.9.9.9",
		  false },
		{ "Address Ignore {\n IPv4_address 10.9.9.9\n}\n", "10.1.1.5", "10.9.9.9", false },
		{ "Address Ignore {\n IPv4_address 10.0.0.1\n}\n", "10.1.1.5", "10.9.9.9", true },
		{ "Address Accept {\n IPv4_address 10.0.0.1\n}\n", "10.1.1.5", "10.9.9.9", false },
		{ "Address Accept {\n IPv4_address 10.1.0.0/16\n}\n", "10.1.1.5", "10.9.9.9",
		  true },
		{ "Address Accept {\n IPv4_address 10.1.0.0/16\n}\n", "fd00::1", "fd00::2", false },
		{ "Address Accept {\n IPv6_address fd00::/64\n}\n", "fd00::1", "fd01::2", true },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[512];
		struct conntrackd_conf *c;
		struct addr client = address(cases[i].client), server = address(cases[i].server);

		snprintf(text, sizeof(text), "General {\n Filter {\n%s}\n}\n", cases[i].filter);
		c = conf_of(text);
		if (conntrackd_conf_passes(c, &client, &server) != cases[i].passes)
			fail_msg("%s: %s to %s", cases[i].filter, cases[i].client, cases[i].server);
		free(c);
	}
}

/* ---- what it says ---- */

#define INTERNAL                                      \
	"cache internal:\n"                           \
	"current active connections:\t           3\n" \
	"connections created:\t\t           4\tfailed:\t           0\n\n"
#define EXTERNAL(active, created)                              \
	"cache external:\n"                                    \
	"current active connections:\t           " active "\n" \
	"connections created:\t\t           " created "\tfailed:\t           0\n\n"
#define TRAFFIC(received)                                                                    \
	"traffic processed:\n                   0 Bytes                         0 Pckts\n\n" \
	"UDP traffic (active device=eth2):\n"                                                \
	"                 264 Bytes sent                 1780 Bytes recv\n"                  \
	"                  12 Pckts sent                   " received " Pckts recv\n"
#define LINE(state) "UDP traffic device=eth2 status=" state " role=ACTIVE:\n"

static struct conntrackd_stats stats_of(const char *text)
{
	struct conntrackd_stats_reader r = { .stats = { .answered = false } };
	char line[160];

	while (*text) {
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		conntrackd_stats_line(&r, line);
		text += n + (text[n] != '\0');
	}
	return r.stats;
}

static void reads_what_it_says(void **state _unused_)
{
	struct conntrackd_stats s =
		stats_of(INTERNAL EXTERNAL("23", "25") TRAFFIC("29") LINE("RUNNING"));

	assert_true(s.answered && s.internal && s.external && !s.injects);
	assert_int_equal(s.own, 3);
	assert_int_equal(s.others, 23);
	assert_int_equal(s.learned, 25);
	assert_int_equal(s.received, 29);
	assert_true(s.link_seen && s.link_runs);
	s = stats_of(LINE("NO-CARRIER"));
	assert_true(s.link_seen && !s.link_runs);
	s = stats_of("internal bypass:\n\nexternal inject:\nconnections created:\t\t 7\n");
	assert_true(s.internal && s.injects);
	assert_int_equal(s.learned, 7);
	assert_false(stats_of("can't connect: is conntrackd running?\n").answered);
}

static void a_node_in_sync_knows_the_others_connections(void **state _unused_)
{
	static const struct {
		const char *said, *backup, *master; /* why not; "": it is */
	} cases[] = {
		{ INTERNAL EXTERNAL("23", "25") TRAFFIC("29") LINE("RUNNING"), "", "" },
		{ "", "does not answer", "does not answer" },
		{ "cache stats:\ncurrent active connections:\t 19\n", "no section Sync",
		  "no section Sync" },
		{ INTERNAL EXTERNAL("23", "25") TRAFFIC("29") LINE("NO-CARRIER"),
		  "the dedicated link", "" },
		{ INTERNAL EXTERNAL("0", "0") TRAFFIC("0"), "has heard nothing", "" },
		{ INTERNAL EXTERNAL("0", "0") TRAFFIC("29"), "knows no connection", "" },
		/* all of them have ended */
		{ INTERNAL EXTERNAL("0", "5") TRAFFIC("29"), "", "" },
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		for (k = 0; k < 2; k++) {
			const char *wanted = k ? cases[i].master : cases[i].backup;
			struct conntrackd_stats s = stats_of(cases[i].said);
			char why[CONNTRACKD_WHY_MAX];

			assert_int_equal(conntrackd_in_sync(&s, k, why), !*wanted);
			if (!*wanted != !*why || !strstr(why, wanted))
				fail_msg("case %zu: \"%s\"", i, why);
		}
}

/* ---- what the doctor finds ---- */

#define YES \
	"instance V\ndevice = e\naddress = 10.0.0.1/32\naddress = fd00::1/64\nconntrackd = yes\n"

static struct findings checked(const struct conntrackd_check *what, const char *config,
			       const char *text)
{
	struct conntrackd_check c = *what;
	struct conntrackd_conf *conf = text ? conf_of(text) : NULL;
	struct findings f = { 0 };
	struct settings s;

	settings_init(&s, sections_all);
	set(&s, config);
	c.settings = &s;
	c.conf = conf;
	c.file = "/etc/c.conf";
	c.problem = "none";
	c.others = c.others ? c.others : "";
	conntrackd_check(&c, &f);
	settings_done(&s);
	free(conf);
	return f;
}

/* All is well. */
static const struct conntrackd_check well = {
	.version = { 1, 4, 7 },
	.running = 1,
	.stats = { .answered = true, .internal = true, .external = true, .own = 5 },
	.established = 432000,
	.translated = 5,
};

static void finds(const char *code, const struct conntrackd_check *what, const char *text,
		  const char *said)
{
	struct findings f = checked(what, YES, text);
	const struct finding *one = find(&f, code);

	if (!one || !strstr(one->text, said))
		fail_msg("%s: %s", code, one ? one->text : "not found");
	assert_true(*one->fix || *one->advice || !strcmp(code, "conntrackd-conf"));
	findings_done(&f);
}

static void nothing_where_all_is_well(void **state _unused_)
{
	struct findings f = checked(&well, YES, GOOD);

	assert_int_equal(f.n, 0);
	f = checked(&well, YES, FILTERED("Address Ignore {\n IPv4_address 10.0.0.1\n}\n"));
	assert_int_equal(f.n, 0);
	/* nobody uses it */
	f = checked(&(struct conntrackd_check){ .running = 0 },
		    "instance V\ndevice = e\naddress = 10.0.0.1/32\n", NULL);
	assert_int_equal(f.n, 0);
}

static void what_runs(void **state _unused_)
{
	struct conntrackd_check c = well;

	c.running = 0;
	c.stats.answered = false;
	finds("conntrackd-not-running", &c, GOOD, "[instance V]");
	c.lock_there = true;
	finds("conntrackd-lock", &c, GOOD, CONNTRACKD_LOCK);
	c = well;
	c.running = 2;
	finds("conntrackd-twice", &c, GOOD, "2 conntrackds");
	c = well;
	c.stats.answered = false;
	finds("conntrackd-silent", &c, GOOD, "/etc/c.conf");
	c.others = "/etc/other.conf";
	finds("conntrackd-other-file", &c, GOOD, "/etc/other.conf");
	finds("conntrackd-conf", &well, NULL, "none");
	/* a lock file is what a running one has */
	c = well;
	c.lock_there = true;
	struct findings f = checked(&c, YES, GOOD);
	assert_int_equal(f.n, 0);
}

static void what_its_file_says(void **state _unused_)
{
	struct conntrackd_check c = well;

	finds("conntrackd-mode", &well, "Stats {\n}\n", "but Stats");
	finds("conntrackd-no-cache", &well, SYNC("DisableExternalCache yes"), "nothing to commit");
	finds("conntrackd-startup-resync", &well, SYNC(""), "StartupResync");
	finds("conntrackd-startup-resync", &well, SYNC("StartupResync no"), "StartupResync");
	finds("conntrackd-commit-timeout", &well, SYNC("CommitTimeout 180"), "keepalive");
	finds("conntrackd-commit-timeout", &well, SYNC("CommitTimeout 86400"), "432000");
	c.established = 180;
	struct findings f = checked(&c, YES, SYNC("StartupResync yes\nCommitTimeout 180"));
	assert_int_equal(f.n, 0);
	/* a mode that sends all again and again needs no request for it */
	f = checked(&well, YES, "Sync {\n Mode ALARM {\n }\n}\n");
	assert_int_equal(f.n, 0);
}

static void what_its_filter_leaves_out(void **state _unused_)
{
	struct conntrackd_check c = well;

	finds("conntrackd-filter", &well,
	      FILTERED("Address Accept {\n IPv4_address 10.0.0.1\n IPv6_address fd00::1\n}\n"),
	      "only virtual addresses");
	c.left_out = 3;
	finds("conntrackd-filter", &c, FILTERED("Address Ignore {\n IPv4_address 10.1.0.0/16\n}\n"),
	      "(Address Ignore) leaves out 3 of the 5");
	finds("conntrackd-filter", &well, FILTERED("Protocol Accept {\n UDP\n}\n"), "out TCP");
	finds("conntrackd-filter", &well, FILTERED("Protocol Accept {\n TCP\n}\n"), "out UDP");
	finds("conntrackd-filter", &well, FILTERED("Protocol Ignore {\n TCP\n}\n"), "out TCP");
	finds("conntrackd-filter", &well, FILTERED("State Accept {\n TIME_WAIT for TCP\n}\n"),
	      "established");
	c = well;
	c.stats.own = 0;
	finds("conntrackd-empty", &c, GOOD, "5 connections");
}

static void what_vipsafe_is_told(void **state _unused_)
{
	static const struct {
		const char *code, *config;
	} cases[] = {
		{ "conntrackd-owner", YES "owner = keepalived\n" },
		{ "conntrackd-linger", "device e\nlinger = 0s\n" YES },
		{ "conntrackd-pin", "device e\npin = on-demand\n" YES },
	};
	struct conntrackd_check c = well;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct findings f = checked(&well, cases[i].config, GOOD);

		assert_int_equal(f.n, 1);
		assert_string_equal(f.list[0].code, cases[i].code);
		findings_done(&f);
	}
	c.sctp = 2;
	finds("conntrackd-sctp", &c, GOOD, "2 SCTP");
}

/* As many as the other node would have to commit, or as this one would. */
static void what_takes_longer_than_commit_max(void **state _unused_)
{
	static const struct {
		unsigned own, others;
		const char *commit_max, *fix; /* NULL: nothing is found */
	} cases[] = {
		{ 25000, 25000, "500ms", NULL },
		{ 30000, 0, "500ms", "commit_max = 1s, in the section of the instance" },
		{ 0, 90000, "500ms", "commit_max = 2s, in the section of the instance" },
		{ 90000, 90000, "2s", NULL },
		{ 4000000, 0, "5s", "commit_max = 10s, in the section of the instance" },
		{ 4000000, 0, "10s", NULL },
		{ 4000000, 0, "0s", NULL }, /* they do not wait */
	};
	struct conntrackd_check c = well;
	char config[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct findings f;

		c.stats.own = cases[i].own;
		c.stats.others = cases[i].others;
		c.translated = 0;
		snprintf(config, sizeof(config), YES "commit_max = %s\n", cases[i].commit_max);
		f = checked(&c, config, GOOD);
		assert_int_equal(f.n, cases[i].fix != NULL);
		if (f.n) {
			assert_string_equal(f.list[0].code, "conntrackd-commit-max");
			assert_string_equal(*f.list[0].fix ? f.list[0].fix : f.list[0].advice,
					    cases[i].fix);
		}
		findings_done(&f);
	}
}

static void what_its_version_cannot(void **state _unused_)
{
	static const char accept[] =
		FILTERED("Address Accept {\n IPv4_address 10.0.0.0/8\n IPv6_address ::/0\n}\n");
	struct conntrackd_check c = well;

	c.version = (struct keepalived_version){ 1, 4, 3 };
	finds("conntrackd-version", &c, GOOD, "IPv6");
	finds("conntrackd-startup-resync", &c, SYNC(""), "StartupResync");
	c.version = (struct keepalived_version){ 1, 4, 5 };
	finds("conntrackd-version", &c, accept, "Address Accept");
	struct findings f = checked(&well, YES, accept);
	assert_int_equal(f.n, 0);
}

/* ---- what keepalived's scripts call ---- */

#define STOCK                                                           \
	"#!/bin/sh\nB=/usr/sbin/conntrackd\ncase \"$1\" in\nprimary)\n" \
	"$B -C $C -c\n$B -C $C -f\n$B -C $C -R\n$B -C $C -B\n;;\n"      \
	"backup)\n$B -C $C -s\n$B -C $C -n\n;;\nesac\n"

/* The findings about conntrackd in the order of their codes in the text; TEXT is the script. */
static void scripts_give(const struct place *p, const char *config, const char *script,
			 const char *codes)
{
	struct findings f;
	char got[256] = "";
	size_t i, n = 0;

	put_file(p, "script", 0755, script);
	f = lint(p, "2.2.7", config, V " notify_master \"%/script primary\"\n }");
	for (i = 0; i < f.n; i++)
		if (!strncmp(f.list[i].code, "conntrackd-", 11))
			n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%s", n ? " " : "",
					      f.list[i].code + 11);
	if (strcmp(got, codes) != 0)
		fail_msg("%s\n\"%s\", not \"%s\"", script, got, codes);
	findings_done(&f);
}

static void what_scripts_call(void **state)
{
	const struct place *p = *state;

	scripts_give(p, "agent\n", STOCK, "");
	scripts_give(p, "agent\n", "#!/bin/sh\nconntrackd -s\nconntrackd -n\n", "");
	scripts_give(p, "agent\n", "#!/bin/sh\nconntrackd -c\nconntrackd -B\n", "sequence");
	scripts_give(p, "agent\n", "#!/bin/sh\nconntrackd -c\nconntrackd -R\n", "sequence");
	scripts_give(p, "agent\n", "#!/bin/sh\nconntrackd -R\nconntrackd -B\n", "sequence");
	/* emptied before they are committed; emptied and not read again */
	scripts_give(p, "agent\n",
		     "#!/bin/sh\nconntrackd -f\nconntrackd -c\nconntrackd -R\nconntrackd -B\n",
		     "caches");
	scripts_give(p, "agent\n", "#!/bin/sh\nconntrackd -c\nconntrackd -f\nconntrackd -B\n",
		     "caches sequence");
	scripts_give(p, "agent\n",
		     "#!/bin/sh\nconntrackd -c; conntrackd -R; conntrackd -f external\nconntrackd "
		     "-B\n",
		     "");
	scripts_give(p, "agent\n", "#!/bin/sh\nconntrackd -t\n", "flush");
	/* vipsafe drives it as well */
	scripts_give(p, OWN "conntrackd = yes\n", STOCK, "caches both");
	scripts_give(p, OWN "conntrackd = yes\n", "#!/bin/sh\nconntrackd -s\n", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_matters),
		cmocka_unit_test(braces_have_to_match),
		cmocka_unit_test(the_filter_compares_client_and_server),
		cmocka_unit_test(reads_what_it_says),
		cmocka_unit_test(a_node_in_sync_knows_the_others_connections),
		cmocka_unit_test(nothing_where_all_is_well),
		cmocka_unit_test(what_runs),
		cmocka_unit_test(what_its_file_says),
		cmocka_unit_test(what_its_filter_leaves_out),
		cmocka_unit_test(what_vipsafe_is_told),
		cmocka_unit_test(what_takes_longer_than_commit_max),
		cmocka_unit_test(what_its_version_cannot),
		cmocka_unit_test_setup_teardown(what_scripts_call, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
