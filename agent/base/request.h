/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request: add or delete these VIPs on that device. The same value is made from argv, a
 * configuration line, a FIFO line or the socket. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>
#include <vipsafe/protocol.h>

#include "base/addr.h"
#include "base/selection.h"
#include "base/text.h"

/* Bounds of move_by. */
#define MOVE_BY_MIN (10 * USEC_PER_MSEC)
#define MOVE_BY_MAX (10 * USEC_PER_SEC)

#define DEVICE_NAME_MAX 128 /* ALTIFNAMSIZ: alternative names, Linux 5.5 */
#define LABEL_MAX 16	    /* IFNAMSIZ */

enum op {
	OP_ADD,
	OP_DEL,
};

enum strategy {
	STRATEGY_AUTO,
	STRATEGY_PIN,
	STRATEGY_RESTORE,
	STRATEGY_NONE,
};

enum hold_choice {
	HOLD_AUTO,
	HOLD_NFT,
	HOLD_IPTABLES,
	HOLD_OFF,
};

/* What to do with the leaving VIP's own flows. */
enum vip_flows {
	VIP_FLOWS_DROP,
	VIP_FLOWS_KEEP,
	VIP_FLOWS_RESET,
};

enum vip_broadcast {
	BROADCAST_NONE,
	BROADCAST_AUTO, /* "brd +": all host bits one */
	BROADCAST_GIVEN,
};

/* Options of few addresses. */
struct vip_extra {
	struct addr peer; /* the other end of a point-to-point link; family 0: none */
	uint8_t proto;	  /* IFA_PROTO; 0: not given */
	bool home;	  /* IPv6: the home address of a mobile node */
	bool autojoin;	  /* of a multicast address: the device joins the group */
};

struct vip {
	struct prefix prefix;  /* with a peer, of the peer's length, as the kernel has it */
	char label[LABEL_MAX]; /* "": none */
	int scope;	       /* RT_SCOPE_…; -1: not given, the kernel's usual one */
	enum vip_broadcast broadcast_mode;
	struct addr broadcast; /* BROADCAST_GIVEN only */
	bool noprefixroute;
	bool dad; /* IPv6: run duplicate address detection and wait */
	bool has_preferred_lft;
	uint32_t preferred_lft; /* seconds; UINT32_MAX: forever */
	uint32_t metric;	/* 0: not given */
	struct vip_extra extra;
};

#define ASKER_COMMAND_MAX 64
#define ASKER_INSTANCE_MAX 128
#define ASKER_SOURCE_MAX 8

/* Who asked: the process, as the kernel knows it, and the instance whose state it carries out. */
struct asker {
	bool is_known;
	uint32_t uid;
	int64_t pid;
	char command[ASKER_COMMAND_MAX];   /* its comm, escaped; "": it had ended already */
	char instance[ASKER_INSTANCE_MAX]; /* "": none */
	char source[ASKER_SOURCE_MAX];	   /* how its state was told: "hook", "fifo", "decoy" */
};

struct request {
	enum op op;
	bool plan; /* dry run: the same checks, no write */
	char device[DEVICE_NAME_MAX];
	struct vip vips[VIPS_MAX];
	size_t n_vips;
	bool force;	  /* even if it would be refused for safety */
	bool is_instance; /* an instance's state wants it */
	/* Another node takes the addresses over, or had them, with what is translated to them: it
	 * was replicated. OP_DEL: it lingers here until then. */
	bool replicated;
	bool uncommitted; /* OP_ADD: and it is not all here yet */
	bool any_label;	  /* labels need not begin with the device's name, as in keepalived */
	enum strategy strategy;
	enum hold_choice hold;
	enum vip_flows vip_flows;
	struct selection selection; /* OP_DEL: which connections are protected */
	usec_t timeout;		    /* of the whole run; 0: as configured */
	/* The instant (CLOCK_MONOTONIC) at which it has to be over, however long it waited to
	 * begin; 0: TIMEOUT after it begins. */
	usec_t deadline;
	/* OP_DEL: the addresses go so long after it was asked for, whatever is protected by then;
	 * 0: when all is. MOVE_AT: that instant, however long it waited to begin; 0: MOVE_BY after
	 * it begins. */
	usec_t move_by, move_at;
	struct asker by;
};

/* Parse the words after "add" or "del":
 *   ADDR[/LEN] [ADDR…] dev DEV [option …] [filter …]
 * A peer goes with one address, whose length is then the peer's, as with ip-address(8).
 * Keywords may be shortened while unique, also to the long names iproute2
 * has (broadcast); filters (base/selection.h) go with del only. What request_option() sets is left
 * as it is in *REQ, which the caller has initialised with request_init(). Returns 0, or -EINVAL
 * with *RET_ERROR filled and *REQ undefined. */
int request_parse(struct request *req, int argc, char *const argv[],
		  struct request_error *ret_error);

/* Parse one configured address: "ADDR[/LEN] [option …]", without dev.
 * The same options and errors as request_parse(). */
int vip_parse(struct vip *ret, int argc, char *const argv[], struct request_error *ret_error);

/* The same in keepalived's form: "dev DEV" may be among the options (else RET_DEVICE is ""), and
 * an option that is for IPv4 only is left out of an IPv6 address; *RET_IGNORED is its word, or
 * NULL. */
int vip_parse_at(struct vip *ret, char ret_device[DEVICE_NAME_MAX], const char **ret_ignored,
		 int argc, char *const argv[], struct request_error *ret_error);

void request_init(struct request *req, enum op op);

/* The option --NAME of a move: "force", which takes no VALUE (NULL), "strategy",
 * "hold", "vip-flows" or "move-by". Returns 0, or -EINVAL with *RET_ERROR filled. */
int request_option(struct request *req, const char *name, const char *value,
		   struct request_error *ret_error);

/* For commands that take no words: 0, or -EINVAL with *RET_ERROR naming the first. */
int request_no_words(int argc, char *const argv[], struct request_error *ret_error);

/* Whether NAME can be a device's name or alternative name.
 * Returns 0, or -EINVAL with *RET_ERROR filled. */
int device_name_check(const char *name, struct request_error *ret_error);

/* Words as used on the command line, in the configuration and in JSON: tables of
 * base/text.h. */
extern const char *const strategy_words[], *const hold_words[], *const vip_flows_words[];
const char *op_name(enum op op);
const char *strategy_name(enum strategy s);
const char *hold_choice_name(enum hold_choice h);
const char *vip_flows_name(enum vip_flows v);
