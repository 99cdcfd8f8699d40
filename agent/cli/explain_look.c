/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/explain.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/doctor.h"
#include "keepalived/conf.h"
#include "keepalived/instance_settings.h"
#include "keepalived/vrrp.h"
#include "lvs/evidence.h"
#include "lvs/message.h"
#include "lvs/scan.h"
#include "lvs/source.h"

#define KEEPALIVED_CONF "/etc/keepalived/keepalived.conf"
#define STATISTICS "/proc/net/stat/nf_conntrack"

void explain_look_init(struct explain_look *l)
{
	memset(l, 0, sizeof(*l));
	l->facts.notrack = l->node.firewall.notrack;
	l->facts.rules_unseen = l->node.firewall_unseen;
	l->facts.collision = l->collision;
	l->facts.ipvs = l->ipvs;
}

void explain_look_done(struct explain_look *l)
{
	facts_done(&l->node);
}

/* ---- LVS -------------------------------------------------------------------------------- */

struct lvs_looking {
	const struct pattern *pattern;
	const struct conn *alive;      /* may be NULL */
	uint32_t timeout;	       /* of conntrack */
	struct lvs_evidence *evidence; /* NULL: there is none */
	struct explain_look *look;
};

static int explain_on_crossing(void *ud, const struct lvs_crossing *c)
{
	struct lvs_looking *l = ud;
	const struct conn hung = flow_conn(&c->hung), other = flow_conn(&c->other);
	char a[CONN_TEXT_MAX], b[CONN_TEXT_MAX];

	if (*l->look->collision ||
	    (!pattern_matches(l->pattern, &hung, 0) && !pattern_matches(l->pattern, &other, 0)))
		return 0;
	text_line(l->look->collision, sizeof(l->look->collision), "the answers to %s go to %s (%s)",
		  conn_format(&hung, a), conn_format(&other, b),
		  collide_certainty_name(COLLIDE_MANIFEST));
	return 0;
}

static int explain_on_collision(void *ud, const struct collision *found)
{
	struct lvs_looking *l = ud;
	struct collision pair = *found;
	const struct collision *c = &pair;
	const struct conn direct = flow_conn(&c->direct), via = flow_conn(&c->via);
	char a[CONN_TEXT_MAX], b[CONN_TEXT_MAX];

	if (*l->look->collision ||
	    (!pattern_matches(l->pattern, &direct, 0) && !pattern_matches(l->pattern, &via, 0)) ||
	    (l->evidence && !lvs_verdict(&pair, l->evidence)))
		return 0;
	text_line(l->look->collision, sizeof(l->look->collision), "%s and %s are one (%s)",
		  conn_format(&direct, a), conn_format(&via, b),
		  collide_certainty_name(c->certainty));
	return 0;
}

static void explain_look_collisions(struct cli *cli, struct kernel *k, struct lvs_looking *l)
{
	const char *config = cli->options.config ? cli->options.config : VIPSAFE_CONFIG;
	_cleanup_(lvs_map_freep) struct lvs_map *map = NULL;
	struct lvs_scan scan = { .n_unseen = 0 };
	uint64_t unseen = 0;

	if (lvs_load(cli->settings.lvs, config, k, &map) < 0 || !lvs_message_is_active(map))
		return;
	if (lvs_scan_run(k, map, LVS_SCAN_ALL, NULL, cli->seed, &scan) == 0)
		(void)collide_each(scan.flows, explain_on_collision, l, &unseen);
	lvs_scan_done(&scan);
	if (l->alive)
		explain_look_idle(map, l->alive, l->timeout, l->look->ipvs);
}

void explain_look_lvs(struct cli *cli, const struct pattern *p, const struct conn *alive,
		      struct explain_look *l)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	_cleanup_(lvs_evidence_freep) struct lvs_evidence *evidence = lvs_evidence_new();
	struct lvs_looking looking = { .pattern = p, .alive = alive, .look = l };
	struct kernel k;

	if (kernel_real_new(&real) < 0)
		return;
	k = kernel_real_get(real);
	(void)os_read_sysctl("net/netfilter/nf_conntrack_tcp_timeout_established",
			     &looking.timeout);
	/* what the sockets show needs no map */
	if (evidence && lvs_evidence_search(evidence, &k, LVS_EVIDENCE_TIME, false) == 0) {
		looking.evidence = evidence;
		(void)lvs_evidence_each(evidence, explain_on_crossing, &looking);
	}
	explain_look_collisions(cli, &k, &looking);
	if (alive && !*l->ipvs)
		explain_look_forgotten(&k, alive, looking.timeout, l->ipvs);
}

/* ---- the node ---------------------------------------------------------------------------- */

/* Where the column NAME of LINE is; SIZE_MAX: nowhere. */
static size_t explain_column(const char *line, const char *name)
{
	const size_t len = strlen(name);
	size_t i;

	for (i = 0; *(line += strspn(line, " \n")); i++) {
		const size_t n = strcspn(line, " \n");

		if (n == len && !strncmp(line, name, len))
			return i;
		line += n;
	}
	return SIZE_MAX;
}

/* The number in the column I of LINE, which is hexadecimal. */
static uint64_t explain_cell(const char *line, size_t i)
{
	for (;; i--) {
		line += strspn(line, " \n");
		if (!*line || !i)
			break;
		line += strcspn(line, " \n");
	}
	return *line ? strtoull(line, NULL, 16) : 0;
}

/* One line for each processor. */
static void explain_look_counts(struct explain_facts *f)
{
	FILE *file = fopen(STATISTICS, "re");
	size_t invalid, early, drop;
	char line[512];

	if (!file)
		return;
	if (fgets(line, sizeof(line), file)) {
		invalid = explain_column(line, "invalid");
		early = explain_column(line, "early_drop");
		drop = explain_column(line, "drop");
		f->has_counts = invalid != SIZE_MAX && early != SIZE_MAX && drop != SIZE_MAX;
		while (f->has_counts && fgets(line, sizeof(line), file)) {
			f->invalid += explain_cell(line, invalid);
			f->early_drop += explain_cell(line, early);
			f->dropped += explain_cell(line, drop);
		}
	}
	fclose(file);
}

void explain_look_node(const struct cli *cli, struct explain_look *l)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	struct explain_facts *f = &l->facts;
	const struct firewall *rules = &l->node.firewall;
	struct kernel k;
	size_t i;

	explain_look_counts(f);
	f->other_namespace = netns_other("") != 0;
	if (kernel_real_new(&real) < 0)
		return;
	k = kernel_real_get(real);
	f->has_usage = k.ops->ct_usage(k.ctx, &f->entries, &f->max) == 0;
	doctor_take_firewall(cli, &k, &l->node);
	for (i = 0; i < FIREWALL_FAMILIES; i++)
		f->drops_invalid |= rules->invalid[i].dropped_forwarded ||
				    rules->invalid[i].input == FIREWALL_DROPPED;
}

/* ---- instances ----------------------------------------------------------------------------- */

struct explain_instances {
	const struct settings *settings;
	struct keepalived_conf *conf; /* owned; NULL: it cannot be read */
	struct vrrp_conf vrrp;
};

struct explain_instances *explain_instances_new(const struct settings *s)
{
	struct explain_instances *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->settings = s;
	if (keepalived_conf_read(KEEPALIVED_CONF, &i->conf) < 0)
		i->conf = NULL;
	if (i->conf && vrrp_conf_read(i->conf, NULL, &i->vrrp) < 0) {
		keepalived_conf_free(i->conf);
		i->conf = NULL;
	}
	return i;
}

struct explain_instances *explain_instances_free(struct explain_instances *i)
{
	if (!i)
		return NULL;
	if (i->conf) {
		vrrp_conf_done(&i->vrrp);
		keepalived_conf_free(i->conf);
	}
	free(i);
	return NULL;
}

const char *explain_instance(void *ud, const char *address)
{
	const struct explain_instances *all = ud;
	const struct settings *s = all->settings;
	struct prefix p;
	size_t i, n;

	if (prefix_parse(address, PREFIX_LEN_OPTIONAL, &p) < 0)
		return NULL;
	for (i = 0; i < s->n_instances; i++)
		for (n = 0; n < s->instances[i].n_addresses; n++)
			if (addr_equal(&s->instances[i].addresses[n].vip.prefix.addr, &p.addr))
				return s->instances[i].name;
	for (i = 0; all->conf && i < all->vrrp.n_instances; i++) {
		const struct vrrp_instance *v = &all->vrrp.instances[i];

		for (n = 0; n < v->n_addresses; n++)
			if (v->addresses[n].valid &&
			    addr_equal(&v->addresses[n].prefix.addr, &p.addr))
				return v->name;
	}
	return NULL;
}
