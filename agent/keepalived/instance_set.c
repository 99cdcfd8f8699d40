/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/instance_set.h"

#include <errno.h>

#include "keepalived/stale_decoy.h"

const char *const instance_conntrackd_before[] = { "-c", NULL };
const char *const instance_conntrackd_after[] = { "-R", "-B", NULL };

int instance_set_init(struct instance_set *s, const struct settings *settings)
{
	*s = (struct instance_set){ .settings = settings, .n = settings->n_instances };
	s->states = calloc(s->n + 1, sizeof(*s->states));
	s->views = instance_views_new(settings);
	if (s->states && s->views)
		return 0;
	instance_set_done(s);
	return -ENOMEM;
}

void instance_set_done(struct instance_set *s)
{
	free(s->states);
	instance_views_free(s->views, s->n);
	*s = (struct instance_set){ .settings = s->settings };
}

bool instance_set_meant(const struct instance_set *s, size_t at, const struct instance_event *event)
{
	return instance_settings_meant(&s->settings->instances[at], event);
}

bool instance_set_receive(struct instance_set *s, const struct instance_event *event, usec_t now)
{
	bool meant = false;
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct instance *one = &s->states[i];
		enum instance_state doubted = one->doubt.said;

		if (!instance_set_meant(s, i, event))
			continue;
		meant = true;
		s->dirty |= instance_receive(one, event, now) == EFFECT_CHANGE;
		s->dirty |= one->doubt.said != doubted;
	}
	return meant;
}

int instance_set_look(struct instance_set *s, const struct kernel *k, usec_t now)
{
	int r = instance_views_look(k, s->settings, s->views);
	size_t i;

	for (i = 0; i < s->n && r == 0; i++) {
		struct instance *one = &s->states[i];
		enum instance_state before = one->state;

		if (!s->settings->instances[i].has_decoy)
			continue;
		instance_see_decoy(one, s->views[i].decoy_there, now);
		s->dirty |= one->state != before;
	}
	return r;
}

enum instance_action instance_set_next(struct instance_set *s, size_t at, usec_t now,
				       usec_t *ret_when)
{
	const struct instance_settings *settings = &s->settings->instances[at];
	const struct instance_policy policy = instance_settings_policy(settings);
	struct instance *one = &s->states[at];
	const enum instance_state before = one->state;
	const bool settled = one->settled;
	enum instance_action action;

	action = instance_next(one, &policy, instance_view_presence(&s->views[at], settings), now,
			       ret_when);
	s->dirty |= settled != one->settled || before != one->state;
	return action;
}

enum instance_action instance_set_wants(const struct instance_set *s, size_t at)
{
	const struct instance_policy p = instance_settings_policy(&s->settings->instances[at]);

	return instance_wants(&s->states[at], &p);
}

void instance_set_begin(struct instance_set *s, size_t at, usec_t now)
{
	instance_begin(&s->states[at], now);
	instance_view_begin(&s->views[at], &s->settings->instances[at]);
	s->dirty = true;
}

bool instance_set_request(struct instance_set *s, size_t at, enum instance_action action,
			  struct request *ret)
{
	return instance_view_request(&s->views[at], &s->settings->instances[at], s->settings,
				     action, ret);
}

int instance_set_remove_decoy(struct instance_set *s, size_t at, const struct kernel *k)
{
	const struct instance_settings *settings = &s->settings->instances[at];
	int r = -EPERM;

	if (instance_settings_policy(settings).is_ours)
		r = stale_decoy_remove(k, &settings->decoy);
	if (r == 0 || r == -ENOENT) {
		instance_forget_decoy(&s->states[at]);
		s->dirty = true;
	}
	return r;
}
