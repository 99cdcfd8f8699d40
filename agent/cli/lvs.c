/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe lvs check: find connections that an LVS makes identical. */
#include "cli/lvs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "cli/commands.h"
#include "cli/render.h"
#include "lvs/message_line.h"
#include "base/option.h"
#include "lvs/source.h"
#include "lvs/message.h"
#include "show/report_json.h"
#include "lvs/scan.h"

/* How often --watch looks, and the minimum time between two looks to compute rates. */
#define WATCH_EVERY (10 * USEC_PER_SEC)
#define RATES_AFTER (60 * USEC_PER_SEC)

/* Per look; further lines are counted, not printed. */
#define LINES_MAX 200

/* One look, while it is taken and printed. */
struct look {
	struct cli *cli;
	struct lvs_message say;
	struct lvs_ratelimit *quiet; /* NULL: print everything */
	usec_t now;
	json_t *lines; /* owned; NULL: text */
	enum exit_code code;
	unsigned said, kept;
	struct lvs_line line;
	char text[LVS_LINE_TEXT_MAX];
	bool failed; /* out of memory */
};

/* A finding changes the exit code whether it is printed or not. */
static void lvs_weigh(struct look *l, enum severity level)
{
	if (level == SEVERITY_CRITICAL)
		l->code = EXIT_CRITICAL;
	else if (level != SEVERITY_NOTE && l->code == EXIT_DONE)
		l->code = EXIT_WARNINGS;
}

static void print_line(struct look *l)
{
	if (l->lines) {
		json_t *o = lvs_line_json(&l->line);

		l->failed |= !o || json_array_append_new(l->lines, o) < 0;
		return;
	}
	puts(lvs_line_text(&l->line, l->text));
	if (*lvs_line_remedy(&l->line, l->text))
		printf("  %s\n", l->text);
}

/* Print the line in L->line unless it is rate limited; PRINT is its fingerprint. */
static void lvs_add(struct look *l, uint64_t print)
{
	uint32_t repeats = 0;

	lvs_weigh(l, l->line.level);
	if (l->quiet && !lvs_ratelimit_ask(l->quiet, print, l->now, &repeats))
		return;
	if (++l->said > LINES_MAX) {
		l->kept++;
		return;
	}
	if (repeats)
		lvs_line_number(&l->line, "repeats", "%u", repeats);
	print_line(l);
}

static void message_line(struct look *l)
{
	lvs_add(l, lvs_print_text(lvs_line_text(&l->line, l->text)));
}

static int on_collision(void *ud, const struct collision *c)
{
	struct look *l = ud;

	lvs_message_live(&l->say, c, &l->line);
	lvs_add(l, lvs_print_collision(c));
	return 0;
}

struct risk_look {
	struct look *look;
	usec_t sample;
};

static int on_risk(void *ud, const struct risk_row *row)
{
	struct risk_look *r = ud;

	if (lvs_message_risk(&r->look->say, row, r->sample, &r->look->line))
		lvs_add(r->look, lvs_print_risk(row) ^ !r->sample);
	return 0;
}

static void cli_lvs_message_map(struct look *l)
{
	size_t i;

	for (i = 0; i < LVS_SOURCES_MAX; i++) {
		if (lvs_message_source(&l->say, i, &l->line))
			message_line(l);
	}
	lvs_message_map(&l->say, &l->line);
	message_line(l);
}

static void message_unseen(struct look *l, const struct lvs_scan *scan)
{
	size_t i;

	for (i = 0; i < scan->n_unseen; i++) {
		lvs_message_unseen(scan->unseen[i].what, strerror(-scan->unseen[i].error),
				   &l->line);
		message_line(l);
	}
}

static void message_left_out(struct look *l, const char *what, uint64_t n)
{
	char reason[64];

	if (!n)
		return;
	snprintf(reason, sizeof(reason), "%llu too many", (unsigned long long)n);
	lvs_message_unseen(what, reason, &l->line);
	message_line(l);
}

/* BEFORE: an earlier look, to compute rates; NULL: none. */
static int report(struct look *l, const struct lvs_scan *scan, const struct lvs_scan *before)
{
	usec_t sample = before ? scan->at - before->at : 0;
	struct risk_look risk = { l, sample };
	uint64_t unseen = 0;
	size_t i;
	int r;

	l->say.ports = &scan->ports;
	cli_lvs_message_map(l);
	message_unseen(l, scan);
	r = collide_each(scan->flows, on_collision, l, &unseen);
	message_left_out(l, "pairs of one client port", unseen);
	for (i = 0; i < scan->own_ports.n; i++) {
		lvs_message_port(&l->say, &scan->own_ports.list[i], &l->line);
		message_line(l);
	}
	message_left_out(l, "service ports", scan->own_ports.left_out);
	unseen = 0;
	if (r >= 0)
		r = risk_each(l->say.map, scan->flows, before ? before->flows : NULL, sample,
			      &scan->ports, on_risk, &risk, &unseen);
	message_left_out(l, "clients", unseen);
	message_left_out(l, "lines", l->kept);
	return r;
}

static void lvs_print_json(struct look *l)
{
	json_t *o = json_object();
	int failed = l->failed;

	failed |= json_object_set_new(o, "active", json_boolean(lvs_message_is_active(l->say.map)));
	failed |= json_object_set_new(o, "findings", TAKE_PTR(l->lines));
	failed |= json_object_set_new(o, "exit_code", json_integer(l->code));
	if (failed) {
		json_decref(o);
		o = NULL;
	}
	render_json(o, stdout, stderr);
}

/* A look that is kept for the next one: the map, and what was found with it. */
struct round {
	struct lvs_map *map; /* owned, and so is what SCAN holds */
	struct lvs_scan scan;
};

static void round_done(struct round *r)
{
	lvs_scan_done(&r->scan);
	r->map = lvs_map_free(r->map);
}

/* Take one look. RATES: an earlier one, to compute rates; NULL: none. The caller releases *RET. */
static int look_once(struct cli *cli, struct kernel *k, struct lvs_ratelimit *quiet,
		     const struct round *rates, struct round *ret, enum exit_code *ret_code)
{
	const char *config = cli->options.config ? cli->options.config : VIPSAFE_CONFIG;
	struct look l = { .cli = cli, .quiet = quiet, .code = EXIT_DONE };
	struct round round = { .map = NULL };
	int r;

	l.now = k->ops->now(k->ctx);
	r = lvs_load(cli->settings.lvs, config, lvs_source_own, k, rates ? rates->map : NULL, l.now,
		     &round.map);
	if (r >= 0)
		r = lvs_scan_run(k, round.map, LVS_SCAN_ALL, cli->seed, &round.scan);
	l.say = (struct lvs_message){ .map = round.map, .settings = cli->settings.lvs };
	if (r >= 0 && cli->options.json) {
		l.lines = json_array();
		r = l.lines ? 0 : -ENOMEM;
	}
	if (r >= 0)
		r = report(&l, &round.scan,
			   rates && round.scan.at - rates->scan.at >= RATES_AFTER ? &rates->scan
										  : NULL);
	if (r >= 0 && l.lines)
		lvs_print_json(&l);
	json_decref(l.lines);
	if (r < 0) {
		round_done(&round);
		return r;
	}
	*ret = round;
	*ret_code = l.code;
	return 0;
}

static int no_memory(int r)
{
	fprintf(stderr, "vipsafe: lvs: %s\n", strerror(-r));
	return EXIT_UNPROTECTED;
}

/* Returns true if the watch is to end. */
static bool wait_for_signal(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, (int)(WATCH_EVERY / USEC_PER_MSEC)) > 0;
}

/* Look until interrupted. Returns the worst exit code of all looks. */
static int lvs_watch(struct cli *cli, struct kernel *k)
{
	_cleanup_(lvs_ratelimit_freep) struct lvs_ratelimit *quiet = lvs_ratelimit_new();
	_cleanup_(round_done) struct round rates = { .map = NULL };
	struct round now = { .map = NULL };
	_cleanup_close_ int fd = -1;
	enum exit_code code, worst = EXIT_DONE;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (!quiet || fd < 0)
		return no_memory(quiet ? -errno : -ENOMEM);
	do {
		r = look_once(cli, k, quiet, rates.map ? &rates : NULL, &now, &code);
		if (r < 0)
			return no_memory(r);
		worst = MAX(worst, code);
		if (fflush(stdout))
			break;
		if (rates.map && now.scan.at - rates.scan.at < RATES_AFTER) {
			round_done(&now);
		} else {
			round_done(&rates);
			rates = now;
		}
		now = (struct round){ .map = NULL };
	} while (!wait_for_signal(fd));
	round_done(&now);
	return worst;
}

static int check(struct cli *cli)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	_cleanup_(round_done) struct round round = { .map = NULL };
	enum exit_code code = EXIT_DONE;
	struct kernel k;
	int r;

	r = kernel_real_new(&real);
	if (r < 0)
		return no_memory(r);
	k = kernel_real_get(real);
	if (cli->options.watch)
		return lvs_watch(cli, &k);
	r = look_once(cli, &k, NULL, NULL, &round, &code);
	return r < 0 ? no_memory(r) : (int)code;
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
		return no_memory(r);
	k = kernel_real_get(real);
	r = lvs_load(cli->settings.lvs, config, lvs_source_own, &k, NULL, k.ops->now(k.ctx), &m);
	return r < 0 ? no_memory(r) : lvs_map_show(cli, m);
}

int command_lvs(struct cli *cli, int argc, char *argv[])
{
	struct request_error e;
	size_t n = argc ? strlen(argv[0]) : 0;
	bool is_map = n && !strncmp(argv[0], "map", n),
	     is_check = n && !strncmp(argv[0], "check", n);

	if (argc != 1 || (!is_map && !is_check)) {
		if (!argc)
			request_error_set(&e, "lvs is followed by check or map");
		else
			request_error_set(&e, "unknown word " QUOTED, argv[argc > 1 && n]);
		return command_usage(&e);
	}
	if (is_map && cli->options.watch) {
		request_error_set(&e,
				  "contradictory options: \"--watch\" does not go with lvs map");
		return command_usage(&e);
	}
	return is_map ? map(cli) : check(cli);
}
