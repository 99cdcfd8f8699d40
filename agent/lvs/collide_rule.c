/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/collide_rule.h"

enum collide_verdict collide_rule(const struct collision *c, bool entry_is_via,
				  enum on_certain on_certain)
{
	const struct flow *newcomer = entry_is_via ? &c->direct : &c->via;
	bool opened = newcomer->state == FLOW_ESTABLISHED || newcomer->state == FLOW_CLOSING;

	/* What both of them were before the flush, they are after it. */
	if (on_certain == ON_CERTAIN_RESTORE || newcomer->origin & FLOW_SAVED)
		return COLLIDE_RESTORE;
	/* Our director may mix the answers up; the RS still holds both. */
	if (c->class == COLLIDE_C || c->certainty == COLLIDE_POSSIBLE || c->toa_unknown)
		return COLLIDE_RESTORE;
	/* A direct one that could be opened: there is no such session at this
	 * RS, or the director has forgotten it. */
	if (entry_is_via)
		return COLLIDE_RESTORE;
	return opened ? COLLIDE_SKIP : COLLIDE_RESTORE;
}
