/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decoys to propose: one for each instance, on a device that keepalived's
 * version takes addresses of. */
#pragma once

#include "keepalived/decoy.h"
#include "keepalived/vrrp.h"

#define DECOY_TEXT_MAX 96

/* Where decoys are: not on lo before 1.3.6, which refuses it
 * (vrrp_ipaddress.c: "unknown lo interface"). */
const char *decoy_device(const struct vrrp_conf *c);

/* The decoy of V as vipsafe.conf has it, "ADDR/LEN dev DEVICE": the one it has
 * if that serves, or one to be. It is made of the virtual_router_id, so that
 * all nodes come to the same, and no other instance has it. Returns BUF; NULL:
 * there are too many instances of that id. */
const char *decoy_propose(const struct vrrp_conf *c, const struct vrrp_instance *v,
			  char buf[DECOY_TEXT_MAX]);
