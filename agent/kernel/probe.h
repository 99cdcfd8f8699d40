/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probe: whether this kernel flushes the entries of a device when one address is deleted,
 * tried out in a private network namespace. */
#pragma once

#include "base/kernel.h"
#include "kernel/nlsock.h"

/* The probe's private world: a network namespace with two devices in it. */

/* Packets leave through the first; flows begin at an address of the second. */
#define PROBE_OUTSIDE "vsprobe0"
#define PROBE_INSIDE "vsprobe1"

/* Find out by experiment what deleting an address flushes on this kernel.
 * Everything happens in a child process inside a network namespace of its
 * own, which dies with it: no address, rule, file or process stays behind. */
/* Fill RET within about TIMEOUT. ASKED: as of struct kernel_ops. Blocks; forks. */
void probe_run(bool asked, usec_t timeout, struct probe_result *ret);
