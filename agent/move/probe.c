/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/rundir.h"
#include "move/stage.h"

/* The file, four to six lines:
 *   vipsafe-verdict 1
 *   boot_id 0f6c…
 *   ipv4 affected
 *   ipv6 unknown
 *   helpers kept      not in the files of older versions
 *   reason …          only when one of the families is unknown */
#define FILE_NAME "verdict"
#define FILE_MAGIC "vipsafe-verdict 1"
#define FILE_MAX 1024

/* The next line of *TEXT, which then begins after it; NULL when there is no
 * complete one. */
static char *result_next_line(char **text)
{
	char *line = *text, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line;
}

/* The value of the next line, which must be "KEY VALUE". */
static const char *next_value(char **text, const char *key)
{
	size_t len = strlen(key);
	const char *line = result_next_line(text);

	if (!line || strncmp(line, key, len) != 0 || line[len] != ' ')
		return NULL;
	return line + len + 1;
}

static int parse_kernel_verdict(const char *word, enum kernel_kind *ret)
{
	static const enum kernel_kind all[] = { KERNEL_UNKNOWN, KERNEL_AFFECTED, KERNEL_FIXED };

	for (size_t i = 0; word && i < ARRAY_SIZE(all); i++)
		if (strcmp(word, kernel_kind_name(all[i])) == 0) {
			*ret = all[i];
			return 0;
		}
	return -EBADMSG;
}

static int parse_helpers(const char *word, enum helper_kind *ret)
{
	static const enum helper_kind all[] = { HELPERS_UNKNOWN, HELPERS_KEPT, HELPERS_FORGOTTEN };

	for (size_t i = 0; word && i < ARRAY_SIZE(all); i++)
		if (strcmp(word, helper_kind_name(all[i])) == 0) {
			*ret = all[i];
			return 0;
		}
	return -EBADMSG;
}

/* Printable text only: it is shown to people. */
static bool result_is_printable(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

static int parse(char *text, const char *boot_id, struct probe_result *ret)
{
	struct probe_result v = { .cached = true };
	const char *magic = result_next_line(&text), *id, *reason;

	if (!magic || strcmp(magic, FILE_MAGIC) != 0)
		return -EBADMSG;
	id = next_value(&text, "boot_id");
	if (!id || strcmp(id, boot_id) != 0)
		return -EBADMSG;
	if (parse_kernel_verdict(next_value(&text, "ipv4"), &v.ipv4) < 0 ||
	    parse_kernel_verdict(next_value(&text, "ipv6"), &v.ipv6) < 0 ||
	    (strncmp(text, "helpers ", 8) == 0 &&
	     parse_helpers(next_value(&text, "helpers"), &v.helpers) < 0))
		return -EBADMSG;
	if (*text) {
		reason = next_value(&text, "reason");
		if (!reason || *text || !result_is_printable(reason) ||
		    strlen(reason) >= sizeof(v.reason))
			return -EBADMSG;
		memcpy(v.reason, reason, strlen(reason));
	}
	*ret = v;
	return 0;
}

int probe_result_load(const char *run_dir, const char *boot_id, struct probe_result *ret)
{
	_cleanup_close_ int dir = rundir_open(run_dir);
	char text[FILE_MAX];
	size_t size;
	int r;

	if (dir < 0)
		return dir == -ENOENT ? -ENOENT : -EBADMSG;
	r = rundir_read(dir, FILE_NAME, text, sizeof(text), &size);
	if (r < 0)
		return r == -ENOENT ? -ENOENT : -EBADMSG;
	if (strlen(text) != size)
		return -EBADMSG;
	return parse(text, boot_id, ret);
}

int probe_result_store(const char *run_dir, const char *boot_id, const struct probe_result *v)
{
	_cleanup_close_ int dir = -1;
	char text[FILE_MAX];
	int n;

	if (!boot_id[0] || !result_is_printable(boot_id) || !result_is_printable(v->reason))
		return -EINVAL;
	n = snprintf(text, sizeof(text),
		     FILE_MAGIC "\nboot_id %s\nipv4 %s\nipv6 %s\nhelpers %s\n%s%s%s", boot_id,
		     kernel_kind_name(v->ipv4), kernel_kind_name(v->ipv6),
		     helper_kind_name(v->helpers), v->reason[0] ? "reason " : "", v->reason,
		     v->reason[0] ? "\n" : "");
	if (n < 0 || (size_t)n >= sizeof(text))
		return -EINVAL;
	dir = rundir_open(run_dir);
	if (dir < 0)
		return dir;
	return rundir_write(dir, FILE_NAME, text, (size_t)n);
}

static void probe(const struct kernel *k, usec_t timeout, struct probe_result *ret)
{
	struct probe_result v = { 0 };
	int r;

	r = k->ops->probe(k->ctx, false, timeout, &v);
	if (r < 0) {
		v = (struct probe_result){ .ipv4 = KERNEL_UNKNOWN, .ipv6 = KERNEL_UNKNOWN };
		snprintf(v.reason, sizeof(v.reason), "the probe failed: %s", strerror(-r));
	}
	*ret = v;
}

/* When a probe took all its time without an answer: "BOOT_ID MICROSECONDS". One table serves all
 * namespaces from Linux 4.7 on, and the kernel goes through the whole of it for each that ends, and
 * on 6.18 for each that begins to use it, one after the other (nf_ct_iterate_cleanup()). Where that
 * is slow, a probe with each move would add to it faster than it gets done. */
#define TRIED_NAME "verdict-tried"
#define TRIED_PAUSE (60 * USEC_PER_SEC)

static bool tried_lately(const char *run_dir, const char *boot_id, usec_t now)
{
	_cleanup_close_ int dir = rundir_open(run_dir);
	size_t size, len = strlen(boot_id);
	char text[FILE_MAX], *end;
	usec_t at;

	if (dir < 0 || rundir_read(dir, TRIED_NAME, text, sizeof(text), &size) < 0 ||
	    strncmp(text, boot_id, len) != 0 || text[len] != ' ')
		return false;
	at = strtoull(text + len + 1, &end, 10);
	return !strcmp(end, "\n") && at <= now && now - at < TRIED_PAUSE;
}

/* An error is ignored: then the next move tries again. */
static void note_tried(const char *run_dir, const char *boot_id, usec_t now)
{
	_cleanup_close_ int dir = rundir_open(run_dir);
	char text[FILE_MAX];
	int n = snprintf(text, sizeof(text), "%s %llu\n", boot_id, (unsigned long long)now);

	if (dir >= 0 && n > 0 && (size_t)n < sizeof(text))
		(void)rundir_write(dir, TRIED_NAME, text, (size_t)n);
}

void probe_result_get(const struct kernel *k, const char *run_dir, const char *boot_id,
		      usec_t timeout, struct probe_result *ret)
{
	usec_t began;

	if (probe_result_load(run_dir, boot_id, ret) == 0)
		return;
	began = k->ops->now(k->ctx);
	if (tried_lately(run_dir, boot_id, began)) {
		*ret = (struct probe_result){
			.ipv4 = KERNEL_UNKNOWN,
			.ipv6 = KERNEL_UNKNOWN,
			.reason = "an experiment did not finish in time, less than a minute ago",
		};
		return;
	}
	probe(k, timeout, ret);
	/* An answer for one family is stored: the other often stays unknown, on a node
	 * without IPv6, say. No answer at all may have a passing reason and is not. */
	if (ret->ipv4 != KERNEL_UNKNOWN || ret->ipv6 != KERNEL_UNKNOWN)
		(void)probe_result_store(run_dir, boot_id, ret);
	else if (k->ops->now(k->ctx) - began >= timeout)
		note_tried(run_dir, boot_id, k->ops->now(k->ctx));
}

enum kernel_kind probe_result_for(const struct probe_result *v, uint8_t family)
{
	if (family == AF_INET)
		return v->ipv4;
	if (family == AF_INET6)
		return v->ipv6;
	if (v->ipv4 == KERNEL_AFFECTED || v->ipv6 == KERNEL_AFFECTED)
		return KERNEL_AFFECTED;
	return v->ipv4 == KERNEL_FIXED && v->ipv6 == KERNEL_FIXED ? KERNEL_FIXED : KERNEL_UNKNOWN;
}

/* Find out what this kernel flushes, and choose the protection for this run. */

/* The probe is made at boot (vipsafe-probe.service), never inside a failover. A delete by
 * hand that finds no answer makes it, and waits this long. */
#define PROBE_TIMEOUT USEC_PER_SEC

/* AUTO becomes what this kernel needs; what was asked for stays. An unknown
 * kernel is treated as an affected one: on a fixed one that costs two listings
 * and changes nothing. */
static enum strategy strategy_choose(const struct run *run, enum kernel_kind kind)
{
	switch (run->req->strategy) {
	case STRATEGY_NONE:
	case STRATEGY_RESTORE:
	case STRATEGY_PIN:
		return run->req->strategy;
	case STRATEGY_AUTO:
		break;
	}
	/* Even a fixed kernel takes the flows of the address itself. */
	if (run->req->vip_flows == VIP_FLOWS_KEEP)
		return STRATEGY_PIN;
	return kind == KERNEL_FIXED ? STRATEGY_NONE : STRATEGY_PIN;
}

void probe_kernel(struct run *run)
{
	usec_t timeout = MIN(PROBE_TIMEOUT, run->deadline - run->started);
	bool may_probe = run->req->op == OP_DEL && !run->req->plan && !run->req->is_instance &&
			 !run_is_bounded(run);
	struct report *report = run->report;

	run->source.ops->probe_result(run, may_probe ? timeout : 0, &run->probe_result);
	if (run->req->op == OP_ADD) {
		/* Adding flushes nothing on any kernel (docs/kernel.md 8). */
		report->kernel = probe_result_for(&run->probe_result, AF_UNSPEC);
		report->strategy = STRATEGY_NONE;
		return;
	}
	report->kernel = probe_result_for(&run->probe_result, run->family);
	report->strategy = strategy_choose(run, report->kernel);
	if (report->kernel == KERNEL_UNKNOWN)
		report_warn(report, "kernel-unknown", "vipsafe probe",
			    "not known whether this kernel flushes more than it should (%s): "
			    "treated as if it did",
			    run->probe_result.reason);
	/* Affected kernels flush IPv4 inside the delete; IPv6 there, and both on
	 * 5.15 and later, from a work queue (docs/kernel.md 1). */
	run->sync_flush = report->kernel == KERNEL_AFFECTED && run->family == AF_INET;
}
