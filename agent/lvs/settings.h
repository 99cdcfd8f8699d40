/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [lvs], [lvs-service NAME], [lvs-fwmark N]: what LVS collisions are looked for
 * with, and services that no file of a director tells of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/apart.h"
#include "lvs/collide.h"
#include "lvs/map.h"
#include "base/settings.h"

/* "save:/etc/vipsafe/director.rules"; the path is "" for ipvs. */
struct lvs_source_settings {
	enum lvs_source_kind kind;
	char path[LVS_PATH_MAX];
};

struct lvs_service_settings {
	char name[LVS_NAME_MAX];
	uint32_t fwmark;	/* 0: a section lvs-service */
	enum lvs_method method; /* LVS_UNKNOWN: not given */
	enum lvs_toa toa;
	unsigned proto;		   /* by its word; see lvs_settings_add() */
	struct lvs_match *matches; /* owned; l4proto 0: PROTO */
	size_t n_matches;
	struct lvs_real *reals; /* owned; their methods are the service's */
	size_t n_reals;
};

struct lvs_settings {
	struct lvs_source_settings *sources; /* owned */
	size_t n_sources;
	usec_t conn_hold;
	double warn_per_day, info_per_day, warn_p_connect;
	enum on_certain on_certain;
	bool nat_beyond;
	bool keep_apart;
	struct apart_client apart_clients[APART_CLIENTS_MAX];
	size_t n_apart_clients;
	struct lvs_service_settings *services; /* owned */
	size_t n_services;
};

extern const struct setting_section lvs_section, lvs_service_section, lvs_fwmark_section;

/* Add the services to M, from a source that goes by PATH. 0 or -ENOMEM; what
 * does not fit is counted there. */
int lvs_settings_add(const struct lvs_settings *s, const char *path, struct lvs_map *m);

/* Private to settings.c and service_settings.c. */
#define LVS_VALUE_MAX 256
