/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/instance_doubt.h"

void doubt_raise(struct instance_doubt *d, const struct instance_event *e, usec_t now)
{
	if (d->said == INSTANCE_UNKNOWN)
		*d = (struct instance_doubt){ .due = now + DOUBT_WAIT };
	else if (e->stamp < d->stamp)
		return;
	d->said = e->state;
	d->source = e->source;
	d->stamp = e->stamp;
}

void doubt_settle(struct instance_doubt *d, const struct instance_event *e)
{
	if (e->source == SOURCE_FIFO || e->stamp >= d->stamp)
		d->said = INSTANCE_UNKNOWN;
}

bool doubt_is_proven(struct instance_doubt *d, usec_t now, usec_t *ret_when)
{
	*ret_when = USEC_NEVER;
	if (d->said == INSTANCE_UNKNOWN)
		return false;
	if (!d->extended && now >= d->due + DOUBT_LATE) {
		d->extended = true;
		d->due = now + DOUBT_LATE;
	}
	*ret_when = d->due;
	return now >= d->due;
}
