/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How an address that was moved to a device of its own stays there after the next boot: the
 * configuration for whatever manages the network of this node and owns the address. It is printed
 * for somebody to paste, never written by vipsafe. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <vipsafe/base.h>

#include "cli/isolate_choice.h"

#define LASTING_PATH_MAX 256
#define LASTING_PLACE_MAX 192
#define LASTING_MAC_MAX 18 /* "02:00:5e:00:00:01" and a NUL */

struct cli;
struct json_t;

/* Who configures the old device. */
enum lasting_manager {
	LASTING_OTHER, /* somebody else, or nobody: a unit of systemd makes the new device */
	LASTING_NETWORKD,
	LASTING_NETPLAN, /* networkd, whose files netplan writes */
	LASTING_NETWORKMANAGER,
	LASTING_IFUPDOWN,
};

/* Who adds the address. */
enum lasting_owner {
	LASTING_UNKNOWN,    /* some other program or somebody's hand */
	LASTING_KEEPALIVED, /* it is in virtual_ipaddress of keepalived.conf */
	LASTING_VIPSAFE,    /* it is in a section [instance NAME] of vipsafe.conf */
	LASTING_MANAGER,    /* it is in the manager's own configuration of the old device */
};

struct lasting {
	struct prefix vip; /* as it is on the new device: /32 or /128 */
	char from[DEVICE_NAME_MAX], device[DEVICE_NAME_MAX];
	bool is_macvlan;	   /* or else a dummy */
	char mac[LASTING_MAC_MAX]; /* "": the kernel chooses one */
	char alias[256];	   /* by which vipsafe knows it again (ip link show); "": none */
	struct isolate_setting settings[ISOLATE_SETTINGS_MAX]; /* of the new device */
	size_t n_settings;
	enum lasting_manager manager;
	char network_file[LASTING_PATH_MAX]; /* networkd's of the old device; "": not known */
	enum lasting_owner owner;
	char owner_file[LASTING_PATH_MAX];   /* that has the address; "": UNKNOWN */
	char owner_place[LASTING_PLACE_MAX]; /* "line 12", "[instance VI_1]"; may be "" */
};

/* Look at this node: who configures FROM, and who adds VIP (its length does not matter), which is
 * or will be on DEVICE. MAC: that of DEVICE if it is fixed, or "". The caller may
 * add settings and the alias. */
void lasting_look(const struct cli *cli, const struct prefix *vip, const char *from,
		  const char *device, bool is_macvlan, const char *mac, struct lasting *ret);

/* Print what to do as a script for sh. All words are in comments; it makes new files, never writes
 * over one, and has no effect on what runs: only on the next boot. Names of devices that are
 * special to a shell or to a file it writes make it all comments. */
void lasting_print(const struct lasting *l, FILE *out);

/* The same as an object: "manager", "owner", "script". Returns NULL if there is no memory. */
struct json_t *lasting_json(const struct lasting *l);
