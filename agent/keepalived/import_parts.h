/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of import share. Private to agent/keepalived/import*.c. */
#pragma once

#include "keepalived/import_change.h"
#include "keepalived/import.h"

#define IMPORT_LINE_MAX 189   /* of a configuration file, without the newline */
#define IMPORT_SECTION_MAX 49 /* and of a section's name */
#define IMPORT_DEVICES_MAX 256

struct importer {
	const struct keepalived_import *what;
	FILE *out;
	struct settings tried; /* the file so far */
	struct settings one;   /* the section at hand, by itself */
	char section[128];
	const char *devices[IMPORT_DEVICES_MAX]; /* to be guarded */
	size_t n_devices;
	struct planned *planned; /* one for each instance */
	unsigned left;
	int r;
};

/* A line "#! FILE:LINE: …"; AT NULL: without a place. */
void importer_leave(struct importer *im, const struct keepalived_directive *at, const char *fmt,
		    ...) _printf_(3, 4);

/* Whether A is no address that anybody talks to, but V's decoy. */
bool importer_is_decoy(const struct importer *im, const struct vrrp_instance *v,
		       const struct vrrp_address *a);

/* "KEY = VALUE" of the section at hand, if settings take it; else they are
 * told why not. */
bool importer_put(struct importer *im, const struct keepalived_directive *at, const char *key,
		  const char *value);

/* The device is to be guarded; NULL, or what stands for one and is none: nothing. */
void importer_guard(struct importer *im, const char *device);

/* Whether NAME can be the name of a device. */
bool importer_is_device(const char *name);

/* ---- addresses and announcements (keepalived_section.c) ---- */

/* The addresses of V as lines of its section; P knows then which were taken.
 * Returns how many were. */
size_t section_put_addresses(struct importer *im, const struct vrrp_instance *v, struct planned *p);

void section_put_announce(struct importer *im, const struct vrrp_instance *v);

/* ---- what stays as a whole (keepalived_stays.c) ---- */

/* Whether V has no section at all: that is told then. */
bool importer_stays(struct importer *im, const struct vrrp_instance *v);
