/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/probe_trial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

#include "kernel/ifaddr.h"
#include "kernel/link.h"
#include "kernel/probe.h"
#include "kernel/xtables.h"

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool is_program(const char *name)
{
	char path[PROGRAM_PATH_MAX];

	return program_find(name, path) == 0;
}

struct probe_node trial_node(uint8_t family, const char *release)
{
	bool is_v4 = family == AF_INET;

	return (struct probe_node){
		.release = release,
		.legacy_nat =
			xtables_has(family, "nat") ||
			exists(is_v4 ? "/sys/module/iptable_nat" : "/sys/module/ip6table_nat"),
		.nf_tables = exists("/sys/module/nf_tables"),
		.ip_tables = exists("/sys/module/ip_tables"),
		.has_legacy = is_program(is_v4 ? "iptables-legacy" : "ip6tables-legacy"),
		.has_nft = is_program(is_v4 ? "iptables-nft" : "ip6tables-nft"),
	};
}

/* The probe as a whole has a deadline, and takes with it what it started. */
static int run_program(char *const argv[], bool private_run, char error[PROBE_ERROR_MAX])
{
	const struct program p = {
		.argv = argv,
		.timeout = USEC_NEVER,
		.private_run = private_run,
	};

	return program_run(&p, error);
}

/* As one argument, which every nft takes ("-f -" came later). Before Linux
 * 4.18 an iptables NAT table at priority 100 would see the packet first and
 * settle it as not translated: come earlier. */
static int install_nft(uint8_t family, const char *device, char error[PROBE_ERROR_MAX])
{
	const char *f = family == AF_INET ? "ip" : "ip6";
	char rules[384];
	char *argv[] = { "nft", rules, NULL };

	snprintf(rules, sizeof(rules),
		 "add table %s vipsafe_probe; "
		 "add chain %s vipsafe_probe post "
		 "{ type nat hook postrouting priority 90 ; }; "
		 "add rule %s vipsafe_probe post oifname \"%s\" masquerade",
		 f, f, f, device);
	return run_program(argv, false, error);
}

static int install_iptables(uint8_t family, bool legacy, const char *device,
			    char error[PROBE_ERROR_MAX])
{
	char name[32], dev[32];
	char *argv[] = {
		name, "-t", "nat", "-A", "POSTROUTING", "-o", dev, "-j", "MASQUERADE", NULL
	};

	snprintf(name, sizeof(name), "%s%s", family == AF_INET ? "iptables" : "ip6tables",
		 legacy ? "-legacy" : "");
	snprintf(dev, sizeof(dev), "%s", device);
	return run_program(argv, true, error);
}

/* Masquerade what leaves through DEVICE in FAMILY. Only call it inside the
 * probe's namespace. -ENOENT: no such program; -EIO: it failed, its first line
 * of complaint is in ERROR, printable. */
static int probe_rule_install(enum probe_tool tool, uint8_t family, const char *device,
			      char error[PROBE_ERROR_MAX])
{
	error[0] = '\0';
	switch (tool) {
	case PROBE_NFT:
		return install_nft(family, device, error);
	case PROBE_IPTABLES:
		return install_iptables(family, false, device, error);
	case PROBE_IPTABLES_LEGACY:
		return install_iptables(family, true, device, error);
	case PROBE_TOOL_COUNT:
		break;
	}
	return -EINVAL;
}

#define ALL_FLOWS ((1U << TRIAL_FLOWS) - 1)
#define FIRST_PORT 40000

/* Documentation ranges; nothing outside the namespace ever sees them. */
struct trial_scene {
	uint8_t family, inside_len, outside_len;
	const char *inside, *kept, *leaving, *to_kept, *to_leaving;
};

static const struct trial_scene scenes[] = {
	{ AF_INET, 32, 24, "203.0.113.1", "192.0.2.1", "198.51.100.1", "192.0.2.2",
	  "198.51.100.2" },
	{ AF_INET6, 128, 64, "2001:db8:0:3::1", "2001:db8:0:1::1", "2001:db8:0:2::1",
	  "2001:db8:0:1::2", "2001:db8:0:2::2" },
};

static void _printf_(2, 3) probe_trial_fail(struct trial *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->reason, sizeof(t->reason), fmt, ap);
	va_end(ap);
	t->running = false;
}

static struct addr scene_addr(const struct trial_scene *s, const char *text)
{
	uint8_t bytes[16] = { 0 };

	inet_pton(s->family, text, bytes);
	return addr_make(s->family, bytes);
}

static void set_scene(struct trial *t, const struct trial_scene *s)
{
	memset(t, 0, sizeof(*t));
	t->scene = s;
	t->verdict = KERNEL_UNKNOWN;
	t->inside = scene_addr(s, s->inside);
	t->kept = scene_addr(s, s->kept);
	t->leaving = scene_addr(s, s->leaving);
	t->to_kept = scene_addr(s, s->to_kept);
	t->to_leaving = scene_addr(s, s->to_leaving);
}

static struct ifaddr make_ifaddr(int ifindex, const struct addr *a, uint8_t len)
{
	return (struct ifaddr){
		.ifindex = ifindex,
		.prefix = { .addr = *a, .len = len },
		.flags = a->family == AF_INET6 ? IFADDR_NODAD : 0,
		.preferred_lft = IFADDR_FOREVER,
		.valid_lft = IFADDR_FOREVER,
	};
}

static int set_addresses(struct trial *t, struct nlsock *s)
{
	struct link outside, inside;
	struct ifaddr a;
	int err;

	err = link_get(s, PROBE_OUTSIDE, &outside);
	if (err == 0)
		err = link_get(s, PROBE_INSIDE, &inside);
	if (err < 0)
		return err;
	t->outside_ifindex = outside.ifindex;
	a = make_ifaddr(inside.ifindex, &t->inside, t->scene->inside_len);
	err = ifaddr_add(s, &a);
	if (err < 0)
		return err;
	a = make_ifaddr(outside.ifindex, &t->kept, t->scene->outside_len);
	err = ifaddr_add(s, &a);
	if (err < 0)
		return err;
	a = make_ifaddr(outside.ifindex, &t->leaving, t->scene->outside_len);
	return ifaddr_add(s, &a);
}

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t fill_sockaddr(union sockaddr_any *s, const struct addr *a, uint16_t port)
{
	memset(s, 0, sizeof(*s));
	s->sa.sa_family = a->family;
	if (a->family == AF_INET) {
		memcpy(&s->in.sin_addr, a->bytes, sizeof(s->in.sin_addr));
		s->in.sin_port = port;
		return sizeof(s->in);
	}
	memcpy(&s->in6.sin6_addr, a->bytes, sizeof(s->in6.sin6_addr));
	s->in6.sin6_port = port;
	return sizeof(s->in6);
}

/* One packet per flow, told apart by destination and destination port. */
static int send_flows(struct trial *t)
{
	_cleanup_close_ int fd = socket(t->scene->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct addr *to[] = { &t->to_kept, &t->to_leaving };
	union sockaddr_any s;
	socklen_t len;

	if (fd < 0)
		return -errno;
	len = fill_sockaddr(&s, &t->inside, 0);
	if (bind(fd, &s.sa, len) < 0 || getsockname(fd, &s.sa, &len) < 0)
		return -errno;
	t->port = t->scene->family == AF_INET ? s.in.sin_port : s.in6.sin6_port;
	for (size_t i = 0; i < 2 * TRIAL_FLOWS; i++) {
		len = fill_sockaddr(&s, to[i % 2], htons((uint16_t)(FIRST_PORT + i / 2)));
		if (sendto(fd, "", 1, MSG_DONTWAIT, &s.sa, len) < 0)
			return -errno;
	}
	return 0;
}

/* Count an entry of the trial that is translated as expected. */
static int probe_trial_note(void *ud, const struct conn_record *record)
{
	const struct conn *c = record->conn;
	uint8_t family = c->key.family;
	struct addr src = tuple_src(&c->key.orig, family);
	struct addr dst = tuple_dst(&c->key.orig, family);
	struct addr translated = tuple_dst(&c->reply, family);
	unsigned i = (unsigned)ntohs(c->key.orig.dport) - FIRST_PORT;
	struct trial *t = ud;

	if (c->key.l4proto != IPPROTO_UDP || !addr_equal(&src, &t->inside) ||
	    c->key.orig.sport != t->port || i >= TRIAL_FLOWS || !(c->status & CONN_SRC_NAT))
		return 0;
	if (addr_equal(&dst, &t->to_kept) && addr_equal(&translated, &t->kept))
		t->kept_seen |= 1U << i;
	if (addr_equal(&dst, &t->to_leaving) && addr_equal(&translated, &t->leaving))
		t->leaving_seen |= 1U << i;
	return 0;
}

static int probe_trial_look(struct trial *t, struct ct *ct)
{
	t->kept_seen = t->leaving_seen = 0;
	return ct_dump(ct, t->scene->family, probe_trial_note, t);
}

/* Set up the rule with TOOL and send the flows. Returns 0 if all were translated as expected. */
static int masquerade_with(struct trial *t, enum probe_tool tool, struct ct *ct,
			   char error[PROBE_ERROR_MAX])
{
	int r;

	r = probe_rule_install(tool, t->scene->family, PROBE_OUTSIDE, error);
	if (r < 0)
		return r;
	r = send_flows(t);
	if (r == 0)
		r = probe_trial_look(t, ct);
	if (r < 0) {
		snprintf(error, PROBE_ERROR_MAX, "%s", strerror(-r));
		return -EIO;
	}
	if (t->kept_seen == ALL_FLOWS && t->leaving_seen == ALL_FLOWS)
		return 0;
	snprintf(error, PROBE_ERROR_MAX, "only %d of %d flows were masqueraded",
		 __builtin_popcount(t->kept_seen) + __builtin_popcount(t->leaving_seen),
		 2 * TRIAL_FLOWS);
	return -EIO;
}

static int probe_trial_masquerade(struct trial *t, const struct probe_node *node, struct ct *ct)
{
	static const char *const names[] = { "nft", "iptables", "iptables-legacy" };
	char error[PROBE_ERROR_MAX], all[TRIAL_REASON_MAX] = "";
	enum probe_tool order[PROBE_TOOL_COUNT];
	const char *why = NULL;
	size_t len = 0, n = probe_choose(node, order, &why);

	if (!n) {
		probe_trial_fail(t, "%s", why);
		return -EOPNOTSUPP;
	}
	for (size_t i = 0; i < n; i++) {
		int r = masquerade_with(t, order[i], ct, error);

		if (r == 0)
			return 0;
		if (r == -ENOENT && order[i] == PROBE_IPTABLES_LEGACY)
			continue; /* only where "iptables" is the other one */
		if (len < sizeof(all))
			len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s: %s",
						len ? ", " : "", names[order[i]],
						r == -ENOENT ? "not installed" : error);
	}
	probe_trial_fail(t, "no masquerade rule could be set up (%s)", all);
	return -EIO;
}

static int probe_trial_delete(struct trial *t, struct nlsock *s)
{
	struct ifaddr a = make_ifaddr(t->outside_ifindex, &t->leaving, t->scene->outside_len);

	return ifaddr_del(s, &a);
}

void trial_start(struct trial *t, uint8_t family, const struct probe_node *node, struct nlsock *s,
		 struct ct *ct)
{
	int err;

	set_scene(t, &scenes[family == AF_INET6]);
	err = set_addresses(t, s);
	if (err < 0) {
		probe_trial_fail(t, "cannot set an address: %s", strerror(-err));
		return;
	}
	if (probe_trial_masquerade(t, node, ct) < 0)
		return;
	err = probe_trial_delete(t, s);
	if (err < 0)
		probe_trial_fail(t, "cannot delete an address: %s", strerror(-err));
	else
		t->running = true;
}

void trial_look(struct trial *t, struct ct *ct)
{
	int r = probe_trial_look(t, ct);

	if (r < 0) {
		probe_trial_fail(t, "cannot list conntrack entries: %s", strerror(-r));
		return;
	}
	if (t->leaving_seen)
		return;
	if (t->kept_seen == ALL_FLOWS)
		t->verdict = KERNEL_FIXED;
	else if (!t->kept_seen)
		t->verdict = KERNEL_AFFECTED;
	else
		return;
	t->running = false;
}

void trial_again(struct trial *t, struct nlsock *s)
{
	struct ifaddr a = make_ifaddr(t->outside_ifindex, &t->leaving, t->scene->outside_len);

	if (t->kept_seen != ALL_FLOWS || t->leaving_seen != ALL_FLOWS)
		return; /* the flush is at work */
	/* where it fails, what there is goes on being looked at */
	if (ifaddr_add(s, &a) == 0)
		(void)probe_trial_delete(t, s);
}

void trial_give_up(struct trial *t)
{
	if (t->kept_seen == ALL_FLOWS && t->leaving_seen == ALL_FLOWS)
		probe_trial_fail(
			t, "the kernel flushed nothing, not even entries of the deleted address");
	else
		probe_trial_fail(t, "the flush did not finish in time");
}
