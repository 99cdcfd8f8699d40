/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/program.h"
#include "cli/localnet.h"
#include "keepalived/instance_settings.h"
#include "keepalived/vrrp.h"
#include "kernel/nft.h"
#include "kernel/xtables.h"

#define TIMEOUT (10 * USEC_PER_SEC)

struct rule_lister {
	const char *program;
	void (*line)(struct firewall_reader *r, const char *line);
	void (*complaint)(struct firewall_reader *r, const char *line);
};

struct reading {
	struct firewall_reader *reader;
	const struct rule_lister *source;
	size_t seen, failed;
};

static void doctor_firewall_on_line(void *ud, const char *line)
{
	struct reading *r = ud;

	r->source->line(r->reader, line);
}

static void on_complaint(void *ud, const char *line)
{
	struct reading *r = ud;

	if (r->source->complaint)
		r->source->complaint(r->reader, line);
}

/* Whether the program NAME is the nft variant of iptables: by the file that its name leads to. */
static bool is_nft_variant(const char *name)
{
	char found[PROGRAM_PATH_MAX], *path, *base;
	bool is;

	path = program_find(name, found) == 0 ? realpath(found, NULL) : NULL;
	base = path ? strrchr(path, '/') : NULL;
	is = base && !strcmp(base + 1, "xtables-nft-multi");
	free(path);
	return is;
}

/* Run ARGV and read its output as that of source S. */
static void read_rules(struct reading *r, const struct rule_lister *s, char *const *argv,
		       struct facts *f)
{
	char error[PROGRAM_ERROR_MAX];
	unsigned left_out = 0;
	const struct program p = { .argv = argv,
				   .timeout = TIMEOUT,
				   .private_run = true,
				   .line = doctor_firewall_on_line,
				   .complaint = on_complaint,
				   .ud = r,
				   .left_out = &left_out };
	int e;

	r->source = s;
	firewall_begin(r->reader, s->program, is_nft_variant(s->program));
	e = program_run(&p, error);
	if (left_out)
		firewall_left_out(r->reader);
	r->seen += e == 0;
	if (e == 0 || e == -ENOENT)
		return;
	r->failed++;
	if (!*f->firewall_unseen)
		snprintf(f->firewall_unseen, sizeof(f->firewall_unseen), "%.30s: %.90s", s->program,
			 *error ? error : strerror(-e));
}

/* Nothing is asked that would load nf_tables: if it is not there, it has no rules. */
static bool may_ask_nft(struct reading *r)
{
	bool may = nftsock_possible();

	r->seen += !may;
	return may;
}

static void read_plain(struct reading *r, const struct rule_lister *s, struct facts *f)
{
	char *argv[] = { (char *)s->program, NULL };

	read_rules(r, s, argv, f);
}

/* Whether legacy tables exist. iptables-legacy-save would create them, so /proc is read instead. */
static bool has_legacy_tables(const char *names)
{
	FILE *f = fopen(names, "re");
	char line[64];
	bool found = f && fgets(line, sizeof(line), f);

	if (f)
		fclose(f);
	return found;
}

/* Depending on the node, iptables-save is the legacy or the nft variant: the other one is read,
 * too. A table that has been read already is skipped. */
static void read_family(struct reading *r, struct facts *f, const struct rule_lister *plain,
			const struct rule_lister *legacy, const struct rule_lister *nft,
			const char *names)
{
	read_plain(r, plain, f);
	if (firewall_is_legacy(r->reader) && nftsock_possible())
		read_plain(r, nft, f);
	else if (!firewall_is_legacy(r->reader) && has_legacy_tables(names))
		read_plain(r, legacy, f);
}

/* ---- devices that rules translate to ----------------------------------------------------------
 */

#define KEEPALIVED_CONF "/etc/keepalived/keepalived.conf"
#define PROTO_KEEPALIVED 18 /* IFA_PROTO of what keepalived adds, as of 2.2.8 */

/* An address that moves is not to become the source of SNAT. */
static void add_instances(const struct settings *s, struct addrset *ret)
{
	size_t i, k;

	for (i = 0; i < s->n_instances; i++)
		for (k = 0; k < s->instances[i].n_addresses; k++)
			(void)addrset_add(ret, &s->instances[i].addresses[k].vip.prefix.addr);
}

static void add_keepalived(struct addrset *ret)
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *conf = NULL;
	struct vrrp_conf vrrp;
	size_t i, k;

	if (keepalived_conf_read(KEEPALIVED_CONF, &conf) < 0 ||
	    vrrp_conf_read(conf, NULL, &vrrp) < 0)
		return;
	for (i = 0; i < vrrp.n_instances; i++)
		for (k = 0; k < vrrp.instances[i].n_addresses; k++)
			if (vrrp.instances[i].addresses[k].valid)
				(void)addrset_add(ret, &vrrp.instances[i].addresses[k].prefix.addr);
	vrrp_conf_done(&vrrp);
}

struct outlet_list {
	const struct settings *settings;
	const struct addrset *virtual;
	struct facts *facts;
};

static bool leads_out(const struct settings *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n_devices; i++)
		if (!strcmp(s->devices[i].name, name))
			return true;
	return strcmp(name, "lo") != 0 && localnet_has_default_route(name);
}

static struct snat_device *outlet_of(struct outlet_list *l, int ifindex)
{
	struct facts *f = l->facts;
	char name[LOCALNET_NAME_MAX];
	struct snat_device *d;
	size_t i;

	for (i = f->n_outlets; i > 0; i--)
		if (f->outlets[i - 1].ifindex == ifindex)
			return &f->outlets[i - 1];
	if (!localnet_device_name(ifindex, name))
		return NULL;
	d = array_append(&f->outlets, &f->n_outlets, sizeof(*d));
	if (d)
		snat_device_init(d, name, ifindex, leads_out(l->settings, name));
	return d;
}

static int on_outlet_address(void *ud, const struct ifaddr *a)
{
	struct outlet_list *l = ud;
	struct snat_device *d = a->scope ? NULL : outlet_of(l, a->ifindex);

	if (d)
		snat_device_take(d, a,
				 a->proto == PROTO_KEEPALIVED ||
					 addrset_has(l->virtual, &a->prefix.addr));
	return 0;
}

static void take_outlets(const struct cli *cli, const struct kernel *k, struct facts *f)
{
	struct addrset virtual = { .n = 0 };
	struct outlet_list l = { .settings = &cli->settings, .virtual = &virtual, .facts = f };

	add_instances(&cli->settings, &virtual);
	add_keepalived(&virtual);
	(void)k->ops->addr_list(k->ctx, on_outlet_address, &l);
	addrset_done(&virtual);
}

void doctor_take_firewall(const struct cli *cli, const struct kernel *k, struct facts *f)
{
	static const struct rule_lister ipv4 = { "iptables-save", firewall_iptables_line, NULL };
	static const struct rule_lister ipv6 = { "ip6tables-save", firewall_ip6tables_line, NULL };
	static const struct rule_lister legacy4 = { "iptables-legacy-save", firewall_iptables_line,
						    NULL };
	static const struct rule_lister legacy6 = { "ip6tables-legacy-save",
						    firewall_ip6tables_line, NULL };
	static const struct rule_lister nft4 = { "iptables-nft-save", firewall_iptables_line,
						 NULL };
	static const struct rule_lister nft6 = { "ip6tables-nft-save", firewall_ip6tables_line,
						 NULL };
	static const struct rule_lister nft = { "nft", firewall_nft_line, firewall_nft_complaint };
	/* with the handles, by which rules are named */
	char *ruleset[] = { (char *)"nft", (char *)"-a", (char *)"list", (char *)"ruleset", NULL };
	struct reading r = { .reader = firewall_reader_new() };

	if (!r.reader) {
		snprintf(f->firewall_unseen, sizeof(f->firewall_unseen), "%s", strerror(ENOMEM));
		return;
	}
	read_family(&r, f, &ipv4, &legacy4, &nft4, "/proc/net/ip_tables_names");
	read_family(&r, f, &ipv6, &legacy6, &nft6, "/proc/net/ip6_tables_names");
	if (may_ask_nft(&r))
		read_rules(&r, &nft, ruleset, f);
	f->nat_twice = nft_sees_all() && nftsock_possible() &&
		       (access("/sys/module/iptable_nat", F_OK) == 0 ||
			access("/sys/module/ip6table_nat", F_OK) == 0 ||
			xtables_has(AF_INET, "nat") || xtables_has(AF_INET6, "nat"));
	f->firewall_seen = r.seen && !r.failed;
	if (!r.seen && !r.failed)
		snprintf(f->firewall_unseen, sizeof(f->firewall_unseen),
			 "neither iptables nor nft is installed");
	firewall_reader_result(r.reader, &f->firewall);
	firewall_reader_nat(r.reader, &f->nat);
	if (f->nat.n)
		take_outlets(cli, k, f);
	firewall_reader_free(r.reader);
}
