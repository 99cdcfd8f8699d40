/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything vipsafe asks of the kernel, as one table of calls. agent/kernel
 * fills it for real, tests/sim with a fake and a virtual clock. No netlink
 * type appears here. Every call returns 0 or a negative errno. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/addr.h"
#include "base/flow.h"
#include "base/conn.h"
#include "base/ipvs.h"
#include "base/ports.h"
#include "base/report.h"

#define LINK_NAME_MAX 16 /* IFNAMSIZ */
#define LINK_MAC_MAX 32

struct link {
	int ifindex;
	char name[LINK_NAME_MAX]; /* the real name, whichever name was asked for */
	bool up, running;
	uint16_t type; /* ARPHRD_… */
	uint8_t mac[LINK_MAC_MAX];
	size_t mac_len;
};

/* enum of flags we set or read; the kernel's IFA_F_… values (linux/if_addr.h) */
enum ifaddr_flag {
	IFADDR_SECONDARY = 0x01,
	IFADDR_NODAD = 0x02,
	IFADDR_DADFAILED = 0x08,
	IFADDR_DEPRECATED = 0x20,
	IFADDR_TENTATIVE = 0x40,
	IFADDR_PERMANENT = 0x80,
	IFADDR_NOPREFIXROUTE = 0x200,
};

#define IFADDR_FOREVER UINT32_MAX

/* One address of a device, as listed or as to be set. */
struct ifaddr {
	int ifindex;
	struct prefix prefix;  /* IFA_LOCAL with the prefix length */
	struct addr peer;      /* point-to-point: IFA_ADDRESS; family 0 otherwise */
	struct addr broadcast; /* family 0: none */
	uint8_t scope;
	uint32_t flags; /* enum ifaddr_flag */
	char label[LINK_NAME_MAX];
	uint32_t preferred_lft, valid_lft; /* seconds, IFADDR_FOREVER */
	uint32_t metric;		   /* IFA_RT_PRIORITY, 0: none */
	uint8_t proto;			   /* IFA_PROTO as listed: who has made it; 0: not known */
};

/* Called once per listed item; a negative return ends the listing with it. */
typedef int (*ifaddr_sink)(void *ud, const struct ifaddr *a);

/* What RECORD points to is only valid during the call. */
typedef int (*conn_sink)(void *ud, const struct conn_record *record);

enum ct_verb {
	CT_CREATE, /* exclusive: an existing conflict of either tuple is -EEXIST */
	CT_DELETE, /* by original tuple, zone and id (when not 0) */
	CT_GET,	   /* by key: finds the entry whose either direction has that tuple */
};

/* One message of a batch, and what became of it. */
struct ct_op {
	enum ct_verb verb;
	const struct conn *conn; /* CREATE: all of it; DELETE, GET: key and id */
	const void *payload;	 /* CREATE: as the dump gave it */
	uint16_t payload_len;
	bool orphan;	    /* CREATE: leave out the reference to a master */
	uint32_t timeout;   /* CREATE: seconds */
	struct conn *found; /* GET: filled on success; may be NULL */
	conn_sink sink;	    /* GET: called with all of what was found; may be NULL */
	void *ud;
	int result; /* 0 or negative errno; -EINPROGRESS: no answer came */
};

struct kernel_ops {
	/* Find a device by name or alternative name. -ENODEV. */
	int (*link_get)(void *ctx, const char *name, struct link *ret);

	/* Have a device called NAME that leads nowhere (a dummy), and is up: made
	 * unless there is one of that name. -EOPNOTSUPP: this kernel has none. */
	int (*link_make_lonely)(void *ctx, const char *name);

	/* List all addresses of all devices, IPv4 and IPv6. */
	int (*addr_list)(void *ctx, ifaddr_sink sink, void *ud);

	/* -EEXIST: there already. -EPERM, -ENODEV, … */
	int (*addr_add)(void *ctx, const struct ifaddr *a);

	/* Exactly this address and prefix length on this device.
	 * -EADDRNOTAVAIL: not there. IPv4 on affected kernels: whatever is
	 * flushed is gone when this returns (docs/kernel.md 1). */
	int (*addr_del)(void *ctx, const struct ifaddr *a);

	/* 1 when deleting a primary promotes a secondary, 0 when the
	 * secondaries go along (net.ipv4.conf.{all,DEV}.promote_secondaries). */
	int (*promotes_secondaries)(void *ctx, const struct link *link);

	/* Send one gratuitous ARP request or unsolicited NA for A. */
	int (*announce)(void *ctx, const struct link *link, const struct addr *a);

	/* List the entries of FAMILY (AF_UNSPEC: both). Torn or doubled
	 * listings are possible (docs/kernel.md 5): the sink de-duplicates.
	 * -EPROTONOSUPPORT: this kernel has no connection tracking.
	 * -EINTR: the listing was cut short and cannot be trusted. */
	int (*ct_dump)(void *ctx, uint8_t family, conn_sink sink, void *ud);

	/* Send OPS back to back, in order, in as few sends as sizes allow, and
	 * collect one verdict per op. Returns 0 when every op has a verdict,
	 * -ENOBUFS when some answers were lost (their result is -EINPROGRESS),
	 * or another error when nothing more could be sent. */
	int (*ct_batch)(void *ctx, struct ct_op *ops, size_t n);

	/* Entries now and at most; -EPROTONOSUPPORT without conntrack. */
	int (*ct_usage)(void *ctx, uint32_t *ret_count, uint32_t *ret_max);

	/* The hold (kernel/hold.h): at most one per table of calls. Programs that
	 * it needs end at DEADLINE, an instant as of now(). After an error too there may
	 * be rules, which hold nothing, for hold_close() to remove. */
	int (*hold_open)(void *ctx, enum hold_choice choice, const struct link *link,
			 usec_t deadline, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX]);

	/* The same without waiting. END: -EAGAIN while it is under way, 0 when
	 * the rules are in place, or the error of hold_open. */
	int (*hold_open_begin)(void *ctx, enum hold_choice choice, const struct link *link,
			       usec_t budget);
	int (*hold_open_end)(void *ctx, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX]);

	int (*hold_arm)(void *ctx, usec_t duration);
	int (*hold_disarm)(void *ctx); /* at once; the rules stay */
	int (*hold_check)(void *ctx);  /* -ENOENT: the rules are gone. Only looks. */

	/* Disarm, and remove the rules. An error: some of them stay. */
	int (*hold_close)(void *ctx, usec_t deadline);

	/* Which backend CHOICE would be tried first. Only looks. */
	enum hold_choice (*hold_look)(void *ctx, enum hold_choice choice);

	/* Remove what killed runs left of hold and reset rules for devices
	 * other than those for which BUSY returns true. Returns how many. */
	int (*hold_clean)(void *ctx, bool (*busy)(void *ud, int ifindex), void *ud,
			  usec_t deadline);

	/* Close the local TCP sockets whose own address is A; each peer is sent
	 * a reset (SOCK_DESTROY, Linux 4.5 with INET_DIAG_DESTROY, else
	 * -EOPNOTSUPP). Listeners stay. *RET_CLOSED counts them. */
	int (*sock_destroy)(void *ctx, const struct addr *a, uint64_t *ret_closed);

	/* For DURATION from now, answer TCP that travels in the original
	 * direction of one of FLOWS with a reset; other protocols among them
	 * are skipped. Ends by itself. -EOPNOTSUPP: no backend, see REASON. */
	int (*reset_flows)(void *ctx, enum hold_choice choice, const struct link *link,
			   const struct conn *const *flows, size_t n, usec_t duration,
			   usec_t deadline, char reason[REPORT_TEXT_MAX]);

	/* Remove the rules of such resets as are over, without waiting. END:
	 * -EAGAIN while it is under way, then 0 or why some stay. */
	int (*reset_clean_begin)(void *ctx, usec_t budget);
	int (*reset_clean_end)(void *ctx);

	/* Begin to collect what becomes of entries of FAMILY from now on, their
	 * ends included if DEATHS. -EPROTONOSUPPORT, -EPERM, or -ENODATA: the
	 * kernel sends no events (net.netfilter.nf_conntrack_events is 0). */
	int (*ct_watch)(void *ctx, uint8_t family, bool deaths);

	/* Hand over what has been collected, oldest first: entries as they were
	 * created or as they changed, or that they have ended (record->gone).
	 * What we did ourselves is left out. -ENOBUFS: some were lost
	 * (collecting goes on). -EAGAIN: a good many were handed over, and there
	 * may be more: they do not keep the caller from other work. */
	int (*ct_events)(void *ctx, conn_sink sink, void *ud);

	/* The same for the addresses of the node: GONE when A was deleted. An
	 * IPv4 delete is told before the flush it causes (docs/kernel.md 1). */
	int (*addr_watch)(void *ctx);
	int (*addr_events)(void *ctx, int (*sink)(void *ud, const struct ifaddr *a, bool gone),
			   void *ud);

	/* The virtual servers of this node's own IPVS. -EOPNOTSUPP: it has
	 * none, and asking must not load it. -EPERM. */
	int (*ipvs_list)(void *ctx, ipvs_sink sink, void *ud);

	/* Its connections and persistence templates. -EOPNOTSUPP likewise. */
	int (*ipvs_conns)(void *ctx, flow_sink sink, void *ud);

	/* 1 when IPVS keeps conntrack informed (net.ipv4.vs.conntrack), else 0;
	 * -ENOENT: there is no IPVS. */
	int (*ipvs_tracks)(void *ctx);

	/* The node's own TCP sockets that have a peer, in TIME_WAIT too, and
	 * its connected UDP sockets. -EOPNOTSUPP: the kernel cannot tell. */
	int (*sock_list)(void *ctx, flow_sink sink, void *ud);

	/* Which local ports the kernel chooses from. */
	int (*local_ports)(void *ctx, struct ports *ret);

	/* Find out by experiment in a private namespace what an address delete
	 * flushes, within BUDGET. Always fills both verdicts; REASON (one
	 * line) says why one is unknown, "" otherwise. ASKED: by a person, and
	 * not in passing; else it is not begun where the kernel's netfilter hooks
	 * are those of all namespaces. */
	int (*probe)(void *ctx, bool asked, usec_t budget, enum kernel_kind *ret_ipv4,
		     enum kernel_kind *ret_ipv6, char reason[REPORT_TEXT_MAX]);

	usec_t (*now)(void *ctx);
	void (*sleep)(void *ctx, usec_t duration);

	/* Let others have the processor now, who would take it soon: for what must
	 * not be interrupted. */
	void (*step_aside)(void *ctx);
};

/* The table with its state, passed by value. */
struct kernel {
	const struct kernel_ops *ops;
	void *ctx;
};
