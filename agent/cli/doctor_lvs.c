/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <sys/utsname.h>

#include "base/os.h"
#include "cli/doctor.h"
#include "lvs/evidence.h"

static int doctor_lvs_count(void *ud, const struct lvs_crossing *c _unused_)
{
	struct lvs_facts *l = ud;

	l->crossed++;
	return 0;
}

static void take_sockets(const struct kernel *k, struct lvs_facts *l)
{
	_cleanup_(lvs_evidence_freep) struct lvs_evidence *e = lvs_evidence_new();
	size_t n;

	/* one look: the check waits for busy sockets */
	if (!e || lvs_evidence_search(e, k, 0, false) < 0)
		return;
	lvs_evidence_each(e, doctor_lvs_count, l);
	l->shared = lvs_shared_count(e, NULL, 0, &n);
}

static int take_service(void *ud, const struct ipvs_service *service, const struct ipvs_dest *dest)
{
	struct lvs_facts *l = ud;

	l->director = true;
	l->persistent |= service->flags & IPVS_PERSISTENT;
	l->idle_servers |= dest && !dest->weight;
	return 0;
}

static int64_t vs_sysctl(const char *name)
{
	uint32_t v;

	return os_read_sysctl(name, &v) < 0 ? FACTS_UNKNOWN : (int64_t)v;
}

/* Since 5.9 a port that is used again is scheduled anew without losing its first packet. */
static bool is_since_5_9(void)
{
	unsigned long major, minor;
	struct utsname u;
	char *end;

	if (uname(&u) < 0)
		return false;
	major = strtoul(u.release, &end, 10);
	if (*end != '.')
		return false;
	minor = strtoul(end + 1, NULL, 10);
	return major > 5 || (major == 5 && minor >= 9);
}

void doctor_take_lvs(const struct kernel *k, struct facts *f)
{
	struct lvs_facts *l = &f->lvs;

	take_sockets(k, l);
	(void)k->ops->ipvs_list(k->ctx, take_service, l);
	l->tracks = vs_sysctl("net/ipv4/vs/conntrack");
	l->conn_reuse_mode = vs_sysctl("net/ipv4/vs/conn_reuse_mode");
	l->expire_nodest_conn = vs_sysctl("net/ipv4/vs/expire_nodest_conn");
	l->expire_quiescent_template = vs_sysctl("net/ipv4/vs/expire_quiescent_template");
	l->reuse_is_quick = is_since_5_9();
}
