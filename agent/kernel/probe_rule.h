/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A masquerade rule inside the probe's own namespace, by whichever program the
 * node has. Private to the probe: there is nothing here to take a rule out
 * again, its namespace goes as a whole. */
#pragma once

#include <stdint.h>

#include "kernel/probe_choice.h"
#include "base/program.h"

#define PROBE_ERROR_MAX PROGRAM_ERROR_MAX

/* The tools for FAMILY that may be used here, in the order to try them (probe_choice.h):
 * as they are, without asking for anything that would load or register something. Returns
 * how many; with none, *RET_WHY says why. */
size_t probe_rule_tools(uint8_t family, enum probe_tool ret[PROBE_TOOL_COUNT],
			const char **ret_why);

/* Masquerade what leaves through DEVICE in FAMILY. Only call it inside the
 * probe's namespace. -ENOENT: no such program; -EIO: it failed, its first line
 * of complaint is in ERROR, printable. */
int probe_rule_install(enum probe_tool tool, uint8_t family, const char *device,
		       char error[PROBE_ERROR_MAX]);
