/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What agent/kernel reads for the collision check, one thing at a time:
 *   lvscall ipvs      as `ipvsadm -S -n` would write it
 *   lvscall conns     the rows of ip_vs_conn
 *   lvscall sockets   the node's own sockets
 *   lvscall ports     from which local ports the kernel chooses, and vs.conntrack
 * Prints the name of the error instead where there is one. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/kernel_real.h"

static int answer(int r)
{
	if (r == -EOPNOTSUPP)
		puts("EOPNOTSUPP");
	else if (r == -EPERM)
		puts("EPERM");
	else if (r < 0)
		puts(strerror(-r));
	return r < 0;
}

static void print_end(const struct addr *a, uint16_t port)
{
	char text[PREFIX_TEXT_MAX];

	printf(a->family == AF_INET6 ? "[%s]:%u" : "%s:%u", addr_format(a, text), port);
}

static void print_virtual(const struct ipvs_service *s)
{
	if (s->fwmark) {
		printf("-f %u%s", (unsigned)s->fwmark, s->addr.family == AF_INET6 ? " -6" : "");
		return;
	}
	printf("%s ", s->proto == IPPROTO_TCP	? "-t"
		      : s->proto == IPPROTO_UDP ? "-u"
						: "--sctp-service");
	print_end(&s->addr, s->port);
}

static void print_sched_flags(const struct ipvs_service *s)
{
	static const char *const names[] = { "fallback", "port" };
	const char *between = " -b ";

	for (unsigned i = 0; i < 3; i++) {
		if (!(s->flags & (uint32_t)IPVS_SCHED_1 << i))
			continue;
		if (i < 2 && (!strcmp(s->sched, "sh") || !strcmp(s->sched, "mh")))
			printf("%s%s-%s", between, s->sched, names[i]);
		else
			printf("%sflag-%u", between, i + 1);
		between = ",";
	}
}

static void print_service(const struct ipvs_service *s)
{
	char mask[INET_ADDRSTRLEN];

	printf("-A ");
	print_virtual(s);
	printf(" -s %s", s->sched);
	if (s->flags & IPVS_PERSISTENT) {
		printf(" -p %u", (unsigned)s->timeout);
		if (s->addr.family == AF_INET6 && s->netmask != 128)
			printf(" -M %u", (unsigned)s->netmask);
		else if (s->addr.family == AF_INET && s->netmask != UINT32_MAX)
			printf(" -M %s", inet_ntop(AF_INET, &s->netmask, mask, sizeof(mask)));
	}
	if (*s->pe)
		printf(" --pe %s", s->pe);
	if (s->flags & IPVS_ONE_PACKET)
		printf(" -o");
	print_sched_flags(s);
	puts("");
}

static void print_tunnel(const struct ipvs_dest *d)
{
	static const char *const names[] = { "ipip", "gue", "gre" };

	printf(" --tun-type %s", d->tun_type < ARRAY_SIZE(names) ? names[d->tun_type] : "?");
	if (d->tun_type == IPVS_TUNNEL_GUE)
		printf(" --tun-port %u", d->tun_port);
	if (d->tun_type != IPVS_TUNNEL_IPIP)
		printf(" %s", d->tun_flags == 1	  ? "--tun-csum"
			      : d->tun_flags == 2 ? "--tun-remcsum"
						  : "--tun-nocsum");
}

static int print_ipvs(void *ud, const struct ipvs_service *s, const struct ipvs_dest *d)
{
	static const char *const forward[] = { "-m", "-l", "-i", "-g", "-bypass" };

	(void)ud;
	if (!d) {
		print_service(s);
		return 0;
	}
	printf("-a ");
	print_virtual(s);
	printf(" -r ");
	print_end(&d->addr, d->port);
	printf(" %s -w %u", forward[d->forward], (unsigned)d->weight);
	if (d->forward == IPVS_TUNNEL)
		print_tunnel(d);
	puts("");
	return 0;
}

static int print_flow(void *ud, const struct flow *f)
{
	static const char *const states[] = {
		[FLOW_OPENING] = "opening", [FLOW_ESTABLISHED] = "established",
		[FLOW_CLOSING] = "closing", [FLOW_TIME_WAIT] = "time-wait",
		[FLOW_CLOSED] = "closed",
	};
	struct addr client = addr_make(f->family, f->client), dest = addr_make(f->family, f->dest);

	(void)ud;
	printf("%s ", f->l4proto == IPPROTO_TCP ? "tcp" : f->l4proto == IPPROTO_UDP ? "udp" : "?");
	print_end(&client, f->cport);
	printf(" ");
	print_end(&dest, f->dport);
	if (f->has_rs) {
		printf(" rs ");
		print_end(&f->rs, f->rport);
	}
	printf("%s %s backoff %u\n", f->pin ? " template" : "", states[f->state], f->backoff);
	return 0;
}

static int print_ports(struct kernel k)
{
	struct ports p;
	int r = k.ops->local_ports(k.ctx, &p);

	if (r < 0)
		return answer(r);
	printf("%u-%u all %zu first-pass %zu", p.low, p.high, ports_count(&p, PORTS_ALL),
	       ports_count(&p, PORTS_FIRST_PASS));
	r = k.ops->ipvs_tracks(k.ctx);
	printf(" conntrack %s\n", r < 0 ? "none" : r ? "1" : "0");
	return 0;
}

int main(int argc, char **argv)
{
	const char *word = argc == 2 ? argv[1] : "";
	struct kernel_real *real;
	struct kernel k;
	int r = kernel_real_new(&real);

	if (r < 0)
		return answer(r);
	k = kernel_real_get(real);
	if (!strcmp(word, "ipvs"))
		r = answer(k.ops->ipvs_list(k.ctx, print_ipvs, NULL));
	else if (!strcmp(word, "conns"))
		r = answer(k.ops->ipvs_conns(k.ctx, print_flow, NULL));
	else if (!strcmp(word, "sockets"))
		r = answer(k.ops->sock_list(k.ctx, SOCK_PEERS, print_flow, NULL));
	else if (!strcmp(word, "ports"))
		r = print_ports(k);
	else
		r = (fprintf(stderr, "lvscall ipvs|conns|sockets|ports\n"), 2);
	kernel_real_free(real);
	return r;
}
