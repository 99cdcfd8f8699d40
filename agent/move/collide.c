/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/collide.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lvs/collide.h"
#include "lvs/message.h"
#include "lvs/text.h"
#include "lvs/settings.h"
#include "lvs/scan.h"

/* Pairs that get a warning each; of more only the number is reported. */
#define MESSAGES_MAX 5

static int take_old_flow(void *ud, const struct flow *f)
{
	struct flow old = *f;

	old.origin |= FLOW_SAVED;
	return collide_add(ud, &old);
}

/* A table of flows with those that conntrack does not list: sockets, and IPVS. */
static struct collide *table_new(const struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	struct collide_node node = lvs_scan_node(k, run->map);
	struct collide *c = collide_new(run->map, node, run->env->seed);

	/* without these the others are still worth something */
	if (c && k->ops->sock_list(k->ctx, SOCK_PEERS, take_old_flow, c) != -ENOMEM &&
	    node.director)
		k->ops->ipvs_conns(k->ctx, take_old_flow, c);
	return c;
}

static const char *flow_text(const struct flow *f, char buf[2 * LVS_ENDPOINT_MAX])
{
	char client[LVS_ENDPOINT_MAX], dest[LVS_ENDPOINT_MAX];

	snprintf(buf, 2 * LVS_ENDPOINT_MAX, "%s->%s",
		 lvs_bytes_format(f->family, f->client, f->cport, client),
		 lvs_bytes_format(f->family, f->dest, f->dport, dest));
	return buf;
}

/* ---- before the move ------------------------------------------------------------ */

struct telling {
	struct run *run;
	uint64_t n;
};

static int warn_live(void *ud, const struct collision *c)
{
	struct telling *t = ud;
	const struct lvs_message say = { .map = t->run->map,
					 .settings = t->run->env->settings->lvs };
	struct lvs_finding found;

	lvs_message_pair(&say, c, &found);
	if (found.f.severity != SEVERITY_CRITICAL || t->n++ >= MESSAGES_MAX)
		return 0;
	report_warn(t->run->report, "lvs-collision", "vipsafe lvs check", "%s", found.f.text);
	return 0;
}

static void warn_more(const struct telling *t)
{
	if (t->n > MESSAGES_MAX)
		report_warn(t->run->report, "lvs-collisions", "vipsafe lvs check",
			    "%llu more pairs of connections are one to a real server",
			    (unsigned long long)(t->n - MESSAGES_MAX));
}

void collide_meet(struct run *run)
{
	struct telling t = { .run = run };
	size_t i, n = run->set ? connset_count(run->set) : 0;
	uint64_t unseen;
	int r = 0;

	if (!run->set || run_now(run) >= run_read_until(run))
		return;
	run->flows = table_new(run);
	for (i = 0; i < n && run->flows && r == 0; i++)
		r = collide_add_conn(run->flows, connset_get(run->set, i),
				     FLOW_SAVED | FLOW_CONNTRACK, 0);
	if (!run->flows || r < 0) {
		run->flows = collide_free(run->flows);
		report_warn(run->report, "lvs-unchecked", "",
			    "out of memory: LVS collisions are not looked for");
		return;
	}
	run->known = n;
	collide_each(run->flows, warn_live, &t, &unseen);
	warn_more(&t);
}

static bool is_target(const struct run *run, const struct addr *a)
{
	size_t i;

	for (i = 0; i < run->req->n_vips; i++) {
		if (addr_equal(&run->req->vips[i].prefix.addr, a))
			return true;
	}
	return false;
}

void collide_warn(struct run *run)
{
	struct lvs_message say = { .map = run->map, .settings = run->env->settings->lvs };
	struct telling t = { .run = run };
	struct lvs_finding found;
	struct lvs_scan scan;
	uint64_t unseen;
	size_t i;

	if (run->late || lvs_scan_run(&run->env->kernel, run->map, LVS_SCAN_ALL, &run->local,
				      run->env->seed, &scan) < 0)
		return;
	say.ports = &scan.ports;
	collide_each(scan.flows, warn_live, &t, &unseen);
	warn_more(&t);
	for (i = 0; i < scan.own_ports.n; i++) {
		if (!is_target(run, &scan.own_ports.list[i].local))
			continue;
		lvs_message_port(&say, &scan.own_ports.list[i], &found);
		report_warn(run->report, found.f.code, found.f.fix, "%s", found.f.text);
	}
	lvs_scan_done(&scan);
}

/* ---- after it ------------------------------------------------------------------- */

void collide_see(struct run *run, int64_t i, const struct conn *c)
{
	/* what was there before is in the table */
	if (i < 0 || (size_t)i >= run->known)
		collide_add_conn(run->flows, c, FLOW_CONNTRACK, 0);
}

static int take_live(void *ud, const struct conn_record *record)
{
	struct run *run = ud;
	int64_t i = connset_find(run->set, &record->conn->key);
	enum flow_origin saved = i >= 0 && (size_t)i < run->known ? FLOW_SAVED : 0;

	return collide_add_conn(run->flows, record->conn, FLOW_CONNTRACK | saved, 0);
}

/* Fill the table after the move, if no listing did before it. */
static bool table_fill(struct run *run)
{
	const struct kernel *k = &run->env->kernel;

	run->flows = table_new(run);
	if (!run->flows)
		return false;
	/* an error is ignored: a listing that was cut short has most of it */
	run->known = connset_count(run->set);
	k->ops->ct_dump(k->ctx, run->family, take_live, run);
	return true;
}

struct judging {
	struct run *run;
	const struct conn *conn;
	struct flow flow;
	bool skip;
	uint64_t messages;
};

/* With another NAT beyond this node nobody knows here what the server sees. */
static enum collide_verdict verdict_of(const struct run *run, const struct collision *c,
				       bool is_via)
{
	const struct lvs_settings *s = run->env->settings->lvs;

	return s->nat_beyond ? COLLIDE_RESTORE : collide_rule(c, is_via, s->on_certain);
}

static int judge(void *ud, const struct collision *c)
{
	struct judging *j = ud;
	struct run *run = j->run;
	const struct lvs_message say = { .map = run->map, .settings = run->env->settings->lvs };
	bool is_via = c->class == COLLIDE_A && flow_same_dest(&c->via, &j->flow);
	const struct flow *newcomer = is_via ? &c->direct : &c->via;
	char entry[CONN_TEXT_MAX], text[2 * LVS_ENDPOINT_MAX], dest[LVS_ENDPOINT_MAX];
	char service[LVS_SERVICE_TEXT_MAX];
	bool skip;

	/* already reported before the move */
	if (newcomer->origin & FLOW_SAVED)
		return 0;
	skip = verdict_of(run, c, is_via) == COLLIDE_SKIP;
	j->skip |= skip;
	if (say.settings->nat_beyond || j->messages++ >= MESSAGES_MAX)
		return 0;
	lvs_bytes_format(c->via.family, c->via.dest, c->via.dport, dest);
	report_warn(run->report, "lvs-collision", "vipsafe lvs check",
		    "%s is %s: %s has its port, and service %s %s", conn_format(j->conn, entry),
		    skip ? "not restored, since the server has reset it" : "restored",
		    flow_text(newcomer, text), lvs_service_text(&say, c->service, dest, service),
		    c->certainty == COLLIDE_POSSIBLE ? "may make them one to the server"
						     : "makes them one to the server");
	return 0;
}

/* Add the flow of a socket, unless an entry says how it is translated. */
static int move_collide_take_socket(void *ud, const struct flow *f)
{
	struct run *run = ud;
	struct flow n = *f;
	struct conn_key key;
	struct tuple t;

	flow_normalise(&n);
	memset(&t, 0, sizeof(t));
	memcpy(t.src, n.client, sizeof(t.src));
	memcpy(t.dst, n.dest, sizeof(t.dst));
	t.sport = htons(n.cport);
	t.dport = htons(n.dport);
	key = conn_key_make(n.family, n.l4proto, &t, 0, CONN_ZONE_BOTH);
	return connset_find(run->set, &key) >= 0 ? 0 : collide_add(run->flows, &n);
}

/* Add what has come since the listing. Called once, when an entry is missing. */
static bool look_again(struct run *run)
{
	const struct kernel *k = &run->env->kernel;
	size_t i;

	if (!run->flows && !table_fill(run))
		return false;
	k->ops->sock_list(k->ctx, SOCK_PEERS, move_collide_take_socket, run);
	snapshot_note(run);
	for (i = run->known; i < connset_count(run->set); i++)
		collide_see(run, (int64_t)i, connset_get(run->set, i));
	return true;
}

void collide_restrain(struct run *run)
{
	struct judging j = { .run = run };
	bool looked = false;
	size_t i;

	for (i = 0; i < connset_count(run->set); i++) {
		struct entry *e = &run->entries[i];

		if (e->skip != SKIP_NONE || e->state != ENTRY_MISSING)
			continue;
		if (!looked && !look_again(run))
			return;
		looked = true;
		e = &run->entries[i]; /* may have moved in memory */
		j.conn = connset_get(run->set, i);
		j.skip = false;
		if (!flow_of_conn(j.conn, &j.flow))
			continue;
		collide_probe_conn(run->flows, j.conn, false, judge, &j);
		if (j.skip)
			e->state = ENTRY_SUPERSEDED;
	}
}
