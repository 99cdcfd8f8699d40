/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the doctor comes by its facts. Private to doctor*.c. */
#pragma once

#include "cli/commands.h"
#include "cli/facts.h"

/* Of the kernel: what it flushes, the connection table, settings, devices. */
void doctor_take_kernel(const struct cli *cli, const struct kernel *k, struct facts *f);

/* Of the firewall's programs. */
void doctor_take_firewall(struct facts *f);

/* Of other programs: those that run, and what their scripts do. */
void doctor_take_others(struct facts *f);

/* Of the run directory. */
void doctor_take_run_dir(const struct cli *cli, const struct kernel *k, struct facts *f);
