/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A masquerade rule inside the probe's own namespace, by whichever program the
 * node has. Private to the probe: there is nothing here to take a rule out
 * again, its namespace goes as a whole. */
#pragma once

#include <stdint.h>

#include "kernel/program.h"

#define PROBE_ERROR_MAX PROGRAM_ERROR_MAX

enum probe_tool {
	PROBE_NFT,
	PROBE_IPTABLES,
	PROBE_IPTABLES_LEGACY,
	PROBE_TOOL_COUNT,
};

/* In which order to try them: first the one whose kernel part is loaded, so
 * that the probe does not load the other one's modules for good. */
void probe_rule_order(enum probe_tool ret[PROBE_TOOL_COUNT]);

/* Masquerade what leaves through DEVICE in FAMILY. Only call it inside the
 * probe's namespace. -ENOENT: no such program; -EIO: it failed, its first line
 * of complaint is in ERROR, printable. */
int probe_rule_install(enum probe_tool tool, uint8_t family, const char *device,
		       char error[PROBE_ERROR_MAX]);
