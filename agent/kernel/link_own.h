/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that vipsafe makes for an address, and what has to be known of the device that one
 * stands on. Each is marked as ours by its alias, which lives and dies with it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/kernel.h"
#include "kernel/link.h"
#include "kernel/nlsock.h"

#define LINK_KIND_MAX 16
#define LINK_ALIAS_MAX 256 /* IFALIASZ, with the NUL */
#define LINK_OWN_MAC 6	   /* Ethernet only */

/* The socket for the functions below. */
int link_own_open(struct nlsock **ret);

/* A device with more than what a move needs to know. */
struct link_detail {
	int ifindex;
	char name[LINK_NAME_MAX];
	char kind[LINK_KIND_MAX]; /* "bridge", "macvlan" …; "": a real one */
	char alias[LINK_ALIAS_MAX];
	int master; /* ifindex of the bridge, bond or VRF that it belongs to; 0: none */
	bool up, loopback;
	bool ethernet; /* neighbours are asked for by ARP and neighbour discovery */
	uint8_t mac[LINK_OWN_MAC];
	uint32_t mtu;
};

/* The device NAME, or the one with the number IFINDEX if NAME is NULL. -ENODEV. */
int link_detail_get(struct nlsock *s, const char *name, int ifindex, struct link_detail *ret);

/* Call SINK for each device until it returns an error, which is passed on. The list is complete
 * before SINK is called. */
int link_detail_list(struct nlsock *s, int (*sink)(void *ud, const struct link_detail *d),
		     void *ud);

/* The device out of which addresses of LINK are announced: LINK itself, or, for a dummy that was
 * made for an address, the one that the address was on. */
int link_own_voice(struct nlsock *s, const struct link *link, struct link *ret);

/* Make a macvlan called NAME on the device LOWER, in mode bridge and with the address MAC; or, if
 * LOWER is 0, a dummy. It is down. -EOPNOTSUPP: the kernel has no such devices; -EBUSY: LOWER
 * can carry none; -EEXIST. */
int link_own_make(struct nlsock *s, const char *name, int lower, const uint8_t *mac, uint32_t mtu);

/* Give a device that is down another name; -EEXIST. */
int link_own_rename(struct nlsock *s, int ifindex, const char *name);

int link_own_up(struct nlsock *s, int ifindex);
int link_own_mark(struct nlsock *s, int ifindex, const char *alias);
int link_own_delete(struct nlsock *s, int ifindex);

/* Write VALUE to net/FAMILY/conf/DEVICE/KEY, DEVICE being one of our own. -ENOENT: this kernel
 * has no such setting. */
int link_own_configure(const char *device, const char *family, const char *key, const char *value);

/* A bridge LOWER then knows that MAC is here, and does not flood its ports with what is sent to it;
 * or no longer (ADD is false). For the sake of the ports only: errors may be ignored. */
int link_own_tell_bridge(struct nlsock *s, int lower, const uint8_t *mac, bool add);
