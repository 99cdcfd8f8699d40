/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every key is tried on settings before it is written: what these refuse is
 * told instead, and the file as a whole is one that is accepted. */
#include "front/keepalived_import.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "core/text.h"
#include "front/keepalived_change.h"

#define LINE_BYTES_MAX 189   /* of a configuration file, without the newline */
#define SECTION_BYTES_MAX 49 /* and of a section's name */
#define DEVICES_MAX 64

struct importer {
	const struct keepalived_import *what;
	FILE *out;
	struct settings tried;
	char section[128];
	const char *devices[DEVICES_MAX]; /* to be guarded */
	size_t n_devices;
	unsigned left;
	int r;
};

static void left_out(struct importer *im, const struct keepalived_directive *at, const char *fmt,
		     ...) _printf_(3, 4);

static void left_out(struct importer *im, const struct keepalived_directive *at, const char *fmt,
		     ...)
{
	char raw[512], line[LINE_BYTES_MAX + 1];
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

/* Bytes above ASCII are fine: names may be in any language. */
static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

/* "KEY = VALUE" of the section at hand, if the settings take it. */
static bool put(struct importer *im, const struct keepalived_directive *at, const char *key,
		const char *value)
{
	struct request_error e = { "" };
	int r;

	if (strchr(value, ';') || has_control(value) ||
	    strlen(key) + 3 + strlen(value) > LINE_BYTES_MAX) {
		left_out(im, at, "%s = %.80s: no line of a configuration file", key, value);
		return false;
	}
	r = settings_apply(&im->tried, im->section, key, value, &e);
	if (r == -ENOMEM)
		im->r = r;
	else if (r < 0)
		left_out(im, at, "%s", e.text);
	else
		fprintf(im->out, "%s = %s\n", key, value);
	return r >= 0;
}

static bool section(struct importer *im, const struct keepalived_directive *at, const char *word,
		    const char *name)
{
	struct request_error e = { "" };
	size_t n = strlen(name);
	int r;

	if (!n || name[0] == ' ' || name[n - 1] == ' ' || strpbrk(name, "];") ||
	    has_control(name) || strlen(word) + 1 + strlen(name) > SECTION_BYTES_MAX) {
		left_out(im, at, "%s %.64s: no name for a section of a configuration file", word,
			 name);
		return false;
	}
	snprintf(im->section, sizeof(im->section), "%s %.48s", word, name);
	r = settings_section(&im->tried, im->section, &e);
	if (r == -ENOMEM)
		im->r = r;
	else if (r < 0)
		left_out(im, at, "%s", e.text);
	else
		fprintf(im->out, "\n[%s]\n", im->section);
	return r >= 0;
}

/* ---- addresses ---- */

static void guard(struct importer *im, const char *device)
{
	size_t i;

	if (!device || !strcmp(device, "lo"))
		return;
	for (i = 0; i < im->n_devices; i++)
		if (!strcmp(im->devices[i], device))
			return;
	if (im->n_devices < DEVICES_MAX)
		im->devices[im->n_devices++] = device;
}

/* What stands for a device in the file may be none. */
static bool is_device(const char *name)
{
	struct request_error e;

	return name && !has_control(name) && !strchr(name, ';') && !device_name_check(name, &e);
}

static void option(char *buf, size_t size, const char *word, const char *value)
{
	size_t n = strlen(buf);

	if (value)
		snprintf(buf + n, size - n, " %s %s", word, value);
}

/* Whether an instance before V, or V before A, has it as well. */
static bool is_repeated(const struct importer *im, const struct vrrp_instance *v,
			const struct vrrp_address *a)
{
	const struct vrrp_conf *c = im->what->vrrp;
	const char *device = vrrp_address_device(v, a);
	size_t i, j;

	for (i = 0; i < c->n_instances; i++) {
		const struct vrrp_instance *w = &c->instances[i];

		for (j = 0; j < w->n_addresses; j++) {
			const struct vrrp_address *b = &w->addresses[j];
			const char *other = vrrp_address_device(w, b);

			if (a == b)
				return false;
			if (b->valid && prefix_equal(&a->prefix, &b->prefix) && device && other &&
			    !strcmp(device, other))
				return true;
		}
	}
	return false;
}

/* What "vipsafe add" has no word for, and matters little. */
static void address_notes(struct importer *im, const struct vrrp_address *a)
{
	if (a->dad)
		left_out(im, a->at,
			 "-nodad: an instance's address comes without duplicate address"
			 " detection");
	if (a->home)
		left_out(im, a->at, "home");
	if (a->mngtmpaddr)
		left_out(im, a->at, "mngtmpaddr");
	if (a->autojoin)
		left_out(im, a->at, "autojoin");
}

static void put_address(struct importer *im, const struct vrrp_instance *v,
			const struct vrrp_address *a)
{
	char text[256], prefix[PREFIX_TEXT_MAX];
	const char *device = vrrp_address_device(v, a);
	bool is_own = !v->interface || (device && strcmp(device, v->interface));

	snprintf(text, sizeof(text), "%s", prefix_format(&a->prefix, prefix));
	option(text, sizeof(text), "dev", is_own ? device : NULL);
	option(text, sizeof(text), "label", a->label);
	option(text, sizeof(text), "scope", a->scope);
	option(text, sizeof(text), "brd", a->broadcast);
	if (a->noprefixroute)
		option(text, sizeof(text), "noprefixroute", "");
	/* keepalived's own default: an IPv6 VIP is nobody's source address */
	option(text, sizeof(text), "preferred_lft",
	       a->preferred_lft						   ? a->preferred_lft
	       : a->prefix.addr.family == AF_INET6 && a->prefix.len == 128 ? "0"
									   : NULL);
	while (text[strlen(text) - 1] == ' ')
		text[strlen(text) - 1] = '\0';
	if (!put(im, a->at, "address", text))
		return;
	address_notes(im, a);
	guard(im, device);
}

static void take_address(struct importer *im, const struct vrrp_instance *v,
			 const struct vrrp_address *a)
{
	const char *why = vrrp_address_stays(a);

	if (vrrp_address_is_decoy(a))
		return;
	if (why)
		left_out(im, a->at, "%.60s stays with keepalived: %s", a->at->words[0], why);
	else if (!is_device(vrrp_address_device(v, a)))
		left_out(im, a->at, "%.60s: neither the line nor the instance names a device",
			 a->at->words[0]);
	else if (is_repeated(im, v, a))
		left_out(im, a->at, "%.60s is given before", a->at->words[0]);
	else
		put_address(im, v, a);
}

/* ---- announcements ---- */

/* Seconds with a fraction, as keepalived takes them, to our duration. */
static bool seconds(const char *text, char buf[DURATION_TEXT_MAX])
{
	size_t whole = strspn(text, "0123456789"), part = 0, i;
	uint64_t n = 0, us = 0;
	char digits[16] = "0";

	if (whole >= sizeof(digits) || (!whole && text[0] != '.'))
		return false;
	if (whole) {
		memcpy(digits, text, whole);
		digits[whole] = '\0';
	}
	if (text_number(digits, 0, 1000000, &n) < 0)
		return false;
	if (text[whole] == '.') {
		part = strspn(text + whole + 1, "0123456789");
		for (i = 0; i < 6; i++)
			us = us * 10 + (i < part ? (uint64_t)(text[whole + 1 + i] - '0') : 0);
		part++;
	}
	if (text[whole + part])
		return false;
	duration_format(n * USEC_PER_SEC + us, buf);
	return true;
}

static void put_duration(struct importer *im, const struct vrrp_instance *v, const char *key,
			 const char *value)
{
	char text[DURATION_TEXT_MAX];

	if (value && !seconds(value, text))
		left_out(im, v->at, "%s: \"%.32s\" is no time", key, value);
	else if (value)
		put(im, v->at, key, text);
}

static void put_announce(struct importer *im, const struct vrrp_instance *v)
{
	const struct vrrp_announce *a = &v->announce;

	if (a->repeat)
		put(im, v->at, "garp", a->repeat);
	put_duration(im, v, "garp_interval", a->interval);
	if (a->delay && !strcmp(a->delay, "0")) {
		put(im, v->at, "garp_again", "0");
	} else {
		if (a->repeat)
			put(im, v->at, "garp_again", a->repeat);
		put_duration(im, v, "garp_again_after", a->delay);
	}
	put_duration(im, v, "garp_refresh", a->refresh);
	if (a->refresh_repeat)
		put(im, v->at, "garp_refresh_count", a->refresh_repeat);
}

/* ---- instances ---- */

static void take_instance(struct importer *im, const struct vrrp_instance *v)
{
	bool is_ours = im->what->owner == OWNER_VIPSAFE;
	char decoy[DECOY_TEXT_MAX];
	size_t i;

	if (v->own_device) {
		fputc('\n', im->out);
		left_out(im, v->at,
			 "vrrp_instance %.48s stays with keepalived: its addresses sit"
			 " on a device of their own",
			 v->name);
		return;
	}
	if (instance_settings_find(&im->tried, v->name)) {
		left_out(im, v->at, "vrrp_instance %.48s is given before", v->name);
		return;
	}
	if (!section(im, v->at, "instance", v->name))
		return;
	fprintf(im->out, "# line %u\n", v->at->line);
	if (v->at->condition)
		left_out(im, v->at, "only where keepalived is started for it: @%.32s",
			 v->at->condition);
	if (!is_ours)
		put(im, v->at, "owner", "keepalived");
	if (is_device(v->interface))
		put(im, v->at, "device", v->interface);
	else if (v->interface)
		left_out(im, v->at, "interface %.48s: no name of a device", v->interface);
	if (v->group)
		put(im, v->group->at, "group", v->group->name);
	if (is_ours)
		put(im, v->at, "decoy", change_decoy(im->what->vrrp, v, decoy));
	for (i = 0; i < v->n_addresses; i++)
		take_address(im, v, &v->addresses[i]);
	if (is_ours)
		put_announce(im, v);
}

static void take_devices(struct importer *im)
{
	size_t i;

	for (i = 0; i < im->n_devices; i++)
		if (section(im, NULL, "device", im->devices[i]))
			put(im, NULL, "pin", "continuous");
}

/* What of the file was not understood may be addresses. */
static void take_puzzles(struct importer *im)
{
	const struct keepalived_note *notes;
	unsigned all = keepalived_conf_puzzles(im->what->conf, KEEPALIVED_PUZZLES);
	size_t n, i;

	notes = keepalived_conf_notes(im->what->conf, &n);
	for (i = 0; i < n; i++) {
		struct keepalived_directive at = { .file = notes[i].file, .line = notes[i].line };

		left_out(im, &at, "not understood: %s", notes[i].text);
	}
	if (all > n)
		left_out(im, NULL, "and %zu more", (size_t)all - n);
	if (im->what->vrrp->dropped)
		left_out(im, NULL, "%zu instances, groups or addresses are too many",
			 im->what->vrrp->dropped);
}

int keepalived_import(const struct keepalived_import *what, FILE *out, unsigned *ret_left)
{
	struct importer im = { .what = what, .out = out };
	struct request_error e = { "" };
	char line[LINE_BYTES_MAX + 1];
	size_t i;

	settings_init(&im.tried);
	text_line(line, sizeof(line), "# From %.120s.", keepalived_conf_file(what->conf, 0));
	fprintf(out, "%s\n# Lines that begin with \"#!\" tell what could not be carried over.\n",
		line);
	take_puzzles(&im);
	for (i = 0; i < what->vrrp->n_instances && im.r >= 0; i++)
		take_instance(&im, &what->vrrp->instances[i]);
	if (im.r >= 0)
		take_devices(&im);
	if (im.r >= 0 && settings_finish(&im.tried, &e) < 0)
		left_out(&im, NULL, "this is not complete: %s", e.text);
	if (im.r >= 0 && what->owner == OWNER_VIPSAFE)
		change_print(what, out);
	settings_done(&im.tried);
	*ret_left = im.left;
	return im.r;
}
