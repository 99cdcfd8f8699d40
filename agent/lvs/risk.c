/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/risk.h"

/* What nf_nat chooses from when no range is given. */
#define RANDOM_PORTS (65535 - 1024 + 1)

/* What a sample must show to conclude from it how ports are chosen: one in TELLING
 * that differs, or SAMPLE_ENOUGH without one that does. */
#define TELLING 10
#define SAMPLE_ENOUGH 30

#define SECONDS_PER_DAY 86400

/* 1 - binom(R-N, k) / binom(R, k): that none of k falls on one of N. */
static double chance_now(double n, double k, double ports)
{
	double none = 1, i, part;

	for (i = 0; i < k; i++) {
		if (n >= ports - i)
			return 1;
		/* K need not be whole: the last step is a fraction */
		part = MIN(k - i, 1.0);
		none *= 1 - part * n / (ports - i);
	}
	return 1 - none;
}

struct risk risk_of(const struct risk_input *in)
{
	double via = in->share * in->via;
	struct risk r = { 0 };

	if (in->ports <= 0)
		return r;
	r.now = chance_now(in->direct, via, in->ports);
	r.stall_chance = MIN(via / in->ports, 1.0);
	r.stall = SECONDS_PER_DAY * in->direct_rate * r.stall_chance;
	r.kill = SECONDS_PER_DAY * in->via_rate * MIN(in->share * in->direct / in->ports, 1.0);
	return r;
}

void port_sample_add(struct port_sample *s, const struct ports *p, uint16_t port)
{
	s->n++;
	s->other_parity += (port ^ p->low) & 1;
	s->outside += port < p->low || port > p->high;
}

void port_sample_halve(struct port_sample *s)
{
	*s = (struct port_sample){ s->n / 2, s->other_parity / 2, s->outside / 2 };
}

enum port_choice port_choice_of(const struct ports *p, const struct port_sample *a,
				const struct port_sample *b, double *ret_ports)
{
	bool a_out = a->n >= SAMPLE_ENOUGH && a->outside == a->n;
	bool b_out = b->n >= SAMPLE_ENOUGH && b->outside == b->n;
	bool a_other = a->n >= SAMPLE_ENOUGH && a->other_parity == a->n;
	bool b_other = b->n >= SAMPLE_ENOUGH && b->other_parity == b->n;

	/* all odd and all even: one of the two calls bind() before connect() */
	if ((a_out && b->n && !b->outside) || (b_out && a->n && !a->outside) ||
	    (!a->outside && !b->outside &&
	     ((a_other && b->n >= SAMPLE_ENOUGH && !b->other_parity) ||
	      (b_other && a->n >= SAMPLE_ENOUGH && !a->other_parity)))) {
		*ret_ports = 0;
		return PORTS_DISJOINT;
	}
	if (a->outside * TELLING > a->n || b->outside * TELLING > b->n) {
		*ret_ports = RANDOM_PORTS;
		return PORTS_RANDOM;
	}
	if (a->other_parity * TELLING > a->n || b->other_parity * TELLING > b->n) {
		*ret_ports = (double)ports_count(p, PORTS_ALL);
		return PORTS_RANGE;
	}
	*ret_ports = (double)ports_count(p, PORTS_FIRST_PASS);
	return PORTS_ONE_PARITY;
}
