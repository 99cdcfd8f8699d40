/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [instance NAME]: what a vrrp_instance of keepalived means to us. */
#pragma once

#include "keepalived/instance.h"
#include "base/settings.h"

#define INSTANCE_ADDRESSES_MAX 1024

enum instance_owner {
	OWNER_VIPSAFE,	  /* we add and delete its addresses */
	OWNER_KEEPALIVED, /* keepalived does; we only look */
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
	char ignored[16];	      /* the word of an option that was left out; "": none */
};

struct instance_settings {
	char name[INSTANCE_NAME_MAX];
	char device[DEVICE_NAME_MAX];
	char group[INSTANCE_NAME_MAX]; /* the vrrp_sync_group whose words count too; "": none */
	enum instance_owner owner;
	enum enter_policy master;
	enum leave_policy backup, fault, stop;
	struct announce_settings announce;
	usec_t refresh; /* 0: never announced again later */
	unsigned refresh_count;
	bool conntrackd;
	bool has_decoy;
	struct instance_address decoy;
	struct instance_address *addresses; /* owned */
	size_t n_addresses;
};

extern const struct setting_section instance_section;

struct instance_policy instance_settings_policy(const struct instance_settings *s);

/* The instance NAME, or NULL. */
const struct instance_settings *instance_settings_find(const struct settings *s, const char *name);

/* Whether EVENT is about S. */
bool instance_settings_meant(const struct instance_settings *s, const struct instance_event *event);

/* Call SINK with a line for what is not as it was written. */
void instance_settings_warn(const struct settings *s, void (*sink)(void *ud, const char *line),
			    void *ud);
