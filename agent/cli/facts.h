/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor looks at, as a value, and the findings derived from it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/finding.h"
#include "cli/firewall.h"
#include "cli/manager.h"
#include "base/report.h"
#include "cli/snat.h"

#define FACTS_MANAGERS_MAX 8
#define FACTS_DEVICES_MAX 256
#define FACTS_NAME_MAX 32
#define FACTS_WORD_MAX 24
#define FACTS_PATH_MAX 128
#define FACTS_UNKNOWN (-1)

struct device_facts {
	char name[DEVICE_NAME_MAX];
	bool exists;
	int ifindex;
	char real_name[DEVICE_NAME_MAX]; /* not an alternative one */
	unsigned addresses, secondaries; /* IPv4 */
	unsigned others;		 /* IPv6 /128 that nobody leases: of something that moves */
	int64_t promotes_secondaries;	 /* 1, 0, or FACTS_UNKNOWN */
	int64_t rp_filter;		 /* the effective value: 0, 1, 2 */
	struct manager_facts managed;
	/* what the running daemon says of it */
	bool guarded, in_force; /* its protection is more than watching, and works now */
	char protection[FACTS_WORD_MAX], state[FACTS_WORD_MAX];
	char reason[FACTS_PATH_MAX]; /* why it does not work */
	uint64_t pinned, unpinned;   /* connections */
};

enum daemon_facts {
	DAEMON_RUNNING,
	DAEMON_ABSENT,
	DAEMON_SILENT,
	DAEMON_NOT_FOR_US, /* it runs, and we may not ask it */
};

struct lvs_facts {
	uint32_t shared, crossed; /* local ports in use twice; connections that have crossed */
	bool director;		  /* this node's IPVS has services */
	bool persistent, idle_servers;
	bool reuse_is_quick; /* conn_reuse_mode=1 costs nothing on this kernel */
	/* sysctls of IPVS, or FACTS_UNKNOWN */
	int64_t tracks, conn_reuse_mode, expire_nodest_conn, expire_quiescent_template;
};

struct facts {
	enum kernel_kind ipv4, ipv6;
	char reason[REPORT_TEXT_MAX]; /* why IPV4 or IPV6 is unknown */
	bool net_admin, net_raw;      /* capabilities */
	bool nat_twice; /* nf_tables and the NAT of ip_tables, where all hooks are global */
	int conntrack;	/* 0; -EPROTONOSUPPORT: there is none; else why ctnetlink refuses */
	uint32_t entries, entries_max;
	/* sysctls, or FACTS_UNKNOWN */
	int64_t buckets, events, acct, tcp_loose, be_liberal;
	struct device_facts *devices; /* owned; configured ones, or those with global addresses */
	size_t n_devices;
	bool any_configured;		/* there is a section [device …] */
	char isolated[PREFIX_TEXT_MAX]; /* an address that has a device of its own; "": none */
	unsigned exposed; /* addresses that move, or may go, where connections are masqueraded */
	bool firewall_seen;
	char firewall_unseen[FACTS_PATH_MAX]; /* why not */
	struct firewall firewall;
	struct nat_rules nat;	     /* owned */
	struct snat_device *outlets; /* owned; devices with addresses */
	size_t n_outlets;
	char managers[FACTS_MANAGERS_MAX][FACTS_NAME_MAX]; /* of the network, running */
	size_t n_managers;
	struct manager_programs programs;
	struct findings scripts; /* owned; what scripts of others call */
	unsigned unread;	 /* scripts without permission to read */
	unsigned other_language; /* scripts of another language, whose calls are not known */
	unsigned half_read;	/* scripts read in part, or not at all because there are too many */
	bool conntrackd_driven; /* scripts of keepalived call conntrackd */
	enum daemon_facts daemon;
	char config[FACTS_PATH_MAX];	 /* its configuration, if that is not the usual one */
	char unseen[REPORT_TEXT_MAX];	 /* why it may not be asked */
	unsigned killed_runs, set_aside; /* files in the run directory */
	unsigned gone;			 /* addresses deleted while no guard was running */
	int run_dir;			 /* 0, or why it cannot be used */
	char run_dir_path[FACTS_PATH_MAX];
	struct lvs_facts lvs;
};

void facts_done(struct facts *f);

/* Add findings about F to RET, those that cure most first. */
void diagnose(const struct facts *f, struct findings *ret);

/* Those about LVS. */
void facts_lvs(const struct lvs_facts *l, struct findings *ret);
