/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/answer.h"

#include <string.h>

#include "front/history.h"
#include "steps/history.h"
#include "steps/survey.h"

/* Looked at for who has put an address where it is. */
#define OPERATIONS_MAX 100

static json_t *operations(const struct run_env *env)
{
	_cleanup_free_ char *text = NULL;

	if (history_read(env->settings->run_dir, env->boot_id, &text) < 0)
		return history_parse("", 0);
	return history_parse(text, OPERATIONS_MAX);
}

void answer_status(struct daemon *d, struct client *c, const struct wire_request *r)
{
	_cleanup_free_ struct status_device *devices = watches_status(&d->watches);
	size_t n_instances = 0;
	_cleanup_free_ struct status_instance *instances =
		instances_status(d->instances, &n_instances);
	struct survey survey;
	struct status s = {
		.version = PACKAGE_VERSION,
		.pid = getpid(),
		.now = loop_now(),
		.uptime = loop_now() - d->started,
		.moves = moves_count(d->moves),
		.refused = d->refused,
		.devices = devices,
		.n_devices = devices ? d->watches.n : 0,
		.instances = instances,
		.n_instances = n_instances,
		.notify = instances_notify_status(d->instances),
		.survey = &survey,
		.operations = operations(&d->env),
		.columns = r->columns,
	};

	survey_take(&d->env, &survey);
	memcpy(s.config_error, d->config_error, sizeof(s.config_error));
	control_answer(c, wire_answer_status(&s, r->text));
	survey_done(&survey);
	json_decref(s.operations);
}
