/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keepalived.conf says about VRRP, as values: instances with their addresses and scripts,
 * sync groups, global definitions. Texts and directives belong to the tree they were read from,
 * which must live as long; a directive knows its file, its line, and whether it is doubtful. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "keepalived/conf.h"
#include "keepalived/version.h"

/* Limits; what exceeds them is counted and left out. */
#define VRRP_INSTANCES_MAX 1024 /* also of groups */
#define VRRP_ADDRESSES_MAX 4096 /* of all instances together */

/* A line of virtual_ipaddress or virtual_ipaddress_excluded. */
struct vrrp_address {
	const struct keepalived_directive *at;
	bool excluded;
	bool valid;	       /* the first word is an address, which is in PREFIX */
	struct prefix prefix;  /* with a peer, of the peer's length, as keepalived sets it */
	struct prefix peer_at; /* if PEER is an address of the same family; else family 0 */
	/* options with a value; NULL: not given */
	const char *device, *label, *broadcast, *scope, *peer, *preferred_lft;
	bool dad; /* option "-nodad" */
	bool noprefixroute, no_track, home, mngtmpaddr, autojoin, use_vmac;
	const char *unknown;  /* the first word that is not a known option */
	const char *repeated; /* an option that is given twice; NULL: none */
};

enum vrrp_event {
	VRRP_NOTIFY, /* any state, which the script gets as an argument */
	VRRP_MASTER,
	VRRP_BACKUP,
	VRRP_FAULT,
	VRRP_STOP,
	VRRP_DELETED,
	VRRP_EVENTS,
};

/* "notify_master COMMAND [USER [GROUP]]": COMMAND with its arguments is one word, quoted if
 * needed. If given twice, the first one counts since 1.3.6 (vrrp_parser.c: "already specified -
 * ignoring"), and the last one before. */
struct vrrp_script {
	const struct keepalived_directive *at; /* NULL: there is none */
	const char *command, *user;	       /* USER NULL: not given */
	/* the last of the lines that do not count, NULL: none. If the version is not known, it
	 * may be the one that counts. */
	const struct keepalived_directive *other;
};

struct vrrp_group {
	const struct keepalived_directive *at;
	const char *name;
	unsigned members; /* members that exist as instances */
	struct vrrp_script scripts[VRRP_EVENTS];
};

/* The options about gratuitous ARP, as text; NULL: not given. */
struct vrrp_announce {
	const char *repeat, *delay, *refresh, *refresh_repeat, *interval;
};

/* Whether the addresses of an instance are on a device of its own. */
enum vrrp_own_device {
	VRRP_DEVICE_SHARED, /* on "interface", or where "dev" says */
	VRRP_DEVICE_VMAC,   /* use_vmac */
	VRRP_DEVICE_IPVLAN, /* use_ipvlan */
};

struct vrrp_instance {
	const struct keepalived_directive *at;
	const char *name;
	const char *interface; /* NULL: not given */
	unsigned id;	       /* virtual_router_id, 0: none */
	unsigned version;      /* 2 or 3: by its option, the global one, or its family */
	uint8_t family;	       /* of the first line that has one; 0: none has */
	bool ipv6;	       /* by its family */
	bool strict;
	bool no_accept; /* or strict: packets to its addresses are dropped */
	enum vrrp_own_device own_device;
	const struct keepalived_directive *own_device_at;
	bool vmac_everywhere; /* use_vmac_addr: also addresses of another device or family */
	bool none_wanted;     /* no_virtual_ipaddress */
	bool cut;	      /* some of its addresses were left out */
	const struct keepalived_directive *block, *excluded; /* the first one, NULL: none */
	const struct keepalived_directive *routes, *rules;   /* the first one that is not empty */
	const struct keepalived_directive
		*not_kernel; /* DPVS: its addresses are on no device of the kernel */
	const struct keepalived_directive *unknown; /* a keyword keepalived never had */
	const struct keepalived_directive
		*doubt; /* a line that makes it uncertain where its addresses are */
	struct vrrp_address *addresses;
	size_t n_addresses;
	struct vrrp_script scripts[VRRP_EVENTS];
	struct vrrp_announce announce;	/* with the global defaults */
	const struct vrrp_group *group; /* NULL: in none */
};

struct vrrp_conf {
	struct keepalived_version version; /* for which it was read */
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
	const struct keepalived_directive *script_user_at;
	bool script_security;
	size_t n_addresses; /* of all instances */
	size_t dropped;	    /* instances, groups and addresses beyond the limits */
};

/* Interpret FROM as keepalived VERSION does; NULL or major 0: the version is not known. Returns 0
 * or -ENOMEM. */
int vrrp_conf_read(const struct keepalived_conf *from, const struct keepalived_version *version,
		   struct vrrp_conf *ret);
void vrrp_conf_done(struct vrrp_conf *c);

/* ---- questions about instances (vrrp_address.c) ---- */

/* The keyword for E in keepalived.conf: "notify_master". */
const char *vrrp_event_keyword(enum vrrp_event e);

/* Whether keepalived calls a script for E: the instance's own or, with GROUPS_TOO, that of its
 * group. Before 1.4.0 keepalived removes a group of one member, and before 2.0.0 no group has
 * notify_stop (vrrp_sync.c and vrrp_parser.c). If the version is not known, such a script counts
 * as called. */
bool vrrp_instance_has_script(const struct vrrp_conf *c, const struct vrrp_instance *i,
			      enum vrrp_event e, bool groups_too);

/* Whether one of SCRIPTS is given; and whether an instance or a group has one. */
bool vrrp_any_script(const struct vrrp_script scripts[VRRP_EVENTS]);
bool vrrp_conf_has_script(const struct vrrp_conf *c);

/* Whether one of the two lines is ignored; not if they are for different nodes: "@a notify X" and
 * "@b notify Y". */
bool vrrp_script_is_twice(const struct vrrp_script *s);

/* Whether keepalived removes the group, and its scripts with it. */
bool vrrp_group_is_removed(const struct vrrp_conf *c, const struct vrrp_group *g);

/* The instance's decoy, or NULL. */
const struct vrrp_address *vrrp_instance_decoy(const struct vrrp_instance *v);

/* The first line of virtual_routes that may need an address of V when it is set: each of V's own,
 * and those of other instances with a gateway or a source in one of V's subnets. Rules need no
 * address but go with the routes; *RET_RULE: the line is one of virtual_rules. NULL: there is
 * none. */
const struct keepalived_directive *
vrrp_instance_route(const struct vrrp_conf *c, const struct vrrp_instance *v, bool *ret_rule);

/* ---- addresses (vrrp_address.c) ---- */

/* Read the line D of virtual_ipaddress, or (EXCLUDED) of virtual_ipaddress_excluded. */
struct vrrp_address vrrp_address_read(const struct keepalived_directive *d, bool excluded);

/* The address family that the line gives its instance, or AF_UNSPEC: that of the first address of
 * virtual_ipaddress or unicast_peer, or of the source address. */
uint8_t vrrp_line_family(const struct keepalived_directive *d);

/* Whether keepalived ignores the address: since 1.2.20 an address in virtual_ipaddress must have
 * the family of the instance ("address family must match VRRP instance"). */
bool vrrp_address_is_ignored(const struct vrrp_conf *c, const struct vrrp_instance *v,
			     const struct vrrp_address *a);

/* The device on which keepalived puts the address, NULL: the file does not say. */
const char *vrrp_address_device(const struct vrrp_instance *v, const struct vrrp_address *a);

/* Whether it puts it on a device that the instance creates instead. With use_vmac these are,
 * since 2.2.0, addresses of the instance's family without "dev" or with its interface; before,
 * all without "dev" (vrrp.c, vrrp_complete_instance()). False if the version matters and is not
 * known. */
bool vrrp_address_is_apart(const struct vrrp_conf *c, const struct vrrp_instance *v,
			   const struct vrrp_address *a);

/* Why only keepalived can manage the address, NULL: vipsafe can as well. */
const char *vrrp_address_stays(const struct vrrp_address *a);

/* Whether no client talks to the address: it is link-local, on the loopback device or on the
 * device for decoys. */
bool vrrp_address_is_decoy(const struct vrrp_address *a);
