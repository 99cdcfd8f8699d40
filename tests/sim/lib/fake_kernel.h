/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel in memory behind struct kernel_ops, with a virtual clock: links,
 * addresses, conntrack entries, the masquerade flush, and every fault the
 * kernel notes name as a switch. What it does is what the kernel does
 * (docs/kernel.md 1, 4, 5, 7); it knows nothing of what vipsafe wants.
 *
 * The payload of an entry is the fake's own seal over its tuples: an entry
 * created with another flow's payload, a cut one, or other tuples than the
 * payload speaks of exists, but its packets leave untranslated. */
#pragma once

#include "base/kernel.h"

#define FAKE_LINKS_MAX 8
#define FAKE_ADDRS_MAX 1100
#define FAKE_PAYLOAD_MAX 256
#define FAKE_CLOSED_MAX 16
#define FAKE_OWNERS_MAX 8
#define FAKE_SAID_MAX 64    /* not read yet; more are dropped */
#define FAKE_PENDING_MAX 16 /* late flushes outstanding; more are dropped, as the kernel does */

/* What a kernel flushes when an address is deleted. */
enum fake_flush {
	FLUSH_NONE,
	FLUSH_ADDRESS, /* fixed: entries translated to that address */
	FLUSH_DEVICE,  /* affected: every masqueraded entry of device and family */
};

/* What traffic puts in the place of an entry the moment it is flushed. */
enum fake_conflict {
	CONFLICT_IDENTICAL,    /* the client's packet: same translation again */
	CONFLICT_OTHER_PORT,   /* the client's packet: another source port */
	CONFLICT_LOCAL,	       /* the server's packet: taken for local delivery */
	CONFLICT_OTHER_CLIENT, /* somebody else was given the port */
	CONFLICT_OTHER_SERVER, /* the client's packet: IPVS has chosen another server */
	CONFLICT_NEW_FLOW,     /* the client began a new connection from the same port */
};

enum fake_mangle {
	MANGLE_NONE,
	MANGLE_PORT,	     /* reply tuple with another port */
	MANGLE_UNTRANSLATED, /* reply tuple as wanted, but no source NAT in the status */
	MANGLE_SERVER,	     /* another server, altered by IPVS, becomes a DNAT */
	MANGLE_LOCAL,	     /* what keeps its source gets another port */
};

/* Calls NTH … NTH+TIMES-1 (from 1; TIMES 0 is one) of a kind end with ERROR. */
struct fake_fault {
	unsigned nth, times;
	int error;
};

struct fake_call {
	struct fake_fault fault;
	unsigned calls; /* all, refused ones too */
};

/* An entry as the kernel has it: CONN as a dump would give it, and what no
 * dump shows. */
struct fake_entry {
	struct conn conn; /* timeout: unused, see expires */
	struct conn_key master;
	int masq;	 /* device index the flush goes by, 0: none */
	bool translates; /* packets really leave and return as conn.reply says */
	bool created;	 /* through ct_batch */
	bool told;	 /* whoever listens knows of it */
	usec_t expires;
	size_t payload_len;
	uint8_t payload[FAKE_PAYLOAD_MAX];
};

struct fake_pending {
	usec_t due;
	int ifindex;
	struct addr addr;
};

struct fake_planned_conflict {
	struct conn_key key;
	enum fake_conflict kind;
};

/* A connection that traffic brings up when the clock gets to WHEN. */
struct fake_birth {
	usec_t when;
	struct conn conn;
	int masq;
};

/* What became of an entry, as it was then. */
struct fake_event {
	struct fake_entry entry;
	bool born, gone;
	uint32_t by; /* netlink port; 0: the kernel */
	bool made;   /* in a listing: over netlink, and it tells */
};

struct fake_addr_event {
	struct ifaddr addr;
	bool gone;
};

/* A program with a netlink socket. */
struct fake_owner {
	enum port_kind kind;
	uint32_t port;
	struct port_owner owner;
	bool hidden; /* only a search finds it */
};

struct fake_announcement {
	usec_t when;
	int ifindex;
	struct addr addr;
};

struct fake {
	struct kernel kernel; /* hand this to the code under test */

	/* Behaviour; change at any time. */
	enum fake_flush flush4, flush6;
	usec_t flush_after; /* 0: within the address delete */
	usec_t wakes_late;  /* a sleep lasts so much longer */
	bool flush_starves; /* a late one gets no processor but while the run sleeps */
	bool full_deaths;   /* as from Linux 5.15 on, a DESTROY tells timeout and TCP state */
	bool tells_made; /* as from Linux 4.19 on, a listing tells what was created over netlink */
	enum kernel_kind probe4, probe6;
	bool hooks_are_global; /* of netfilter: Linux before 4.3 */
	bool promote_secondaries;
	bool no_conntrack;
	uint32_t ct_max;
	uint64_t early_drops;
	bool no_stats;	  /* ct_early_drops is refused */
	uint32_t addr_by; /* netlink port of whoever deletes addresses without vipsafe */
	struct fake_owner owners[FAKE_OWNERS_MAX];
	size_t n_owners;
	unsigned owners_asked;
	/* virtual time of each call, each listed entry, an address delete */
	usec_t call_cost, entry_cost, delete_cost;
	/* of each entry of the same socket that is met while another is created */
	usec_t chain_cost;
	usec_t dad_time; /* tentative for so long; 0: 1 s */
	bool dad_fails;

	/* Faults. */
	struct fake_call addr_add, addr_del, announce, link_get, addr_list, dump, dump_to, create,
		remove, get, batch;
	unsigned unacknowledged;	/* so many address changes are done and say -ENOBUFS */
	unsigned torn_from, dumps_torn; /* so many dumps from that one on break off with -EINTR */
	bool dump_doubles;		/* list every third entry again, at the end */
	unsigned hide_dump, hide_nth;	/* dump number HIDE_DUMP leaves out every HIDE_NTH entry */
	unsigned unanswered_batch;	/* so many batches lose the second half of their answers */
	unsigned refuse_at;	     /* the flow of create number so many is refused for good … */
	int refuse_error;	     /* … with this */
	bool no_filter;		     /* Linux before 5.8 */
	bool no_nft_hold;	     /* Linux before 4.9 */
	bool short_attributes;	     /* neither alternative names nor metrics: Linux before 4.18 */
	bool max_is_untold;	     /* nf_conntrack_max is, in a namespace of its own */
	bool no_hold;		     /* no backend, neither for resets */
	bool no_sock_destroy;	     /* Linux before 4.5 */
	bool no_events;		     /* nf_conntrack_events is 0 */
	unsigned events_lost;	     /* so many readings end with -ENOBUFS and nothing else */
	bool overrun_is_zero;	     /* and say so as Linux before 4.11 */
	bool create_is_update;	     /* told of a create by others so: Linux up to 4.9 */
	unsigned events_dropped;     /* so many readings lose what there is, and say nothing */
	int events_error;	     /* the next reading ends so, and has nothing */
	bool no_addr_events;	     /* addr_watch is refused */
	unsigned addr_events_lost;   /* as events_lost */
	int heard_error;	     /* heard_watch ends so */
	unsigned busy_nth;	     /* every so manieth entry is offloaded: DELETE is -EBUSY */
	bool forgets_helpers;	     /* a created entry has none: Linux 4.9 */
	enum fake_mangle mangle_all; /* what becomes of every create that it fits */
	enum fake_mangle mangle;     /* what becomes of create number MANGLE_AT … */
	unsigned mangle_at, mangle_times;
	/* A wrong program between the code under test and this kernel: what it does instead of OP
	 * it says in op->result, and returns true. */
	bool (*meddle)(void *ud, struct ct_op *op);
	void *meddle_ud;
	const struct conn_key *lie_about; /* this entry is told of … */
	uint32_t lie;			  /* … without these bits of its status */
	bool hold_is_sham;		  /* arming it holds nothing back */

	/* What was done. */
	unsigned writes; /* addresses and entries changed or attempted */
	unsigned ct_writes;
	unsigned created, removed, flushed; /* entries */
	unsigned slept;
	unsigned held_opened, held_armed, held_closed;
	unsigned unheld_creates; /* creates while no hold was in force */
	bool held_open;
	int held_on; /* device */
	usec_t held_until;
	unsigned held_cleaned;
	unsigned experiments;	  /* of the probe */
	bool binds_null;	  /* what is born is not translated: a foreign NAT chain is asked */
	enum hold_choice held_by; /* the latest to be opened */
	usec_t armed_at, held_for;	    /* since when, and how long before */
	bool hold_hangs;		    /* its programs do */
	unsigned stepped_aside, held_aside; /* … while packets were held back */
	usec_t others_take;		    /* of the processor, when we step aside */
	const char *hold_lacks;		    /* hold_look() finds no backend, for this reason */
	bool hold_fails;		    /* half way: some of its rules are there */
	bool hold_stays;		    /* its rules cannot be removed */
	usec_t hold_takes;		    /* to be made beside a run */
	usec_t held_budget;		    /* of the latest to be opened */
	enum hold_choice opening;
	int opening_on;
	usec_t opening_until;
	struct addr closed[FAKE_CLOSED_MAX]; /* whose sockets were to be closed */
	size_t n_closed;
	unsigned tickles, tickles_lost; /* calls; in the first of them every other one is lost */
	int tickle_error;
	struct conn_key *reset; /* flows to be answered with a reset … */
	size_t n_reset;
	usec_t reset_for; /* … for so long */
	/* addresses deleted by then, attempts too */
	unsigned deletes_before_close, deletes_before_reset;
	struct fake_announcement announced[256];
	size_t n_announced;

	/* The state. */
	usec_t clock;
	uint32_t next_id;
	struct link links[FAKE_LINKS_MAX];
	char altnames[FAKE_LINKS_MAX][64];
	size_t n_links;
	struct ifaddr addrs[FAKE_ADDRS_MAX];
	usec_t addr_since[FAKE_ADDRS_MAX];
	size_t n_addrs;
	struct fake_entry *entries; /* those of STORE that are left: mostly the first goes */
	struct fake_entry *store;   /* owned; place for ROOM */
	size_t n_entries, room;
	usec_t next_expiry; /* no entry expires earlier */
	size_t *found;	    /* owned: after the entry that was looked for last */
	struct fake_pending pending[FAKE_PENDING_MAX];
	size_t n_pending;
	struct fake_planned_conflict *conflicts;
	size_t n_conflicts;
	struct fake_birth *births;
	size_t n_births;
	bool watching, watching_deaths;
	struct fake_event *events;
	size_t n_events;
	size_t events_at_once; /* are read at most, as a batch of them; 0: all */
	bool watching_addrs;
	struct fake_addr_event *addr_events;
	struct fake_listing *listing; /* fake_list.c; NULL: none is under way */
	unsigned list_piece;	      /* entries in a step of it; 0: 64 */
	unsigned list_waits; /* there is time for other work before every so manieth step */
	size_t n_addr_events;
	struct conn_key refused_key;
	struct addr *heard_for; /* what is listened for … */
	size_t n_heard_for;
	int heard_on;		/* … on this device; 0: nothing */
	unsigned heard_watches; /* how often that was asked for */
	struct addr said[FAKE_SAID_MAX];
	size_t n_said;

	/* LVS; the arrays are the test's own. A dest belongs to the service of
	 * the same index. */
	bool is_director, ipvs_tracks;
	const struct ipvs_service *services;
	const struct ipvs_dest *dests;
	size_t n_services;
	const struct flow *ipvs_conns, *sockets;
	size_t n_ipvs_conns, n_sockets;
	int sock_list_error; /* instead of the sockets */
	struct ports ports;
};

struct fake *fake_new(void);
/* Behave as the kernel of that name: "3.10", "4.4", "4.9", "4.19", "6.1" or "6.18".
 * fake_new() asks for that in VIPSAFE_SIM_KERNEL, if there is one. */
void fake_profile(struct fake *f, const char *name);
struct fake *fake_free(struct fake *f);
DEFINE_CLEANUP(struct fake, fake_free)

/* Add a link that is up, and return its index. */
int fake_link_add(struct fake *f, const char *name, const char *altname);
/* It vanishes, with its addresses and masqueraded entries. */
void fake_link_remove(struct fake *f, const char *name);

/* The link goes down, and takes its IPv6 addresses and masqueraded entries; or up. */
void fake_link_set(struct fake *f, const char *name, bool up);

/* As a host's own configuration would, at no cost and without being counted. */
void fake_addr(struct fake *f, int ifindex, const char *prefix, const char *label);
bool fake_has_addr(const struct fake *f, int ifindex, const char *prefix);
size_t fake_count_addrs(const struct fake *f, int ifindex);

/* Delete without vipsafe, as `ip addr del` would, flush included. */
int fake_addr_del(struct fake *f, int ifindex, const char *prefix);

/* Put an entry in the table: really translating, masqueraded by MASQ (0: not).
 * C's id is chosen here. TTL in seconds. */
struct fake_entry *fake_entry_add(struct fake *f, const struct conn *c,
				  const struct conn_key *master, int masq, uint32_t ttl);
/* E expires at WHEN. */
void fake_entry_expires(struct fake *f, struct fake_entry *e, usec_t when);
struct fake_entry *fake_entry_find(const struct fake *f, const struct conn_key *key);

/* When the entry with KEY is flushed, traffic puts a conflict of KIND there. */
void fake_plan_conflict(struct fake *f, const struct conn_key *key, enum fake_conflict kind);

/* At WHEN, C comes into being, masqueraded by MASQ. */
void fake_plan_birth(struct fake *f, usec_t when, const struct conn *c, int masq);

/* Traffic has changed ENTRY, or the test has just added it: tell whoever
 * guards. Births, flushes, expiries and conflicts are told of by themselves; what
 * ct_batch does is our own and is not. */
void fake_tell(struct fake *f, const struct fake_entry *entry);

/* Somebody with netlink port PORT deletes the entry, as `conntrack -D` does.
 * -ENOENT: there is none. */
int fake_delete_by(struct fake *f, const struct conn_key *key, uint32_t port);

/* Somebody with netlink port PORT pins it, as vipsafe in another process does. */
int fake_pin_by(struct fake *f, const struct conn_key *key, uint32_t port);

/* Another host on the network of the device IFINDEX speaks for ADDR. It is heard only if the
 * code under test listens for it there. */
void fake_say(struct fake *f, int ifindex, const char *addr);

/* Whether it listens for ADDR now. */
bool fake_is_heard(const struct fake *f, int ifindex, const char *addr);

/* Somebody else closes the hold of the same device. */
void fake_take_hold(struct fake *f);

/* Let time pass: connections are born, late flushes happen, entries expire. */
void fake_advance(struct fake *f, usec_t by);

/* ---- between the files of the fake ---- */
void fake_entry_remove_at(struct fake *f, size_t i);
/* The entry that has T in one of its directions, in the zone of K. */
struct fake_entry *fake_entry_lookup(const struct fake *f, const struct tuple *t,
				     const struct conn_key *k);
/* Whether BYTES are the unchanged payload of an entry with C's tuples. *RET_MASTER: the master's
 * key then; its family is 0 if there is none. */
bool fake_payload_read(const void *bytes, size_t len, const struct conn *c,
		       struct conn_key *ret_master);
/* The source port the far end sees, or the query id. */
uint16_t *fake_translated(struct conn *c);
int fake_enter(struct fake *f, struct fake_call *call);
void fake_flush_for(struct fake *f, int ifindex, const struct addr *gone);
void fake_flush_device(struct fake *f, int ifindex);
void fake_conntrack_tick(struct fake *f);
void fake_births_tick(struct fake *f);
bool fake_is_held(const struct fake *f);
int fake_list_entry(struct fake *f, const struct fake_entry *entry, conn_sink sink, void *ud);
int fake_list_event(struct fake *f, const struct fake_event *event, conn_sink sink, void *ud);
void fake_tell_death(struct fake *f, const struct fake_entry *e, uint32_t by);
void fake_tell_addr(struct fake *f, const struct ifaddr *a, bool gone);
int fake_addr_watch(void *ctx);
int fake_addr_events(void *ctx, int (*sink)(void *ud, const struct ifaddr *a, bool gone), void *ud);
int fake_heard_watch(void *ctx, const struct link *link, const struct addr *addrs, size_t n);
int fake_heard_events(void *ctx, heard_sink sink, void *ud);
int fake_ct_watch(void *ctx, uint8_t family, bool deaths);
int fake_ct_events(void *ctx, conn_sink sink, void *ud);
int fake_hold_open(void *ctx, enum hold_choice choice, const struct link *link, usec_t deadline,
		   enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX]);
int fake_hold_open_begin(void *ctx, enum hold_choice choice, const struct link *link,
			 usec_t timeout);
int fake_hold_open_end(void *ctx, enum hold_choice *ret_used, char reason[REPORT_TEXT_MAX]);
int fake_hold_arm(void *ctx, usec_t duration);
int fake_hold_disarm(void *ctx);
int fake_hold_check(void *ctx);
int fake_hold_close(void *ctx, usec_t deadline);
enum hold_choice fake_hold_look(void *ctx, enum hold_choice choice, char reason[REPORT_TEXT_MAX]);
int fake_hold_clean(void *ctx, const struct rule_cleaning *c, usec_t deadline);
int fake_sock_destroy(void *ctx, const struct addr *a, uint64_t *ret_closed);
int fake_sock_tickle(void *ctx, const struct conn *flows, size_t n, uint64_t *ret_sent);
int fake_reset_flows(void *ctx, enum hold_choice choice, const struct link *link,
		     const struct conn *const *flows, size_t n, usec_t duration, usec_t deadline,
		     char reason[REPORT_TEXT_MAX]);
int fake_reset_clean_begin(void *ctx, usec_t timeout);
int fake_reset_clean_end(void *ctx);
int fake_ct_dump(void *ctx, uint8_t family, conn_sink sink, void *ud);
int fake_ct_list_begin(void *ctx, uint8_t family);
int fake_ct_list_step(void *ctx, conn_sink sink, void *ud);
void fake_ct_list_end(void *ctx);
bool fake_ct_list_waits(void *ctx);
int fake_ct_dump_to(void *ctx, const struct addrset *to, bool cheaply, conn_sink sink, void *ud);
int fake_ct_batch(void *ctx, struct ct_op *ops, size_t n);
int fake_ipvs_list(void *ctx, ipvs_sink sink, void *ud);
int fake_ipvs_conns(void *ctx, flow_sink sink, void *ud);
int fake_ipvs_tracks(void *ctx);
bool fake_sock_can_destroy(void *ctx);
int fake_sock_list(void *ctx, enum sock_extent extent, flow_sink sink, void *ud);
int fake_sock_watch(void *ctx);
int fake_sock_ends(void *ctx, flow_sink sink, void *ud);
int fake_local_ports(void *ctx, struct ports *ret);
const char *fake_ct_line(void *ctx, const struct conn_record *record, char buf[CONN_LINE_MAX]);
bool fake_ct_mark(void *ctx, const struct conn_record *record, uint32_t *ret);
/* A program COMM[PID] has PORT of KIND. */
void fake_owner_add(struct fake *f, enum port_kind kind, uint32_t port, const char *comm,
		    uint32_t pid);
int fake_port_owner(void *ctx, enum port_kind kind, uint32_t port, bool search,
		    struct port_owner *ret);
int fake_ct_early_drops(void *ctx, uint64_t *ret);
/* The kernel drops the entry from a full table. */
int fake_drop_early(struct fake *f, const struct conn_key *key);
int fake_ct_usage(void *ctx, uint32_t *ret_count, uint32_t *ret_max);
