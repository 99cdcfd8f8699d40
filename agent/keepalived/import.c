/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every key is tried on settings before it is written. What settings refuse is reported in the
 * output and stays with keepalived. A section is tried alone first, then as a part of the file. */
#include "keepalived/import.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "keepalived/import_parts.h"
#include "keepalived/lint.h"

/* Begin the section [WORD NAME]. Returns whether settings accept it. */
static bool put_section(struct importer *im, const struct keepalived_directive *at,
			const char *word, const char *name)
{
	struct request_error e = { "" };
	size_t n = strlen(name);
	int r;

	if (!n || name[0] == ' ' || name[n - 1] == ' ' || strpbrk(name, "];") ||
	    importer_has_control(name) || strlen(word) + 1 + strlen(name) > IMPORT_SECTION_MAX) {
		importer_leave(im, at, "%s %.64s: no name for a section of a configuration file",
			       word, name);
		return false;
	}
	snprintf(im->section, sizeof(im->section), "%s %.48s", word, name);
	r = settings_section(&im->one, im->section, &e);
	if (r == -ENOMEM)
		im->r = r;
	else if (r < 0)
		importer_leave(im, at, "%s", e.text);
	else
		fprintf(im->out, "[%s]\n", im->section);
	return r >= 0;
}

/* None of these sections allocates memory in settings_init(), which therefore cannot fail. */
static const struct setting_section *const import_sections[] = { &agent_section, &device_section,
								 &instance_section, NULL };

/* ---- a section that may be dropped ---- */

/* Print TEXT, the lines of the current section, and apply them to the settings of the whole
 * file. */
static void keep_section(struct importer *im, const char *text)
{
	struct request_error e = { "" };
	char line[IMPORT_LINE_MAX + 1], *equals;
	int r = settings_section(&im->tried, im->section, &e);

	fputs(text, im->out);
	for (; *text && r >= 0; text += strcspn(text, "\n"), text += *text == '\n') {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
		equals = strstr(line, " = ");
		if (*line == '#' || *line == '[' || !equals)
			continue;
		*equals = '\0';
		r = settings_apply(&im->tried, im->section, line, equals + 3, &e);
	}
	if (r == -ENOMEM)
		im->r = r;
	else if (r < 0)
		importer_leave(im, NULL, "[%s] is not complete: %s", im->section, e.text);
}

/* The section is dropped: print only the messages ("#!") in TEXT. */
static void drop_section(struct importer *im, const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (!strncmp(text, "#!", 2))
			fprintf(im->out, "%.*s\n", (int)strcspn(text, "\n"), text);
}

static void put_own_lines(struct importer *im, const struct vrrp_instance *v,
			  const struct planned *p)
{
	bool is_ours = im->what->owner == OWNER_VIPSAFE;
	char place[PLACE_TEXT_MAX], line[IMPORT_LINE_MAX + 1];
	const struct keepalived_directive *at;

	text_line(line, sizeof(line), "# %s", place_format(im->what->conf, v->at, place));
	fprintf(im->out, "%s\n", line);
	if (v->at->condition)
		importer_leave(im, v->at,
			       "applies only where keepalived's config id matches @%.32s",
			       v->at->condition);
	if (!is_ours)
		importer_put(im, v->at, "owner", "keepalived");
	if (importer_is_device(v->interface))
		importer_put(im, v->at, "device", v->interface);
	else if (v->interface)
		importer_leave(im, v->at, "interface %.48s: no name of a device", v->interface);
	if (v->group)
		importer_put(im, v->group->at, "group", v->group->name);
	if (!is_ours)
		return;
	importer_put(im, v->at, "decoy", p->decoy);
	if (keepalived_drives_conntrackd(v, &at))
		importer_put(im, at, "conntrackd", "yes");
}

/* Write the section of V. Returns whether it is usable: it has an address and settings accept
 * it. */
static bool write_section(struct importer *im, const struct vrrp_instance *v, struct planned *p)
{
	struct request_error e = { "" };

	if (im->what->owner == OWNER_VIPSAFE && !decoy_propose(im->what->vrrp, v, p->decoy)) {
		importer_leave(
			im, v->at,
			"vrrp_instance %.48s: all decoys for its virtual_router_id are in use",
			v->name);
		return false;
	}
	if (!put_section(im, v->at, "instance", v->name))
		return false;
	put_own_lines(im, v, p);
	if (!section_put_addresses(im, v, p))
		return false;
	if (im->what->owner == OWNER_VIPSAFE)
		section_put_announce(im, v);
	if (v->no_accept && im->what->owner == OWNER_VIPSAFE)
		importer_leave(
			im, v->at,
			"no_accept (also set by vrrp_strict): keepalived drops packets to the "
			"addresses, vipsafe does not");
	if (settings_finish(&im->one, &e) == 0)
		return true;
	importer_leave(im, v->at, "vrrp_instance %.48s: %s", v->name, e.text);
	return false;
}

static void take_instance(struct importer *im, const struct vrrp_instance *v)
{
	struct planned *p = &im->planned[v - im->what->vrrp->instances];
	_cleanup_free_ char *text = NULL;
	FILE *out = im->out, *section;
	size_t size;

	p->addresses = calloc(v->n_addresses + 1, sizeof(*p->addresses));
	p->is_decoy = calloc(v->n_addresses + 1, sizeof(*p->is_decoy));
	section = p->addresses && p->is_decoy ? open_memstream(&text, &size) : NULL;
	if (!section) {
		im->r = -ENOMEM;
		return;
	}
	(void)settings_init(&im->one, import_sections);
	im->out = section;
	p->is_taken = write_section(im, v, p);
	im->out = out;
	if (fclose(section) != 0)
		im->r = -ENOMEM;
	else if (p->is_taken)
		keep_section(im, text);
	else
		drop_section(im, text);
	if (!p->is_taken && !im->r)
		importer_leave(im, v->at,
			       "vrrp_instance %.48s stays with keepalived: vipsafe can have none of"
			       " its addresses",
			       v->name);
	settings_done(&im->one);
}

/* ---- the whole ---- */

static void import_take_devices(struct importer *im)
{
	size_t i, n = MIN(im->n_devices, (size_t)IMPORT_DEVICES_MAX);

	for (i = 0; i < n; i++) {
		(void)settings_init(&im->one, import_sections);
		fputc('\n', im->out);
		if (put_section(im, NULL, "device", im->devices[i]))
			importer_put(im, NULL, "pin", "continuous");
		settings_done(&im->one);
	}
}

/* Devices in keepalived's network namespace are not the devices of the same name that vipsafed
 * sees. */
static void note_namespace(struct importer *im)
{
	const struct keepalived_directive *at =
		keepalived_find(keepalived_conf_first(im->what->conf), "net_namespace");
	const char *name = at ? keepalived_word(at, 1) : NULL;

	if (name)
		importer_leave(im, at,
			       "keepalived runs in the network namespace %.48s: vipsafed has to run"
			       " there, too",
			       name);
}

/* Report what was not understood in the file: it may contain addresses. */
static void take_unresolved(struct importer *im)
{
	const struct keepalived_note *notes;
	unsigned all = keepalived_conf_unresolved(im->what->conf, KEEPALIVED_UNRESOLVED);
	size_t n, i;

	notes = keepalived_conf_notes(im->what->conf, &n);
	for (i = 0; i < n; i++) {
		struct keepalived_directive at = { .file = notes[i].file, .line = notes[i].line };

		importer_leave(im, &at, "not understood: %s", notes[i].text);
	}
	if (all > n)
		importer_leave(im, NULL, "and %zu more", (size_t)all - n);
	if (im->what->vrrp->dropped)
		importer_leave(im, NULL, "%zu instances, groups or addresses are too many",
			       im->what->vrrp->dropped);
}

/* Report an unknown version if decoys are proposed: where decoys can be depends on it. */
static void note_version(struct importer *im)
{
	const struct vrrp_conf *c = im->what->vrrp;
	size_t i;

	for (i = 0; i < c->n_instances && !im->planned[i].is_taken; i++)
		;
	if (c->version.major || im->what->owner != OWNER_VIPSAFE || i == c->n_instances)
		return;
	fputc('\n', im->out);
	importer_leave(im, NULL,
		       "the version of keepalived is not known: before 1.3.6 it refuses addresses"
		       " of lo, and the decoys have to be on " DECOY_DEVICE
		       ": import FILE version V");
}

/* Where the parts go, and the diff. */
static void import_put_patch(struct importer *im)
{
	const struct keepalived_directive *at = NULL;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *diff = open_memstream(&text, &size);
	int r = diff ? patch_print(im->patch, diff, &at) : -ENOMEM;

	if (diff && fclose(diff) != 0)
		r = -ENOMEM;
	if (r == -ENOMEM) {
		im->r = r;
		return;
	}
	fputc('\n', im->out);
	if (im->by_hand)
		importer_leave(im, NULL,
			       "%u changes above are in scripts of yours: the patch does not make"
			       " them",
			       im->by_hand);
	if (r == -EINVAL)
		importer_leave(im, at,
			       "no patch: what is to be changed does not have its lines to itself;"
			       " change it as said above");
	else if (r < 0)
		importer_leave(im, NULL, "no patch: the file cannot be read again");
	else if (!size)
		fputs("# Nothing has to be changed in keepalived.conf.\n", im->out);
	else
		fprintf(im->out,
			"# What is above belongs into a file of its own in conf.d beside"
			" vipsafe.conf:\n"
			"#   vipsafe import FILE --output conf.d/keepalived.conf\n"
			"# What is below changes keepalived.conf, the same on every node:\n"
			"#   vipsafe import --patch FILE | patch -d / -p1\n%s",
			text);
}

static void take_all(struct importer *im)
{
	const struct vrrp_conf *c = im->what->vrrp;
	struct request_error e = { "" };
	size_t i;

	take_unresolved(im);
	note_namespace(im);
	for (i = 0; i < c->n_instances && !im->r; i++)
		if (!importer_stays(im, &c->instances[i]))
			take_instance(im, &c->instances[i]);
	import_take_devices(im);
	if (!im->r && settings_finish(&im->tried, &e) < 0)
		importer_leave(im, NULL, "this is not complete: %s", e.text);
	if (im->r)
		return;
	note_version(im);
	if (im->what->owner == OWNER_VIPSAFE)
		im->by_hand = change_print(im->what, im->planned, im->patch, im->out);
	if (im->patch)
		import_put_patch(im);
}

int keepalived_import(const struct keepalived_import *what, FILE *out, unsigned *ret_left)
{
	struct importer im = { .what = what, .out = out };
	char line[IMPORT_LINE_MAX + 1];
	size_t i;

	im.planned = calloc(what->vrrp->n_instances + 1, sizeof(*im.planned));
	im.patch = what->patch ? patch_new(what->conf) : NULL;
	if (!im.planned || (what->patch && !im.patch)) {
		free(im.planned);
		patch_free(im.patch);
		return -ENOMEM;
	}
	im.r = settings_init(&im.tried, import_sections);
	text_line(line, sizeof(line), "# From %.120s.", keepalived_conf_file(what->conf, 0));
	fprintf(out, "%s\n# Lines that begin with \"#!\" tell what could not be carried over.\n",
		line);
	take_all(&im);
	settings_done(&im.tried);
	for (i = 0; i < what->vrrp->n_instances; i++) {
		free(im.planned[i].addresses);
		free(im.planned[i].is_decoy);
	}
	free(im.planned);
	patch_free(im.patch);
	*ret_left = im.left;
	return im.r;
}
