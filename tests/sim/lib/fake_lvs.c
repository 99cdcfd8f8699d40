/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fake knows of IPVS, sockets and local ports: what the test says. */
#include "fake_kernel.h"

#include <errno.h>

int fake_ipvs_list(void *ctx, ipvs_sink sink, void *ud)
{
	struct fake *f = ctx;
	int r = 0;

	fake_advance(f, f->call_cost);
	if (!f->is_director)
		return -EOPNOTSUPP;
	for (size_t i = 0; r == 0 && i < f->n_services; i++) {
		r = sink(ud, &f->services[i], NULL);
		if (r == 0)
			r = sink(ud, &f->services[i], &f->dests[i]);
	}
	return r;
}

static int list_flows(struct fake *f, const struct flow *flows, size_t n, flow_sink sink, void *ud)
{
	int r = 0;

	fake_advance(f, f->call_cost + n * f->entry_cost);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = sink(ud, &flows[i]);
	return r;
}

int fake_ipvs_conns(void *ctx, flow_sink sink, void *ud)
{
	struct fake *f = ctx;

	return f->is_director ? list_flows(f, f->ipvs_conns, f->n_ipvs_conns, sink, ud)
			      : -EOPNOTSUPP;
}

int fake_ipvs_tracks(void *ctx)
{
	struct fake *f = ctx;

	return f->is_director ? f->ipvs_tracks : -ENOENT;
}

int fake_sock_list(void *ctx, enum sock_extent extent _unused_, flow_sink sink, void *ud)
{
	struct fake *f = ctx;

	return f->sock_list_error ? f->sock_list_error
				  : list_flows(f, f->sockets, f->n_sockets, sink, ud);
}

int fake_sock_watch(void *ctx _unused_)
{
	return -EOPNOTSUPP;
}

int fake_sock_ends(void *ctx _unused_, flow_sink sink _unused_, void *ud _unused_)
{
	return 0;
}

bool fake_sock_can_destroy(void *ctx _unused_)
{
	return true;
}

int fake_local_ports(void *ctx, struct ports *ret)
{
	struct fake *f = ctx;

	fake_advance(f, f->call_cost);
	*ret = f->ports;
	return 0;
}
