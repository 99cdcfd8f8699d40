/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe lvs check: find connections that a real server takes for one. */
#include "cli/lvs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/array.h"
#include "base/option.h"
#include "cli/commands.h"
#include "cli/lvs_list.h"
#include "cli/failure.h"
#include "cli/render.h"
#include "lvs/renew.h"
#include "lvs/said.h"
#include "lvs/scan.h"
#include "lvs/source.h"
#include "lvs/text.h"
#include "show/report_json.h"

/* Destinations that share local ports, of which the worst are listed. */
#define SHARED_MAX 5

/* One look, while it is taken and printed. */
struct look {
	struct cli *cli;
	struct lvs_watch *watch;
	struct lvs_message say;
	struct lvs_list list;
	struct lvs_crossed *crossed; /* owned */
	size_t n_crossed;
	struct lvs_cli_node node;
	usec_t now;
	enum exit_code code;
	struct lvs_finding found; /* the one being made */
	char *keep;		  /* owned: sections that describe what was found; NULL: none */
	struct lvs_shared shared[SHARED_MAX];
	size_t n_shared;
	uint32_t shared_ports;
};

static void look_done(struct look *l)
{
	lvs_list_done(&l->list);
	lvs_node_done(&l->node);
	free(l->crossed);
	free(l->keep);
}

/* Add L->found, unless it was said before. It counts for the exit code either way. */
static int look_add(struct look *l)
{
	enum severity level = l->found.f.severity;
	uint32_t repeats;

	if (level == SEVERITY_CRITICAL)
		l->code = EXIT_CRITICAL;
	else if (level != SEVERITY_NOTE && l->code == EXIT_DONE)
		l->code = EXIT_WARNINGS;
	if (l->watch->said &&
	    !lvs_said_ask(l->watch->said, lvs_print_finding(&l->found), l->now, &repeats))
		return 0;
	return lvs_list_add(&l->list, &l->found);
}

/* ---- pairs ---- */

static bool flows_are_one(const struct flow *a, const struct flow *b)
{
	return flow_same_client(a, b) && flow_same_dest(a, b);
}

static int take_crossing(void *ud, const struct lvs_crossing *c)
{
	struct look *l = ud;
	struct lvs_crossed *one = array_append(&l->crossed, &l->n_crossed, sizeof(*one));

	if (!one)
		return -ENOMEM;
	one->crossing = *c;
	return 0;
}

static int on_collision(void *ud, const struct collision *c)
{
	struct look *l = ud;
	struct collision pair = *c;
	size_t i;

	if (!lvs_verdict(&pair, l->watch->evidence))
		return 0;
	for (i = 0; i < l->n_crossed && pair.certainty == COLLIDE_MANIFEST; i++) {
		const struct lvs_crossing *x = &l->crossed[i].crossing;

		l->crossed[i].explained |=
			flows_are_one(&x->hung, &pair.direct) || flows_are_one(&x->hung, &pair.via);
	}
	lvs_message_pair(&l->say, &pair, &l->found);
	return look_add(l);
}

static int report_crossings(struct look *l)
{
	size_t i;
	int r = 0;

	for (i = 0; i < l->n_crossed && r >= 0; i++) {
		if (l->crossed[i].explained)
			continue;
		lvs_message_crossing(&l->say, &l->crossed[i].crossing, &l->found);
		r = look_add(l);
	}
	return r;
}

/* ---- the rest ---- */

static int on_risk(void *ud, const struct risk_row *row)
{
	struct look *l = ud;

	return lvs_message_risk(&l->say, row, &l->found) ? look_add(l) : 0;
}

static int report_map(struct look *l)
{
	size_t i;
	int r = 0;

	for (i = 0; i < LVS_SOURCES_MAX && r >= 0; i++) {
		if (lvs_message_source(&l->say, i, &l->found))
			r = look_add(l);
		if (r >= 0 && lvs_message_old(&l->say, i, 0, &l->found))
			r = look_add(l);
	}
	if (r >= 0) {
		lvs_message_map(&l->say, &l->found);
		r = look_add(l);
	}
	return r;
}

static int report_unseen(struct look *l, const char *what, const char *why)
{
	lvs_message_unseen(what, why, &l->found);
	return look_add(l);
}

static int report_left_out(struct look *l, const char *what, uint64_t n)
{
	char reason[64];

	if (!n)
		return 0;
	snprintf(reason, sizeof(reason), "%llu too many", (unsigned long long)n);
	return report_unseen(l, what, reason);
}

static int report(struct look *l, const struct lvs_scan *scan)
{
	uint64_t unseen = 0;
	size_t i;
	int r;

	l->say.ports = &scan->ports;
	r = report_map(l);
	for (i = 0; i < scan->n_unseen && r >= 0; i++)
		r = report_unseen(l, scan->unseen[i].what, strerror(-scan->unseen[i].error));
	if (r >= 0)
		r = collide_each(scan->flows, on_collision, l, &unseen);
	if (r >= 0)
		r = report_left_out(l, "pairs of one client port", unseen);
	if (r >= 0)
		r = report_crossings(l);
	for (i = 0; i < scan->own_ports.n && r >= 0; i++) {
		lvs_message_port(&l->say, &scan->own_ports.list[i], &l->found);
		r = look_add(l);
	}
	if (r >= 0)
		r = report_left_out(l, "service ports", scan->own_ports.left_out);
	unseen = 0;
	if (r >= 0)
		r = forecast_each(l->watch->forecast, l->say.map, scan->flows,
				  l->say.settings->conn_hold, l->now, on_risk, l, &unseen);
	return r < 0 ? r : report_left_out(l, "clients", unseen);
}

/* ---- what is printed ---- */

static void print_shared(const struct look *l)
{
	char a[LVS_ENDPOINT_MAX], b[LVS_ENDPOINT_MAX];
	size_t i;

	if (l->shared_ports)
		printf("%u local ports are used by more than one connection:\n", l->shared_ports);
	for (i = 0; i < l->n_shared; i++) {
		const struct lvs_shared *s = &l->shared[i];

		printf("  %u to both %s and %s\n", s->ports,
		       lvs_endpoint_format(&s->a, s->a_port, a),
		       lvs_endpoint_format(&s->b, s->b_port, b));
	}
}

static void print_keep(const char *keep)
{
	const char *end;

	puts("To keep this, put into " VIPSAFE_CONFIG " (or method = fullnat and toa = packet):");
	for (; *keep; keep = end) {
		end = strchr(keep, '\n') + 1;
		printf("    %.*s\n", (int)(end - keep - 1), keep);
	}
}

static void look_print(const struct look *l)
{
	bool verbose = l->cli->options.verbose;

	lvs_list_print(&l->list, verbose, stdout);
	if (l->keep)
		print_keep(l->keep);
	if (lvs_message_is_active(l->say.map)) {
		lvs_list_totals(&l->list, verbose, stdout);
		return;
	}
	print_shared(l);
	printf("no LVS described; %s right now\n",
	       l->n_crossed ? "connections are crossed" : "nothing crossed");
	puts("  describe one: " LVS_HOW_TO_DESCRIBE);
}

static json_t *shared_json(const struct look *l)
{
	json_t *o = json_object(), *pairs = json_array(), *one;
	char text[LVS_ENDPOINT_MAX];
	size_t i;

	for (i = 0; i < l->n_shared; i++) {
		const struct lvs_shared *s = &l->shared[i];

		one = json_object();
		object_put_text(&one, "a", lvs_endpoint_format(&s->a, s->a_port, text));
		object_put_text(&one, "b", lvs_endpoint_format(&s->b, s->b_port, text));
		object_put_number(&one, "ports", s->ports);
		object_append(&pairs, one);
	}
	object_put_number(&o, "ports", l->shared_ports);
	object_put(&o, "pairs", pairs);
	return o;
}

static void look_print_json(const struct look *l)
{
	json_t *o = json_object(), *left_out = lvs_list_left_out_json(&l->list);
	uint64_t dropped = 0;
	const char *key;
	json_t *value;

	json_object_foreach(left_out, key, value) dropped += (uint64_t)json_integer_value(value);
	object_put_bool(&o, "active", lvs_message_is_active(l->say.map));
	object_put(&o, "findings", lvs_list_json(&l->list, &l->say));
	object_put(&o, "shared", shared_json(l));
	object_put_text(&o, "keep", l->keep ? l->keep : "");
	object_put_number(&o, "dropped", dropped);
	object_put(&o, "left_out", left_out);
	object_put_number(&o, "exit_code", l->code);
	render_json(o, stdout, stderr);
}

/* ---- looks ---- */

/* What the sockets show. Where they cannot be listed, the scan says so. */
static int look_for_evidence(struct look *l, const struct kernel *k)
{
	bool described = lvs_message_is_active(l->say.map);
	int r = lvs_evidence_search(l->watch->evidence, k, LVS_EVIDENCE_TIME, described);

	if (r == -ENOMEM)
		return r;
	r = lvs_evidence_each(l->watch->evidence, take_crossing, l);
	if (r >= 0 && !described)
		l->shared_ports =
			lvs_shared_count(l->watch->evidence, l->shared, SHARED_MAX, &l->n_shared);
	return r;
}

static void look_conclude(struct look *l)
{
	l->keep = lvs_keep(l->crossed, l->n_crossed);
	if (!lvs_message_is_active(l->say.map) && l->code != EXIT_CRITICAL)
		l->code = EXIT_UNPROTECTED;
	if (l->cli->options.json)
		look_print_json(l);
	else
		look_print(l);
}

/* The map as it is now: OLD itself if that says the same. */
static int look_load(const struct cli *cli, struct kernel *k, struct lvs_map *old,
		     struct lvs_map **ret)
{
	const char *config = cli->options.config ? cli->options.config : VIPSAFE_CONFIG;
	struct lvs_map *m;
	size_t source;
	int r = lvs_load(cli->settings.lvs, config, k, &m);

	if (r < 0)
		return r;
	if (old && lvs_renew_compare(old, m, &source) == LVS_UNCHANGED) {
		lvs_map_free(m);
		m = lvs_map_ref(old);
	}
	*ret = m;
	return 0;
}

/* Take one look. BEFORE: the one before; NULL: there was none. The caller releases *RET. */
static int look_once(struct cli *cli, struct kernel *k, struct lvs_watch *watch,
		     const struct lvs_round *before, struct lvs_round *ret,
		     enum exit_code *ret_code)
{
	_cleanup_(look_done) struct look l = { .cli = cli, .watch = watch, .code = EXIT_DONE };
	struct lvs_round round = { .map = NULL };
	int r = look_load(cli, k, before ? before->map : NULL, &round.map);

	l.say = (struct lvs_message){ .map = round.map,
				      .settings = cli->settings.lvs,
				      .can_destroy = k->ops->sock_can_destroy(k->ctx) };
	if (r >= 0)
		r = look_for_evidence(&l, k);
	if (r >= 0)
		r = lvs_scan_run(k, round.map, LVS_SCAN_ALL, NULL, cli->seed, &round.scan);
	if (r >= 0)
		r = lvs_watch_count(watch, k, cli->settings.lvs, before, &round);
	l.now = k->ops->now(k->ctx);
	if (r >= 0)
		r = lvs_node_take(&l.node, cli, k, &round.scan, l.crossed, l.n_crossed);
	l.say.node = &l.node.node;
	if (r >= 0)
		r = report(&l, &round.scan);
	if (r < 0) {
		lvs_round_done(&round);
		return r;
	}
	look_conclude(&l);
	*ret = round;
	*ret_code = l.code;
	return 0;
}

static int no_memory(const struct cli *cli, int r)
{
	return cli_fail(&cli->options, EXIT_UNPROTECTED, "lvs: %s", strerror(-r));
}

/* Look until interrupted. Returns the worst exit code of all looks. */
static int lvs_watch(struct cli *cli, struct kernel *k, struct lvs_watch *watch)
{
	_cleanup_(lvs_round_done) struct lvs_round before = { .map = NULL };
	struct lvs_round now = { .map = NULL };
	_cleanup_close_ int fd = -1;
	enum exit_code code, worst = EXIT_DONE;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	watch->said = lvs_said_new();
	if (!watch->said || fd < 0)
		return no_memory(cli, watch->said ? -errno : -ENOMEM);
	/* before Linux 4.2 those that come and go between two looks are not seen */
	(void)k->ops->sock_watch(k->ctx);
	do {
		r = look_once(cli, k, watch, before.map ? &before : NULL, &now, &code);
		if (r < 0)
			return no_memory(cli, r);
		worst = MAX(worst, code);
		lvs_round_done(&before);
		before = now;
		now = (struct lvs_round){ .map = NULL };
		if (fflush(stdout))
			break;
		r = lvs_watch_wait(watch, k, cli->settings.lvs, fd, &before);
	} while (!r);
	return r < 0 ? no_memory(cli, r) : (int)worst;
}

static int check(struct cli *cli)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	_cleanup_(lvs_round_done) struct lvs_round round = { .map = NULL };
	_cleanup_(lvs_watch_done) struct lvs_watch watch;
	enum exit_code code = EXIT_DONE;
	struct kernel k;
	int r = lvs_watch_init(&watch);

	if (r == 0)
		r = kernel_real_new(&real);
	if (r < 0)
		return no_memory(cli, r);
	k = kernel_real_get(real);
	if (cli->options.watch)
		return lvs_watch(cli, &k, &watch);
	r = look_once(cli, &k, &watch, NULL, &round, &code);
	return r < 0 ? no_memory(cli, r) : (int)code;
}

static int map(struct cli *cli)
{
	const char *config = cli->options.config ? cli->options.config : VIPSAFE_CONFIG;
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	_cleanup_(lvs_map_freep) struct lvs_map *m = NULL;
	struct kernel k;
	int r;

	r = kernel_real_new(&real);
	if (r < 0)
		return no_memory(cli, r);
	k = kernel_real_get(real);
	r = lvs_load(cli->settings.lvs, config, &k, &m);
	return r < 0 ? no_memory(cli, r) : lvs_map_show(cli, m);
}

int command_lvs(struct cli *cli, int argc, char *argv[])
{
	struct request_error e;
	size_t n = argc ? strlen(argv[0]) : 0;
	bool is_map = n && !strncmp(argv[0], "map", n),
	     is_check = n && !strncmp(argv[0], "check", n);
	int r;

	if ((is_map && argc > 1) || (!is_map && !is_check)) {
		if (!argc)
			request_error_set(&e, "lvs is followed by check or map");
		else
			request_error_set(&e, "unknown word " QUOTED, argv[argc > 1 && is_map]);
		return command_usage(&cli->options, &e);
	}
	if (is_map && cli->options.watch) {
		request_error_set(&e,
				  "contradictory options: \"--watch\" does not go with lvs map");
		return command_usage(&cli->options, &e);
	}
	r = is_check ? lvs_given(cli, argc - 1, argv + 1, &e) : 0;
	if (r == -ENOMEM)
		return no_memory(cli, r);
	if (r < 0)
		return command_usage(&cli->options, &e);
	return is_map ? map(cli) : check(cli);
}
