/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor says of LVS: ports in use twice, and a director that sends new connections to
 * servers that are to have none. */
#include "cli/facts.h"

#define PORTS_SEE "vipsafe lvs check"

static void lvs_ports_facts(const struct lvs_facts *l, struct findings *ret)
{
	if (l->crossed)
		findings_add(ret, SEVERITY_CRITICAL, "lvs-crossed", PORTS_SEE,
			     "%u connection%s no answers: another one of the same local port gets "
			     "them through an LVS",
			     l->crossed, l->crossed == 1 ? " gets" : "s get");
	if (l->shared)
		findings_add(
			ret, SEVERITY_NOTE, "lvs-ports-shared", PORTS_SEE,
			"%u local port%s used by more than one connection: normal, unless an LVS "
			"makes them one for a real server",
			l->shared, l->shared == 1 ? " is" : "s are");
}

/* The last link of what is described in docs/lvs.md: IPVS takes a client's port that is in
 * TIME_WAIT for the old connection. */
static void reuse_facts(const struct lvs_facts *l, struct findings *ret)
{
	bool slow = l->tracks == 1 && !l->reuse_is_quick;

	if (l->conn_reuse_mode != 0)
		return;
	findings_add(
		ret, SEVERITY_WARNING, "lvs-conn-reuse",
		slow ? "sysctl -w net.ipv4.vs.conn_reuse_mode=1 cures it, but before Linux 5.9 "
		       "and with vs.conntrack=1 a reused port then opens 1 s later; "
		       "a newer kernel, or vs.conntrack=0, has neither"
		     : "sysctl -w net.ipv4.vs.conn_reuse_mode=1, at no cost on this node",
		"net.ipv4.vs.conn_reuse_mode is 0: a new connection that uses a port in "
		"TIME_WAIT again goes to the old one's server, also one of weight 0%s",
		l->idle_servers ? ", which this director has" : "");
}

static void expire_facts(const struct lvs_facts *l, struct findings *ret)
{
	if (l->expire_nodest_conn == 0)
		findings_add(
			ret, SEVERITY_NOTE, "lvs-expire-nodest",
			"sysctl -w net.ipv4.vs.expire_nodest_conn=1 resets them at once",
			"net.ipv4.vs.expire_nodest_conn is 0: connections to a server that was "
			"removed hang until they time out");
	if (l->expire_quiescent_template == 0 && l->persistent)
		findings_add(
			ret, l->idle_servers ? SEVERITY_WARNING : SEVERITY_NOTE,
			"lvs-expire-quiescent", "sysctl -w net.ipv4.vs.expire_quiescent_template=1",
			"net.ipv4.vs.expire_quiescent_template is 0: persistent clients go on to "
			"a server of weight 0%s",
			l->idle_servers ? ", which this director has" : "");
}

void facts_lvs(const struct lvs_facts *l, struct findings *ret)
{
	lvs_ports_facts(l, ret);
	if (!l->director)
		return;
	reuse_facts(l, ret);
	expire_facts(l, ret);
}
