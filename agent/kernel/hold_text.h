/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hold says to iptables-restore and finds in iptables-save; pure.
 *
 * One chain per device in table mangle, entered from three others by jumps that
 * look the device up in an ipset, whose one element expires. The rules never change. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/xtables.h"

#define HOLD_CHAIN_PREFIX "VIPSAFE-HOLD-"
#define HOLD_SET_PREFIX "vipsafe-hold-"
#define HOLD_SCRIPT_MAX 4096
#define HOLD_SET_NAME_MAX 32 /* IPSET_MAXNAMELEN */
#define HOLD_JUMPS 3	     /* per family; each refers to the set */

extern const struct chains_kind hold_text_chains;

/* Can DEVICE be named in a rule and a set as it is? A "+" at the end, for one,
 * would mean any device that begins so. */
bool hold_text_device_ok(const char *device);

void hold_text_set(char ret[HOLD_SET_NAME_MAX], int ifindex, uint8_t family);

/* Chain, rules and jumps, and the opposite. */
void hold_text_install(char ret[HOLD_SCRIPT_MAX], int ifindex, uint8_t family);
void hold_text_remove(char ret[HOLD_SCRIPT_MAX], int ifindex, uint8_t family);
