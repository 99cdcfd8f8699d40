/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/facts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/verdict.h"

/* How full the conntrack table is, in percent, when a warning is given. */
#define FILL_WARNING 80
#define FILL_CRITICAL 95

/* Entries per hash bucket in a full table, from which on lookups are slow. */
#define CHAIN_LENGTH_MAX 16

void facts_done(struct facts *f)
{
	free(f->devices);
	f->devices = NULL;
	f->n_devices = 0;
	nat_rules_done(&f->nat);
	free(f->outlets);
	f->outlets = NULL;
	f->n_outlets = 0;
	findings_done(&f->scripts);
}

static bool is_affected(const struct facts *f)
{
	return f->ipv4 == KERNEL_AFFECTED || f->ipv6 == KERNEL_AFFECTED;
}

/* Of what makes a flush of the whole device possible, or worse: a note if something cures it. */
static enum severity facts_of_flush(const struct facts *f)
{
	return is_affected(f) && verdict_cure(f) == CURE_NONE ? SEVERITY_WARNING : SEVERITY_NOTE;
}

/* Of what breaks connections that were flushed for any reason: a note if they are kept, or if there
 * are none. */
static enum severity facts_of_flushed(const struct facts *f)
{
	enum cure cure = verdict_cure(f);

	return cure == CURE_NONE || cure == CURE_ISOLATED ? SEVERITY_WARNING : SEVERITY_NOTE;
}

/* ---- what would make vipsafe unnecessary ---------------------------------------------- */

static void kernel(const struct facts *f, struct findings *ret)
{
	const char *which = f->ipv4 != KERNEL_AFFECTED	 ? "IPv6"
			    : f->ipv6 != KERNEL_AFFECTED ? "IPv4"
							 : "IPv4 and IPv6";

	bool cured = verdict_cure(f) != CURE_NONE;

	if (is_affected(f))
		findings_add(
			ret, cured ? SEVERITY_NOTE : SEVERITY_WARNING, "kernel-affected",
			"upgrade the kernel: Linux 4.20, 4.19.85 or 4.14.155, RHEL 7.8 or 8.3, "
			"or later",
			"deleting one address flushes every masqueraded connection of its "
			"device (%s)",
			which);
	else if (f->ipv4 == KERNEL_FIXED)
		findings_add(ret, SEVERITY_NOTE, "kernel-fixed", NULL,
			     "deleting an address flushes its own connections only");
	if (f->ipv4 == KERNEL_UNKNOWN || f->ipv6 == KERNEL_UNKNOWN)
		findings_add(ret, cured ? SEVERITY_NOTE : SEVERITY_UNSEEN, "kernel-unknown",
			     "sudo vipsafe probe",
			     "whether this kernel flushes connections is not known%s%s",
			     *f->reason ? ": " : "", f->reason);
}

static void facts_masquerade(const struct facts *f, struct findings *ret)
{
	const struct firewall *w = &f->firewall;
	enum severity severity = facts_of_flush(f);
	struct snat_result snat;
	unsigned n;

	if (!f->firewall_seen || !w->masquerades)
		return;
	snat_advise(w, &f->nat, f->outlets, f->n_outlets, severity, &snat, ret);
	if (is_affected(f))
		findings_add(ret, SEVERITY_NOTE, "vip-on-other-device",
			     "vipsafe isolate ADDR/LEN dev DEVICE, for each virtual address",
			     "an address that is on a device nothing is masqueraded to flushes "
			     "nothing when it goes");
	n = snat.random_left;
	if (n)
		findings_add(ret, severity, "masquerade-random", NULL,
			     "%u of them choose%s ports at random: a flushed connection never gets "
			     "its port again by luck",
			     n, n == 1 ? "s" : "");
}

/* ---- the kernel's settings ----------------------------------------------------------------- */

static void conntrack(const struct facts *f, struct findings *ret)
{
	uint64_t fill = f->entries_max ? 100ULL * f->entries / f->entries_max : 0;
	char fix[96];

	if (f->conntrack == -EPROTONOSUPPORT) {
		findings_add(ret, SEVERITY_NOTE, "no-conntrack", NULL,
			     "connections are not tracked: nothing is masqueraded, and nothing "
			     "flushed");
		return;
	}
	if (f->conntrack < 0 && f->net_admin)
		findings_add(ret, SEVERITY_CRITICAL, "no-ctnetlink",
			     "modprobe nf_conntrack_netlink",
			     "the connection table cannot be read: nothing can be protected");
	snprintf(fix, sizeof(fix), "sysctl -w net.netfilter.nf_conntrack_max=%llu",
		 2ULL * f->entries_max);
	if (fill >= FILL_WARNING)
		findings_add(ret, fill >= FILL_CRITICAL ? SEVERITY_CRITICAL : SEVERITY_WARNING,
			     "conntrack-full", fix,
			     "the connection table is %llu %% full (%u of %u): what is flushed may "
			     "find no room to come back",
			     (unsigned long long)fill, f->entries, f->entries_max);
	if (f->buckets > 0 && f->entries_max / f->buckets > CHAIN_LENGTH_MAX) {
		snprintf(fix, sizeof(fix), "echo %u > /sys/module/nf_conntrack/parameters/hashsize",
			 f->entries_max / 4);
		findings_add(ret, SEVERITY_WARNING, "conntrack-buckets", fix,
			     "the connection table has %lld hash buckets for %u entries: a dump of "
			     "a full one is slow",
			     (long long)f->buckets, f->entries_max);
	}
}

static void sysctls(const struct facts *f, struct findings *ret)
{
	if (f->events == 0)
		findings_add(ret, SEVERITY_WARNING, "events-off",
			     "sysctl -w net.netfilter.nf_conntrack_events=1",
			     "the kernel sends no conntrack events: the guard cannot work, and "
			     "connections that begin during a move are not protected");
	if (f->events == 2)
		findings_add(ret, SEVERITY_NOTE, "events-auto", NULL,
			     "connections from before the first event listener end without an "
			     "event");
	if (f->acct == 1)
		findings_add(ret, SEVERITY_NOTE, "acct", NULL,
			     "packet counters of a connection begin anew when it is pinned or "
			     "restored");
	if (f->tcp_loose == 0)
		findings_add(ret, facts_of_flushed(f), "tcp-loose-off",
			     "sysctl -w net.netfilter.nf_conntrack_tcp_loose=1",
			     "packets of a flushed connection leave untranslated, with the inside "
			     "address");
	if (f->be_liberal == 1)
		findings_add(ret, SEVERITY_NOTE, "be-liberal", NULL,
			     "TCP windows are not checked for any connection");
}

/* The name of a device for sysctl(8): "eth0/10" for eth0.10. */
static const char *sysctl_device(const char *device, char buf[DEVICE_NAME_MAX])
{
	size_t i;

	snprintf(buf, DEVICE_NAME_MAX, "%s", device);
	for (i = 0; buf[i]; i++)
		if (buf[i] == '.')
			buf[i] = '/';
	return buf;
}

static void devices(const struct facts *f, struct findings *ret)
{
	char fix[DEVICE_NAME_MAX + 64], name[DEVICE_NAME_MAX];
	size_t i;

	for (i = 0; i < f->n_devices; i++) {
		const struct device_facts *d = &f->devices[i];

		snprintf(fix, sizeof(fix), "sysctl -w net.ipv4.conf.%s.promote_secondaries=1",
			 sysctl_device(d->name, name));
		if (!d->exists)
			findings_add(ret, SEVERITY_WARNING, "device-missing",
				     "mend the section [device ...], then: vipsafe reload",
				     "%s is configured, and there is no such device", d->name);
		if (d->secondaries && d->promotes_secondaries == 0)
			findings_add(ret, SEVERITY_WARNING, "promote-secondaries-off", fix,
				     "%s: when a primary address goes, its %u secondar%s with it",
				     d->name, d->secondaries,
				     d->secondaries == 1 ? "y goes" : "ies go");
		snprintf(fix, sizeof(fix), "sysctl -w net.ipv4.conf.%s.rp_filter=2",
			 sysctl_device(d->name, name));
		if (d->rp_filter == 1)
			findings_add(
				ret, SEVERITY_NOTE, "rp-filter-strict", fix,
				"%s: packets are dropped if the reply would leave through another "
				"device, also for a virtual address (rp_filter)",
				d->name);
	}
}

/* ---- the firewall -------------------------------------------------------------------------- */

/* Adds rules and user-defined chains of iptables-legacy to those of iptables-nft. Without
 * --noflush, iptables-restore would first empty each table. Policies stay as they are in
 * iptables-nft. A chain that exists in both would be emptied by its ":" line; with -N instead it
 * is an error, the table is not changed and the command stops. Chains and rules of vipsafe, which
 * are temporary, are not copied. */
#define COPY_LEGACY                                                           \
	"(for p in iptables ip6tables; do $p-legacy-save | "                  \
	"sed '/^:VIPSAFE-/d;/^-A VIPSAFE-/d;/-j VIPSAFE-/d;/^:[^ ]* [A-Z]/d;" \
	"s/^:\\([^ ]*\\) .*/-N \\1/' | $p-nft-restore --noflush || exit; done)"

#define BY_IPTABLES " -I INPUT -p tcp -m conntrack --ctstate INVALID -j DROP"
#define BY_NFT                                                              \
	" drop_invalid { chain input { type filter hook input priority 0; " \
	"meta l4proto tcp ct state invalid drop; }; }'"

/* A command that drops invalid packets before the node's own TCP sees them, in the families that
 * need it; with nft in a chain of its own, independent of other rules. */
static const char *drop_invalid_fix(bool ipv4, bool ipv6, bool by_nft)
{
	if (ipv4 && ipv6)
		return by_nft ? "nft 'table inet" BY_NFT
			      : "iptables" BY_IPTABLES " && ip6tables" BY_IPTABLES;
	if (ipv4)
		return by_nft ? "nft 'table ip" BY_NFT : "iptables" BY_IPTABLES;
	return by_nft ? "nft 'table ip6" BY_NFT : "ip6tables" BY_IPTABLES;
}

static void invalid_packets(const struct facts *f, struct findings *ret)
{
	const struct firewall *w = &f->firewall;
	bool needs[FIREWALL_FAMILIES], unclear = false, by_nft = false;
	size_t i;

	for (i = 0; i < FIREWALL_FAMILIES; i++) {
		const struct firewall_invalid *v = &w->invalid[i];

		needs[i] = v->dropped_forwarded && v->input == FIREWALL_ACCEPTED;
		unclear |= v->dropped_forwarded && v->input == FIREWALL_UNCLEAR;
		by_nft |= needs[i] && v->forwarded_is_nft;
	}
	if (needs[FIREWALL_IPV4] || needs[FIREWALL_IPV6])
		findings_add(ret, facts_of_flushed(f), "invalid-drop-forward-only",
			     drop_invalid_fix(needs[FIREWALL_IPV4], needs[FIREWALL_IPV6], by_nft),
			     "invalid packets are dropped in FORWARD but not in INPUT%s: what a "
			     "flushed connection's peer sends is answered with a reset",
			     !needs[FIREWALL_IPV4] ? " (IPv6)" : "");
	else if (unclear)
		findings_add(ret, SEVERITY_NOTE, "invalid-drop-unclear", NULL,
			     "invalid packets are dropped in FORWARD; the rules alone do "
			     "not show whether in INPUT, too");
}

static void firewall(const struct facts *f, struct findings *ret)
{
	const struct firewall *w = &f->firewall;

	if (!f->firewall_seen) {
		findings_add(ret, SEVERITY_UNSEEN, "firewall-unseen", "sudo vipsafe doctor",
			     "the firewall's rules cannot be read%s%s",
			     *f->firewall_unseen ? ": " : "", f->firewall_unseen);
		return;
	}
	if (f->nat_twice)
		findings_add(ret, SEVERITY_WARNING, "nat-twice",
			     "keep to one of them: where \"nft list ruleset\" shows nothing in any "
			     "namespace, unload nf_tables and see to it that nothing loads it",
			     "nf_tables and the NAT of iptables are both loaded, and this kernel's "
			     "netfilter hooks are global: one NAT chain of nf_tables, in whatever "
			     "namespace, leaves new connections of all of them untranslated");
	if (w->legacy_rules && w->nft_rules)
		findings_add(
			ret, SEVERITY_WARNING, "firewall-mixed", COPY_LEGACY,
			"there are rules of iptables-legacy beside those of nftables: each sees "
			"only its own; once they are copied, and the copy is right, take the old "
			"ones away by hand");
	if (w->offloads)
		findings_add(ret, SEVERITY_WARNING, "flow-offload",
			     "leave masqueraded connections out of the flow table",
			     "connections in a flow table cannot be pinned on some kernels");
	if (w->unprinted)
		findings_add(ret, SEVERITY_UNSEEN, "firewall-unseen",
			     "install the package iptables, or run vipsafe doctor where the rules "
			     "are made",
			     "nft cannot print %u part%s of the rules that iptables-nft has made "
			     "here, in a container perhaps: whether they masquerade is not known",
			     w->unprinted, w->unprinted == 1 ? "" : "s");
	if (w->incomplete)
		findings_add(ret, SEVERITY_UNSEEN, "firewall-unseen",
			     "look through them by hand: iptables-save, nft list ruleset",
			     "not all of the firewall's rules were looked at: there are too many, "
			     "or too long ones");
	invalid_packets(f, ret);
}

/* ---- others on this node ---- */

static const char *manager_fix(const char *name)
{
	if (!strcmp(name, "NetworkManager"))
		return "let it keep the device, and its own address there: vipsafed puts back an "
		       "instance's address that it takes; of others only those in its connection "
		       "profile are safe from \"nmcli connection up\"; do not make the device "
		       "unmanaged, it would have no address after the next boot";
	if (!strncmp(name, "systemd-network", 15))
		return "KeepConfiguration=yes in section [Network] of the device's .network file";
	return "let it leave the device with the virtual address alone";
}

static void others(const struct facts *f, struct findings *ret)
{
	size_t i;

	findings_append(ret, &f->scripts);
	if (f->unread)
		findings_add(ret, SEVERITY_UNSEEN, "scripts-unseen", "sudo vipsafe doctor",
			     "%u script%s of keepalived or conntrackd may not be read", f->unread,
			     f->unread == 1 ? "" : "s");
	if (f->half_read)
		findings_add(ret, SEVERITY_UNSEEN, "scripts-unseen",
			     "look for conntrack, conntrackd and \"ip addr flush\" in them by hand",
			     "%u script%s of keepalived or conntrackd %s not read in full",
			     f->half_read, f->half_read == 1 ? "" : "s",
			     f->half_read == 1 ? "was" : "were");
	if (f->other_language)
		findings_add(ret, SEVERITY_NOTE, "script-language",
			     "look for conntrack, conntrackd and \"ip addr flush\" in them by hand",
			     "%u script%s of keepalived or conntrackd %s not a shell's: what %s "
			     "is not known",
			     f->other_language, f->other_language == 1 ? "" : "s",
			     f->other_language == 1 ? "is" : "are",
			     f->other_language == 1 ? "it calls" : "they call");
	for (i = 0; i < f->n_managers; i++)
		findings_add(ret, facts_of_flushed(f), "network-manager",
			     manager_fix(f->managers[i]),
			     "%s is running: it may remove addresses that it has not set itself",
			     f->managers[i]);
}

/* What is translated to an address that comes back is the guard's business; it matters where
 * something is masqueraded, as far as that is known. */
static void managed_devices(const struct facts *f, struct findings *ret)
{
	bool runs = f->daemon == DAEMON_RUNNING || f->daemon == DAEMON_NOT_FOR_US;
	enum cure cure = verdict_cure(f);
	size_t i;

	if ((f->firewall_seen && !f->firewall.masquerades) || cure == CURE_SNAT ||
	    cure == CURE_NO_CONNTRACK)
		return;
	for (i = 0; i < f->n_devices; i++) {
		struct manager_facts m = f->devices[i].managed;

		m.guarded = m.guarded && runs;
		manager_diagnose(f->devices[i].name, &m, ret);
	}
}

/* ---- vipsafe itself ---- */

static void rights(const struct facts *f, struct findings *ret)
{
	if (!f->net_admin)
		findings_add(ret, SEVERITY_UNSEEN, "no-net-admin", "sudo vipsafe doctor",
			     "without CAP_NET_ADMIN connections and rules cannot be seen, and "
			     "addresses not be moved");
	else if (!f->net_raw)
		findings_add(ret, SEVERITY_WARNING, "no-net-raw",
			     "add CAP_NET_RAW to the capabilities of whoever runs vipsafe",
			     "without CAP_NET_RAW a new address is not announced, and no host is "
			     "heard that has taken an address whose connections linger");
}

static void daemon_health(const struct facts *f, struct findings *ret)
{
	switch (f->daemon) {
	case DAEMON_RUNNING:
		if (!f->any_configured)
			findings_add(ret, SEVERITY_WARNING, "nothing-guarded",
				     "write a section [device DEVICE], then: vipsafe reload",
				     "the daemon runs, and no device is configured to be guarded");
		break;
	case DAEMON_ABSENT:
		findings_add(
			ret, facts_of_flush(f), "no-daemon", "systemctl enable --now vipsafed",
			"vipsafed does not run: only what vipsafe itself deletes is protected");
		break;
	case DAEMON_SILENT:
		findings_add(ret, SEVERITY_CRITICAL, "daemon-silent", "systemctl restart vipsafed",
			     "vipsafed does not answer");
		break;
	case DAEMON_NOT_FOR_US:
		findings_add(ret, SEVERITY_UNSEEN, "daemon-unseen", "sudo vipsafe doctor", "%s",
			     f->unseen);
		break;
	}
}

static void leftovers(const struct facts *f, struct findings *ret)
{
	char fix[2 * FACTS_PATH_MAX + 64];

	snprintf(fix, sizeof(fix), "chown root:root %s && chmod 755 %s", f->run_dir_path,
		 f->run_dir_path);
	if (f->run_dir == -EPERM)
		findings_add(ret, SEVERITY_CRITICAL, "run-dir-unsafe", fix,
			     "%s may be written by others: vipsafe keeps nothing there",
			     f->run_dir_path);
	else if (f->run_dir == -EACCES)
		findings_add(ret, SEVERITY_UNSEEN, "run-dir-unseen", "sudo vipsafe doctor",
			     "%s may not be read", f->run_dir_path);
	if (f->killed_runs)
		findings_add(ret, SEVERITY_WARNING, "killed-run", "vipsafe recover",
			     "%u run%s killed and left something to finish", f->killed_runs,
			     f->killed_runs == 1 ? " was" : "s were");
	if (f->gone)
		findings_add(
			ret, SEVERITY_WARNING, "stale-entries",
			"vipsafe recover --stale removes what vipsafe had pinned to them; so "
			"does vipsafed when it starts",
			"%u address%s went while no vipsafed ran: what was pinned to them lives "
			"as long as it is used, and stalls its connections",
			f->gone, f->gone == 1 ? "" : "es");
	snprintf(fix, sizeof(fix), "look at %s/unreadable-*, then remove them", f->run_dir_path);
	if (f->set_aside)
		findings_add(ret, SEVERITY_NOTE, "set-aside", fix,
			     "%u file%s could not be read and %s set aside", f->set_aside,
			     f->set_aside == 1 ? "" : "s", f->set_aside == 1 ? "was" : "were");
	if (f->firewall_seen && f->firewall.ours && f->daemon == DAEMON_ABSENT && !f->killed_runs)
		findings_add(ret, SEVERITY_WARNING, "rules-left", "vipsafe recover",
			     "rules of vipsafe are there, and nobody uses them");
}

void diagnose(const struct facts *f, struct findings *ret)
{
	kernel(f, ret);
	facts_masquerade(f, ret);
	conntrack(f, ret);
	others(f, ret);
	managed_devices(f, ret);
	firewall(f, ret);
	sysctls(f, ret);
	devices(f, ret);
	daemon_health(f, ret);
	leftovers(f, ret);
	facts_lvs(&f->lvs, ret);
	rights(f, ret);
}
