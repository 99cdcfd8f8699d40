/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this kernel flushes when an address is deleted, asked once per boot:
 * the probe's answer is kept under the run directory. A kernel version cannot
 * tell (the fix was backported to some and not to others), so nothing here
 * looks at one. */
#pragma once

#include "base/kernel.h"
#include "base/report.h"

/* Read the answer kept for BOOT_ID. -ENOENT: none; -EBADMSG: unreadable or
 * of another boot or format (treat as none). */
int probe_result_load(const char *run_dir, const char *boot_id, struct probe_result *ret);

/* Keep V (mode 0600, written aside and renamed). Results that are UNKNOWN
 * for a passing reason should not be kept; that is the caller's choice. */
int probe_result_store(const char *run_dir, const char *boot_id, const struct probe_result *v);

/* Load, else probe within TIMEOUT and store what is known. Never fails:
 * without an answer both are KERNEL_UNKNOWN with a reason. After a probe that took all its time
 * there is none for a minute. */
void probe_result_get(const struct kernel *k, const char *run_dir, const char *boot_id,
		      usec_t timeout, struct probe_result *ret);

/* The result that matters when addresses of FAMILY go (AF_UNSPEC: both, the
 * worse one: affected before unknown before fixed). */
enum kernel_kind probe_result_for(const struct probe_result *v, uint8_t family);
