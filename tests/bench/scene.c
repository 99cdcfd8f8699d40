/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>

#include "kernel/ct.h"

/* Connections per server: each needs a source port of its own. */
#define PER_SERVER 50000
#define FIRST_PORT 10000
#define BATCH 256

static int put(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int scene_mount(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	return mount("none", SCENE_RUN, "tmpfs", MS_NODEV, "mode=755") < 0 ? -errno : 0;
}

int scene_enter(void)
{
	unsigned uid = (unsigned)geteuid(), gid = (unsigned)getegid();
	char map[32];
	int r;

	if (unshare((uid ? CLONE_NEWUSER : 0) | CLONE_NEWNET | CLONE_NEWNS) < 0)
		return -errno;
	if (uid == 0)
		return scene_mount();
	(void)put("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	r = put("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	if (r == 0)
		r = put("/proc/self/gid_map", map);
	return r < 0 ? r : scene_mount();
}

static int ip(char *const argv[])
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		execvp("ip", argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

#define IP(...) ip((char *[]){ (char *)"ip", __VA_ARGS__, NULL })

/* A bridge without ports: it is there where dummy devices are not built. It tells of no group that
 * it joins, since the report would be an entry of its own (Linux 4.3). */
int scene_build(void)
{
	int r;

	(void)put("/proc/sys/net/ipv4/igmp_link_local_mcast_reports", "0");
	r = IP("link", "add", SCENE_DEVICE, "multicast", "off", "type", "bridge");

	if (r == 0)
		r = IP("addr", "add", SCENE_NODE "/24", "dev", SCENE_DEVICE);
	if (r == 0)
		r = IP("addr", "add", SCENE_VIP, "dev", SCENE_DEVICE);
	if (r == 0)
		r = IP("link", "set", SCENE_DEVICE, "up");
	if (r == 0)
		r = IP("link", "add", SCENE_BARE_DEVICE, "multicast", "off", "type", "bridge");
	if (r == 0)
		r = IP("addr", "add", "192.168.12.7/24", "dev", SCENE_BARE_DEVICE);
	if (r == 0)
		r = IP("addr", "add", SCENE_BARE_VIP, "dev", SCENE_BARE_DEVICE);
	if (r == 0)
		r = IP("link", "set", SCENE_BARE_DEVICE, "up");
	/* for tests/bench/look.c; nothing is sent. A device without an address, as the other one is
	 * in between, loses its routes. */
	return r == 0 ? IP("route", "add", "default", "dev", SCENE_BARE_DEVICE) : r;
}

static int scene_flush(void)
{
	const uint8_t family = AF_INET;
	struct nfct_handle *h = nfct_open(CONNTRACK, 0);
	int r = h && nfct_query(h, NFCT_Q_FLUSH, &family) == 0 ? 0 : -errno;

	if (h)
		nfct_close(h);
	return r;
}

int scene_rebuild(void)
{
	int r = scene_flush();

	(void)IP("link", "del", SCENE_DEVICE);
	(void)IP("link", "del", SCENE_BARE_DEVICE);
	return r == 0 ? scene_build() : r;
}

/* The I-th connection: of one of many pods, to one of a few servers. */
static void connection_set(struct nf_conntrack *ct, size_t i)
{
	uint32_t client = htonl(0x0ae80000 + (uint32_t)(i % 60000));	  /* 10.232.0.0 */
	uint32_t server = htonl(0xcb007101 + (uint32_t)(i / PER_SERVER)); /* 203.0.113.1 */
	uint16_t port = htons((uint16_t)(FIRST_PORT + i % PER_SERVER));

	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, client);
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, server);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons((uint16_t)(32768 + i % 28000)));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(ct, ATTR_SNAT_IPV4, inet_addr(SCENE_NODE));
	nfct_set_attr_u16(ct, ATTR_SNAT_PORT, port);
	/* clients and servers of several kinds, in no order */
	nfct_set_attr_u8(ct, ATTR_TCP_WSCALE_ORIG, (uint8_t)(7 + i * 2654435761U / 1024 % 4));
	nfct_set_attr_u8(ct, ATTR_TCP_WSCALE_REPL, (uint8_t)(7 + i % 3));
	nfct_set_attr_u32(ct, ATTR_MARK, i % 5 ? 0x4000 : 0x4001);
}

static void connection_init(struct nf_conntrack *ct)
{
	uint8_t flags = IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM;

	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(443));
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_ORIG, flags);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_ORIG, 0xff);
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_REPL, flags);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_REPL, 0xff);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 432000);
}

static int scene_change(size_t from, size_t to, enum nf_conntrack_query what)
{
	struct nfct_handle *h = nfct_open(CONNTRACK, 0);
	struct nf_conntrack *ct = nfct_new();
	size_t i;
	int r = h && ct ? 0 : -ENOMEM;

	if (r == 0)
		connection_init(ct);
	for (i = from; i < to && r == 0; i++) {
		connection_set(ct, i);
		if (nfct_query(h, what, ct) < 0)
			r = -errno;
	}
	if (ct)
		nfct_destroy(ct);
	if (h)
		nfct_close(h);
	return r;
}

int scene_births(size_t from, size_t to)
{
	return scene_change(from, to, NFCT_Q_CREATE);
}

int scene_deaths(size_t from, size_t to)
{
	return scene_change(from, to, NFCT_Q_DESTROY);
}

int scene_fill(size_t n)
{
	uint32_t have, max;
	int r = ct_usage(&have, &max);

	return r < 0 ? r : scene_births(have, n);
}

int scene_expect(const struct kernel *k, size_t n, const char *after)
{
	uint32_t count, max;
	int r = k->ops->ct_usage(k->ctx, &count, &max);

	if (r < 0 || count == n)
		return r;
	fprintf(stderr, "bench: %u entries instead of %zu after %s\n", count, n, after);
	return -EBADMSG;
}

int scene_empty(const struct kernel *k, const struct connset *set)
{
	size_t at, i, n = connset_count(set);
	struct ct_op ops[BATCH];
	struct conn doomed[BATCH];
	int r = 0;

	for (at = 0; at < n && r == 0; at += BATCH) {
		size_t m = MIN(n - at, (size_t)BATCH);

		for (i = 0; i < m; i++) {
			doomed[i] = *connset_get(set, at + i);
			doomed[i].id = 0; /* created anew since */
			ops[i] = (struct ct_op){ .verb = CT_DELETE, .conn = &doomed[i] };
		}
		r = k->ops->ct_batch(k->ctx, ops, m);
	}
	return r < 0 ? r : scene_expect(k, 0, "emptying the table");
}
