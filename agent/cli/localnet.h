/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices and addresses of this node, as far as no kernel table is at hand for them. */
#pragma once

#include <stdbool.h>

#define LOCALNET_NAME_MAX 16 /* IFNAMSIZ */

/* Call FN with the name of each device. */
void localnet_devices(void (*fn)(void *ud, const char *name), void *ud);

/* Call FN with "ADDR/LEN" for each address of DEVICE (NULL: of any device) that could be a
 * virtual IP. */
void localnet_addresses(const char *device, void (*fn)(void *ud, const char *prefix), void *ud);

/* The name of the device IFINDEX. Returns whether there is one. */
bool localnet_device_name(int ifindex, char ret[LOCALNET_NAME_MAX]);

/* Whether a route to everywhere, IPv4 or IPv6, leads through DEVICE. */
bool localnet_has_default_route(const char *device);

/* The index of the device NAME; 0: there is none. */
unsigned localnet_index(const char *name);

/* Whether it has ARP, or is the loopback device: 1, 0, -ENODEV if there is no such device, or
 * another negative errno. */
int localnet_has_arp(const char *name);
