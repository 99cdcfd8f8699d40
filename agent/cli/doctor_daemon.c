/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/process.h"
#include "show/config.h"
#include "show/status.h"

#define PATIENCE (10 * USEC_PER_SEC)

static const char *doctor_text_of(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static uint64_t doctor_number_of(json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (uint64_t)n : 0;
}

static enum severity severity_of(const char *name)
{
	return !strcmp(name, "critical") ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

/* Add the warnings of the daemon's status. */
static void daemon_pass_on(json_t *status, struct findings *ret)
{
	json_t *list = json_object_get(status, "warnings");
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		json_t *w = json_array_get(list, i);
		const char *fix = doctor_text_of(w, "fix");

		/* doctor checks that itself */
		if (strcmp(doctor_text_of(w, "code"), "conntrack-full") != 0)
			findings_add(ret, severity_of(doctor_text_of(w, "severity")),
				     doctor_text_of(w, "code"),
				     *fix ? fix : doctor_text_of(w, "advice"), "%s",
				     doctor_text_of(w, "text"));
	}
}

/* What is restored or pinned is protected; what is only watched is not. */
static bool daemon_protects(const char *protection)
{
	return !strcmp(protection, "continuous") || !strcmp(protection, "on demand");
}

static void daemon_take_device(json_t *o, struct device_facts *d)
{
	snprintf(d->name, sizeof(d->name), "%s", doctor_text_of(o, "device"));
	snprintf(d->protection, sizeof(d->protection), "%s", doctor_text_of(o, "protection"));
	snprintf(d->state, sizeof(d->state), "%s", doctor_text_of(o, "state"));
	snprintf(d->reason, sizeof(d->reason), "%s", doctor_text_of(o, "reason"));
	d->guarded = daemon_protects(d->protection);
	d->in_force = json_is_true(json_object_get(o, "in_force"));
	d->pinned = doctor_number_of(o, "pinned");
	d->unpinned = doctor_number_of(o, "unpinned");
	d->managed.guarded = d->guarded;
	d->managed.linger = doctor_number_of(o, "linger_us");
}

/* Its devices are those that it has read, whatever is in the file by now. */
static void daemon_take_devices(json_t *status, struct facts *f)
{
	json_t *list = json_object_get(status, "devices");
	size_t i, n = MIN(json_array_size(list), (size_t)FACTS_DEVICES_MAX);

	f->devices = calloc(FACTS_DEVICES_MAX, sizeof(*f->devices));
	for (i = 0; i < n && f->devices; i++)
		daemon_take_device(json_array_get(list, i), &f->devices[f->n_devices++]);
	f->any_configured = f->n_devices > 0;
}

/* Read the file that the daemon has, and use it instead of ours unless one was given. */
static void daemon_take_config(struct cli *cli, json_t *status, struct facts *f,
			       struct findings *ret)
{
	const char *path = doctor_text_of(status, "config");
	char pid[32], file[PATH_MAX];
	struct request_error e;
	struct settings s;

	if (*path && strcmp(path, VIPSAFE_CONFIG) != 0)
		text_escape(path, f->config, sizeof(f->config));
	if (!*path || cli->options.config)
		return;
	snprintf(pid, sizeof(pid), "%llu", (unsigned long long)doctor_number_of(status, "pid"));
	process_path(pid, path, file);
	if (!strcmp(file, VIPSAFE_CONFIG)) /* which we have read, if it is there */
		return;
	if (config_load(file, &s, &e) < 0) {
		findings_add(ret, SEVERITY_UNSEEN, "config-unseen", "sudo vipsafe doctor",
			     "vipsafed's configuration cannot be read: %s", e.text);
		return;
	}
	snprintf(s.socket, sizeof(s.socket), "%s", cli->settings.socket);
	settings_done(&cli->settings);
	cli->settings = s;
}

/* What is in the file and the daemon has not read. */
static void daemon_compare(const struct settings *s, const struct facts *f, struct findings *ret)
{
	size_t i, k;

	for (i = 0; i < s->n_devices; i++) {
		for (k = 0; k < f->n_devices; k++)
			if (!strcmp(s->devices[i].name, f->devices[k].name))
				break;
		if (k == f->n_devices)
			findings_add(ret, SEVERITY_WARNING, "config-not-read", "vipsafe reload",
				     "the configuration has a section [device %s], which vipsafed "
				     "has not read",
				     s->devices[i].name);
	}
}

static void daemon_take_status(struct cli *cli, const char *text, struct facts *f,
			       struct findings *ret)
{
	json_t *status = json_loads(text ? text : "", 0, NULL);

	daemon_take_devices(status, f);
	daemon_take_config(cli, status, f, ret);
	daemon_compare(&cli->settings, f, ret);
	daemon_pass_on(status, ret);
	json_decref(status);
}

static void daemon_ask(struct cli *cli, struct facts *f, struct findings *ret)
{
	struct wire_request r = { .op = WIRE_STATUS };
	struct wire_answer a = { 0 };
	enum client_outcome outcome;

	client_ask(cli->settings.socket, &r, cli->options.timeout ? cli->options.timeout : PATIENCE,
		   &a, &outcome);
	snprintf(f->unseen, sizeof(f->unseen), "%s", client_failure_text(outcome, &a));
	switch (outcome) {
	case CLIENT_ANSWERED:
		f->daemon = DAEMON_RUNNING;
		daemon_take_status(cli, a.result, f, ret);
		break;
	case CLIENT_ABSENT:
		f->daemon = DAEMON_ABSENT;
		break;
	case CLIENT_BARRED:
		f->daemon = DAEMON_NOT_FOR_US;
		break;
	case CLIENT_REFUSED: /* one of another version answers nobody until it is restarted */
		f->daemon = strcmp(a.error_code, wire_refusal_name(WIRE_OTHER_VERSION))
				    ? DAEMON_NOT_FOR_US
				    : DAEMON_SILENT;
		break;
	case CLIENT_BROKEN:
		f->daemon = DAEMON_SILENT;
		break;
	}
	wire_answer_done(&a);
}

/* Use the configuration with which a daemon was started that listens elsewhere. Returns whether
 * there is one. */
static bool daemon_look_for(struct cli *cli)
{
	const struct process_option option = { "vipsafed", 0, "config" };
	char file[PATH_MAX];
	struct request_error e;
	struct settings s;

	if (cli->options.config || cli->options.socket || process_find(&option, file) < 0 ||
	    !*file || config_load(file, &s, &e) < 0)
		return false;
	settings_done(&cli->settings);
	cli->settings = s;
	return true;
}

void doctor_take_daemon(struct cli *cli, struct facts *f, struct findings *ret)
{
	daemon_ask(cli, f, ret);
	if (f->daemon == DAEMON_ABSENT && daemon_look_for(cli))
		daemon_ask(cli, f, ret);
}
