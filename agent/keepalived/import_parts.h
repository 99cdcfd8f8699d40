/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of import share. Private to agent/keepalived/import*.c. */
#pragma once

#include "keepalived/import_change.h"
#include "keepalived/import.h"

#define IMPORT_LINE_MAX 189   /* a line of a configuration file, without the newline */
#define IMPORT_SECTION_MAX 49 /* a section's name */
#define IMPORT_DEVICES_MAX 256

struct importer {
	const struct keepalived_import *what;
	FILE *out;
	struct settings tried; /* the file so far */
	struct settings one;   /* the current section, alone */
	char section[128];
	const char *devices[IMPORT_DEVICES_MAX]; /* to be guarded */
	size_t n_devices;
	struct planned *planned; /* one per instance */
	struct patch *patch;	 /* NULL: none is wanted */
	unsigned left, by_hand;
	int r;
};

/* Print a line "#! FILE:LINE: …" and count it; AT NULL: without a place. */
void importer_leave(struct importer *im, const struct keepalived_directive *at, const char *fmt,
		    ...) _printf_(3, 4);

/* Whether A is V's decoy, not an address for clients. */
bool importer_is_decoy(const struct importer *im, const struct vrrp_instance *v,
		       const struct vrrp_address *a);

/* Print "KEY = VALUE" for the current section if settings accept it, otherwise why not. Returns
 * whether it was accepted. */
bool importer_put(struct importer *im, const struct keepalived_directive *at, const char *key,
		  const char *value);

/* Whether TEXT has a control character. Bytes above ASCII are fine: names may be in any
 * language. */
bool importer_has_control(const char *text);

/* Whether NAME can be the name of a device. */
bool importer_is_device(const char *name);

/* ---- addresses and announcements (import_section.c) ---- */

/* Print the addresses of V as lines of its section, and note in P which were taken. Returns how
 * many. */
size_t section_put_addresses(struct importer *im, const struct vrrp_instance *v, struct planned *p);

void section_put_announce(struct importer *im, const struct vrrp_instance *v);

/* ---- instances that stay with keepalived (import_parts.c) ---- */

/* Whether V gets no section at all; the reason is then printed. */
bool importer_stays(struct importer *im, const struct vrrp_instance *v);
