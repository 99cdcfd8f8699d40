/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_ipset.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "kernel/hold_text.h"
#include "kernel/nfmsg.h"
#include "kernel/nfsock.h"
#include "base/program.h"

/* linux/netfilter/ipset/ip_set.h, without its prefix where it is long. */
enum {
	PROTOCOL = 6, /* all kernels; newer ones speak 7 too */
	CMD_CREATE = 2,
	CMD_DESTROY = 3,
	CMD_FLUSH = 4,
	CMD_LIST = 7,
	CMD_ADD = 9,
	CMD_DEL = 10,
	ATTR_PROTOCOL = 1,
	ATTR_SETNAME = 2,
	ATTR_TYPENAME = 3,
	ATTR_REVISION = 4,
	ATTR_FAMILY = 5,
	ATTR_FLAGS = 6,
	ATTR_DATA = 7,
	DATA_IP = 1,
	DATA_CIDR = 3,
	DATA_TIMEOUT = 6,
	DATA_IFACE = 23,
	IPADDR_IPV4 = 1,
	IPADDR_IPV6 = 2,
	DATA_REFERENCES = 25,
	FLAG_LIST_SETNAME = 2,
	FLAG_LIST_HEADER = 4,
	ERR_PRIVATE = 4096,
	ERR_BUSY = 4100,
	ERR_EXIST = 4103, /* of an element that is to be deleted: it is not there */
};

/* A rule's hold on its set ends after the rule, when iptables goes through
 * nf_tables. */
#define BUSY_WAIT_MS 1000
#define BUSY_LOOK_MS 2

struct hold_ipset {
	struct nl_sock *sk;
	uint32_t seq;
	int ifindex;
	bool ipv6;
	char device[LINK_NAME_MAX];
};

static size_t ipset_begin(struct attr_buf *b, uint8_t command, uint16_t flags, uint8_t family,
			  uint32_t seq, const char *set)
{
	static const uint8_t protocol = PROTOCOL;
	size_t at = nfmsg_begin(b, NF_TYPE(NF_SUBSYS_IPSET, command), flags, family, seq);

	buf_put(b, ATTR_PROTOCOL, &protocol, sizeof(protocol));
	if (set)
		nfmsg_string(b, ATTR_SETNAME, set);
	return at;
}

/* ip_set's own numbers say little that a caller could act on. */
static int ipset_ask(struct nl_sock *sk, const struct attr_buf *b, uint32_t first, uint32_t last)
{
	int r = b->full ? -EMSGSIZE : nfmsg_ask(sk, b->data, b->len, first, last);

	if (r > -ERR_PRIVATE)
		return r;
	return r == -ERR_BUSY ? -EBUSY : r == -ERR_EXIST ? -ESRCH : -EOPNOTSUPP;
}

/* One message that names a set and says nothing else. */
static int command(struct nl_sock *sk, uint32_t seq, uint8_t cmd, const char *set)
{
	uint8_t data[256] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };

	nfmsg_end(&b, ipset_begin(&b, cmd, NLM_F_ACK, AF_INET, seq, set));
	return ipset_ask(sk, &b, seq, seq);
}

static int ipset_destroy(struct nl_sock *sk, uint32_t *seq, const char *set, usec_t deadline)
{
	const struct timespec look = { .tv_nsec = BUSY_LOOK_MS * 1000 * 1000 };
	int r = command(sk, ++*seq, CMD_DESTROY, set);

	for (int i = 0; r == -EBUSY && i < BUSY_WAIT_MS / BUSY_LOOK_MS; i++) {
		if (program_left(deadline) == 0)
			break;
		nanosleep(&look, NULL);
		r = command(sk, ++*seq, CMD_DESTROY, set);
	}
	return r;
}

static uint8_t ipset_family_of(unsigned i)
{
	return i == 0 ? AF_INET : AF_INET6;
}

static int create(struct hold_ipset *s, uint8_t family)
{
	static const char type[] = "hash:net,iface";
	static const uint8_t revision = 0; /* the one all kernels have */
	uint8_t data[256] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	char set[HOLD_SET_NAME_MAX];
	size_t at, nest;

	hold_text_set(set, s->ifindex, family);
	at = ipset_begin(&b, CMD_CREATE, NLM_F_ACK | NLM_F_CREATE, family, ++s->seq, set);
	nfmsg_string(&b, ATTR_TYPENAME, type);
	buf_put(&b, ATTR_REVISION, &revision, sizeof(revision));
	buf_put(&b, ATTR_FAMILY, &family, sizeof(family));
	nest = buf_nest(&b, ATTR_DATA);
	/* What is added without one of its own expires soon; 0 would be never. */
	nfmsg_be32(&b, DATA_TIMEOUT | NLA_F_NET_BYTEORDER, 1);
	buf_nest_end(&b, nest);
	nfmsg_end(&b, at);
	return ipset_ask(s->sk, &b, s->seq, s->seq);
}

/* Add or delete the one element. */
static void ipset_put_element(struct hold_ipset *s, struct attr_buf *b, uint8_t cmd, uint8_t family,
			      uint32_t seconds)
{
	static const uint8_t any[16], all = 0;
	char set[HOLD_SET_NAME_MAX];
	size_t at, data, ip;

	hold_text_set(set, s->ifindex, family);
	/* Without NLM_F_EXCL one that is there gets the new timeout. */
	at = ipset_begin(b, cmd, NLM_F_ACK, family, ++s->seq, set);
	data = buf_nest(b, ATTR_DATA);
	ip = buf_nest(b, DATA_IP);
	if (family == AF_INET)
		buf_put(b, IPADDR_IPV4 | NLA_F_NET_BYTEORDER, any, 4);
	else
		buf_put(b, IPADDR_IPV6 | NLA_F_NET_BYTEORDER, any, 16);
	buf_nest_end(b, ip);
	buf_put(b, DATA_CIDR, &all, sizeof(all));
	nfmsg_string(b, DATA_IFACE, s->device);
	if (cmd == CMD_ADD)
		nfmsg_be32(b, DATA_TIMEOUT | NLA_F_NET_BYTEORDER, seconds);
	buf_nest_end(b, data);
	nfmsg_end(b, at);
}

int hold_ipset_arm(struct hold_ipset *s, uint32_t seconds)
{
	uint8_t data[512] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	uint32_t first = s->seq + 1;

	ipset_put_element(s, &b, CMD_ADD, AF_INET, seconds);
	if (s->ipv6)
		ipset_put_element(s, &b, CMD_ADD, AF_INET6, seconds);
	return ipset_ask(s->sk, &b, first, s->seq);
}

/* One message each: that there is none in the first must not spare the second. */
int hold_ipset_disarm(struct hold_ipset *s)
{
	int result = 0, r;

	for (unsigned i = 0; i < 1U + s->ipv6; i++) {
		uint8_t data[256] __attribute__((aligned(8)));
		struct attr_buf b = { .data = data, .size = sizeof(data) };

		ipset_put_element(s, &b, CMD_DEL, ipset_family_of(i), 0);
		r = ipset_ask(s->sk, &b, s->seq, s->seq);
		/* it has expired, or the set is gone with it */
		result = r < 0 && r != -ESRCH && r != -ENOENT ? r : result;
	}
	return result;
}

/* In the header of a set: how many rules refer to it. */
static void take_references(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *a[ATTR_DATA + 1], *d[DATA_REFERENCES + 1];
	uint32_t *references = ud;

	if (nfmsg_parse(nlh, NF_TYPE(NF_SUBSYS_IPSET, CMD_LIST), a, ATTR_DATA) && a[ATTR_DATA] &&
	    nest_parse(a[ATTR_DATA], d, DATA_REFERENCES) &&
	    attr_read(d[DATA_REFERENCES], references, sizeof(*references)))
		*references = ntohl(*references);
}

int hold_ipset_check(struct hold_ipset *s, unsigned references)
{
	int r = 0;

	for (unsigned i = 0; i < 1U + s->ipv6 && r == 0; i++) {
		uint8_t data[128] __attribute__((aligned(8)));
		struct attr_buf b = { .data = data, .size = sizeof(data) };
		char set[HOLD_SET_NAME_MAX];
		uint32_t found = 0;
		size_t at;

		hold_text_set(set, s->ifindex, ipset_family_of(i));
		at = ipset_begin(&b, CMD_LIST, NLM_F_DUMP, AF_INET, ++s->seq, set);
		nfmsg_be32(&b, ATTR_FLAGS | NLA_F_NET_BYTEORDER, FLAG_LIST_HEADER);
		nfmsg_end(&b, at);
		r = nfmsg_list(s->sk, b.data, b.len, take_references, &found);
		if (r < 0)
			r = r > -ERR_PRIVATE ? r : -ENOENT;
		else if (found < references)
			r = -ENOENT;
	}
	return r;
}

int hold_ipset_adopt(int ifindex, const char *device, bool ipv6, struct hold_ipset **ret)
{
	struct hold_ipset *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->ifindex = ifindex;
	s->ipv6 = ipv6;
	snprintf(s->device, sizeof(s->device), "%s", device);
	r = nfsock_open(&s->sk, 4096, 65536);
	if (r < 0) {
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

int hold_ipset_new(int ifindex, const char *device, bool ipv6, struct hold_ipset **ret)
{
	struct hold_ipset *s;
	char set[HOLD_SET_NAME_MAX];
	int r = hold_ipset_adopt(ifindex, device, ipv6, &s);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < 1U + ipv6 && r == 0; i++) {
		hold_text_set(set, ifindex, ipset_family_of(i));
		r = create(s, ipset_family_of(i));
		if (r == 0)
			r = command(s->sk, ++s->seq, CMD_FLUSH, set);
	}
	if (r < 0) {
		(void)hold_ipset_free(s, 0);
		/* nfnetlink has no such subsystem */
		return r == -EINVAL ? -EOPNOTSUPP : r;
	}
	*ret = s;
	return 0;
}

void hold_ipset_forget(struct hold_ipset *s)
{
	if (!s)
		return;
	nl_socket_free(s->sk);
	free(s);
}

int hold_ipset_free(struct hold_ipset *s, usec_t deadline)
{
	char set[HOLD_SET_NAME_MAX];
	int result = 0;

	if (!s)
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		int r;

		hold_text_set(set, s->ifindex, ipset_family_of(i));
		r = ipset_destroy(s->sk, &s->seq, set, deadline);
		result = r < 0 && r != -ENOENT ? r : result;
	}
	hold_ipset_forget(s);
	return result;
}

/* ---- leftovers ------------------------------------------------------------------ */

#define FOUND_MAX 64 /* sets; more are the next run's */

struct found {
	bool (*wanted)(void *ud, int ifindex);
	void *ud;
	char names[FOUND_MAX][HOLD_SET_NAME_MAX];
	size_t n;
};

static void take_listed(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *a[ATTR_SETNAME + 1];
	struct found *f = ud;
	const char *name;
	int ifindex;

	if (!nfmsg_parse(nlh, NF_TYPE(NF_SUBSYS_IPSET, CMD_LIST), a, ATTR_SETNAME))
		return;
	name = nfmsg_text(a[ATTR_SETNAME]);
	if (!name || f->n == FOUND_MAX || strlen(name) >= HOLD_SET_NAME_MAX ||
	    (!hold_text_number(name, HOLD_SET_PREFIX, "-4", &ifindex) &&
	     !hold_text_number(name, HOLD_SET_PREFIX, "-6", &ifindex)) ||
	    !f->wanted(f->ud, ifindex))
		return;
	snprintf(f->names[f->n++], HOLD_SET_NAME_MAX, "%s", name);
}

int hold_ipset_clean(bool (*wanted)(void *ud, int ifindex), void *ud, usec_t deadline)
{
	uint8_t data[64] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	struct found f = { .wanted = wanted, .ud = ud };
	struct nl_sock *sk;
	uint32_t seq = 1;
	int r, n = 0;
	size_t at;

	if (access("/sys/module/ip_set", F_OK) < 0)
		return 0;
	r = nfsock_open(&sk, 4096, 65536);
	if (r < 0)
		return r;
	at = ipset_begin(&b, CMD_LIST, NLM_F_DUMP, AF_INET, seq, NULL);
	nfmsg_be32(&b, ATTR_FLAGS | NLA_F_NET_BYTEORDER, FLAG_LIST_SETNAME);
	nfmsg_end(&b, at);
	r = nfmsg_list(sk, b.data, b.len, take_listed, &f);
	for (size_t i = 0; i < f.n && r >= 0; i++) {
		int d = ipset_destroy(sk, &seq, f.names[i], deadline);

		if (d == 0)
			n++;
		else if (d != -ENOENT)
			r = d;
	}
	nl_socket_free(sk);
	return r < 0 ? r : n;
}
