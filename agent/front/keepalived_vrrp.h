/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keepalived.conf says about VRRP, as values: instances with their
 * addresses and scripts, sync groups, global definitions. All text belongs to
 * the tree it was read from, which must live as long; so do the directives,
 * which know file, line and whether something there is doubtful. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/addr.h"
#include "front/keepalived_conf.h"

/* More of them are counted and left out. */
#define VRRP_INSTANCES_MAX 1024 /* groups as well */
#define VRRP_ADDRESSES_MAX 4096 /* of all instances */

/* A line of virtual_ipaddress or virtual_ipaddress_excluded. */
struct vrrp_address {
	const struct keepalived_directive *at;
	bool excluded;
	bool valid; /* PREFIX is what its first word says */
	struct prefix prefix;
	/* options with a value; NULL: not given */
	const char *device, *label, *broadcast, *scope, *peer, *preferred_lft;
	bool dad; /* "-nodad" */
	bool noprefixroute, no_track, home, mngtmpaddr, autojoin, use_vmac;
	const char *unknown; /* the first word that is none of these */
};

enum vrrp_event {
	VRRP_NOTIFY, /* any state; the script is told which */
	VRRP_MASTER,
	VRRP_BACKUP,
	VRRP_FAULT,
	VRRP_STOP,
	VRRP_DELETED,
	VRRP_EVENTS,
};

/* "notify_master COMMAND [USER [GROUP]]": COMMAND with its arguments is one
 * word, in quotes if need be. */
struct vrrp_script {
	const struct keepalived_directive *at; /* NULL: there is none */
	const char *command, *user;	       /* USER NULL: not given */
};

struct vrrp_group {
	const struct keepalived_directive *at;
	const char *name;
	struct vrrp_script scripts[VRRP_EVENTS];
};

/* Text of the options about gratuitous ARP, NULL: not given. */
struct vrrp_announce {
	const char *repeat, *delay, *refresh, *refresh_repeat, *interval;
};

struct vrrp_instance {
	const struct keepalived_directive *at;
	const char *name;
	const char *interface; /* NULL: not given */
	unsigned id;	       /* virtual_router_id, 0: none */
	unsigned version;      /* 2 or 3: by its option, the global one, or its family */
	bool ipv6;	       /* by its first address, or native_ipv6 */
	bool strict;
	bool own_device;  /* use_vmac or use_ipvlan: its addresses sit on one of their own */
	bool none_wanted; /* no_virtual_ipaddress */
	const struct keepalived_directive *block, *excluded; /* NULL: none */
	struct vrrp_address *addresses;
	size_t n_addresses;
	struct vrrp_script scripts[VRRP_EVENTS];
	struct vrrp_announce announce;	/* with the global values */
	const struct vrrp_group *group; /* NULL: in none */
};

struct vrrp_conf {
	struct vrrp_instance *instances;
	size_t n_instances;
	struct vrrp_group *groups;
	size_t n_groups;
	/* scripts of no instance or group: vrrp_script, startup, FIFO readers … */
	struct vrrp_script *others;
	size_t n_others;
	const struct keepalived_directive *fifo, *vrrp_fifo; /* NULL: none */
	const struct keepalived_directive *fifo_script, *vrrp_fifo_script;
	const char *script_user; /* NULL: not given */
	bool script_security;
	size_t n_addresses; /* of all instances */
	size_t dropped;	    /* instances, groups and addresses over the limits */
};

/* Returns 0 or -ENOMEM. */
int vrrp_conf_read(const struct keepalived_conf *from, struct vrrp_conf *ret);
void vrrp_conf_done(struct vrrp_conf *c);

/* "notify_master", as keepalived.conf has it. */
const char *vrrp_event_keyword(enum vrrp_event e);

/* Whether the instance, or with GROUPS_TOO its group, has a script for E. */
bool vrrp_instance_has_script(const struct vrrp_instance *i, enum vrrp_event e, bool groups_too);

/* Where keepalived puts the address, NULL: that is not in the file. */
const char *vrrp_address_device(const struct vrrp_instance *v, const struct vrrp_address *a);

/* Why only keepalived can carry the address, NULL: vipsafe can as well. */
const char *vrrp_address_stays(const struct vrrp_address *a);

/* Whether it is one that nobody talks to: link-local, on the loopback device. */
bool vrrp_address_is_decoy(const struct vrrp_address *a);

/* The instance's decoy, NULL: it has none. */
const struct vrrp_address *vrrp_instance_decoy(const struct vrrp_instance *v);
