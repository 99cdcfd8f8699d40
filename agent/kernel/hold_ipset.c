/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/hold_ipset.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <linux/netfilter/ipset/ip_set.h>

#include "base/text.h"
#include "kernel/hold_text.h"
#include "kernel/nlask.h"
#include "base/os.h"

#define PROTOCOL 6 /* of ip_set: all kernels speak it, newer ones 7 too */

/* With iptables on nf_tables a set stays in use for a moment after its rule is gone. */
#define BUSY_WAIT_MS 1000
#define BUSY_LOOK_MS 2

struct hold_ipset {
	struct nlsock *sk;
	int ifindex;
	bool ipv6;
	char device[LINK_NAME_MAX];
};

static size_t ipset_begin(struct attr_buf *b, uint8_t command, uint16_t flags, uint8_t family,
			  uint32_t seq, const char *set)
{
	static const uint8_t protocol = PROTOCOL;
	size_t at = nfmsg_begin(b, NF_TYPE(NFNL_SUBSYS_IPSET, command), flags, family, seq);

	buf_put(b, IPSET_ATTR_PROTOCOL, &protocol, sizeof(protocol));
	if (set)
		buf_text(b, IPSET_ATTR_SETNAME, set);
	return at;
}

/* Replace the error numbers of ip_set's own by errno values. */
static int ipset_verdict(int r)
{
	if (r > -IPSET_ERR_PRIVATE)
		return r;
	return r == -IPSET_ERR_BUSY ? -EBUSY : r == -IPSET_ERR_EXIST ? -ESRCH : -EOPNOTSUPP;
}

/* One message that names a set and says nothing else. */
static int command(struct nlsock *sk, uint8_t cmd, const char *set)
{
	uint8_t data[256] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };

	message_end(&b, ipset_begin(&b, cmd, NLM_F_ACK, AF_INET, nlsock_seq(sk), set));
	return ipset_verdict(nlask_change_one(sk, &b));
}

static int ipset_destroy(struct nlsock *sk, const char *set, usec_t deadline)
{
	const struct timespec look = { .tv_nsec = BUSY_LOOK_MS * 1000 * 1000 };
	int r = command(sk, IPSET_CMD_DESTROY, set);

	for (int i = 0; r == -EBUSY && i < BUSY_WAIT_MS / BUSY_LOOK_MS; i++) {
		if (os_left(deadline) == 0)
			break;
		nanosleep(&look, NULL);
		r = command(sk, IPSET_CMD_DESTROY, set);
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
	at = ipset_begin(&b, IPSET_CMD_CREATE, NLM_F_ACK | NLM_F_CREATE, family, nlsock_seq(s->sk),
			 set);
	buf_text(&b, IPSET_ATTR_TYPENAME, type);
	buf_put(&b, IPSET_ATTR_REVISION, &revision, sizeof(revision));
	buf_put(&b, IPSET_ATTR_FAMILY, &family, sizeof(family));
	nest = buf_nest(&b, IPSET_ATTR_DATA);
	/* the default of elements; 0 would mean that they never expire */
	buf_be32(&b, IPSET_ATTR_TIMEOUT | NLA_F_NET_BYTEORDER, 1);
	buf_nest_end(&b, nest);
	message_end(&b, at);
	return ipset_verdict(nlask_change_one(s->sk, &b));
}

/* Add or delete the one element. */
static void ipset_put_element(struct hold_ipset *s, struct attr_buf *b, uint8_t cmd, uint8_t family,
			      uint32_t seconds, uint32_t seq)
{
	static const uint8_t any[16], all = 0;
	char set[HOLD_SET_NAME_MAX];
	size_t at, data, ip;

	hold_text_set(set, s->ifindex, family);
	/* Without NLM_F_EXCL one that is there gets the new timeout. */
	at = ipset_begin(b, cmd, NLM_F_ACK, family, seq, set);
	data = buf_nest(b, IPSET_ATTR_DATA);
	ip = buf_nest(b, IPSET_ATTR_IP);
	if (family == AF_INET)
		buf_put(b, IPSET_ATTR_IPADDR_IPV4 | NLA_F_NET_BYTEORDER, any, 4);
	else
		buf_put(b, IPSET_ATTR_IPADDR_IPV6 | NLA_F_NET_BYTEORDER, any, 16);
	buf_nest_end(b, ip);
	buf_put(b, IPSET_ATTR_CIDR, &all, sizeof(all));
	buf_text(b, IPSET_ATTR_IFACE, s->device);
	if (cmd == IPSET_CMD_ADD)
		buf_be32(b, IPSET_ATTR_TIMEOUT | NLA_F_NET_BYTEORDER, seconds);
	buf_nest_end(b, data);
	message_end(b, at);
}

int hold_ipset_arm(struct hold_ipset *s, uint32_t seconds)
{
	uint8_t data[512] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	uint32_t first = nlsock_seqs(s->sk, 1U + s->ipv6), last = first + s->ipv6;

	ipset_put_element(s, &b, IPSET_CMD_ADD, AF_INET, seconds, first);
	if (s->ipv6)
		ipset_put_element(s, &b, IPSET_CMD_ADD, AF_INET6, seconds, last);
	return b.full ? -EMSGSIZE : ipset_verdict(nlask_change(s->sk, b.data, b.len, first, last));
}

/* One message for each set: an error in the first must not end the second. */
int hold_ipset_disarm(struct hold_ipset *s)
{
	int result = 0, r;

	for (unsigned i = 0; i < 1U + s->ipv6; i++) {
		uint8_t data[256] __attribute__((aligned(8)));
		struct attr_buf b = { .data = data, .size = sizeof(data) };

		ipset_put_element(s, &b, IPSET_CMD_DEL, ipset_family_of(i), 0, nlsock_seq(s->sk));
		r = ipset_verdict(nlask_change_one(s->sk, &b));
		/* the element has expired, or the set is gone */
		result = r < 0 && r != -ESRCH && r != -ENOENT ? r : result;
	}
	return result;
}

/* In the header of a set: how many rules refer to it. */
static int take_references(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *a[IPSET_ATTR_DATA + 1], *d[IPSET_ATTR_REFERENCES + 1];
	uint32_t *references = ud;

	if (nfmsg_parse(nlh, NF_TYPE(NFNL_SUBSYS_IPSET, IPSET_CMD_LIST), a, IPSET_ATTR_DATA) &&
	    a[IPSET_ATTR_DATA] && nest_parse(a[IPSET_ATTR_DATA], d, IPSET_ATTR_REFERENCES) &&
	    attr_read(d[IPSET_ATTR_REFERENCES], references, sizeof(*references)))
		*references = ntohl(*references);
	return 0;
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
		at = ipset_begin(&b, IPSET_CMD_LIST, NLM_F_DUMP, AF_INET, nlsock_seq(s->sk), set);
		buf_be32(&b, IPSET_ATTR_FLAGS | NLA_F_NET_BYTEORDER, IPSET_FLAG_LIST_HEADER);
		message_end(&b, at);
		r = nlask_dump(s->sk, &b, take_references, &found);
		if (r < 0)
			r = r > -IPSET_ERR_PRIVATE ? r : -ENOENT;
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
	r = nlsock_new(NETLINK_NETFILTER, 4096, 65536, &s->sk);
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
			r = command(s->sk, IPSET_CMD_FLUSH, set);
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
	nlsock_free(s->sk);
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
		r = ipset_destroy(s->sk, set, deadline);
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

static int take_listed(void *ud, const struct nlmsghdr *nlh)
{
	const struct nlattr *a[IPSET_ATTR_SETNAME + 1];
	struct found *f = ud;
	const char *name;
	int ifindex;

	if (!nfmsg_parse(nlh, NF_TYPE(NFNL_SUBSYS_IPSET, IPSET_CMD_LIST), a, IPSET_ATTR_SETNAME))
		return 0;
	name = attr_text(a[IPSET_ATTR_SETNAME]);
	if (!name || f->n == FOUND_MAX || strlen(name) >= HOLD_SET_NAME_MAX ||
	    (!text_number_between(name, HOLD_SET_PREFIX, "-4", &ifindex) &&
	     !text_number_between(name, HOLD_SET_PREFIX, "-6", &ifindex)) ||
	    !f->wanted(f->ud, ifindex))
		return 0;
	snprintf(f->names[f->n++], HOLD_SET_NAME_MAX, "%s", name);
	return 0;
}

int hold_ipset_clean(bool (*wanted)(void *ud, int ifindex), void *ud, usec_t deadline)
{
	uint8_t data[64] __attribute__((aligned(8)));
	struct attr_buf b = { .data = data, .size = sizeof(data) };
	struct found f = { .wanted = wanted, .ud = ud };
	_cleanup_(nlsock_freep) struct nlsock *sk = NULL;
	int r, n = 0;
	size_t at;

	if (access("/sys/module/ip_set", F_OK) < 0)
		return 0;
	r = nlsock_new(NETLINK_NETFILTER, 4096, 65536, &sk);
	if (r < 0)
		return r;
	at = ipset_begin(&b, IPSET_CMD_LIST, NLM_F_DUMP, AF_INET, nlsock_seq(sk), NULL);
	buf_be32(&b, IPSET_ATTR_FLAGS | NLA_F_NET_BYTEORDER, IPSET_FLAG_LIST_SETNAME);
	message_end(&b, at);
	r = nlask_dump(sk, &b, take_listed, &f);
	if (r < 0)
		return r;
	/* one that stays is no reason to leave the others */
	for (size_t i = 0; i < f.n; i++) {
		int d = ipset_destroy(sk, f.names[i], deadline);

		n += d == 0;
		r = d < 0 && d != -ENOENT ? d : r;
	}
	return r < 0 ? r : n;
}
