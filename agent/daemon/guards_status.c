/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guards say of themselves. */
#include "daemon/guards_part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"

const char *guards_why_left_out(int r)
{
	return r == -EMFILE ? "the limit of open files allows no more guards (LimitNOFILE=)"
			    : strerror(-r);
}

static void device_lingering(const struct device_guard *x, struct status_device *d)
{
	struct guard_lingering list[GUARD_LINGERING_MAX];
	usec_t now = os_now();
	size_t i;

	d->linger = x->settings.linger;
	d->lingering_addresses = guard_lingering(x->guard, list, &d->lingering_entries);
	for (i = 0; i < MIN(d->lingering_addresses, ARRAY_SIZE(d->lingering)); i++)
		d->lingering[i] = (struct status_lingering){
			.addr = list[i].addr,
			.entries = list[i].entries,
			.age = now - MIN(now, list[i].since),
			.left = list[i].until - MIN(now, list[i].until),
			.link_down = list[i].link_down,
		};
}

static void device_status(const struct device_guard *x, struct status_device *d)
{
	struct guard_status s;

	guard_get_status(x->guard, &s);
	*d = (struct status_device){
		.state = guard_state_name(s.state),
		.mode = s.mode,
		.hold = s.hold,
		.quarantined = s.quarantined,
		.pinned = s.pinned,
		.unpinned = s.unpinned,
		.altered = s.altered,
		.helpers = s.helpers,
		.unselected = s.unselected,
		.selection = x->settings.selection,
		.refused = s.refused,
		.pins = s.pins,
		.pin_failures = s.pin_failures,
		.full = s.full,
		.foreign_deletes = s.foreign_deletes,
		.repairs = s.repairs,
		.restored = s.restored,
		.superseded = s.superseded,
		.lost = s.lost,
		.removed = s.removed,
		.arrivals = s.arrivals,
		.led_away = s.led_away,
		.committed = s.committed,
		.unsure = s.unsure,
		.gone = s.gone,
		.unproven = s.unproven,
		.unsaved = s.unsaved,
		.unsaved_error = s.unsaved_error,
		.overruns = s.overruns,
		.relists = s.relists,
		.holds = s.holds,
		.held_usec = s.held_usec,
	};
	memcpy(d->device, s.device, sizeof(d->device));
	memcpy(d->reason, s.reason, sizeof(d->reason));
	memcpy(d->ends, s.ends, sizeof(d->ends));
	memcpy(d->linger_ends, &s.linger_ends[LINGER_BACK], sizeof(d->linger_ends));
	device_lingering(x, d);
}

static bool guards_is_guarded(const struct guards *w, const char *device)
{
	size_t i = 0;

	while (i < w->n && strcmp(w->list[i]->settings.name, device) != 0)
		i++;
	return i < w->n;
}

struct status_device *guards_status(const struct guards *w, size_t *ret_n)
{
	const struct settings *s = w->env->settings;
	struct status_device *list = calloc(w->n + s->n_devices + 1, sizeof(*list));
	size_t i, n = 0;

	*ret_n = 0;
	if (!list)
		return NULL;
	for (i = 0; i < w->n; i++)
		device_status(w->list[i], &list[n++]);
	for (i = 0; i < s->n_devices; i++) {
		const struct device_settings *d = &s->devices[i];

		if (guards_is_guarded(w, d->name))
			continue;
		list[n] = (struct status_device){ .state = "unguarded", .mode = d->pin };
		list[n].hold = HOLD_OFF;
		memcpy(list[n].device, d->name, sizeof(list[n].device));
		snprintf(list[n].reason, sizeof(list[n].reason), "%s",
			 guards_why_left_out(w->why_left_out));
		n++;
	}
	*ret_n = n;
	return list;
}

const char *guards_summary(const struct guards *w, char *buf, size_t size)
{
	struct guard_status s;
	size_t i, n = 0;

	snprintf(buf, size, "no device is guarded");
	for (i = 0; i < w->n && n < size; i++) {
		guard_get_status(w->list[i]->guard, &s);
		n += (size_t)snprintf(buf + n, size - n, "%s%s %s", i ? ", " : "", s.device,
				      s.mode == PIN_OFF && s.state == GUARD_LIVE
					      ? "observed"
					      : guard_state_name(s.state));
	}
	return buf;
}
