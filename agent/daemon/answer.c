/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/answer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "base/os.h"
#include "base/text.h"
#include "daemon/log.h"
#include "kernel/ct.h"
#include "show/history.h"
#include "show/history_file.h"
#include "move/survey.h"

/* Operations searched for the one that added an address. */
#define OPERATIONS_MAX 100

/* The usual scrape interval of monitoring. */
#define TEXTFILE_EVERY (15 * USEC_PER_SEC)

static json_t *answer_operations(const struct run_env *env, size_t max)
{
	const struct history_now now = { os_now(), os_wall() };
	_cleanup_free_ char *text = NULL;
	int r = history_read(env->settings->run_dir, env->boot_id, &text);

	return history_parse(r < 0 ? "" : text, max, now);
}

/* Called with the current status, which is valid during the call. */
typedef void (*status_user)(void *ud, const struct status *s);

static void with_status(struct daemon *d, unsigned columns, status_user fn, void *ud)
{
	size_t n_devices = 0, n_instances = 0, i;
	_cleanup_free_ struct status_device *devices = guards_status(&d->guards, &n_devices);
	_cleanup_free_ struct status_instance *instances =
		instances_status(d->instances, &n_instances);
	const usec_t now = os_now(), wall = os_wall();
	char config[PATH_MAX];
	struct survey survey;
	struct status s = {
		.version = PACKAGE_VERSION,
		.pid = getpid(),
		.now = now,
		.wall = wall,
		.uptime = now - d->started,
		.moves = moves_count(d->moves),
		.refused = d->refused,
		.log_dropped = log_logger()->dropped,
		.log_unread = log_logger()->unreported > 0,
		.devices = devices,
		.n_devices = n_devices,
		.instances = instances,
		.n_instances = n_instances,
		.notify = instances_notify_status(d->instances),
		.survey = &survey,
		.operations = answer_operations(&d->env, OPERATIONS_MAX),
		.columns = columns,
		.config = config,
	};

	/* relative to where this process runs */
	if (!d->config || !realpath(d->config, config))
		snprintf(config, sizeof(config), "%s", d->config ? d->config : VIPSAFE_CONFIG);
	for (i = 0; i < END_CAUSE_COUNT; i++)
		s.ends[i] = ends_counted(d->ends, (enum end_cause)i);
	collisions_status(d->collisions, &s.lvs);
	keeper_status(d->keeper, collisions_flows(d->collisions), &s.apart);
	survey_take(&d->env, &survey);
	memcpy(s.config_error, d->config_error, sizeof(s.config_error));
	fn(ud, &s);
	survey_done(&survey);
	json_decref(s.operations);
}

struct asking {
	struct daemon *d;
	struct client *c;
	enum wire_text text;
};

static void send_status(void *ud, const struct status *s)
{
	struct asking *a = ud;

	control_answer(a->c, wire_answer_status(s, a->text));
}

void answer_status(struct daemon *d, struct client *c, const struct wire_request *r)
{
	struct asking a = { .d = d, .c = c, .text = r->text };

	with_status(d, r->columns, send_status, &a);
}

static const struct metrics *metrics(struct daemon *d)
{
	d->publisher.metrics.watchers = control_watchers(d->control);
	d->publisher.metrics.watchers_dropped = control_watchers_dropped(d->control);
	return &d->publisher.metrics;
}

static void send_metrics(void *ud, const struct status *s)
{
	struct asking *a = ud;

	control_answer(a->c, wire_answer_metrics(metrics(a->d), s, a->text));
}

void answer_metrics(struct daemon *d, struct client *c, const struct wire_request *r)
{
	struct asking a = { .d = d, .c = c, .text = r->text };

	with_status(d, 0, send_metrics, &a);
}

/* The current state is sent first, so that the events that follow can be
 * understood. */
void answer_watch(struct daemon *d, struct client *c)
{
	size_t i, n = 0;
	_cleanup_free_ struct status_device *devices = guards_status(&d->guards, &n);
	struct event e = { .kind = EVENT_STATE, .at = os_now(), .wall = os_wall() };

	if (control_watch(c) < 0)
		return;
	for (i = 0; i < n; i++) {
		_cleanup_free_ char *line = NULL;

		e.severity = status_fails(&devices[i]) ? SEVERITY_WARNING : SEVERITY_NOTE;
		memcpy(e.device, devices[i].device, sizeof(e.device));
		text_line(e.text, sizeof(e.text), "%s%s%s", devices[i].state,
			  *devices[i].reason ? ": " : "", devices[i].reason);
		line = wire_answer_event(&e);
		if (!line || !control_send(c, line))
			return;
	}
}

/* For the members of the group, who may not read the file. */
void answer_history(struct daemon *d, struct client *c)
{
	control_answer(c, wire_answer_history(answer_operations(&d->env, SIZE_MAX)));
}

/* ---- connections ------------------------------------------------------------------ */

/* Text in a packet: with each byte escaped, it fits into WIRE_PIECE_MAX. */
#define LISTING_PIECE ((size_t)15 * 1024)

#define LISTING_MAX ((size_t)CT_LIST_STEP * CONNECTION_LINE_MAX)

/* A list that is being sent. The table is read as the client reads, so nothing is kept but one
 * message of the kernel and the lines of one step. */
struct listing {
	struct daemon *d;
	struct connections which;
	bool json, whole, ended;
	struct ct_list *table; /* owned */
	size_t at, len;
	char lines[LISTING_MAX + 1];
};

static int answer_listing_take(void *ud, const struct conn_record *record)
{
	struct listing *l = ud;
	char line[CONNECTION_LINE_MAX];
	const char *device;
	enum protection p =
		guards_protection(&l->d->guards, l->which.device, record->conn, &device);
	size_t n;

	if (!connections_want(&l->which, &l->d->env.kernel, record, p))
		return 0;
	n = connections_line(&l->d->env.kernel, record, device, p, l->json, line);
	l->whole = l->whole && n; /* out of memory */
	memcpy(l->lines + l->len, line, n);
	l->len += n;
	return 0;
}

char *answer_packet(char *lines, size_t *at, size_t len)
{
	size_t n = MIN(len - *at, LISTING_PIECE);
	char *packet, after;

	while (lines[*at + n - 1] != '\n')
		n--;
	after = lines[*at + n];
	lines[*at + n] = '\0';
	packet = wire_answer_lines(lines + *at);
	lines[*at + n] = after;
	*at += n;
	return packet;
}

static int answer_listing_next(void *ud, char **ret_line)
{
	struct listing *l = ud;
	char text[128];
	int r;

	if (l->at == l->len && l->ended) {
		*ret_line = wire_answer_listed(l->whole);
		return *ret_line ? 1 : -ENOMEM;
	}
	if (l->at == l->len) {
		l->at = l->len = 0;
		r = ct_list_step(l->table, answer_listing_take, l);
		l->ended = r == 0 || r == -EINTR;
		l->whole = l->whole && r != -EINTR;
		if (r < 0 && !l->ended) {
			snprintf(text, sizeof(text), "the conntrack table cannot be read: %s",
				 strerror(-r));
			*ret_line = wire_answer_refusal(WIRE_INTERNAL, text);
			return *ret_line ? 1 : -ENOMEM;
		}
	}
	if (l->at == l->len)
		return 0;
	*ret_line = answer_packet(l->lines, &l->at, l->len);
	return *ret_line ? 0 : -ENOMEM;
}

static void answer_listing_done(void *ud)
{
	struct listing *l = ud;

	ct_list_free(l->table);
	free(l);
}

void answer_connections(struct daemon *d, struct client *c, const struct wire_request *r)
{
	struct control_list list = { .next = answer_listing_next, .done = answer_listing_done };
	struct request_error e;
	struct listing *l;
	int failed;

	if (!guards_protect(&d->guards, r->connections.device)) {
		request_error_set(&e, "%s%s is not guarded: --local lists what is in the table",
				  *r->connections.device ? "device " : "no device",
				  r->connections.device);
		control_refuse(c, WIRE_NOT_GUARDED, e.text);
		return;
	}
	l = calloc(1, sizeof(*l));
	failed = l ? ct_list_new(AF_UNSPEC, &l->table) : -ENOMEM;
	if (failed < 0) {
		request_error_set(&e, "the conntrack table cannot be read: %s", strerror(-failed));
		free(l);
		control_refuse(c, WIRE_INTERNAL, e.text);
		return;
	}
	l->d = d;
	l->which = r->connections;
	l->json = r->text == WIRE_TEXT_NONE;
	l->whole = true;
	list.ud = l;
	if (control_send_list(c, &list) < 0)
		answer_listing_done(l);
}

static void write_textfile(struct daemon *d, const struct status *s)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r = -ENOMEM;

	if (out) {
		metrics_print(metrics(d), s, out);
		r = fclose(out) ? -ENOMEM : textfile_write(d->settings.textfile, text);
	}
	if (r < 0 && !d->textfile_failed)
		log_line(LOG_WARNING, "msg=\"the metrics cannot be written\" textfile=%s error=%s",
			 d->settings.textfile, strerror(-r));
	d->textfile_failed = r < 0;
}

static void textfile_on_status(void *ud, const struct status *s)
{
	write_textfile(ud, s);
}

void textfile_on_timer(void *ud)
{
	struct daemon *d = ud;

	if (*d->settings.textfile)
		with_status(d, 0, textfile_on_status, d);
	d->textfile_timer.due = os_now() + TEXTFILE_EVERY;
}

void textfile_end(struct daemon *d)
{
	const struct status s = { .absent = true, .version = PACKAGE_VERSION };

	if (d->textfile_timer.fn && *d->settings.textfile)
		write_textfile(d, &s);
}

void textfile_move(struct daemon *d, const char *to)
{
	if (*d->settings.textfile && strcmp(d->settings.textfile, to))
		(void)unlink(d->settings.textfile);
	d->textfile_timer.due = 0;
}
