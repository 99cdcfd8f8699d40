/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of this node a remedy depends on: ports in use, its addresses, whose its NAT rules are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/program.h"
#include "cli/doctor.h"
#include "cli/lvs.h"
#include "kernel/probe_choice.h"

/* Sockets to the servers that crossings prove to be real ones. */
struct crossed_live {
	struct lvs_live *live;
	const struct collide *flows; /* counted already */
	const struct lvs_crossed *list;
	size_t n;
};

static int live_take_socket(void *ud, const struct flow *f)
{
	const struct crossed_live *c = ud;
	size_t i;

	if (f->state == FLOW_TIME_WAIT || collide_has(c->flows, f))
		return 0;
	for (i = 0; i < c->n; i++) {
		const struct lvs_crossing *x = &c->list[i].crossing;

		if (flow_same_dest(f, &x->hung) || flow_same_dest(f, &x->other)) {
			lvs_live_add(c->live, f, flow_same_dest(f, &x->other));
			break;
		}
	}
	return 0;
}

/* Rules for NAT that are there decide, else the program that is. */
static bool rules_are_nft(const struct lvs_cli_node *n)
{
	struct facts f = { .n_devices = 0 };
	char path[PROGRAM_PATH_MAX];
	bool iptables = false, nft = false;
	size_t i;

	if (program_find("nft", path) < 0)
		return false;
	if (program_find("iptables", path) < 0)
		return true;
	doctor_take_firewall(n->cli, n->k, &f);
	for (i = 0; i < f.nat.n; i++) {
		if (!strcmp(f.nat.list[i].program, "nft"))
			nft = true;
		else
			iptables = true;
	}
	facts_done(&f);
	return nft && !iptables;
}

static bool lvs_node_uses_nft(void *ud)
{
	struct lvs_cli_node *n = ud;

	if (n->nft < 0)
		n->nft = rules_are_nft(n);
	return n->nft;
}

int lvs_node_take(struct lvs_cli_node *ret, const struct cli *cli, const struct kernel *k,
		  const struct lvs_scan *scan, const struct lvs_crossed *list, size_t n)
{
	struct crossed_live crossed = { calloc(1, sizeof(*crossed.live)), scan->flows, list, n };
	struct utsname u;
	int r;

	if (!crossed.live)
		return -ENOMEM;
	*ret = (struct lvs_cli_node){ .live = crossed.live, .cli = cli, .k = k, .nft = -1 };
	ret->node.ports = &scan->ports;
	ret->node.live = ret->live;
	ret->node.own = &scan->local;
	ret->node.uses_nft = lvs_node_uses_nft;
	ret->node.ud = ret;
	ret->node.nat_in_turn = uname(&u) == 0 && probe_nat_is_in_turn(u.release);
	r = collide_flows(scan->flows, lvs_live_take, ret->live);
	if (r >= 0 && n)
		r = k->ops->sock_list(k->ctx, SOCK_PEERS, live_take_socket, &crossed);
	return r == -ENOMEM ? r : 0;
}

void lvs_node_done(struct lvs_cli_node *n)
{
	free(n->live);
}
