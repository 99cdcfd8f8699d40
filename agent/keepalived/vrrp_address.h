/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses of an instance in keepalived.conf: how its lines are read, questions about an
 * instance, and which decoy to propose. */
#pragma once

#include "keepalived/decoy.h"
#include "keepalived/vrrp.h"

/* Proposes decoys: one for each instance, on a device on which its version of keepalived accepts
 * addresses. */

#define DECOY_TEXT_MAX 96

/* The device for decoys: not lo before 1.3.6, which refuses it (vrrp_ipaddress.c: "unknown lo
 * interface"). */
const char *decoy_device(const struct vrrp_conf *c);

/* The decoy of V for vipsafe.conf, "ADDR/LEN dev DEVICE": the present one if it is usable, or a
 * new one. It is derived from the virtual_router_id, so that all nodes choose the same, and no
 * other instance has it. Returns BUF; NULL: there are too many instances with that id. */
const char *decoy_propose(const struct vrrp_conf *c, const struct vrrp_instance *v,
			  char buf[DECOY_TEXT_MAX]);
