/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/instance_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/os.h"
#include "daemon/log.h"

/* How long to wait for a process that writes the file without a daemon: it
 * holds the lock for a moment only. */
#define FILE_PATIENCE (100 * USEC_PER_MSEC)

/* Retry intervals: a full file system may soon have room. */
#define STORE_AGAIN (100 * USEC_PER_MSEC)
#define STORE_AGAIN_MAX (2 * USEC_PER_SEC)

void instance_store_load(struct instance_store *t, struct instance_context *s)
{
	const struct settings *settings = s->env->settings;
	int r;

	if (t->loaded || !s->set.n)
		return;
	r = instance_file_load(settings, s->env->boot_id, os_now(), s->set.states);
	if (r < 0 && r != -ENOENT)
		log_line(LOG_NOTICE,
			 "%s: what was known of the instances is of another boot, or unreadable",
			 settings->run_dir);
	(void)instance_file_is_other(settings, &t->seen);
	t->loaded = true;
}

bool instance_store_merge(struct instance_store *t, struct instance_context *s)
{
	const struct settings *settings = s->env->settings;
	_cleanup_free_ struct instance *list = NULL;
	bool newer = false;
	size_t i;

	if (!t->loaded || !s->set.n || !instance_file_is_other(settings, &t->seen))
		return false;
	list = calloc(s->set.n, sizeof(*list));
	if (!list || instance_file_load(settings, s->env->boot_id, os_now(), list) < 0)
		return false;
	for (i = 0; i < s->set.n; i++) {
		struct instance *one = &s->set.states[i];

		if (!instance_take_newer(one, &list[i]))
			continue;
		newer = s->set.dirty = true;
		log_line(LOG_NOTICE, "%s: %s (%s), as was said to another process",
			 settings->instances[i].name, instance_state_name(one->state),
			 instance_source_name(one->source));
	}
	return newer;
}

/* Storing failed: log it once and set the time of the next attempt. */
static void store_failed(struct instance_store *t, const struct instance_context *s, int error,
			 bool stale)
{
	char text[sizeof(t->problem)];

	t->again = t->again ? MIN(2 * t->again, STORE_AGAIN_MAX) : STORE_AGAIN;
	t->next = os_now() + t->again;
	snprintf(text, sizeof(text), "%s%s", strerror(-error),
		 stale ? "; what is in the file is out of date" : "");
	if (!strcmp(text, t->problem))
		return;
	memcpy(t->problem, text, sizeof(text));
	log_line(LOG_WARNING, "%s: the instances' states cannot be kept: %s",
		 s->env->settings->run_dir, text);
}

bool instance_store_write(struct instance_store *t, struct instance_context *s)
{
	const struct settings *settings = s->env->settings;
	_cleanup_close_ int lock = -1;
	bool newer, stale;
	int r;

	if (!s->set.dirty || !t->loaded || os_now() < t->next)
		return false;
	(void)instance_file_lock(settings->run_dir, INSTANCE_LOCK_FILE, &s->env->kernel,
				 os_now() + FILE_PATIENCE, &lock);
	newer = instance_store_merge(t, s);
	r = instance_file_store(settings, s->env->boot_id, s->set.states, &stale);
	(void)instance_file_is_other(settings, &t->seen);
	s->set.dirty = r < 0;
	if (r < 0) {
		store_failed(t, s, r, stale);
		return newer;
	}
	if (t->again)
		log_line(LOG_NOTICE, "%s: the instances' states are kept again", settings->run_dir);
	t->again = t->next = 0;
	t->problem[0] = '\0';
	return newer;
}
