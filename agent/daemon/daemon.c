/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <syslog.h>

#include "base/os.h"
#include "daemon/answer.h"
#include "daemon/log.h"
#include "daemon/peer.h"
#include "show/config.h"
#include "move/remember.h"
#include "move/probe.h"

static int open_control(struct daemon *d, const struct settings *s, struct control **ret)
{
	gid_t gid = peer_group(s->group);
	int fd = -1, r;

	r = d->control ? 0 : service_socket(&fd);
	if (r < 0) {
		log_line(LOG_ERR,
			 "msg=\"the socket handed over is not one SOCK_SEQPACKET listener\"");
		return r;
	}
	d->socket_is_ours = fd < 0;
	if (fd < 0)
		r = socket_file_listen(s->socket, gid, &fd);
	if (r == 0)
		r = control_new(d->loop, fd, gid, &d->handler, ret);
	if (r < 0) {
		log_line(LOG_ERR, "msg=\"the socket cannot be made\" socket=%s error=%s", s->socket,
			 strerror(-r));
		closep(&fd);
		return r;
	}
	d->socket_file = socket_file_of(fd);
	return 0;
}

/* How often the socket's name is checked, for a run directory that was
 * emptied. */
#define SOCKET_LOOK_EVERY USEC_PER_SEC

/* If the socket's name was removed (with the run directory's content), no
 * client can connect: make it again. A socket that was handed over is our own
 * from then on. */
static void make_socket_again(struct daemon *d)
{
	gid_t gid = peer_group(d->settings.group);
	struct control *control = NULL;
	int fd = -1, r = socket_file_listen(d->socket_file.path, gid, &fd);

	if (r == 0)
		r = control_new(d->loop, fd, gid, &d->handler, &control);
	if (r < 0) {
		closep(&fd);
		if (!d->socket_missing)
			log_line(LOG_WARNING,
				 "msg=\"the socket is gone and cannot be made again\" socket=%s "
				 "error=%s",
				 d->socket_file.path, strerror(-r));
		d->socket_missing = true;
		return;
	}
	log_line(LOG_NOTICE, "msg=\"the socket was gone and is made again\" socket=%s",
		 d->socket_file.path);
	control_free(d->retired);
	d->retired = d->control;
	d->control = control;
	d->socket_is_ours = true;
	d->socket_missing = false;
	d->socket_file = socket_file_of(fd);
}

static void daemon_on_socket_timer(void *ud)
{
	struct daemon *d = ud;

	if (!socket_file_is_there(&d->socket_file))
		make_socket_again(d);
	d->socket_timer.due = os_now() + SOCKET_LOOK_EVERY;
}

/* Replace the socket by the one that S asks for, if it is another. */
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
		control_free(d->retired);
		d->retired = d->control;
		d->control = control;
		return 0;
	}
	r = d->socket_is_ours ? socket_file_permit(s->socket, gid) : 0;
	if (r == 0)
		control_set_group(d->control, gid);
	return r;
}

static void daemon_on_map(void *ud, const struct lvs_map *map)
{
	struct daemon *d = ud;

	keeper_follow(d->keeper, map);
}

static void apply_collisions(struct daemon *d)
{
	collisions_apply(d->collisions, d->config ? d->config : VIPSAFE_CONFIG);
}

/* Guards and moves keep a pointer to d->settings, so the content is swapped in
 * place. */
static int swap_settings(struct daemon *d, struct settings *s)
{
	bool anew = s->hold != d->settings.hold;
	int r = move_socket(d, s);

	if (r < 0)
		return r;
	textfile_move(d, s->textfile);
	settings_done(&d->settings);
	d->settings = *s;
	*s = (struct settings){ 0 };
	ends_set(d->ends, d->settings.run_dir, d->settings.explain_max, os_now());
	guards_apply(&d->guards, anew);
	instances_apply(d->instances);
	apply_collisions(d);
	return 0;
}

int daemon_reload(struct daemon *d, struct request_error *ret_error)
{
	struct request_error e = { "" };
	struct settings s;
	int r;

	service_reloading(&d->service);
	r = config_load_in(d->config, d->netns, &s, &e);
	if (r == 0 && *s.netns && !netns_is_own(s.netns)) {
		r = request_error_set(
			&e, "netns: vipsafed is not in %s: only a restart changes that", s.netns);
		settings_done(&s);
	}
	if (r == 0) {
		r = swap_settings(d, &s);
		if (r < 0)
			request_error_set(&e, "%s: %s", s.socket, strerror(-r));
		settings_done(&s);
	}
	memcpy(d->config_error, e.text, sizeof(d->config_error));
	if (r < 0)
		log_line(LOG_ERR, "msg=\"the configuration stays as it was\" error=%s", e.text);
	else
		log_line(LOG_NOTICE, "msg=\"configuration reloaded\"");
	publish_config(&d->publisher, r < 0 ? e.text : NULL);
	service_ready(&d->service);
	*ret_error = e;
	return r;
}

/* First finish restoring what was just flushed; a second signal stops at
 * once. */
static void stop(struct daemon *d)
{
	bool idle = guards_finish(&d->guards);

	if (!d->stop_at) {
		log_line(LOG_NOTICE, "msg=stopping repair=%s entries=stay addresses=%s",
			 idle ? "none" : "finishing",
			 d->settings.on_stop == STOP_KEEP ? "stay" : "released");
		service_stopping(&d->service);
	}
	if (idle || d->stop_at)
		loop_stop(d->loop);
	d->stop_at = os_now() + GUARDS_FINISH_MAX;
}

static void daemon_on_signal(void *ud, int sig)
{
	struct daemon *d = ud;
	struct request_error e;

	if (sig == SIGHUP) {
		(void)daemon_reload(d, &e);
		return;
	}
	stop(d);
}

/* Say once that the memory of ends cannot be written, and that it can again. */
static void tell_unsaved(struct daemon *d)
{
	int error = ends_unsaved(d->ends);

	if (error == d->ends_unsaved)
		return;
	if (error)
		log_line(LOG_WARNING,
			 "msg=\"how connections end is not remembered: the run directory cannot "
			 "be written\" error=%s",
			 strerror(-error));
	else
		log_line(LOG_NOTICE, "msg=\"how connections end is remembered again\"");
	d->ends_unsaved = error;
}

static usec_t on_round(void *ud)
{
	struct daemon *d = ud;
	usec_t next = instances_tick(d->instances), now;

	next = usec_earlier(next, moves_tick(d->moves));
	next = usec_earlier(next,
			    guards_tick(&d->guards)); /* after the runs, which leave work to it */
	tell_unsaved(d);
	d->retired = control_free(d->retired);
	next = usec_earlier(next, control_tick(d->control));
	now = os_now();
	if (d->stop_at && (now >= d->stop_at || guards_are_idle(&d->guards)))
		loop_stop(d->loop);
	if (d->stop_at)
		next = MIN(next, d->stop_at);
	return usec_earlier(next, log_tick(now));
}

static void daemon_on_event(void *ud, const char *line)
{
	struct daemon *d = ud;

	control_publish(d->control, line);
}

static bool daemon_is_watched(void *ud)
{
	struct daemon *d = ud;

	return control_watchers(d->control) > 0;
}

static void on_recovered(void *ud, const struct report *r)
{
	struct daemon *d = ud;

	publish_report(&d->publisher, r);
}

/* Clean up after killed processes and probe the kernel, before requests are
 * accepted. */
static void prepare(struct daemon *d)
{
	const struct settings *s = &d->settings;
	struct probe_result v;
	int r = run_recover(&d->env, on_recovered, d);

	if (r < 0)
		log_line(LOG_WARNING,
			 "msg=\"what a killed run left is not looked for\" run_dir=%s error=%s",
			 s->run_dir, strerror(-r));
	else if (r > 0)
		log_line(LOG_NOTICE, "msg=\"finished killed runs\" runs=%d", r);
	probe_result_get(&d->env.kernel, s->run_dir, d->boot_id, s->timeout, &v);
}

/* Remove entries pinned to addresses that have gone, on devices without a
 * guard; guards do it themselves. */
static void daemon_purge(struct daemon *d)
{
	struct purged p = { 0 };

	if (remember_purge(&d->env, &p) == 0 && p.removed + p.unproven)
		log_line(
			LOG_WARNING,
			"msg=\"addresses went while no vipsafed ran\" removed=%llu left_alone=%llu",
			(unsigned long long)p.removed, (unsigned long long)p.unproven);
}

/* For a daemon that is about to end. */
#define END_PATIENCE (3 * USEC_PER_SEC)

static int be_alone(struct daemon *d)
{
	_cleanup_close_ int fd = -1;
	struct alone_holder holder;
	int r = alone_take(END_PATIENCE, &fd, &holder);

	if (r == -EADDRINUSE) {
		log_line(LOG_ERR, "msg=\"vipsafed is already running\" pid=%ld in=%s",
			 (long)holder.pid, holder.pid ? "" : "another container");
		return -EALREADY;
	}
	if (r == 0)
		r = alone_new(d->loop, fd, &d->alone);
	if (r == 0)
		TAKE_FD(fd);
	else
		log_line(LOG_WARNING,
			 "msg=\"a second vipsafed would not be noticed: the name @vipsafed is "
			 "taken\" by_pid=%ld by_uid=%ld error=%s",
			 (long)holder.pid, (long)holder.uid, strerror(-r));
	return 0;
}

static void daemon_start_timers(struct daemon *d)
{
	d->socket_timer = (struct loop_timer){ .fn = daemon_on_socket_timer, .ud = d };
	d->textfile_timer = (struct loop_timer){ .fn = textfile_on_timer, .ud = d };
	loop_add_timer(d->loop, &d->socket_timer);
	loop_add_timer(d->loop, &d->textfile_timer);
	service_start(&d->service, d->loop);
}

/* All that works here; nothing has begun yet. */
static int daemon_make(struct daemon *d)
{
	int r = kernel_real_new(&d->kernel);

	if (r < 0)
		return r;
	d->env = (struct run_env){ .kernel = kernel_real_get(d->kernel),
				   .settings = &d->settings,
				   .seed = identity_seed(),
				   .boot_id = d->boot_id };
	r = collisions_new(d->loop, &d->env, &d->publisher, &d->collisions);
	if (r < 0)
		return r;
	d->env.lvs_map = collisions_map(d->collisions);
	d->keeper = keeper_new(d->loop, &d->env);
	if (!d->keeper)
		return -ENOMEM;
	collisions_on_map(d->collisions, daemon_on_map, d);
	d->publisher = (struct publisher){
		.env = &d->env,
		.log = { .to = log_logger(), .console = log_to_stderr },
		.publish = daemon_on_event,
		.is_watched = daemon_is_watched,
		.ud = d,
	};
	r = ends_new(d->settings.run_dir, d->boot_id, d->env.seed, d->settings.explain_max,
		     os_now(), &d->ends);
	if (r < 0)
		return r;
	d->guards = (struct guards){ .loop = d->loop,
				     .env = &d->env,
				     .publisher = &d->publisher,
				     .service = &d->service,
				     .ends = d->ends };
	r = moves_new(&d->env, &d->guards, &d->publisher, &d->moves);
	if (r == 0)
		r = instances_new(d->loop, &d->env, d->moves, &d->instances);
	if (r == 0)
		d->env.states = instances_states(d->instances);
	return r;
}

int daemon_start(struct daemon *d)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	size_t i;
	int r;

	d->started = os_now();
	identity_boot_id(d->boot_id);
	r = loop_new(&d->loop);
	for (i = 0; i < ARRAY_SIZE(signals) && r == 0; i++)
		r = loop_signal(d->loop, signals[i], daemon_on_signal, d);
	if (r == 0)
		r = be_alone(d);
	if (r == -EALREADY)
		return r;
	if (r == 0)
		r = daemon_make(d);
	if (r < 0) {
		log_line(LOG_ERR, "msg=\"cannot start\" error=%s", strerror(-r));
		return r;
	}
	r = open_control(d, &d->settings, &d->control);
	if (r < 0)
		return r;
	apply_collisions(d);
	prepare(d);
	guards_apply(&d->guards, false);
	daemon_purge(d);
	instances_apply(d->instances);
	daemon_start_timers(d);
	loop_on_round(d->loop, on_round, d);
	return 0;
}

int daemon_run(struct daemon *d)
{
	int r;

	log_line(LOG_NOTICE, "msg=ready version=" PACKAGE_VERSION " socket=%s", d->settings.socket);
	service_ready(&d->service);
	r = loop_run(d->loop);
	if (r < 0)
		log_line(LOG_ERR, "msg=\"the loop broke\" error=%s", strerror(-r));
	return r;
}

void daemon_stop(struct daemon *d)
{
	textfile_end(d);
	if (d->control && d->socket_is_ours && socket_file_is_there(&d->socket_file))
		unlink(d->socket_file.path);
	d->retired = control_free(d->retired);
	d->control = control_free(d->control); /* what follows is still published, to nobody */
	if (d->instances && d->settings.on_stop == STOP_RELEASE)
		instances_release(d->instances);
	instances_free(d->instances);
	moves_free(d->moves);
	if (d->guards.loop)
		guards_done(&d->guards);
	ends_free(d->ends);
	keeper_free(d->keeper);
	collisions_free(d->collisions);
	kernel_real_free(d->kernel);
	service_stop(&d->service);
	alone_free(d->alone); /* last: the next daemon may start once this name is free */
	loop_free(d->loop);
	settings_done(&d->settings);
}
