/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether an entry that is created over netlink keeps the helper that is asked for. */
#pragma once

#include "base/kernel.h"
#include "kernel/ct.h"

/* Try it with each helper that this kernel has loaded, on entries of our own in the namespace of
 * CT, of which nothing is removed; no packet is sent and no hook registered. FORGOTTEN: one of them
 * at least was. UNKNOWN: none is loaded. */
enum helper_kind probe_helpers(struct ct *ct);
