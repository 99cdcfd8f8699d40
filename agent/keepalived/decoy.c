/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/decoy.h"

#include <string.h>

/* Ignores prefix lengths: adding or deleting one of the two may affect the other. */
static bool decoy_is_same(const struct instance_address *a, const struct instance_address *b)
{
	return addr_equal(&a->vip.prefix.addr, &b->vip.prefix.addr) &&
	       !strcmp(a->device, b->device);
}

/* Whether the decoy is also an address of S, on any device: keepalived would then delete that
 * address. */
static bool has_address(const struct instance_settings *s, const struct instance_address *decoy)
{
	size_t i;

	for (i = 0; i < s->n_addresses; i++)
		if (addr_equal(&decoy->vip.prefix.addr, &s->addresses[i].vip.prefix.addr))
			return true;
	return false;
}

static bool decoy_is_on(const struct instance_settings *s, const char *device)
{
	size_t i;

	for (i = 0; i < s->n_addresses; i++)
		if (!strcmp(s->addresses[i].device, device))
			return true;
	return !strcmp(s->device, device);
}

/* Whether DEVICE is guarded. No decoy may be there: keepalived deletes the decoy, and deleting an
 * address of a device breaks the connections that are masqueraded to it. */
static bool decoy_is_guarded(const struct settings *s, const char *device)
{
	size_t i;

	for (i = 0; i < s->n_devices; i++)
		if (!strcmp(s->devices[i].name, device))
			return true;
	/* nothing is masqueraded to the loopback device */
	for (i = 0; i < s->n_instances && strcmp(device, "lo") != 0; i++)
		if (decoy_is_on(&s->instances[i], device))
			return true;
	return false;
}

/* Check the decoy of instance N against those of the instances before it, and against all
 * addresses. */
static int check_decoy(const struct settings *s, size_t n, struct request_error *e)
{
	const struct instance_settings *one = &s->instances[n];
	char text[PREFIX_TEXT_MAX];
	size_t i;

	prefix_format(&one->decoy.vip.prefix, text);
	for (i = 0; i < s->n_instances; i++) {
		const struct instance_settings *other = &s->instances[i];

		if (has_address(other, &one->decoy))
			return request_error_set(e,
						 "section [instance %.48s]: the decoy %s is an "
						 "address of [instance %.48s]",
						 one->name, text, other->name);
		if (i < n && other->has_decoy && decoy_is_same(&one->decoy, &other->decoy))
			return request_error_set(e,
						 "section [instance %.48s]: the decoy %s is that "
						 "of [instance %.48s], too: it could not show "
						 "which of them is MASTER",
						 one->name, text, other->name);
	}
	if (decoy_is_guarded(s, one->decoy.device))
		return request_error_set(
			e,
			"section [instance %.48s]: the decoy %s is on %.48s, whose "
			"connections break when keepalived deletes it: give it "
			"\"dev lo\" or \"dev " DECOY_DEVICE "\"",
			one->name, text, one->decoy.device);
	return 0;
}

int decoys_check(const struct settings *s, struct request_error *ret_error)
{
	size_t i;

	for (i = 0; i < s->n_instances; i++) {
		int r = s->instances[i].has_decoy ? check_decoy(s, i, ret_error) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

bool decoys_need_device(const struct settings *s)
{
	size_t i;

	for (i = 0; i < s->n_instances; i++)
		if (s->instances[i].has_decoy &&
		    !strcmp(s->instances[i].decoy.device, DECOY_DEVICE))
			return true;
	return false;
}
