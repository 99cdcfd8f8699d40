/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lingering.h"

#include <netinet/in.h>

struct device_settings lingering_settings(enum pin_mode mode, usec_t linger)
{
	return (struct device_settings){
		.name = "br-mgmt", .pin = mode, .pin_after = 2 * USEC_PER_SEC, .linger = linger
	};
}

struct guard *lingering_new(struct scene *s, enum pin_mode mode, usec_t linger)
{
	struct device_settings d = lingering_settings(mode, linger);
	struct guard *g;

	scene_boot(s);
	assert_int_equal(guard_new(&s->env, &d, &g), 0);
	return g;
}

static void add_flow6(struct scene *s, uint16_t n, const char *as)
{
	struct conn c = scene_flow(IPPROTO_UDP, "fd00:1::9", (uint16_t)(4000 + n), SERVER6, 53, as,
				   (uint16_t)(20000 + n));

	scene_add(s, &c);
}

void lingering_flows(struct scene *s)
{
	fake_addr(s->fake, s->dev, OTHER4 "/24", "");
	fake_addr(s->fake, s->dev, OTHER6 "/64", NULL);
	for (uint16_t i = 0; i < FLOWS; i++) {
		going_flow(s, i, HOST4);
		going_flow(s, (uint16_t)(FLOWS + i), OTHER4);
		add_flow6(s, i, HOST6);
		add_flow6(s, (uint16_t)(FLOWS + i), OTHER6);
	}
	s->fake->flush4 = s->fake->flush6 = FLUSH_ADDRESS;
}

void lingering_young(struct scene *s)
{
	for (uint16_t i = 0; i < FLOWS; i++) {
		struct conn c = scene_flow(IPPROTO_UDP, "10.1.7.7", (uint16_t)(5000 + i), SERVER4,
					   53, OTHER4, (uint16_t)(30000 + i));

		fake_tell(s->fake, scene_add(s, &c));
	}
}

struct guard *lingering_begin(struct scene *s, enum pin_mode mode)
{
	struct guard *g = lingering_new(s, mode, LINGER);

	lingering_flows(s);
	guarding_spin(s, g, 6 * USEC_PER_SEC);
	assert_int_equal(guarding_status(g).pinned, mode == PIN_CONTINUOUS ? 4 * FLOWS : 0);
	lingering_young(s);
	guarding_spin(s, g, 10 * USEC_PER_MSEC);
	scene_remember(s);
	return g;
}

void lingering_wait(struct scene *s, struct guard *g, usec_t duration)
{
	if (duration)
		guarding_spin(s, g, duration);
}

uint64_t lingering_entries(const struct guard *g)
{
	struct guard_lingering list[GUARD_LINGERING_MAX];
	uint64_t entries;

	(void)guard_lingering(g, list, &entries);
	return entries;
}
