/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafed: guards devices, and moves addresses for whoever asks over the
 * control socket. It owns no address: none goes when it stops, whatever
 * on_stop says. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "daemon/control.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/moves.h"
#include "daemon/peer.h"
#include "daemon/service.h"
#include "daemon/watch.h"
#include "front/config.h"
#include "front/identity.h"
#include "front/oplog.h"
#include "kernel/kernel_real.h"
#include "steps/verdict.h"

/* Lines about clients turned away, at most. */
#define REFUSED_LOG_EVERY (10 * USEC_PER_SEC)

struct daemon {
	const char *config; /* NULL: the usual place */
	bool verbose;
	struct settings settings;
	char boot_id[BOOT_ID_MAX];
	struct run_env env; /* of work on devices without a guard */
	struct kernel_real *kernel;
	struct loop *loop;
	struct control *control;
	bool socket_is_ours; /* not handed over */
	struct watches watches;
	struct moves *moves;
	usec_t started, alive_every, alive_next;
	uint64_t refused;
	usec_t refused_told;
	char config_error[REQUEST_ERROR_MAX];
};

/* ---- clients ------------------------------------------------------------------- */

static void reload(struct daemon *d);

static void answer_status(struct daemon *d, struct client *c, enum wire_text text)
{
	_cleanup_free_ struct status_device *devices = watches_status(&d->watches);
	struct status s = {
		.version = PACKAGE_VERSION,
		.pid = getpid(),
		.uptime = loop_now() - d->started,
		.moves = moves_count(d->moves),
		.refused = d->refused,
		.devices = devices,
		.n_devices = devices ? d->watches.n : 0,
	};

	memcpy(s.config_error, d->config_error, sizeof(s.config_error));
	control_answer(c, wire_answer_status(&s, text));
}

static void on_request(void *ud, struct client *c, const struct wire_request *r)
{
	struct daemon *d = ud;

	if (d->verbose)
		log_line(LOG_INFO, "asked to %s", wire_op_name(r));
	switch (r->op) {
	case WIRE_MOVE:
		moves_ask(d->moves, c, r);
		break;
	case WIRE_STATUS:
		answer_status(d, c, r->text);
		break;
	case WIRE_RELOAD:
		/* the answer first: the socket may move */
		control_answer(c, wire_answer_done());
		reload(d);
		break;
	}
}

static void on_gone(void *ud, struct client *c)
{
	struct daemon *d = ud;

	moves_forget(d->moves, c);
}

static void on_refused(void *ud, pid_t pid, uid_t uid)
{
	struct daemon *d = ud;
	usec_t now = loop_now();

	d->refused++;
	if (d->refused_told && now - d->refused_told < REFUSED_LOG_EVERY)
		return;
	d->refused_told = now;
	log_line(LOG_WARNING,
		 "control socket: process %ld of user %ld is not permitted (%llu so far)",
		 (long)pid, (long)uid, (unsigned long long)d->refused);
}

static int open_control(struct daemon *d, const struct settings *s, struct control **ret)
{
	const struct control_handler handler = {
		.request = on_request, .gone = on_gone, .refused = on_refused, .ud = d
	};
	gid_t gid = peer_group(s->group);
	int fd = -1, r;

	r = d->control ? 0 : service_socket(&fd);
	if (r < 0) {
		log_line(LOG_ERR, "the socket handed over is not one SOCK_SEQPACKET listener");
		return r;
	}
	d->socket_is_ours = fd < 0;
	if (fd < 0)
		r = control_listen(s->socket, gid, &fd);
	if (r < 0) {
		log_line(LOG_ERR, "%s: %s", s->socket, strerror(-r));
		return r;
	}
	r = control_new(d->loop, fd, gid, &handler, ret);
	if (r < 0)
		close(fd);
	return r;
}

/* ---- configuration -------------------------------------------------------------- */

/* Leave the old socket for the one of S, if that is another. */
static int move_socket(struct daemon *d, const struct settings *s)
{
	struct control *control = NULL;
	gid_t gid = peer_group(s->group);
	int r;

	if (d->socket_is_ours && strcmp(d->settings.socket, s->socket)) {
		r = open_control(d, s, &control);
		if (r < 0)
			return r;
		unlink(d->settings.socket);
		control_free(d->control);
		d->control = control;
		return 0;
	}
	r = d->socket_is_ours ? control_permit(s->socket, gid) : 0;
	if (r == 0)
		control_set_group(d->control, gid);
	return r;
}

/* Guards and moves look at d->settings, which stays where it is. */
static int swap_settings(struct daemon *d, struct settings *s)
{
	bool anew = s->hold != d->settings.hold;
	int r = move_socket(d, s);

	if (r < 0)
		return r;
	settings_done(&d->settings);
	d->settings = *s;
	*s = (struct settings){ 0 };
	watches_apply(&d->watches, anew);
	return 0;
}

static void reload(struct daemon *d)
{
	struct request_error e = { "" };
	struct settings s;
	int r;

	service_reloading();
	r = config_load(d->config, &s, &e);
	if (r == 0) {
		r = swap_settings(d, &s);
		if (r < 0)
			request_error_set(&e, "%s: %s", s.socket, strerror(-r));
		settings_done(&s);
	}
	memcpy(d->config_error, e.text, sizeof(d->config_error));
	if (r < 0)
		log_line(LOG_ERR, "the configuration stays as it was: %s", e.text);
	else
		log_line(LOG_NOTICE, "configuration reloaded");
	service_ready();
}

/* ---- life ------------------------------------------------------------------------- */

static void on_signal(void *ud, int sig)
{
	struct daemon *d = ud;

	if (sig == SIGHUP) {
		reload(d);
		return;
	}
	log_line(LOG_NOTICE, "stopping; addresses and entries stay as they are");
	service_stopping();
	loop_stop(d->loop);
}

static usec_t on_round(void *ud)
{
	struct daemon *d = ud;
	usec_t next = watches_tick(&d->watches), now;

	next = MIN(next, moves_tick(d->moves));
	next = MIN(next, control_tick(d->control));
	now = loop_now();
	if (d->alive_every != USEC_NEVER && now >= d->alive_next) {
		service_alive();
		d->alive_next = now + d->alive_every;
	}
	return MIN(next, d->alive_next);
}

static void on_recovered(void *ud _unused_, const struct report *r)
{
	oplog_write(r);
}

/* What was left by whoever was killed, and what this kernel does: before
 * anybody can ask. */
static void prepare(struct daemon *d)
{
	const struct settings *s = &d->settings;
	struct verdict v;
	int r = run_recover(&d->env, on_recovered, NULL);

	if (r < 0)
		log_line(LOG_WARNING, "%s: %s: what a killed run left is not looked for",
			 s->run_dir, strerror(-r));
	else if (r > 0)
		log_line(LOG_NOTICE, "finished %d killed runs", r);
	verdict_get(&d->env.kernel, s->run_dir, d->boot_id, s->deadline, &v);
}

static int start(struct daemon *d)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	size_t i;
	int r;

	d->started = loop_now();
	d->alive_every = service_alive_every();
	d->alive_next = d->alive_every == USEC_NEVER ? USEC_NEVER : d->started;
	identity_boot_id(d->boot_id);
	r = loop_new(&d->loop);
	for (i = 0; i < ARRAY_SIZE(signals) && r == 0; i++)
		r = loop_signal(d->loop, signals[i], on_signal, d);
	if (r == 0)
		r = kernel_real_new(&d->kernel);
	if (r < 0) {
		log_line(LOG_ERR, "cannot start: %s", strerror(-r));
		return r;
	}
	d->env = (struct run_env){ .kernel = kernel_real_get(d->kernel),
				   .settings = &d->settings,
				   .seed = identity_seed(),
				   .boot_id = d->boot_id };
	d->watches = (struct watches){ .loop = d->loop, .env = &d->env };
	r = moves_new(&d->env, &d->watches, &d->moves);
	if (r == 0)
		r = open_control(d, &d->settings, &d->control);
	if (r < 0)
		return r;
	prepare(d);
	watches_apply(&d->watches, false);
	loop_on_round(d->loop, on_round, d);
	return 0;
}

static void stop(struct daemon *d)
{
	if (d->control && d->socket_is_ours)
		unlink(d->settings.socket);
	control_free(d->control);
	moves_free(d->moves);
	if (d->watches.loop)
		watches_done(&d->watches);
	kernel_real_free(d->kernel);
	loop_free(d->loop);
	settings_done(&d->settings);
}

/* ---- command line ------------------------------------------------------------------- */

static const char help[] =
	"Usage: vipsafed [OPTION...]\n"
	"\n"
	"Guards devices so that no address delete breaks connections, and moves virtual\n"
	"IPs for \"vipsafe add\" and \"vipsafe del\". It stays in the foreground. SIGHUP: read\n"
	"the configuration again. SIGTERM: stop, and leave every address where it is.\n"
	"\n"
	"  --config FILE   read FILE instead of " VIPSAFE_CONFIG "\n"
	"  --check         say whether the configuration is valid (exit code 0 or 78)\n"
	"  --foreground    stay in the foreground (it always does)\n"
	"  -v, --verbose   tell more\n"
	"  --version       say which version this is\n"
	"  --help          say this\n";

enum option_code { OPT_CONFIG = 256, OPT_CHECK, OPT_FOREGROUND, OPT_VERSION, OPT_HELP };

static const struct option_table {
	struct option list[7];
} options = { {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "foreground", no_argument, NULL, OPT_FOREGROUND },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
} };

/* Returns -1 to go on, or the exit code. */
static int parse_options(int argc, char *argv[], struct daemon *d, bool *ret_check)
{
	int c;

	while ((c = getopt_long(argc, argv, "v", options.list, NULL)) != -1) {
		switch (c) {
		case OPT_CONFIG:
			d->config = optarg;
			break;
		case OPT_CHECK:
			*ret_check = true;
			break;
		case OPT_FOREGROUND:
			break;
		case 'v':
			d->verbose = true;
			break;
		case OPT_VERSION:
			puts("vipsafed " PACKAGE_VERSION);
			return EXIT_DONE;
		case OPT_HELP:
			fputs(help, stdout);
			return EXIT_DONE;
		default: /* getopt has said what */
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "vipsafed: unknown word \"%.48s\"\n", argv[optind]);
	return EXIT_USAGE;
}

/* A closed descriptor 0-2 would be taken by the next socket. */
static void open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char *argv[])
{
	struct daemon d = { .alive_next = USEC_NEVER };
	struct request_error e = { "" };
	bool check = false;
	int r;

	open_standard();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	umask(022);
	r = parse_options(argc, argv, &d, &check);
	if (r >= 0)
		return r;
	if (config_load(d.config, &d.settings, &e) < 0) {
		fprintf(stderr, "vipsafed: %s\n", e.text);
		return EXIT_CONFIG;
	}
	if (check) {
		settings_done(&d.settings);
		return EXIT_DONE;
	}
	r = start(&d);
	if (r == 0) {
		log_line(LOG_NOTICE, "vipsafed " PACKAGE_VERSION " is ready on %s",
			 d.settings.socket);
		service_ready();
		r = loop_run(d.loop);
		if (r < 0)
			log_line(LOG_ERR, "the loop broke: %s", strerror(-r));
	}
	stop(&d);
	return r == 0			     ? EXIT_DONE
	       : r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED
					     : EXIT_KERNEL_REFUSED;
}
