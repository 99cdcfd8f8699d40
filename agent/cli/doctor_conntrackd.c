/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/os.h"
#include "cli/conntrackd.h"
#include "keepalived/conntrackd_check.h"

/* Entries that are looked at; more do not change the verdict. */
#define CONNECTIONS_MAX 100000

struct counting {
	struct conntrackd_check *check;
	struct addrset virtual;
	unsigned seen;
};

static int conntrackd_on_conn(void *ud, const struct conn_record *record)
{
	const struct conn *c = record->conn;
	struct counting *n = ud;
	struct addr source = addr_make(c->key.family, c->key.orig.src);
	struct addr to = addr_make(c->key.family, c->reply.dst);
	struct addr replies = addr_make(c->key.family, c->reply.src);

	if (n->seen++ == CONNECTIONS_MAX)
		return -ECANCELED;
	if (!(c->status & CONN_SRC_NAT) || !addrset_has(&n->virtual, &to))
		return 0;
	n->check->translated++;
	n->check->sctp += c->key.l4proto == IPPROTO_SCTP;
	n->check->left_out +=
		n->check->conf && !conntrackd_conf_passes(n->check->conf, &source, &replies);
	return 0;
}

/* Hold the connections of the virtual addresses against the filter. */
static void conntrackd_count(const struct kernel *k, struct conntrackd_check *check)
{
	struct counting n = { .check = check };

	if (conntrackd_addresses(check->settings, &n.virtual) == 0 && n.virtual.n)
		(void)k->ops->ct_dump(k->ctx, AF_UNSPEC, conntrackd_on_conn, &n);
	addrset_done(&n.virtual);
}

static int64_t conntrackd_sysctl(const char *name)
{
	uint32_t v;

	return os_read_sysctl(name, &v) < 0 ? CONNTRACKD_UNKNOWN : (int64_t)v;
}

void doctor_take_conntrackd(const struct cli *cli, const struct kernel *k, const struct facts *f,
			    struct findings *ret)
{
	const struct settings *s = &cli->settings;
	struct conntrackd_check check = {
		.settings = s, .driven = f->conntrackd_driven, .file = CONNTRACKD_CONF, .others = ""
	};
	_cleanup_free_ struct conntrackd_conf *conf = NULL;
	char started_with[PATH_MAX];
	int r;

	if (!f->conntrackd_driven && !conntrackd_is_wanted(s))
		return;
	check.running = conntrackd_find(started_with);
	if (*started_with && strcmp(started_with, CONNTRACKD_CONF) != 0)
		check.others = started_with;
	conntrackd_ask(s, &check.stats);
	/* vipsafe may call a script that names the file, and others do so in any case */
	if (*check.others && (check.stats.answered || !conntrackd_is_wanted(s)))
		check.file = started_with;
	conf = malloc(sizeof(*conf));
	r = conf ? conntrackd_conf_open(check.file, conf) : -ENOMEM;
	check.conf = r == 0 ? conf : NULL;
	check.problem = r == -EINVAL ? "not understood" : strerror(-r);
	check.lock_there = check.conf && access(conf->lock, F_OK) == 0;
	(void)conntrackd_ask_version(s, &check.version);
	check.established = conntrackd_sysctl("net/netfilter/nf_conntrack_tcp_timeout_established");
	conntrackd_count(k, &check);
	conntrackd_check(&check, ret);
}
