/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/import_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"

void importer_leave(struct importer *im, const struct keepalived_directive *at, const char *fmt,
		    ...)
{
	char raw[512], line[IMPORT_LINE_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (at)
		text_line(line, sizeof(line), "#! %.80s:%u: %s", at->file, at->line, raw);
	else
		text_line(line, sizeof(line), "#! %s", raw);
	fprintf(im->out, "%s\n", line);
	im->left++;
}

bool importer_has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

bool importer_is_device(const char *name)
{
	struct request_error e;

	return name && !importer_has_control(name) && !strchr(name, ';') &&
	       !device_name_check(name, &e);
}

/* Note DEVICE as one to be guarded. NULL, lo, the device of decoys and invalid names are
 * ignored. */
static void importer_guard(struct importer *im, const char *device)
{
	size_t i;

	if (!importer_is_device(device) || !strcmp(device, "lo") || !strcmp(device, DECOY_DEVICE))
		return;
	for (i = 0; i < im->n_devices; i++)
		if (!strcmp(im->devices[i], device))
			return;
	if (im->n_devices < IMPORT_DEVICES_MAX)
		im->devices[im->n_devices++] = device;
	else if (im->n_devices++ == IMPORT_DEVICES_MAX)
		importer_leave(im, NULL, "more than %d devices to be guarded", IMPORT_DEVICES_MAX);
}

bool importer_put(struct importer *im, const struct keepalived_directive *at, const char *key,
		  const char *value)
{
	struct request_error e = { "" };
	int r;

	if (strchr(value, ';') || importer_has_control(value) ||
	    strlen(key) + 3 + strlen(value) > IMPORT_LINE_MAX) {
		importer_leave(
			im, at,
			"%s = %.80s: cannot be a line of vipsafe.conf (too long, or with \";\" "
			"or a control character)",
			key, value);
		return false;
	}
	r = settings_apply(&im->one, im->section, key, value, &e);
	if (r == -ENOMEM)
		im->r = r;
	else if (r < 0)
		importer_leave(im, at, "%s", e.text);
	else
		fprintf(im->out, "%s = %s\n", key, value);
	return r >= 0;
}

/* Instances that stay with keepalived, and why. */

static bool calls_hook(const struct importer *im, const struct vrrp_script list[VRRP_EVENTS])
{
	char path[160];
	enum vrrp_event e;

	snprintf(path, sizeof(path), "%.140s/notify", im->what->hooks);
	for (e = 0; e < VRRP_EVENTS; e++)
		if (list[e].at && strstr(list[e].command, path))
			return true;
	return false;
}

/* Whether keepalived calls one of our hooks for V. */
static bool has_hook(const struct importer *im, const struct vrrp_instance *v)
{
	return calls_hook(im, v->scripts) || (v->group && calls_hook(im, v->group->scripts));
}

static bool is_host_link_local(const struct vrrp_address *a)
{
	const uint8_t *b = a->prefix.addr.bytes;

	if (a->prefix.addr.family == AF_INET)
		return a->prefix.len == 32 && b[0] == 169 && b[1] == 254;
	return a->prefix.len == 128 && b[0] == 0xfe && b[1] == 0x80;
}

bool importer_is_decoy(const struct importer *im, const struct vrrp_instance *v,
		       const struct vrrp_address *a)
{
	const struct instance_settings *s =
		im->what->settings ? instance_settings_find(im->what->settings, v->name) : NULL;

	if (!a->valid || a->excluded)
		return false;
	if (vrrp_address_is_decoy(a))
		return true;
	if (s && s->has_decoy && addr_equal(&s->decoy.vip.prefix.addr, &a->prefix.addr))
		return true;
	/* on another device, made for decoys: our hook shows that V was imported */
	return is_host_link_local(a) && has_hook(im, v);
}

/* Whether V has an address that vipsafe could take over. */
static bool has_more_than_decoy(const struct importer *im, const struct vrrp_instance *v)
{
	size_t i;

	for (i = 0; i < v->n_addresses; i++)
		if (!importer_is_decoy(im, v, &v->addresses[i]) &&
		    !vrrp_address_stays(&v->addresses[i]))
			return true;
	return false;
}

static bool has_decoy(const struct importer *im, const struct vrrp_instance *v)
{
	size_t i;

	for (i = 0; i < v->n_addresses; i++)
		if (importer_is_decoy(im, v, &v->addresses[i]))
			return true;
	return false;
}

static const struct vrrp_instance *given_before(const struct importer *im,
						const struct vrrp_instance *v)
{
	const struct vrrp_instance *w;

	for (w = im->what->vrrp->instances; w < v; w++)
		if (!strcmp(w->name, v->name))
			return w;
	return NULL;
}

/* Reasons why V gets no section whoever is to own its addresses. Returns whether there is one,
 * which is then printed. */
static bool has_nothing(struct importer *im, const struct vrrp_instance *v)
{
	if (given_before(im, v))
		importer_leave(im, v->at, "vrrp_instance %.48s is already given on an earlier line",
			       v->name);
	else if (v->not_kernel)
		importer_leave(
			im, v->not_kernel,
			"vrrp_instance %.48s stays with keepalived: with %.32s its addresses "
			"are on no kernel device",
			v->name, v->not_kernel->words[0]);
	else if (has_decoy(im, v) && !has_more_than_decoy(im, v))
		importer_leave(
			im, v->at,
			"vrrp_instance %.48s is imported already: its only address is the decoy",
			v->name);
	else if (!v->n_addresses)
		importer_leave(im, v->at, "vrrp_instance %.48s has no address%s", v->name,
			       has_hook(im, v) ? ": it is imported already" : "");
	else
		return false;
	return true;
}

static void stays_leave(struct importer *im, const struct vrrp_instance *v,
			const struct keepalived_directive *at, const char *why)
{
	importer_leave(im, at, "vrrp_instance %.48s stays with keepalived: %s", v->name, why);
}

/* Reasons why only keepalived can manage V's addresses: what it does for them, it could not do
 * for addresses that vipsafe sets. */
static bool stays_needs_keepalived(struct importer *im, const struct vrrp_instance *v)
{
	const struct keepalived_directive *route;
	char why[160];
	bool rule;

	if (v->cut) {
		stays_leave(im, v, v->at, "it has too many addresses");
	} else if (v->own_device != VRRP_DEVICE_SHARED) {
		stays_leave(im, v, v->own_device_at, "its addresses sit on a device of their own");
	} else if (v->unknown) {
		snprintf(why, sizeof(why), "\"%.48s\" is no keyword that is known here",
			 v->unknown->n_words ? v->unknown->words[0] : "{");
		stays_leave(im, v, v->unknown, why);
	} else if (v->doubt) {
		stays_leave(im, v, v->doubt, "not all of it is understood");
	} else if ((route = vrrp_instance_route(im->what->vrrp, v, &rule))) {
		stays_leave(
			im, v, route,
			rule ? "virtual_rules go with its addresses"
			     : "virtual_routes need its addresses, which vipsafe would add later");
	} else {
		return false;
	}
	return true;
}

/* keepalived goes on deleting V's addresses: guard their devices. */
static void stays_guard_devices(struct importer *im, const struct vrrp_instance *v, bool notes)
{
	const struct vrrp_conf *c = im->what->vrrp;
	char prefix[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < v->n_addresses; i++) {
		const struct vrrp_address *a = &v->addresses[i];

		if (!a->valid || importer_is_decoy(im, v, a) || vrrp_address_is_ignored(c, v, a))
			continue;
		if (!vrrp_address_is_apart(c, v, a))
			importer_guard(im, vrrp_address_device(v, a));
		else if (notes)
			fprintf(im->out, "# %s has a device of its own, which needs no guard\n",
				prefix_format(&a->prefix, prefix));
	}
}

bool importer_stays(struct importer *im, const struct vrrp_instance *v)
{
	bool is_ours = im->what->owner == OWNER_VIPSAFE;

	fputc('\n', im->out);
	if (has_nothing(im, v))
		return true;
	if (is_ours && stays_needs_keepalived(im, v)) {
		stays_guard_devices(im, v, true);
		return true;
	}
	stays_guard_devices(im, v, false);
	if (v->unknown && !is_ours)
		importer_leave(im, v->unknown, "vrrp_instance %.48s: \"%.48s\" is not known here",
			       v->name, v->unknown->n_words ? v->unknown->words[0] : "{");
	return false;
}
