/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is on the node, for isolate_decide(). Reads only. */
#include "cli/isolate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/os.h"
#include "base/program.h"
#include "base/text.h"
#include "cli/facts.h"
#include "cli/keepalived.h"
#include "cli/process.h"
#include "keepalived/instance_settings.h"
#include "keepalived/vrrp.h"

#define SCOPE_LINK 253 /* of linux/rtnetlink.h: the kernel makes such addresses itself */

/* ---- addresses ------------------------------------------------------------------ */

struct taking {
	struct isolation *i;
	const struct prefix *p;
	int ifindex;
	struct ifaddr *ret; /* NULL: not wanted */
	bool found;
};

struct isolate_other {
	const struct isolation *i;
	bool found;
	struct prefix prefix;
};

static int take_if_same(void *ud, const struct ifaddr *a)
{
	struct taking *t = ud;

	if (a->ifindex != t->ifindex || !prefix_equal(&a->prefix, t->p))
		return 0;
	t->found = true;
	if (t->ret)
		*t->ret = *a;
	return 0;
}

int isolate_is_on(const struct isolation *i, int ifindex, const struct prefix *p,
		  struct ifaddr *ret)
{
	struct taking t = { .p = p, .ifindex = ifindex, .ret = ret };
	int r = ifindex > 0 ? i->k.ops->addr_list(i->k.ctx, take_if_same, &t) : 0;

	return r < 0 ? r : t.found;
}

static int take_address_facts(void *ud, const struct ifaddr *a)
{
	struct isolation *i = ud;
	struct isolate_facts *f = &i->facts;
	const struct prefix *vip = &i->req.vip;
	struct prefix own = isolate_own_prefix(vip);

	if (a->prefix.addr.family != vip->addr.family)
		return 0;
	if (a->ifindex == i->device && prefix_equal(&a->prefix, &own))
		f->on_new = true;
	if (a->ifindex != i->from)
		return 0;
	if (prefix_equal(&a->prefix, vip)) {
		f->there = true;
		f->address = *a;
		return 0;
	}
	f->others = true;
	if (a->prefix.len == vip->len && prefix_covers(vip, &a->prefix.addr)) {
		f->subnet_stays = true;
		f->takes_along = f->takes_along || a->flags & IFADDR_SECONDARY;
	}
	return 0;
}

/* Of the addresses of its network, the first is primary. */
static void take_secondaries(struct isolation *i)
{
	struct isolate_facts *f = &i->facts;
	struct link link;

	if (i->req.vip.addr.family != AF_INET || !f->there || f->address.flags & IFADDR_SECONDARY)
		f->takes_along = false;
	if (f->takes_along && i->k.ops->link_get(i->k.ctx, f->from, &link) == 0 &&
	    i->k.ops->promotes_secondaries(i->k.ctx, &link) == 1)
		f->takes_along = false;
}

static int take_if_other(void *ud, const struct ifaddr *a)
{
	struct isolate_other *o = ud;
	struct prefix own = isolate_own_prefix(&o->i->req.vip);

	if (a->ifindex != o->i->device || prefix_equal(&a->prefix, &own) || a->scope == SCOPE_LINK)
		return 0;
	o->found = true;
	o->prefix = a->prefix;
	return 0;
}

int isolate_other_address(const struct isolation *i, struct prefix *ret)
{
	struct isolate_other o = { .i = i };
	int r = i->k.ops->addr_list(i->k.ctx, take_if_other, &o);

	*ret = o.prefix;
	return r < 0 ? r : o.found;
}

/* ---- settings of the kernel ------------------------------------------------------- */

static int64_t conf(const char *family, const char *device, const char *key)
{
	char name[128];
	uint32_t v;

	snprintf(name, sizeof(name), "net/%s/conf/%s/%s", family, device, key);
	return os_read_sysctl(name, &v) < 0 ? FACTS_UNKNOWN : (int64_t)v;
}

static void take_settings(struct isolate_facts *f)
{
	f->arp_ignore_all = conf("ipv4", "all", "arp_ignore");
	f->arp_ignore = conf("ipv4", f->from, "arp_ignore");
	f->arp_filter_all = conf("ipv4", "all", "arp_filter");
	f->rp_filter_all = conf("ipv4", "all", "rp_filter");
	f->rp_filter = conf("ipv4", f->from, "rp_filter");
	f->forwarding4 = conf("ipv4", f->from, "forwarding");
	f->forwarding6 = conf("ipv6", f->from, "forwarding");
	f->has_ipv6 = conf("ipv6", "all", "forwarding") != FACTS_UNKNOWN;
}

/* ---- firewall rules by device ------------------------------------------------------- */

struct rule_search {
	struct isolate_facts *f;
	bool nft, ours; /* OURS: within a table of vipsafe */
};

/* Whether the device name at WORD, LEN long, is or covers ("eth+", "eth*") NAME. */
static bool is_device_name(const char *word, size_t len, char any, const char *name)
{
	if (len && word[len - 1] == any)
		return !strncmp(word, name, len - 1);
	return len == strlen(name) && !strncmp(word, name, len);
}

/* -i NAME, or a look at the way back. */
static bool iptables_matches(const char *line, const char *name)
{
	const char *p = strstr(line, " -i ");

	if (strstr(line, "-m rpfilter"))
		return true;
	return p && is_device_name(p + 4, strcspn(p + 4, " "), '+', name);
}

/* iif or iifname with NAME, alone or in a set; what a named set or map has is not looked up. */
static bool nft_matches(const char *line, const char *name)
{
	const char *p = line;

	if (strstr(line, "fib saddr") && strstr(line, "iif"))
		return true;
	while ((p = strstr(p, "iif"))) {
		const char *end = p + strcspn(p, "}");
		char first = p[strcspn(p, "\"{@")];
		const char *quote = strchr(p, '"');
		bool set = first == '{';

		if (first == '@')
			return true;

		while (quote && (!*end || quote < end)) {
			size_t len = strcspn(quote + 1, "\"");

			if (is_device_name(quote + 1, len, '*', name))
				return true;
			quote = set && quote[1 + len] ? strchr(quote + len + 2, '"') : NULL;
		}
		p += 3;
	}
	return false;
}

static void isolate_take_rule(void *ud, const char *line)
{
	struct rule_search *s = ud;
	bool matches;

	if (s->nft && !strncmp(line, "table ", 6))
		s->ours = strstr(line, " vipsafe") != NULL;
	if (s->ours || strstr(line, "VIPSAFE-") || strstr(line, "vipsafe hold"))
		return;
	matches = s->nft ? nft_matches(line, s->f->from) : iptables_matches(line, s->f->from);
	if (!matches)
		return;
	line += strspn(line, " \t");
	if (!s->f->rules++)
		text_line(s->f->rule, sizeof(s->f->rule), "%.100s", line);
}

static void take_rules(struct isolate_facts *f, uint8_t family)
{
	char *save[] = { family == AF_INET ? "iptables-save" : "ip6tables-save", NULL };
	char *nft[] = { "nft", "list", "ruleset", NULL };
	struct rule_search s = { .f = f };
	struct program p = { .argv = save,
			     .timeout = 10 * USEC_PER_SEC,
			     .private_run = true,
			     .line = isolate_take_rule,
			     .ud = &s };
	char error[PROGRAM_ERROR_MAX];
	int r = program_run(&p, error);

	f->rules_unread = r < 0 && r != -ENOENT;
	s.nft = true;
	p.argv = nft;
	r = program_run(&p, error);
	f->rules_unread = f->rules_unread || (r < 0 && r != -ENOENT);
}

/* ---- who owns the address besides ----------------------------------------------------- */

/* The device that the address is to be on; and whether it is. */
static const char *isolate_target(const struct isolation *i)
{
	return i->req.undo ? i->facts.from : i->choice.device;
}

static bool isolate_has_arrived(const struct isolation *i)
{
	return i->req.undo ? i->facts.there || !i->facts.on_new
			   : i->facts.on_new || !i->facts.there;
}

static void isolate_take_instance(struct isolation *i)
{
	const struct settings *s = &i->cli->settings;
	size_t n, j;

	for (n = 0; n < s->n_instances && !*i->facts.owner; n++) {
		const struct instance_settings *one = &s->instances[n];

		for (j = 0; j < one->n_addresses; j++) {
			const struct instance_address *a = &one->addresses[j];

			if (addr_equal(&a->vip.prefix.addr, &i->req.vip.addr) &&
			    strcmp(a->device, isolate_target(i)) != 0)
				text_line(i->facts.owner, sizeof(i->facts.owner),
					  "it is an address of [instance %.40s] in vipsafe.conf, "
					  "which would put it back",
					  one->name);
		}
	}
}

/* The file that the keepalived with the process number PID reads. */
static void keepalived_file(const char *pid, char *ret, size_t size)
{
	char path[64], text[1024], *p, *end;
	ssize_t n;
	int fd;

	snprintf(ret, size, "/etc/keepalived/keepalived.conf");
	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	end = text + (n > 0 ? n : 0);
	for (p = text; p < end; p += strlen(p) + 1) {
		if (!strncmp(p, "--use-file=", 11))
			snprintf(ret, size, "%s", p + 11);
		else if ((!strcmp(p, "-f") || !strcmp(p, "--use-file")) && p + strlen(p) + 1 < end)
			snprintf(ret, size, "%s", p + strlen(p) + 1);
		else if (!strncmp(p, "-f", 2) && p[2])
			snprintf(ret, size, "%s", p + 2);
	}
}

static bool is_in_our_network(const char *pid)
{
	char path[64];
	struct stat own, other;

	snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
	return stat(path, &other) < 0 || stat("/proc/self/ns/net", &own) < 0 ||
	       (own.st_ino == other.st_ino && own.st_dev == other.st_dev);
}

static bool is_keepalived(const char *pid)
{
	char name[PROCESS_NAME_MAX];

	return process_name(pid, name) && !strcmp(name, "keepalived") && is_in_our_network(pid);
}

/* Where keepalived has to have the address it puts it itself when it starts. After a mere reload,
 * if nothing but the device has changed, it leaves it, and later deletes it from the old device
 * (seen with 2.2.7): had it been moved meanwhile, two nodes would have it. */
static void take_vrrp_address(struct isolation *i, const char *file, const struct vrrp_instance *v,
			      size_t at)
{
	const struct vrrp_address *a = &v->addresses[at];
	const char *device = vrrp_address_device(v, a);
	struct isolate_facts *f = &i->facts;
	bool agrees = device && !strcmp(device, isolate_target(i));

	if (!a->valid || !addr_equal(&a->prefix.addr, &i->req.vip.addr) ||
	    (agrees && isolate_has_arrived(i)))
		return;
	f->owner_agrees = agrees;
	text_line(f->owner, sizeof(f->owner), "keepalived has it in %.60s (vrrp_instance %.24s)%s",
		  file, v->name ? v->name : "?",
		  agrees ? ", where it is right, but has not put it there (a reload does not)"
			 : ", and gives up MASTER when it goes");
}

/* Whether FILE gives the address to keepalived. */
static void take_keepalived_file(struct isolation *i, const char *file)
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *tree = NULL;
	struct isolate_facts *f = &i->facts;
	struct request_error e;
	struct vrrp_conf vrrp;
	size_t n, j;

	if (keepalived_open(file, &tree, &e) < 0 || vrrp_conf_read(tree, NULL, &vrrp) < 0) {
		text_line(f->owner, sizeof(f->owner),
			  "keepalived is running, and %.60s, which may give the address to it, "
			  "cannot be read",
			  file);
		return;
	}
	for (n = 0; n < vrrp.n_instances && !*f->owner; n++)
		for (j = 0; j < vrrp.instances[n].n_addresses && !*f->owner; j++)
			take_vrrp_address(i, file, &vrrp.instances[n], j);
	vrrp_conf_done(&vrrp);
}

static void take_keepalived(struct isolation *i)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	char file[256];

	while (dir && (d = readdir(dir)) && !*i->facts.owner) {
		if (!isdigit((unsigned char)d->d_name[0]) || !is_keepalived(d->d_name))
			continue;
		keepalived_file(d->d_name, file, sizeof(file));
		take_keepalived_file(i, file);
	}
	if (dir)
		closedir(dir);
	i->facts.keepalived = *i->facts.owner != '\0';
}

/* ---- devices ---------------------------------------------------------------------------- */

static bool has_wireless(const char *device)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/class/net/%.15s/wireless", device);
	if (access(path, F_OK) == 0)
		return true;
	snprintf(path, sizeof(path), "/sys/class/net/%.15s/phy80211", device);
	return access(path, F_OK) == 0;
}

static int take_from(struct isolation *i)
{
	struct isolate_facts *f = &i->facts;
	struct link_detail d, master;
	int r = link_detail_get(i->route, i->req.from, 0, &d);

	if (r < 0)
		return r;
	i->from = d.ifindex;
	memcpy(f->from, d.name, sizeof(f->from));
	memcpy(i->req.from, d.name, sizeof(d.name));
	memcpy(f->kind, d.kind, sizeof(f->kind));
	memcpy(f->mac, d.mac, sizeof(f->mac));
	f->up = d.up;
	f->loopback = d.loopback;
	f->ethernet = d.ethernet;
	f->wireless = has_wireless(d.name);
	f->is_ours = !strncmp(d.alias, LINK_OWN_MARK, strlen(LINK_OWN_MARK));
	if (d.master && link_detail_get(i->route, NULL, d.master, &master) == 0)
		memcpy(f->master, master.name, sizeof(f->master));
	else if (d.master)
		snprintf(f->master, sizeof(f->master), "device %d", d.master);
	return 0;
}

/* Whether D was made for the address. *RET_STATE is what its mark says then. */
static bool is_for_address(const struct isolation *i, const struct link_detail *d,
			   enum isolate_state *ret_state)
{
	struct request words;

	return isolate_alias_read(d->alias, &words, ret_state, NULL) &&
	       addr_equal(&words.vips[0].prefix.addr, &i->req.vip.addr) &&
	       !strcmp(words.device, i->facts.from);
}

static int take_name_of(void *ud, const struct link_detail *d)
{
	struct isolation *i = ud;
	enum isolate_state state;

	/* one without a name of its own yet is made anew */
	if (!*i->req.name && strcmp(d->name, ISOLATE_UNNAMED) != 0 && is_for_address(i, d, &state))
		memcpy(i->req.name, d->name, sizeof(i->req.name));
	return 0;
}

static int take_new(struct isolation *i)
{
	struct isolate_facts *f = &i->facts;
	enum isolate_state state;
	struct link_detail d;
	int r = 0;

	if (!*i->req.name)
		r = link_detail_list(i->route, take_name_of, i);
	if (r < 0)
		return r;
	isolate_name(&i->req, i->choice.device);
	r = link_detail_get(i->route, i->choice.device, 0, &d);
	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return r;
	f->exists = is_for_address(i, &d, &state);
	f->unfinished = f->exists && state != ISOLATE_SETTLED;
	f->half_made = f->unfinished && state == ISOLATE_GOING;
	f->name_taken = !f->exists;
	f->exists_as = strcmp(d.kind, "macvlan") ? ISOLATE_DUMMY : ISOLATE_MACVLAN;
	i->device = f->exists ? d.ifindex : 0;
	memcpy(f->own_mac, d.mac, sizeof(f->own_mac));
	return 0;
}

int isolate_take(struct isolation *i)
{
	struct isolate_facts *f = &i->facts;
	int r = take_from(i);

	if (r == 0)
		r = take_new(i);
	if (r < 0)
		return r;
	f->subnet_stays = i->req.vip.len == 8 * addr_size(i->req.vip.addr.family);
	r = i->k.ops->addr_list(i->k.ctx, take_address_facts, i);
	if (r < 0)
		return r;
	if (f->there && f->address.flags & IFADDR_NOPREFIXROUTE)
		f->subnet_stays = true;
	take_secondaries(i);
	take_settings(f);
	take_rules(f, i->req.vip.addr.family);
	isolate_take_instance(i);
	if (!*f->owner)
		take_keepalived(i);
	return 0;
}
