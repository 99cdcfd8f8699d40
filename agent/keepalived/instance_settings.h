/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [instance NAME]: how vipsafe handles a vrrp_instance of keepalived. */
#pragma once

#include "keepalived/instance.h"
#include "base/request.h"
#include "base/settings.h"

#define INSTANCE_ADDRESSES_MAX 1024

enum instance_owner {
	OWNER_VIPSAFE,	  /* vipsafe adds and deletes its addresses */
	OWNER_KEEPALIVED, /* keepalived does; vipsafe only observes */
};

enum enter_policy {
	ENTER_ADD,
	ENTER_KEEP,
};

enum leave_policy {
	LEAVE_DEL,
	LEAVE_KEEP,
};

struct instance_address {
	struct vip vip;
	char device[DEVICE_NAME_MAX]; /* "" until the settings are finished: the instance's */
	char ignored[16];	      /* an option that was left out; "": none */
};

struct instance_settings {
	char name[INSTANCE_NAME_MAX];
	char device[DEVICE_NAME_MAX];
	char group[INSTANCE_NAME_MAX]; /* a vrrp_sync_group whose events count, too; "": none */
	enum instance_owner owner;
	enum enter_policy master;
	enum leave_policy backup, fault, stop;
	struct announce_settings announce;
	usec_t refresh; /* interval of later announcements; 0: none */
	unsigned refresh_count;
	bool conntrackd;
	usec_t commit_max; /* how long its addresses wait for "conntrackd -c" */
	enum vip_flows vip_flows;
	usec_t move_by; /* how soon its addresses go; 0: when their connections are protected */
	bool has_decoy;
	struct instance_address decoy;
	struct instance_address *addresses; /* owned */
	size_t n_addresses;
};

extern const struct setting_section instance_section;

struct instance_policy instance_settings_policy(const struct instance_settings *s);

/* The instance NAME, or NULL. */
const struct instance_settings *instance_settings_find(const struct settings *s, const char *name);

/* Whether EVENT concerns S. */
bool instance_settings_meant(const struct instance_settings *s, const struct instance_event *event);

/* Call SINK with a line for each setting that is not applied as written. */
void instance_settings_warn(const struct settings *s, void (*sink)(void *ud, const char *line),
			    void *ud);
