/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/localnet.h"
#include "base/os.h"
#include "keepalived/instance_settings.h"
#include "move/probe.h"

/* Capability numbers, as in linux/capability.h. */
#define NET_ADMIN 12
#define NET_RAW 13

#define ISOLATED_MAX 64

static int64_t sysctl(const char *name)
{
	uint32_t v;

	return os_read_sysctl(name, &v) < 0 ? FACTS_UNKNOWN : (int64_t)v;
}

/* CapEff of /proc/self/status. If that cannot be read, root is assumed to have all capabilities. */
static uint64_t capabilities(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	uint64_t caps = geteuid() ? 0 : UINT64_MAX;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "CapEff:", 7))
			caps = strtoull(line + 7, NULL, 16);
	}
	if (f)
		fclose(f);
	return caps;
}

static void kernel_take_probe_result(const struct cli *cli, const struct kernel *k, struct facts *f)
{
	const struct settings *s = &cli->settings;
	struct probe_result v = { 0 };

	if (f->net_admin)
		probe_result_get(k, s->run_dir, cli->boot_id, s->timeout, &v);
	else if (probe_result_load(s->run_dir, cli->boot_id, &v) < 0)
		snprintf(v.reason, sizeof(v.reason), "finding it out takes CAP_NET_ADMIN");
	f->ipv4 = v.ipv4;
	f->ipv6 = v.ipv6;
	memcpy(f->reason, v.reason, sizeof(f->reason));
}

/* Whether ctnetlink answers: asks for an entry that does not exist. */
static int ask_ctnetlink(const struct kernel *k)
{
	struct conn nobody = { .key = { .family = AF_INET, .l4proto = 253 } };
	struct ct_op op = { .verb = CT_GET, .conn = &nobody };
	int r = k->ops->ct_batch(k->ctx, &op, 1);

	if (r == 0)
		r = op.result;
	return r == -ENOENT || r == -EINPROGRESS ? 0 : r;
}

static void take_conntrack(const struct kernel *k, struct facts *f)
{
	f->conntrack = k->ops->ct_usage(k->ctx, &f->entries, &f->entries_max);
	if (f->conntrack == 0 && f->net_admin)
		f->conntrack = ask_ctnetlink(k);
	f->buckets = sysctl("net/netfilter/nf_conntrack_buckets");
	f->events = sysctl("net/netfilter/nf_conntrack_events");
	f->acct = sysctl("net/netfilter/nf_conntrack_acct");
	f->tcp_loose = sysctl("net/netfilter/nf_conntrack_tcp_loose");
	f->be_liberal = sysctl("net/netfilter/nf_conntrack_tcp_be_liberal");
}

/* ---- devices ---------------------------------------------------------------------------- */

struct listing {
	const struct kernel *k;
	struct facts *facts;
	int isolated[ISOLATED_MAX]; /* the devices that vipsafe isolate has made */
	size_t n_isolated;
};

static int64_t device_sysctl(const char *device, const char *key)
{
	char name[DEVICE_NAME_MAX + 64];

	/* in a sysctl's name a dot separates, in its path it does not */
	snprintf(name, sizeof(name), "net/ipv4/conf/%s/%s", device, key);
	return sysctl(name);
}

static void add_device(void *ud, const char *name)
{
	struct listing *l = ud;
	struct facts *f = l->facts;

	if (f->n_devices < FACTS_DEVICES_MAX)
		snprintf(f->devices[f->n_devices++].name, DEVICE_NAME_MAX, "%s", name);
}

static void look_at_device(struct listing *l, struct device_facts *d)
{
	struct link link = { 0 };

	d->promotes_secondaries = d->rp_filter = FACTS_UNKNOWN;
	d->exists = l->k->ops->link_get(l->k->ctx, d->name, &link) == 0;
	d->ifindex = link.ifindex;
	snprintf(d->real_name, sizeof(d->real_name), "%s", link.name);
	if (!d->exists)
		return;
	d->promotes_secondaries = l->k->ops->promotes_secondaries(l->k->ctx, &link);
	/* the kernel applies the larger of the two */
	d->rp_filter =
		MAX(device_sysctl(link.name, "rp_filter"), sysctl("net/ipv4/conf/all/rp_filter"));
}

/* Whether somebody leases A. An IPv6 address of an advertised prefix has a lifetime as well, and
 * is not taken away when it is renewed; it is no /128, as those of DHCP are. */
static bool is_leased(const struct ifaddr *a)
{
	return a->valid_lft != IFADDR_FOREVER &&
	       (a->prefix.addr.family == AF_INET || a->prefix.len == 128);
}

static void kernel_take_address(struct device_facts *d, const struct ifaddr *a)
{
	if (is_leased(a)) {
		d->managed.leased++;
		d->managed.lease = a->prefix;
		d->managed.left = a->valid_lft;
	}
	if (a->prefix.addr.family != AF_INET) {
		d->others += a->prefix.len == 128 && !is_leased(a);
		return;
	}
	d->addresses++;
	d->secondaries += !!(a->flags & IFADDR_SECONDARY);
}

static bool is_isolated(const struct listing *l, int ifindex)
{
	size_t i;

	for (i = 0; i < l->n_isolated; i++)
		if (l->isolated[i] == ifindex)
			return true;
	return false;
}

static void add_isolated(void *ud, const char *name)
{
	struct listing *l = ud;
	struct link link;

	if (l->n_isolated < ISOLATED_MAX && l->k->ops->link_get(l->k->ctx, name, &link) == 0 &&
	    link.is_own)
		l->isolated[l->n_isolated++] = link.ifindex;
}

bool doctor_is_isolated(const struct kernel *k, const char *device)
{
	struct link link;

	return k->ops->link_get(k->ctx, device, &link) == 0 && link.is_own;
}

static int kernel_on_address(void *ud, const struct ifaddr *a)
{
	struct listing *l = ud;
	size_t i;

	if (is_isolated(l, a->ifindex)) {
		if (!a->scope && !*l->facts->isolated)
			prefix_format(&a->prefix, l->facts->isolated);
		return 0;
	}
	for (i = 0; i < l->facts->n_devices; i++)
		if (l->facts->devices[i].exists && l->facts->devices[i].ifindex == a->ifindex)
			kernel_take_address(&l->facts->devices[i], a);
	return 0;
}

/* Addresses beside a device's own one, and those that instances will put there. */
static void count_exposed(const struct kernel *k, const struct settings *s, struct facts *f)
{
	size_t i, j;

	for (i = 0; i < f->n_devices; i++)
		f->exposed += f->devices[i].others +
			      (f->devices[i].addresses ? f->devices[i].addresses - 1 : 0);
	for (i = 0; i < s->n_instances; i++)
		for (j = 0; j < s->instances[i].n_addresses; j++)
			f->exposed += !doctor_is_isolated(k, s->instances[i].addresses[j].device);
}

/* The daemon's devices, or the configured ones; if there are none, those of the node. */
static void kernel_take_devices(const struct cli *cli, const struct kernel *k, struct facts *f)
{
	const struct settings *s = &cli->settings;
	struct listing l = { .k = k, .facts = f };
	size_t i;

	if (!f->devices)
		f->devices = calloc(FACTS_DEVICES_MAX, sizeof(*f->devices));
	if (!f->devices)
		return;
	for (i = 0; i < s->n_devices && i < FACTS_DEVICES_MAX && f->daemon != DAEMON_RUNNING; i++) {
		add_device(&l, s->devices[i].name);
		f->devices[i].managed.guarded =
			f->daemon == DAEMON_NOT_FOR_US && s->devices[i].pin != PIN_OFF;
		f->devices[i].managed.linger = s->devices[i].linger;
		f->any_configured = true;
	}
	if (!f->n_devices)
		localnet_devices(add_device, &l);
	for (i = 0; i < f->n_devices; i++)
		look_at_device(&l, &f->devices[i]);
	localnet_devices(add_isolated, &l);
	(void)k->ops->addr_list(k->ctx, kernel_on_address, &l);
	count_exposed(k, s, f);
}

void doctor_take_kernel(const struct cli *cli, const struct kernel *k, struct facts *f)
{
	uint64_t caps = capabilities();

	f->net_admin = caps >> NET_ADMIN & 1;
	f->net_raw = caps >> NET_RAW & 1;
	kernel_take_probe_result(cli, k, f);
	take_conntrack(k, f);
	kernel_take_devices(cli, k, f);
}
