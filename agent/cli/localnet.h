/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices and addresses of this node, for completion. */
#pragma once

/* Call FN with the name of each device. */
void localnet_devices(void (*fn)(void *ud, const char *name), void *ud);

/* Call FN with "ADDR/LEN" for each address of DEVICE (NULL: of any device) that could be a
 * virtual IP. */
void localnet_addresses(const char *device, void (*fn)(void *ud, const char *prefix), void *ud);
