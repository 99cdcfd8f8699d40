/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ipvs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "kernel/ipvscodec.h"
#include "kernel/ipvsconn.h"
#include "kernel/nfmsg.h"
#include "kernel/nfsock.h"

/* A request is an address, a port and little else. */
#define REQUEST_SIZE 256

/* More than kube-proxy has ever been seen to configure; bounds the memory. */
#define SERVICES_MAX (1U << 20)

#define PROC_SERVICES "/proc/net/ip_vs"
#define PROC_CONNS "/proc/net/ip_vs_conn"

struct listing {
	struct nl_sock *sk;
	uint32_t seq;
	uint16_t family; /* 0: none has been found */
	int result;
	struct ipvs_service *services; /* owned */
	size_t n;
	/* while the real servers of one are listed */
	const struct ipvs_service *of;
	ipvs_sink sink;
	void *ud;
	uint8_t out[REQUEST_SIZE] __attribute__((aligned(8)));
};

static void listing_done(struct listing *l)
{
	if (l->sk)
		nl_socket_free(l->sk);
	free(l->services);
}

static void take_family(void *ud, const struct nlmsghdr *nlh)
{
	struct listing *l = ud;

	(void)ipvscodec_family(nlh, &l->family);
}

static void ipvs_take_service(void *ud, const struct nlmsghdr *nlh)
{
	struct ipvs_service s, *one;
	struct listing *l = ud;
	int r;

	if (l->result < 0)
		return;
	r = ipvscodec_service(nlh, l->family, &s);
	if (r == 0 && l->n == SERVICES_MAX)
		r = -E2BIG;
	if (r < 0) {
		l->result = r == -ENOMSG ? 0 : r;
		return;
	}
	one = array_append(&l->services, &l->n, sizeof(*one));
	if (one)
		*one = s;
	else
		l->result = -ENOMEM;
}

static void ipvs_take_dest(void *ud, const struct nlmsghdr *nlh)
{
	struct listing *l = ud;
	struct ipvs_dest dest;
	int r;

	if (l->result < 0)
		return;
	r = ipvscodec_dest(nlh, l->family, l->of, &dest);
	if (r == 0)
		r = l->sink(l->ud, l->of, &dest);
	if (r < 0 && r != -ENOMSG)
		l->result = r;
}

/* Send the LEN bytes at l->out (negative: an error) and hand each message of
 * the answer to TAKE. */
static int ipvs_exchange(struct listing *l, int len,
			 void (*take)(void *ud, const struct nlmsghdr *nlh))
{
	int r = len < 0 ? len : nfmsg_list(l->sk, l->out, (size_t)len, take, l);

	return r < 0 ? r : l->result;
}

static int list_dests(struct listing *l)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		l->of = &l->services[i];
		r = l->sink(l->ud, l->of, NULL);
		if (r == 0)
			r = ipvs_exchange(l,
					  ipvscodec_list_dests(l->out, sizeof(l->out), ++l->seq,
							       l->family, l->of),
					  ipvs_take_dest);
	}
	return r;
}

static int kernel_ipvs_list(struct listing *l)
{
	int r = nfsock_connect(NETLINK_GENERIC, &l->sk);

	if (r < 0)
		return r;
	r = ipvs_exchange(l, ipvscodec_find_family(l->out, sizeof(l->out), ++l->seq), take_family);
	if (r < 0)
		return r == -ENOENT ? -EOPNOTSUPP : r;
	if (!l->family)
		return -EBADMSG;
	r = ipvs_exchange(l, ipvscodec_list_services(l->out, sizeof(l->out), ++l->seq, l->family),
			  ipvs_take_service);
	return r < 0 ? r : list_dests(l);
}

int ipvs_list(ipvs_sink sink, void *ud)
{
	struct listing l = { .sink = sink, .ud = ud };
	int r;

	/* To look for the family by name is to ask for the module. */
	if (access(PROC_SERVICES, F_OK) < 0)
		return -EOPNOTSUPP;
	r = kernel_ipvs_list(&l);
	listing_done(&l);
	return r;
}

int ipvs_conns(flow_sink sink, void *ud)
{
	char line[IPVSCONN_LINE_MAX];
	FILE *f = fopen(PROC_CONNS, "re");
	bool begun = true; /* with a line, not in the middle of one */
	struct flow flow;
	int r = 0;

	if (!f)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	while (r == 0 && fgets(line, sizeof(line), f)) {
		bool whole = strchr(line, '\n') != NULL;

		/* The head line is none, and data of a persistence engine may
		 * make one longer than what we read of it. */
		if (begun && ipvsconn_parse(line, &flow) == 0)
			r = sink(ud, &flow);
		begun = whole;
	}
	if (r == 0 && ferror(f))
		r = -EIO;
	fclose(f);
	return r;
}
