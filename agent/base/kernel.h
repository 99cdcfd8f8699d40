/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything vipsafe asks of the kernel, as one table of functions. agent/kernel implements it,
 * tests/sim fakes it with a virtual clock. No netlink type appears here. Functions return 0 or a
 * negative errno unless they say otherwise. */
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
	char name[LINK_NAME_MAX]; /* the real name, even if an alternative one was asked for */
	bool up, running;
	bool silent;   /* it never sends ARP (IFF_NOARP), as a dummy */
	bool is_own;   /* vipsafe has made it for one address */
	uint16_t type; /* ARPHRD_… */
	uint8_t mac[LINK_MAC_MAX];
	size_t mac_len;
};

/* What sock_list() hands over. */
enum sock_extent {
	SOCK_PEERS = 0,
	SOCK_LISTENERS = 1 << 0,
	SOCK_TIMES = 1 << 1,
};

/* Flags that are set or read; the kernel's IFA_F_… values (linux/if_addr.h). */
enum ifaddr_flag {
	IFADDR_SECONDARY = 0x01,
	IFADDR_NODAD = 0x02,
	IFADDR_DADFAILED = 0x08,
	IFADDR_HOME = 0x10,
	IFADDR_DEPRECATED = 0x20,
	IFADDR_TENTATIVE = 0x40,
	IFADDR_PERMANENT = 0x80,
	IFADDR_NOPREFIXROUTE = 0x200,
	IFADDR_AUTOJOIN = 0x400,
};

#define IFADDR_FOREVER UINT32_MAX

/* One address of a device, as read or as to be set. */
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
	uint8_t proto;			   /* IFA_PROTO: who has made it; 0: not known */
	uint32_t by; /* in an event: netlink port of the program that caused it; 0: not told, as of
			IPv6 and of ioctl() */
};

/* Called once per address; a negative return value ends the list and is passed on. */
typedef int (*ifaddr_sink)(void *ud, const struct ifaddr *a);

/* Another host speaks for A. A negative return value ends the list and is passed on. */
typedef int (*heard_sink)(void *ud, const struct addr *a);

/* What RECORD points to is valid during the call only. A negative return value ends the dump and
 * is passed on. */
typedef int (*conn_sink)(void *ud, const struct conn_record *record);

/* The kernel names programs by the port of their netlink socket, one space for each protocol. */
enum port_kind {
	PORT_ROUTE,	/* of addresses and links */
	PORT_NETFILTER, /* of conntrack entries */
};

#define PORT_OWNER_COMM 16

struct port_owner {
	uint32_t pid;
	char comm[PORT_OWNER_COMM]; /* as the kernel has it, to be escaped; "" if it has just gone
				     */
	bool is_sure;		    /* it has the socket; otherwise only that number */
};

enum ct_verb {
	CT_CREATE, /* exclusive: -EEXIST if an entry has either tuple */
	CT_DELETE, /* by original tuple, zone and id (when not 0) */
	CT_GET,	   /* by key: finds the entry that has this tuple in either direction */
};

/* One message of a batch, and its result. */
struct ct_op {
	enum ct_verb verb;
	const struct conn *conn; /* CREATE: all of it; DELETE, GET: key and id */
	const void *payload;	 /* CREATE: as read from a dump */
	uint16_t payload_len;
	bool orphan;	    /* CREATE: without the reference to a master */
	uint32_t timeout;   /* CREATE: seconds */
	struct conn *found; /* GET: filled on success; may be NULL */
	conn_sink sink;	    /* GET: called with the whole entry; may be NULL */
	void *ud;
	int result; /* 0 or negative errno; -EINPROGRESS: no answer came */
};

/* Rules to remove: those of devices for which BUSY returns false. REMOVED (may be NULL) gets the
 * name of each that was: "table inet vipsafe_hold_7". */
struct rule_cleaning {
	bool (*busy)(void *ud, int ifindex);
	void (*removed)(void *ud, const char *rule);
	void *ud;
	bool holds_only; /* leave those of resets */
};

struct kernel_ops {
	/* Find a device by name or alternative name. -ENODEV: there is none; -EOPNOTSUPP: NAME can
	 * only be an alternative one, and the kernel knows none. */
	int (*link_get)(void *ctx, const char *name, struct link *ret);

	/* Make sure that there is a dummy device NAME, and that it is up. If a device of that
	 * name exists already, it is used. -EOPNOTSUPP: this kernel has no dummy devices. */
	int (*link_make_lonely)(void *ctx, const char *name);

	/* List all addresses of all devices, IPv4 and IPv6. */
	int (*addr_list)(void *ctx, ifaddr_sink sink, void *ud);

	/* -EEXIST: the address is there already. -EPERM, -ENODEV, … */
	int (*addr_add)(void *ctx, const struct ifaddr *a);

	/* Delete exactly this address and prefix length from this device. -EADDRNOTAVAIL: it is
	 * not there. IPv4 on affected kernels: the flush is complete when this returns
	 * (docs/kernel.md 1). */
	int (*addr_del)(void *ctx, const struct ifaddr *a);

	/* 1: deleting a primary address promotes a secondary one; 0: the secondaries are deleted,
	 * too (net.ipv4.conf.{all,DEV}.promote_secondaries). */
	int (*promotes_secondaries)(void *ctx, const struct link *link);

	/* Send one gratuitous ARP request or unsolicited NA for A. */
	int (*announce)(void *ctx, const struct link *link, const struct addr *a);

	/* Listen on LINK for other hosts that speak for one of ADDRS (kernel/heard.h), instead of
	 * what was listened for before; N = 0: for nothing. -EPERM; -EOPNOTSUPP: LINK is not
	 * Ethernet-like; -ENODEV. After an error nothing is listened for. */
	int (*heard_watch)(void *ctx, const struct link *link, const struct addr *addrs, size_t n);

	/* Hand over what was heard, maybe again and again, and also of addresses that are not
	 * asked for any more. -EAGAIN: there may be more; the caller can do other work first. */
	int (*heard_events)(void *ctx, heard_sink sink, void *ud);

	/* Dump the entries of FAMILY (AF_UNSPEC: both). A dump may be torn, or have an entry
	 * twice (docs/kernel.md 5): the sink de-duplicates. -EPROTONOSUPPORT: this kernel has no
	 * connection tracking. -EINTR: the dump was cut short and cannot be trusted. */
	int (*ct_dump)(void *ctx, uint8_t family, conn_sink sink, void *ud);

	/* The same in steps, for whoever has other work in between, at most one at a time. The step
	 * hands over some dozens of entries and returns -EAGAIN while there are more; with any
	 * other result it is over, with those of ct_dump(). The kernel may have made what the
	 * next two steps hand over before it is asked for them. END breaks it off. */
	int (*ct_list_begin)(void *ctx, uint8_t family);
	int (*ct_list_step)(void *ctx, conn_sink sink, void *ud);
	void (*ct_list_end)(void *ctx);

	/* Whether the next step would wait, so that there is time for other work. From the first
	 * time that it is asked on the listing is read while the caller is busy, where that can be.
	 */
	bool (*ct_list_waits)(void *ctx);

	/* Like ct_dump, those whose original destination is in TO. CHEAPLY: -EOPNOTSUPP unless the
	 * kernel itself looks for them (IPv4 since Linux 5.8, CTA_FILTER; the same for IPv6 finds
	 * all others, up to 6.18 at least) and listing the rest for it would take time. */
	int (*ct_dump_to)(void *ctx, const struct addrset *to, bool cheaply, conn_sink sink,
			  void *ud);

	/* Send OPS back to back, in order, in as few sends as sizes allow, and collect one result
	 * per op. Returns 0 if every op has a result, -ENOBUFS if some answers were lost (the
	 * result is -EINPROGRESS), or another error if nothing more could be sent. */
	int (*ct_batch)(void *ctx, struct ct_op *ops, size_t n);

	/* RECORD as conntrack(8) lists it: "tcp      6 431999 ESTABLISHED src=A dst=B sport=1
	 * dport=2 src=B dst=C sport=2 dport=3 [ASSURED] mark=0". Without a payload it lacks what
	 * only that tells (mark, helper). Asks the kernel nothing, and never fails. Returns BUF. */
	const char *(*ct_line)(void *ctx, const struct conn_record *record,
			       char buf[CONN_LINE_MAX]);

	/* The mark of RECORD. False: its payload tells none, it is 0 then. */
	bool (*ct_mark)(void *ctx, const struct conn_record *record, uint32_t *ret);

	/* The number of entries and the maximum, 0: it is not told. -EPROTONOSUPPORT: there is no
	 * conntrack. */
	int (*ct_usage)(void *ctx, uint32_t *ret_count, uint32_t *ret_max);

	/* Set up the hold (kernel/hold.h): at most one per table of functions. Programs that it
	 * runs are ended at DEADLINE, an instant of now(). REASON: why there is none, or why it is
	 * by the second backend ("" by the first). After an error there may also be rules, which
	 * hold nothing, for hold_close() to remove. */
	int (*hold_open)(void *ctx, enum hold_choice choice, const struct link *link,
			 usec_t deadline, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX]);

	/* The same without waiting. END returns -EAGAIN while it is in progress, 0 when the rules
	 * are in place, or the error of hold_open. */
	int (*hold_open_begin)(void *ctx, enum hold_choice choice, const struct link *link,
			       usec_t timeout);
	int (*hold_open_end)(void *ctx, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX]);

	int (*hold_arm)(void *ctx, usec_t duration);
	int (*hold_disarm)(void *ctx); /* at once; the rules stay */
	int (*hold_check)(void *ctx);  /* -ENOENT: the rules are gone. Changes nothing. */

	/* Disarm, and remove the rules. After an error some of them stay. */
	int (*hold_close)(void *ctx, usec_t deadline);

	/* The backend that CHOICE would use, as far as can be seen without changing anything.
	 * HOLD_OFF: none can be used. REASON as of hold_open. */
	enum hold_choice (*hold_look)(void *ctx, enum hold_choice choice,
				      char reason[REPORT_TEXT_MAX]);

	/* Remove the hold and reset rules that killed runs left. Returns how many. */
	int (*hold_clean)(void *ctx, const struct rule_cleaning *c, usec_t deadline);

	/* Close the local TCP sockets whose own address is A; each peer gets a reset. By
	 * SOCK_DESTROY (Linux 4.5 with INET_DIAG_DESTROY), else by resets of our own
	 * (kernel/sockreset.h). Listening sockets stay. *RET_CLOSED: how many were closed.
	 * -EOPNOTSUPP: neither is possible; -ETIMEDOUT: not for all. */
	int (*sock_destroy)(void *ctx, const struct addr *a, uint64_t *ret_closed);

	/* Send each of the N sockets at the other end of FLOWS, from here, an acknowledgement that
	 * is out of its window. A socket answers it: so the kernel sees what it has no socket for,
	 * and resets it. Nothing else comes of it. *RET_SENT: how many. -EPERM, -EOPNOTSUPP. */
	int (*sock_tickle)(void *ctx, const struct conn *flows, size_t n, uint64_t *ret_sent);

	/* For DURATION from now, answer TCP packets in the original direction of FLOWS with a
	 * reset; flows of other protocols are skipped. It ends by itself. -EOPNOTSUPP: there is
	 * no backend, see REASON. */
	int (*reset_flows)(void *ctx, enum hold_choice choice, const struct link *link,
			   const struct conn *const *flows, size_t n, usec_t duration,
			   usec_t deadline, char reason[REPORT_TEXT_MAX]);

	/* Remove the rules of resets that are over, without waiting. END returns -EAGAIN while it
	 * is in progress, then 0 or why some rules stay. */
	int (*reset_clean_begin)(void *ctx, usec_t timeout);
	int (*reset_clean_end)(void *ctx);

	/* How many entries the kernel has dropped from a full table, ever. An error: it does not
	 * tell. */
	int (*ct_early_drops)(void *ctx, uint64_t *ret);

	/* The program that has PORT of KIND. To be asked at once: it may end. -ESRCH: there is none
	 * any more. -EAGAIN: there is one, and only SEARCH finds it, among all processes, which
	 * takes up to some tens of milliseconds. */
	int (*port_owner)(void *ctx, enum port_kind kind, uint32_t port, bool search,
			  struct port_owner *ret);

	/* Subscribe to events about entries of FAMILY, including their ends if DEATHS.
	 * -EPROTONOSUPPORT, -EPERM, or -ENODATA: the kernel sends no events
	 * (net.netfilter.nf_conntrack_events is 0). */
	int (*ct_watch)(void *ctx, uint8_t family, bool deaths);

	/* Hand over the events collected so far, oldest first: entries that were created or
	 * changed, or that have ended (record->gone). What vipsafe did itself is left out.
	 * -ENOBUFS: some were lost (the subscription continues). -EAGAIN: many were handed over
	 * and there may be more; the caller can do other work first. */
	int (*ct_events)(void *ctx, conn_sink sink, void *ud);

	/* The same for the addresses of the node; GONE: A was deleted. An IPv4 delete is reported
	 * before the flush it causes (docs/kernel.md 1). So is a device that goes down (GONE) or
	 * is up: A has an index and no address. */
	int (*addr_watch)(void *ctx);
	int (*addr_events)(void *ctx, int (*sink)(void *ud, const struct ifaddr *a, bool gone),
			   void *ud);

	/* The services of this node's own IPVS. -EOPNOTSUPP: it has none (asking must not load
	 * the module). -EPERM. */
	int (*ipvs_list)(void *ctx, ipvs_sink sink, void *ud);

	/* Its connections and persistence templates. Errors as for ipvs_list. */
	int (*ipvs_conns)(void *ctx, flow_sink sink, void *ud);

	/* 1: IPVS updates conntrack entries (net.ipv4.vs.conntrack); else 0; -ENOENT: there is no
	 * IPVS. */
	int (*ipvs_tracks)(void *ctx);

	/* The node's own TCP sockets that have a peer, also those in TIME_WAIT, and its connected
	 * UDP sockets. LISTENERS: before them the TCP sockets that listen. TIMES: with what
	 * tcp_info says. -EOPNOTSUPP: the kernel cannot list them. */
	int (*sock_list)(void *ctx, enum sock_extent extent, flow_sink sink, void *ud);

	/* Be told of TCP sockets that end from now on, and be handed those that have (FLOW_CLOSED).
	 * -EOPNOTSUPP: this kernel does not tell (before Linux 4.2). -ENOBUFS: some were lost. */
	int (*sock_watch)(void *ctx);
	int (*sock_ends)(void *ctx, flow_sink sink, void *ud);

	/* Whether a program can close a socket of another one on this kernel ("ss -K"). */
	bool (*sock_can_destroy)(void *ctx);

	/* The local ports from which the kernel chooses. */
	int (*local_ports)(void *ctx, struct ports *ret);

	/* Find out by experiment in a private network namespace what an address delete flushes,
	 * and whether created entries keep their helpers, within TIMEOUT. RET has all of it, also
	 * if it is unknown. ASKED: a person asks for it; otherwise an address delete is not tried
	 * where all namespaces share the kernel's netfilter hooks. */
	int (*probe)(void *ctx, bool asked, usec_t timeout, struct probe_result *ret);

	usec_t (*now)(void *ctx);
	void (*sleep)(void *ctx, usec_t duration);

	/* Yield the processor to others that would take it soon: before work that must not be
	 * interrupted. */
	void (*step_aside)(void *ctx);
};

/* The table with its state, passed by value. */
struct kernel {
	const struct kernel_ops *ops;
	void *ctx;
};

/* Whether S (NULL: all) selects RECORD, whose mark K reads. */
static inline bool kernel_selects(const struct kernel *k, const struct selection *s,
				  const struct conn_record *record)
{
	uint32_t mark = 0;

	if (!s || !s->n)
		return true;
	if (selection_needs_mark(s))
		(void)k->ops->ct_mark(k->ctx, record, &mark);
	return selection_has(s, record->conn, mark);
}
