/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/instance_decoy.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "base/os.h"
#include "keepalived/decoy.h"
#include "daemon/log.h"

void decoys_begin(const struct instance_context *s)
{
	struct kernel k = kernel_real_get(s->kernel);
	int r;

	if (!decoys_need_device(s->env->settings))
		return;
	r = k.ops->link_make_lonely(k.ctx, DECOY_DEVICE);
	if (r < 0)
		log_line(LOG_ERR,
			 "msg=\"the device for decoys cannot be made: there can be no decoy\" "
			 "dev=" DECOY_DEVICE " error=%s",
			 strerror(-r));
}

void decoys_note(const struct instance_context *s, const struct ifaddr *a, bool gone)
{
	const struct settings *settings = s->env->settings;
	usec_t now = os_now();
	size_t i;

	for (i = 0; i < settings->n_instances; i++) {
		const struct instance_settings *one = &settings->instances[i];

		if (one->has_decoy && prefix_equal(&one->decoy.vip.prefix, &a->prefix))
			instance_decoy_moved(&s->set.states[i], !gone, now);
	}
}

bool decoys_are_doubted(const struct instance_context *s, usec_t now)
{
	usec_t when;
	size_t i;

	for (i = 0; i < s->env->settings->n_instances; i++) {
		struct instance_doubt copy = s->set.states[i].doubt;

		if (doubt_is_proven(&copy, now, &when))
			return true;
	}
	return false;
}

static void log_decoy(const struct instance_context *s, const struct instance_work *w,
		      const char *what, bool is_removed)
{
	const struct instance_settings *settings = &s->env->settings->instances[w->at];
	const struct instance *state = &s->set.states[w->at];
	char text[PREFIX_TEXT_MAX], msg[REPORT_TEXT_MAX];

	prefix_format(&settings->decoy.vip.prefix, text);
	snprintf(msg, sizeof(msg), "the decoy %s", what);
	log_line(LOG_WARNING, "msg=%s instance=%s decoy=%s dev=%s state=%s source=%s removed=%s",
		 msg, w->name, text, settings->decoy.device, instance_state_name(state->state),
		 instance_source_name(state->source), is_removed ? "yes" : "");
	publish_guard(moves_publish(s->moves), EVENT_INSTANCE, true, settings->device, 0, 0,
		      "%s: the decoy %s %s: %s (%s) is believed%s", w->name, text, what,
		      instance_state_name(state->state), instance_source_name(state->source),
		      is_removed ? ", and it is removed" : "");
}

static void instance_decoy_remove_stale(struct instance_context *s, struct instance_work *w)
{
	struct kernel k = kernel_real_get(s->kernel);
	int r = instance_set_remove_decoy(&s->set, w->at, &k);

	log_decoy(s, w, "was left behind by a keepalived that was killed", r == 0);
	if (r < 0 && r != -EPERM && r != -ENOENT)
		log_line(LOG_WARNING, "msg=\"the decoy cannot be removed\" instance=%s error=%s",
			 w->name, strerror(-r));
}

usec_t decoy_step(struct instance_context *s, struct instance_work *w, usec_t now)
{
	struct instance *state = &s->set.states[w->at];
	usec_t when = USEC_NEVER;

	if (!state->decoy_stale)
		w->stale_logged = false;
	else if (!w->stale_logged) {
		w->stale_logged = true;
		instance_decoy_remove_stale(s, w);
		s->set.dirty = true;
	}
	if (!instance_decoy_is_missing(state, w->has_decoy, now, &when))
		w->missing_logged =
			w->missing_logged && state->state == INSTANCE_MASTER && !state->decoy_there;
	else if (!w->missing_logged) {
		w->missing_logged = true;
		log_decoy(s, w, "is not there although keepalived is MASTER, so it does not work",
			  false);
	}
	return when;
}
