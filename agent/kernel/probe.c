/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/background.h"
#include "base/os.h"
#include "kernel/ct.h"
#include "kernel/link.h"
#include "kernel/nft.h"
#include "kernel/probe_helper.h"
#include "kernel/probe_trial.h"

#define LOOPBACK_IFINDEX 1 /* in every network namespace */

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* Without a mapping the programs that set the rules lose their privileges. */
static int become_mapped_root(uid_t uid, gid_t gid)
{
	char map[32];
	int r;

	r = write_file("/proc/self/setgroups", "deny");
	if (r < 0 && r != -ENOENT) /* Linux 3.19 */
		return r;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
	r = write_file("/proc/self/uid_map", map);
	if (r < 0)
		return r;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
	return write_file("/proc/self/gid_map", map);
}

/* Move this process into a network namespace of its own, through a user
 * namespace when that is the only way. -EPERM and others as unshare(2). */
static int probe_world_enter(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int err;

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	err = -errno;
	if (err != -EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return err;
	return become_mapped_root(uid, gid);
}

/* Without neighbour discovery: packets need no answer to leave. */
static int set_up(struct nlsock *s, const char *name)
{
	struct link link;
	int err = link_get(s, name, &link);

	return err < 0 ? err : link_set_flags(s, link.ifindex, IFF_UP | IFF_NOARP);
}

static int create_links(struct nlsock *s)
{
	int err, dummy;

	err = link_make(s, "veth", PROBE_OUTSIDE, PROBE_INSIDE);
	if (err == 0)
		return 0;
	/* Loading the dummy module would make a dummy0 on the host. */
	if (access("/sys/module/dummy", F_OK) < 0)
		return err;
	dummy = link_make(s, "dummy", PROBE_OUTSIDE, NULL);
	return dummy < 0 ? dummy : link_make(s, "dummy", PROBE_INSIDE, NULL);
}

/* Make both devices and set them up; S was opened inside. -EOPNOTSUPP: the
 * kernel has neither veth nor (already in use) dummy devices. */
static int probe_world_build(struct nlsock *s)
{
	int err;

	err = link_set_flags(s, LOOPBACK_IFINDEX, IFF_UP);
	if (err == 0)
		err = create_links(s);
	if (err == 0)
		err = set_up(s, PROBE_INSIDE);
	if (err == 0)
		err = set_up(s, PROBE_OUTSIDE);
	if (err < 0)
		return err;
	/* A node that disables IPv6 by default may still have addresses where
	 * it enabled it. These files exist in this namespace only. */
	write_file("/proc/sys/net/ipv6/conf/" PROBE_OUTSIDE "/disable_ipv6", "0");
	write_file("/proc/sys/net/ipv6/conf/" PROBE_INSIDE "/disable_ipv6", "0");
	return 0;
}

/* How long an asynchronous flush may take to show, how often to look, and when to delete once
 * more: the kernel leaves out a flush that finds too many queued (docs/kernel.md 1). */
#define FLUSH_WAIT (2 * USEC_PER_SEC)
#define LOOK_MIN (1 * USEC_PER_MSEC)
#define LOOK_MAX (16 * USEC_PER_MSEC)
#define AGAIN_EVERY (100 * USEC_PER_MSEC)

/* What the child answers. */
struct answer {
	uint32_t verdict[2], helpers;
	char reason[REPORT_TEXT_MAX];
};

static void sleep_usec(usec_t usec)
{
	struct timespec ts = { .tv_sec = (time_t)(usec / USEC_PER_SEC),
			       .tv_nsec = (long)(usec % USEC_PER_SEC) * 1000 };

	nanosleep(&ts, NULL); /* a signal only makes us look earlier */
}

/* ---- in the child ------------------------------------------------------------ */

static void wait_for_flush(struct trial trials[2], struct nlsock *s, struct ct *ct, usec_t deadline)
{
	usec_t pause = LOOK_MIN, now = os_now(), end = MIN(now + FLUSH_WAIT, deadline);
	usec_t again = now + AGAIN_EVERY;

	for (;;) {
		bool late = os_now() >= again;

		for (size_t i = 0; i < 2; i++) {
			if (trials[i].running)
				trial_look(&trials[i], ct);
			if (trials[i].running && late)
				trial_again(&trials[i], s);
		}
		if (late)
			again = os_now() + AGAIN_EVERY;
		if ((!trials[0].running && !trials[1].running) || os_now() >= end)
			break;
		sleep_usec(pause);
		pause = MIN(2 * pause, LOOK_MAX);
	}
	for (size_t i = 0; i < 2; i++)
		if (trials[i].running)
			trial_give_up(&trials[i]);
}

static void conclude(struct answer *a, const struct trial trials[2])
{
	const char *v4 = trials[0].reason, *v6 = trials[1].reason;

	a->verdict[0] = trials[0].verdict;
	a->verdict[1] = trials[1].verdict;
	if (v4[0] && v6[0] && strcmp(v4, v6) != 0)
		snprintf(a->reason, sizeof(a->reason), "IPv4: %.150s; IPv6: %.150s", v4, v6);
	else if (v4[0])
		snprintf(a->reason, sizeof(a->reason), "%s%s", v6[0] ? "" : "IPv4: ", v4);
	else if (v6[0])
		snprintf(a->reason, sizeof(a->reason), "IPv6: %s", v6);
}

static const char *describe_enter(int err)
{
	if (err == -EPERM || err == -EACCES)
		return "no permission to create a network namespace";
	if (err == -EINVAL)
		return "this kernel has no network namespaces";
	if (err == -ENOSPC || err == -EUSERS)
		return "no more network namespaces are allowed here";
	return "cannot create a network namespace";
}

/* What the child is told. */
struct task {
	usec_t deadline;
	bool in_passing; /* nothing that registers a hook where those are global */
};

static void experiment(struct answer *a, const struct task *task)
{
	_cleanup_(nlsock_freep) struct nlsock *s = NULL;
	struct trial trials[2];
	struct ct *ct = NULL;
	struct utsname u;
	bool named = uname(&u) == 0;
	const struct probe_node nodes[2] = { trial_node(AF_INET, named ? u.release : ""),
					     trial_node(AF_INET6, named ? u.release : "") };
	int err;

	err = probe_world_enter();
	if (err < 0) {
		snprintf(a->reason, sizeof(a->reason), "%s", describe_enter(err));
		return;
	}
	/* Entering a user namespace may have cleared it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	err = ct_new(&ct);
	if (err < 0) {
		snprintf(a->reason, sizeof(a->reason), "%s",
			 err == -EPROTONOSUPPORT ? "conntrack is not in this kernel"
						 : strerror(-err));
		return;
	}
	a->helpers = probe_helpers(ct);
	if (task->in_passing && nft_sees_all()) {
		snprintf(a->reason, sizeof(a->reason),
			 "this kernel's netfilter hooks are global, where an experiment in passing "
			 "is not made");
		ct_free(ct);
		return;
	}
	err = nlsock_new(NETLINK_ROUTE, 0, 0, &s);
	if (err == 0)
		err = probe_world_build(s);
	if (err < 0) {
		snprintf(a->reason, sizeof(a->reason), "cannot create a test device: %s",
			 strerror(-err));
		ct_free(ct);
		return;
	}
	trial_start(&trials[0], AF_INET, &nodes[0], s, ct);
	trial_start(&trials[1], AF_INET6, &nodes[1], s, ct);
	wait_for_flush(trials, s, ct, task->deadline);
	conclude(a, trials);
	ct_free(ct);
}

/* The namespace goes with the process. */
static void probe_in_child(void *ud, void *answer)
{
	struct answer *a = answer;

	*a = (struct answer){ .verdict = { KERNEL_UNKNOWN, KERNEL_UNKNOWN } };
	experiment(a, ud);
}

/* ---- in the caller ----------------------------------------------------------- */

/* -ETIMEDOUT, -EIO (it died), -EBADMSG, or why there is no child. */
static int run_child(bool asked, usec_t timeout, struct answer *ret)
{
	struct task task = { .deadline = os_now() + timeout, .in_passing = !asked };
	struct background *b;
	struct answer a;
	int r = background_new(probe_in_child, &task, sizeof(a), timeout, &b);

	if (r < 0)
		return r;
	r = background_wait(b, &a);
	background_free(b);
	if (r < 0)
		return r;
	if (a.verdict[0] > KERNEL_FIXED || a.verdict[1] > KERNEL_FIXED ||
	    a.helpers > HELPERS_FORGOTTEN || !memchr(a.reason, '\0', sizeof(a.reason)))
		return -EBADMSG;
	*ret = a;
	return 0;
}

/* The experiment would load conntrack into a kernel that works without: on
 * old kernels every packet of the node would then be tracked. */
static bool conntrack_is_loaded(void)
{
	return access("/proc/sys/net/netfilter/nf_conntrack_count", F_OK) == 0 ||
	       access("/sys/module/nf_conntrack", F_OK) == 0 ||
	       access("/proc/net/stat/nf_conntrack", F_OK) == 0;
}

void probe_run(bool asked, usec_t timeout, struct probe_result *ret)
{
	struct answer a = { .verdict = { KERNEL_UNKNOWN, KERNEL_UNKNOWN } };
	const char *why = NULL;

	if (!conntrack_is_loaded()) {
		why = "conntrack is not in this kernel";
	} else {
		int r = run_child(asked, timeout, &a);

		if (r == -ETIMEDOUT)
			why = "the experiment did not finish in time";
		else if (r == -EIO || r == -EBADMSG)
			why = "the experiment died without an answer";
		else if (r < 0)
			why = strerror(-r);
	}
	if (why)
		snprintf(a.reason, sizeof(a.reason), "%s", why);
	*ret = (struct probe_result){ .ipv4 = (enum kernel_kind)a.verdict[0],
				      .ipv6 = (enum kernel_kind)a.verdict[1],
				      .helpers = (enum helper_kind)a.helpers };
	memcpy(ret->reason, a.reason, sizeof(a.reason));
}
