/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/status_local.h"

#include <errno.h>
#include <string.h>

#include "base/os.h"
#include "keepalived/instance_file.h"
#include "keepalived/instance_set.h"
#include "move/survey.h"
#include "show/history.h"
#include "show/history_file.h"

#define NOT_RUNNING "vipsafed is not running"

/* Operations searched for the one that put an address where it is. */
#define OPERATIONS_MAX 100

static json_t *local_operations(const struct cli *cli)
{
	const struct history_now now = { os_now(), os_wall() };
	_cleanup_free_ char *text = NULL;
	int r = history_read(cli->settings.run_dir, cli->boot_id, &text);

	if (r < 0 && r != -ENOENT)
		return NULL;
	return history_parse(r < 0 ? "" : text, OPERATIONS_MAX, now);
}

/* The devices that should be guarded, and are not. */
static struct status_device *local_devices(const struct settings *settings)
{
	struct status_device *list = calloc(settings->n_devices + 1, sizeof(*list));
	size_t i;

	for (i = 0; i < settings->n_devices && list; i++) {
		list[i] = (struct status_device){ .state = "unguarded",
						  .mode = settings->devices[i].pin,
						  .hold = HOLD_OFF,
						  .waits = true,
						  .reason = NOT_RUNNING };
		memcpy(list[i].device, settings->devices[i].name, sizeof(list[i].device));
	}
	return list;
}

static struct status_instance *local_instances(const struct cli *cli, struct instance_set *set,
					       const struct kernel *k, size_t *ret_n)
{
	struct status_instance *list = calloc(cli->settings.n_instances + 1, sizeof(*list));
	usec_t now = os_now();
	size_t i;

	*ret_n = 0;
	if (!list || instance_set_init(set, &cli->settings) < 0)
		return list;
	/* what is not in the file, or may not be read, the decoys tell */
	(void)instance_file_load(&cli->settings, cli->boot_id, now, set->states);
	if (instance_set_look(set, k, now) < 0)
		return list;
	for (i = 0; i < set->n; i++) {
		status_instance_of(set, i, now, &list[i]);
		list[i].error = NOT_RUNNING;
	}
	*ret_n = set->n;
	return list;
}

void status_local(const struct cli *cli, unsigned columns, status_local_user fn, void *ud)
{
	_cleanup_free_ struct status_device *devices = local_devices(&cli->settings);
	_cleanup_free_ struct status_instance *instances = NULL;
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	struct instance_set set = { .n = 0 };
	struct survey survey = { 0 };
	struct status s = { .absent = true,
			    .version = PACKAGE_VERSION,
			    .devices = devices,
			    .n_devices = devices ? cli->settings.n_devices : 0,
			    .survey = &survey,
			    .operations = local_operations(cli),
			    .now = os_now(),
			    .wall = os_wall(),
			    .columns = columns };
	struct run_env env;

	if (kernel_real_new(&real) == 0) {
		env = cli_run_env(cli, kernel_real_get(real));
		survey_take(&env, &survey);
		instances = local_instances(cli, &set, &env.kernel, &s.n_instances);
		s.instances = instances;
	}
	fn(ud, &s);
	instance_set_done(&set);
	survey_done(&survey);
	json_decref(s.operations);
}
