/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ipvs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "kernel/ipvscodec.h"
#include "kernel/ipvsconn.h"
#include "kernel/nlask.h"
#include "kernel/sysctl.h"

/* A request is an address, a port and little else. */
#define REQUEST_SIZE 256

/* More than kube-proxy has ever been seen to configure; bounds the memory. */
#define SERVICES_MAX (1U << 20)

#define PROC_SERVICES "/proc/net/ip_vs"
#define PROC_CONNS "/proc/net/ip_vs_conn"

struct listing {
	struct nlsock *sk;
	uint16_t family;
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
	nlsock_free(l->sk);
	free(l->services);
}

static int take_family(void *ud, const struct nlmsghdr *nlh)
{
	struct listing *l = ud;

	return ipvscodec_family(nlh, &l->family);
}

static int ipvs_take_service(void *ud, const struct nlmsghdr *nlh)
{
	struct ipvs_service s, *one;
	struct listing *l = ud;
	int r = ipvscodec_service(nlh, l->family, &s);

	if (r < 0)
		return r == -ENOMSG ? 0 : r;
	if (l->n == SERVICES_MAX)
		return -E2BIG;
	one = array_append(&l->services, &l->n, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = s;
	return 0;
}

static int ipvs_take_dest(void *ud, const struct nlmsghdr *nlh)
{
	struct listing *l = ud;
	struct ipvs_dest dest;
	int r = ipvscodec_dest(nlh, l->family, l->of, &dest);

	return r == 0 ? l->sink(l->ud, l->of, &dest) : r == -ENOMSG ? 0 : r;
}

/* The LEN bytes at l->out (negative: an error), as a message to send. */
static struct attr_buf ipvs_message(struct listing *l, int len)
{
	return (struct attr_buf){ .data = l->out, .len = (size_t)MAX(len, 0), .full = len < 0 };
}

static int list_dests(struct listing *l)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		struct attr_buf b;

		l->of = &l->services[i];
		b = ipvs_message(l, ipvscodec_list_dests(l->out, sizeof(l->out), nlsock_seq(l->sk),
							 l->family, l->of));
		r = l->sink(l->ud, l->of, NULL);
		if (r == 0)
			r = nlask_dump(l->sk, &b, ipvs_take_dest, l);
	}
	return r;
}

static int kernel_ipvs_list(struct listing *l)
{
	struct attr_buf b;
	int r = nlsock_new(NETLINK_GENERIC, 0, 0, &l->sk);

	if (r < 0)
		return r;
	b = ipvs_message(l, ipvscodec_find_family(l->out, sizeof(l->out), nlsock_seq(l->sk)));
	r = nlask_object(l->sk, &b, take_family, l);
	if (r < 0)
		return r == -ENOENT ? -EOPNOTSUPP : r == -ENOMSG ? -EBADMSG : r;
	b = ipvs_message(
		l, ipvscodec_list_services(l->out, sizeof(l->out), nlsock_seq(l->sk), l->family));
	r = nlask_dump(l->sk, &b, ipvs_take_service, l);
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

int ipvs_tracks(void)
{
	uint32_t value;
	int r = sysctl_read("net/ipv4/vs/conntrack", &value);

	return r < 0 ? r : value != 0;
}
