/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/verdict.h"

/* That the one through the service is deaf says nothing about the one that hears all, and of two
 * through services either may have been first. */
static bool is_cleared(const struct collision *c, const struct lvs_evidence *e)
{
	if (c->effect == COLLIDE_VIA_DEAF || !lvs_evidence_clears(e, &c->direct, &c->via))
		return false;
	return c->class != COLLIDE_A2 || lvs_evidence_clears(e, &c->via, &c->direct);
}

bool lvs_verdict(struct collision *c, const struct lvs_evidence *e)
{
	struct flow direct = c->direct;
	const struct flow *hung;

	if (!lvs_evidence_has(e, &c->direct, &c->via, &hung))
		return !is_cleared(c, e);
	c->certainty = COLLIDE_MANIFEST;
	if (hung == &c->direct) {
		c->effect = direct.state == FLOW_OPENING ? COLLIDE_STALLS : COLLIDE_DIRECT_RESET;
	} else if (c->class == COLLIDE_A2) {
		/* DIRECT is the one that hangs */
		uint32_t service = c->service;

		c->direct = c->via;
		c->via = direct;
		c->service = c->other_service;
		c->other_service = service;
		c->effect = c->direct.state == FLOW_OPENING ? COLLIDE_STALLS : COLLIDE_DIRECT_RESET;
	} else {
		c->effect = COLLIDE_VIA_DEAF;
	}
	return true;
}
