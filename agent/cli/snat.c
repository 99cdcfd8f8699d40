/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/snat.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

#include "cli/firewall_rules.h"

#define SNAT_LINES_MAX 48 /* findings with a line; more are counted */

/* ---- which address --------------------------------------------------------------------- */

void snat_device_init(struct snat_device *d, const char *name, int ifindex, bool leads_out)
{
	size_t i;

	*d = (struct snat_device){ .ifindex = ifindex, .leads_out = leads_out };
	snprintf(d->name, sizeof(d->name), "%s", name);
	for (i = 0; i < FIREWALL_FAMILIES; i++)
		d->source[i].fit = SNAT_NO_ADDRESS;
}

static bool snat_has_network(const struct ifaddr *a)
{
	return a->prefix.len < addr_size(a->prefix.addr.family) * 8;
}

static enum snat_fit snat_fit_of(const struct ifaddr *a, bool is_virtual)
{
	if (is_virtual)
		return SNAT_VIRTUAL;
	if (a->peer.family)
		return SNAT_OF_PEER;
	if (!(a->flags & IFADDR_PERMANENT))
		return SNAT_DYNAMIC;
	return snat_has_network(a) ? SNAT_FITS : SNAT_LONE;
}

void snat_device_take(struct snat_device *d, const struct ifaddr *a, bool is_virtual)
{
	bool ipv6 = a->prefix.addr.family == AF_INET6;
	enum firewall_family f = ipv6 ? FIREWALL_IPV6 : FIREWALL_IPV4;
	uint32_t unused = IFADDR_SECONDARY;

	if (ipv6)
		unused = IFADDR_DEPRECATED | IFADDR_TENTATIVE | IFADDR_DADFAILED;
	if (a->scope || (a->flags & unused))
		return;
	/* masquerading takes it for a next hop outside of all networks only */
	if (is_virtual && !snat_has_network(a)) {
		if (d->source[f].fit == SNAT_NO_ADDRESS)
			d->source[f].fit = SNAT_VIRTUAL;
	} else if (!d->source[f].addr.family) {
		d->source[f].fit = snat_fit_of(a, is_virtual);
		d->source[f].addr = a->prefix.addr;
	} else if (ipv6 || snat_has_network(a) || d->source[f].fit == SNAT_LONE) {
		d->source[f].fit = SNAT_SEVERAL;
	}
}

/* ---- whose rule it is -------------------------------------------------------------------- */

struct snat_owner {
	const char *chain; /* its beginning; NULL: any */
	const char *table; /* of nft, its beginning; NULL: any */
	const char *mark;  /* in the text; NULL: none */
	const char *name;
	bool rewrites;
	const char *known; /* what it does with its rules; its own way to SNAT */
};

#define DOCKER_KNOWS                                                                        \
	"docker puts its rule in front when it makes the network anew; its own way is the " \
	"network's option com.docker.network.host_ipv4"
#define FLANNEL_KNOWS                                                                         \
	"flanneld empties its chain when it starts, and looks for its own rules only: paste " \
	"it again then"
#define LIBVIRT_KNOWS                                                                          \
	"libvirt puts its rules in front when the network or libvirtd starts; its own way is " \
	"<nat><address start=.. end=..> in the network"

static const struct snat_owner owners[] = {
	{ "KUBE-ROUTER", NULL, NULL, "kube-router", true, "" },
	{ "KUBE-", NULL, NULL, "kube-proxy", true, "" },
	{ "cali-", NULL, NULL, "Calico", true, "its own way is natOutgoingAddress of Felix" },
	{ "CILIUM", NULL, NULL, "Cilium", true, "" },
	{ "CNI-", NULL, NULL, "a CNI plugin", true, "" },
	{ "WEAVE", NULL, NULL, "Weave", true, "" },
	{ "ANTREA-", NULL, NULL, "Antrea", true, "" },
	{ "OVN-KUBE", NULL, NULL, "OVN-Kubernetes", true, "" },
	{ "IP-MASQ", NULL, NULL, "ip-masq-agent", true, "" },
	{ "AWS-", NULL, NULL, "the CNI plugin of AWS", true, "" },
	{ "NETAVARK", NULL, NULL, "Podman", true, "" },
	{ "POST_", NULL, NULL, "firewalld", true, "" },
	{ NULL, "kube-proxy", NULL, "kube-proxy", true, "" },
	{ NULL, "calico", NULL, "Calico", true, "its own way is natOutgoingAddress of Felix" },
	{ NULL, "cilium", NULL, "Cilium", true, "" },
	{ NULL, "cni_plugins", NULL, "a CNI plugin", true, "" },
	{ NULL, "netavark", NULL, "Podman", true, "" },
	{ NULL, "firewalld", NULL, "firewalld", true, "" },
	{ NULL, "fw4", NULL, "OpenWrt", true, "" },
	{ NULL, "docker-bridges", NULL, "docker", true, DOCKER_KNOWS },
	{ NULL, "libvirt", NULL, "libvirt", true, LIBVIRT_KNOWS },
	{ NULL, "flannel", NULL, "flannel", true, "" },
	{ "FLANNEL-POSTRTG", NULL, NULL, "flannel", false, FLANNEL_KNOWS },
	{ NULL, NULL, "flanneld masq", "flannel", false, FLANNEL_KNOWS },
	{ "LIBVIRT_PRT", NULL, NULL, "libvirt", false, LIBVIRT_KNOWS },
	{ NULL, NULL, " ! -o docker", "docker", false, DOCKER_KNOWS },
	{ NULL, NULL, " ! -o br-", "docker", false, DOCKER_KNOWS },
};

static bool snat_begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static const struct snat_owner *snat_owner_of(const struct nat_rule *r)
{
	static const struct snat_owner nobody = { .name = "", .known = "" };
	const char *table = strchr(r->table, ' ');
	size_t i;

	for (i = 0; i < ARRAY_SIZE(owners); i++) {
		const struct snat_owner *o = &owners[i];

		if (o->chain && !snat_begins(r->chain, o->chain))
			continue;
		if (o->table && (!table || !snat_begins(table + 1, o->table)))
			continue;
		if (!o->mark || strstr(r->text, o->mark))
			return o;
	}
	return &nobody;
}

/* ---- rules that get none ------------------------------------------------------------------ */

static const char *const reasons[SNAT_FIT_COUNT] = {
	[SNAT_NO_ADDRESS] = "the device has no address of its own",
	[SNAT_DYNAMIC] = "the device's address has a lifetime (DHCP, router advertisements), and "
			 "that of SNAT would not follow it: only if the lease is a fixed one, "
			 "write SNAT to it in front",
	[SNAT_LONE] = "the device's first address has no network and may be a virtual one, which "
		      "SNAT must not use",
	[SNAT_VIRTUAL] = "the device's first address is a virtual one, which SNAT must not use: "
			 "give the device one of its own, before the virtual one",
	[SNAT_OF_PEER] = "the device's address belongs to a point-to-point link and may be another "
			 "one after the next dial-in",
	[SNAT_SEVERAL] = "the device has several addresses, and which one is taken depends on the "
			 "packet: with a destination for each (-d), write SNAT in front",
	[SNAT_NO_DEVICE] = "it fits no device that is configured here or has the default route",
	[SNAT_REWRITTEN] = "its owner rewrites its rules, and a line of yours among them is lost",
	[SNAT_NOT_OURS] = "only the owner of the table can change it",
	[SNAT_UNSEEN_MAKER] = "iptables may have made it, which is not installed here: look where "
			      "it was made",
	[SNAT_UNKNOWN] = "it is long, or has a word that is not understood here: what counts or "
			 "limits would do so twice",
	[SNAT_LINK_LOCAL] = "it names neither source nor destination, and the node's own packets "
			    "on the link would be translated, too: write SNAT with -s in front",
};

/* Those of one reason, owner and device are one finding. */
struct snat_refusal {
	enum snat_fit why;
	const struct snat_owner *owner;
	const char *device;
	unsigned n;
	const struct nat_rule *first;
};

struct snat_work {
	const struct nat_rules *rules;
	const struct snat_device *devices;
	size_t n_devices;
	enum severity severity;
	unsigned masked, masked_random; /* with SNAT in front; those with random ports */
	unsigned advised;
	const char *first; /* without */
	struct snat_refusal refusals[64];
	size_t n_refusals;
	unsigned left_out;
	struct findings *findings;
};

static void snat_refuse(struct snat_work *w, const struct nat_rule *r, enum snat_fit why,
			const char *device)
{
	const struct snat_owner *owner = snat_owner_of(r);
	struct snat_refusal *one;
	size_t i;

	for (i = 0; i < w->n_refusals; i++) {
		one = &w->refusals[i];
		if (one->why == why && !strcmp(one->owner->name, owner->name) &&
		    !strcmp(one->device, device)) {
			one->n += one->first != r;
			return;
		}
	}
	if (w->n_refusals < ARRAY_SIZE(w->refusals))
		w->refusals[w->n_refusals++] = (struct snat_refusal){
			.why = why, .owner = owner, .device = device, .n = 1, .first = r
		};
}

static void snat_tell_refusals(struct snat_work *w)
{
	char advice[FINDING_TEXT_MAX];
	size_t i;

	for (i = 0; i < w->n_refusals; i++) {
		const struct snat_refusal *r = &w->refusals[i];
		const char *known = r->owner->known;

		snprintf(advice, sizeof(advice), "%s%s%s", reasons[r->why],
			 r->why == SNAT_REWRITTEN && *known ? "; " : "",
			 r->why == SNAT_REWRITTEN ? known : "");
		findings_add(w->findings, w->severity, "snat-not-advised", advice,
			     "no SNAT line for %u rule%s%s%s%s%s: %.100s", r->n,
			     r->n == 1 ? "" : "s", *r->owner->name ? " of " : "", r->owner->name,
			     *r->device ? " on " : "", r->device, r->first->text);
	}
}

/* ---- rules that get a line ---------------------------------------------------------------- */

/* Whether another rule of its chain, in front of R, does it already. */
static bool snat_is_there(const struct snat_work *w, const struct nat_rule *r,
			  const struct nat_parts *parts, const char *device, uint8_t family)
{
	const struct nat_rule *i;
	struct nat_parts p;

	for (i = w->rules->list; i < r; i++) {
		if (i->masquerades || strcmp(i->chain, r->chain) != 0 ||
		    strcmp(i->table, r->table) != 0 || strcmp(i->program, r->program) != 0)
			continue;
		nat_rule_parse(i, &p);
		if ((p.families & family) && nat_parts_cover(&p, parts, device))
			return true;
	}
	return false;
}

static void snat_print(struct snat_work *w, const struct nat_rule *r, const char *command,
		       const char *device, const struct addr *source)
{
	const char *known = snat_owner_of(r)->known;
	char address[PREFIX_TEXT_MAX];

	w->advised++;
	if (w->advised > SNAT_LINES_MAX) {
		w->left_out++;
		return;
	}
	findings_add(w->findings, w->severity, "snat", command,
		     "%s: SNAT to %s in front of: %.90s%s%s", device, addr_format(source, address),
		     r->text, *known ? "; " : "", known);
}

enum snat_state { SNAT_IDLE, SNAT_COVERED, SNAT_OPEN };

/* What R needs on D, in one family. */
static enum snat_state snat_look_at(struct snat_work *w, const struct nat_rule *r,
				    const struct nat_parts *p, const struct snat_device *d,
				    enum firewall_family family)
{
	enum snat_fit fit = d->source[family].fit;
	char command[NAT_COMMAND_MAX];

	if (!(p->families & FAMILY_BIT(family)))
		return SNAT_IDLE;
	if (p->known && snat_is_there(w, r, p, d->name, (uint8_t)FAMILY_BIT(family)))
		return SNAT_COVERED;
	if (fit == SNAT_NO_ADDRESS)
		return SNAT_IDLE;
	if (fit == SNAT_FITS && family == FIREWALL_IPV6 && !p->names_an_end)
		fit = SNAT_LINK_LOCAL;
	if (fit == SNAT_FITS && !nat_rule_command(r, p, d->name, &d->source[family].addr, command))
		fit = SNAT_UNKNOWN;
	if (fit == SNAT_FITS)
		snat_print(w, r, command, d->name, &d->source[family].addr);
	else
		snat_refuse(w, r, fit, d->name);
	return SNAT_OPEN;
}

/* Returns whether SNAT is in front of R already. */
static bool snat_look_at_devices(struct snat_work *w, const struct nat_rule *r,
				 const struct nat_parts *p)
{
	bool named = nat_parts_names_device(p), open = false, covered = false;
	enum snat_state state;
	size_t i, f;

	for (i = 0; i < w->n_devices; i++) {
		const struct snat_device *d = &w->devices[i];

		if (!nat_parts_admit(p, d->name) || (!named && !d->leads_out))
			continue;
		for (f = 0; f < FIREWALL_FAMILIES; f++) {
			state = snat_look_at(w, r, p, d, (enum firewall_family)f);
			open |= state == SNAT_OPEN;
			covered |= state == SNAT_COVERED;
		}
	}
	if (!open && !covered)
		snat_refuse(w, r, named ? SNAT_NO_ADDRESS : SNAT_NO_DEVICE, "");
	return covered && !open;
}

static enum snat_fit snat_fit_of_rule(const struct nat_rule *r, const struct nat_parts *p)
{
	if (snat_owner_of(r)->rewrites)
		return SNAT_REWRITTEN;
	if (r->owned)
		return SNAT_NOT_OURS;
	if (r->of_iptables)
		return SNAT_UNSEEN_MAKER;
	return p->known ? SNAT_FITS : SNAT_UNKNOWN;
}

static void snat_look_at_rule(struct snat_work *w, const struct nat_rule *r)
{
	bool covered = false;
	struct nat_parts p;
	enum snat_fit fit;

	nat_rule_parse(r, &p);
	fit = snat_fit_of_rule(r, &p);
	if (fit == SNAT_FITS && p.within_host)
		return; /* it never leaves the node */
	if (fit == SNAT_FITS)
		covered = snat_look_at_devices(w, r, &p);
	else
		snat_refuse(w, r, fit, "");
	w->masked += covered;
	w->masked_random += covered && (p.random || p.fully_random);
	if (!covered && !w->first)
		w->first = r->text;
}

#define SNAT_ADVICE                                                                                \
	"paste the lines of \"snat\": the rules stay; only what connects from then on gets SNAT, " \
	"and keeps its address wherever its route moves. Away again: the same words after -D "     \
	"CHAIN (nft: delete rule, by its handle). Save the rules for the next boot; change the "   \
	"lines when the device's own address changes"

static void snat_sum_up(const struct snat_work *w, const struct firewall *f, unsigned n,
			struct findings *ret)
{
	const char *advice = w->advised		    ? SNAT_ADVICE
			     : f->masquerade_is_nft ? "write \"snat to ADDRESS\" in front of "
						      "\"masquerade\""
						    : "write \"-j SNAT --to-source ADDRESS\" in "
						      "front of \"-j MASQUERADE\"";

	findings_add(ret, w->severity, "masquerade", advice,
		     "%u rule%s masquerade%s; connections translated by SNAT are never flushed: "
		     "%.160s",
		     n, n == 1 ? "" : "s", n == 1 ? "s" : "", w->first ? w->first : f->masquerade);
}

void snat_advise(const struct firewall *f, const struct nat_rules *rules,
		 const struct snat_device *devices, size_t n, enum severity severity,
		 struct snat_result *ret_result, struct findings *ret)
{
	struct findings lines = { 0 };
	struct snat_work w = { .rules = rules,
			       .devices = devices,
			       .n_devices = n,
			       .severity = severity,
			       .findings = &lines };
	size_t i;

	for (i = 0; i < rules->n; i++)
		if (rules->list[i].masquerades)
			snat_look_at_rule(&w, &rules->list[i]);
	snat_tell_refusals(&w);
	if (w.left_out)
		findings_add(&lines, severity, "snat-not-advised",
			     "paste those that are printed, and run it again",
			     "%u more lines with SNAT are not printed", w.left_out);
	ret_result->left = f->masquerades - MIN(w.masked, f->masquerades);
	ret_result->random_left = f->random - MIN(w.masked_random, f->random);
	if (ret_result->left)
		snat_sum_up(&w, f, ret_result->left, ret);
	findings_append(ret, &lines);
	findings_done(&lines);
}
