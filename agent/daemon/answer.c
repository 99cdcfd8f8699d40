/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/os.h"
#include "base/text.h"
#include "daemon/log.h"
#include "show/history.h"
#include "move/survey.h"

/* Operations searched for the one that added an address. */
#define OPERATIONS_MAX 100

/* The usual scrape interval of monitoring. */
#define TEXTFILE_EVERY (15 * USEC_PER_SEC)

static json_t *answer_operations(const struct run_env *env)
{
	_cleanup_free_ char *text = NULL;

	if (history_read(env->settings->run_dir, env->boot_id, &text) < 0)
		return history_parse("", 0);
	return history_parse(text, OPERATIONS_MAX);
}

/* Called with the current status, which is valid during the call. */
typedef void (*status_user)(void *ud, const struct status *s);

static void with_status(struct daemon *d, unsigned columns, status_user fn, void *ud)
{
	size_t n_devices = 0, n_instances = 0;
	_cleanup_free_ struct status_device *devices = guards_status(&d->guards, &n_devices);
	_cleanup_free_ struct status_instance *instances =
		instances_status(d->instances, &n_instances);
	struct survey survey;
	struct status s = {
		.version = PACKAGE_VERSION,
		.pid = getpid(),
		.now = os_now(),
		.uptime = os_now() - d->started,
		.moves = moves_count(d->moves),
		.refused = d->refused,
		.log_dropped = log_logger()->dropped,
		.log_unread = log_logger()->untold > 0,
		.devices = devices,
		.n_devices = n_devices,
		.instances = instances,
		.n_instances = n_instances,
		.notify = instances_notify_status(d->instances),
		.survey = &survey,
		.operations = answer_operations(&d->env),
		.columns = columns,
	};

	collisions_status(d->collisions, &s.lvs);
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
	struct event e = { .kind = EVENT_STATE, .at = os_now() };

	if (control_watch(c) < 0)
		return;
	for (i = 0; i < n; i++) {
		_cleanup_free_ char *line = NULL;

		e.severity = status_in_force(&devices[i]) ? SEVERITY_NOTE : SEVERITY_WARNING;
		memcpy(e.device, devices[i].device, sizeof(e.device));
		text_line(e.text, sizeof(e.text), "%s%s%s", devices[i].state,
			  *devices[i].reason ? ": " : "", devices[i].reason);
		line = wire_answer_event(&e);
		if (!line || !control_send(c, line))
			return;
	}
}

static void write_textfile(void *ud, const struct status *s)
{
	struct daemon *d = ud;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int r = -ENOMEM;

	if (out) {
		metrics_print(metrics(d), s, out);
		r = fclose(out) ? -ENOMEM : textfile_write(d->settings.textfile, text);
	}
	if (r < 0 && !d->textfile_failed)
		log_line(LOG_WARNING, "textfile: %s: %s", d->settings.textfile, strerror(-r));
	d->textfile_failed = r < 0;
}

void textfile_on_timer(void *ud)
{
	struct daemon *d = ud;

	if (*d->settings.textfile)
		with_status(d, 0, write_textfile, d);
	d->textfile_timer.due = os_now() + TEXTFILE_EVERY;
}
