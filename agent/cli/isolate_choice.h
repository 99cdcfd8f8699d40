/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decides whether an address can have a device of its own, of which type, and with which settings.
 * Pure: what it knows of the node are values. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/kernel.h"
#include "base/request.h"

#define ISOLATE_MAC 6
#define ISOLATE_SETTINGS_MAX 8
#define ISOLATE_ALIAS_MAX 256 /* IFALIASZ */
#define ISOLATE_ALIAS_WORDS 24

enum isolate_type {
	ISOLATE_AUTO,
	ISOLATE_MACVLAN,
	ISOLATE_DUMMY,
};

extern const char *const isolate_words[]; /* the types, as in base/text.h */

/* What is asked for. */
struct isolate_request {
	struct prefix vip;	    /* as it is on FROM; family 0: not given (undo) */
	char from[DEVICE_NAME_MAX]; /* the device it is on; "": not given (undo) */
	char name[LINK_NAME_MAX];   /* of the new device; "": derived from the address */
	enum isolate_type type;
	bool plan, undo, prepare, force;
};

/* Parse the words after "isolate": ADDR/LEN dev DEV [type T] [name N], and with --undo
 * [ADDR/LEN] [dev N]. The options are set in *REQ already. Returns 0 or -EINVAL. */
int isolate_parse(struct isolate_request *req, int argc, char *const argv[],
		  struct request_error *ret_error);

/* Settings of the kernel are FACTS_UNKNOWN (-1) where there is none. */
struct isolate_facts {
	/* the address, as it is on the old device */
	bool there;
	struct ifaddr address;
	bool subnet_stays; /* another address there has its network and length, or LEN is full */
	bool others;	   /* the device has other addresses of the family */
	bool takes_along;  /* it is a primary one, and its secondaries go with it */
	/* the old device */
	char from[LINK_NAME_MAX]; /* its real name */
	char kind[16];		  /* "bridge", "dummy" …; "": a real one */
	char master[LINK_NAME_MAX];
	bool up, loopback, ethernet, wireless;
	bool is_ours; /* made for an address */
	uint8_t mac[ISOLATE_MAC];
	int64_t arp_ignore_all, arp_ignore, arp_filter_all, rp_filter_all, rp_filter;
	int64_t forwarding4, forwarding6; /* of the old device */
	bool has_ipv6;
	/* rules that match packets by the device they come in by, and one of them */
	unsigned rules;
	char rule[120];
	bool rules_unread; /* some could not be read */
	/* who owns the address besides: one printable phrase, "": nobody */
	char owner[160];
	bool keepalived;   /* it is keepalived, which also announces it */
	bool owner_agrees; /* it is to have it where it is moved to, but may not know yet */
	/* the new device */
	bool name_taken; /* by one that is not ours, or that is ours for another address */
	bool exists;	 /* it has been made already */
	bool half_made;	 /* by a call that was killed, and nothing has been on it */
	bool unfinished; /* a call was killed, maybe within one of its two moves */
	enum isolate_type exists_as;
	uint8_t own_mac[ISOLATE_MAC]; /* then */
	bool on_new;		      /* the address is there */
	bool cannot_macvlan;	      /* the kernel has tried and has none */
};

struct isolate_setting {
	const char *family; /* "ipv4", "ipv6" */
	const char *key;
	char value[8];
};

/* What is to be done. */
struct isolate_choice {
	char device[LINK_NAME_MAX];
	enum isolate_type type; /* never AUTO, unless it is refused */
	char why[REPORT_TEXT_MAX];
	char refusal[REPORT_TEXT_MAX]; /* why not; "": it may be done */
	bool may_insist;	       /* --force overrides it */
	uint8_t mac[ISOLATE_MAC];      /* of a macvlan */
	struct isolate_setting settings[ISOLATE_SETTINGS_MAX];
	size_t n_settings;
};

/* The name of the new device for REQ. */
void isolate_name(const struct isolate_request *req, char ret[LINK_NAME_MAX]);

/* A number of its own for each address and SEED. */
uint64_t isolate_hash(const struct addr *a, uint64_t seed);

/* The address as it is on the new device: all of its bits, so that no route comes with it. */
struct prefix isolate_own_prefix(const struct prefix *vip);

void isolate_decide(const struct isolate_request *req, const struct isolate_facts *f,
		    struct isolate_choice *ret);

/* ---- the mark of a device of ours ---- */

/* What the mark tells: nothing is under way; a move to the device, which was made for it; one to a
 * device that was there before; one back. */
enum isolate_state {
	ISOLATE_SETTLED,
	ISOLATE_GOING,
	ISOLATE_ENTERING,
	ISOLATE_RETURNING,
};

/* The alias for the address A of the device FROM; the words of "vipsafe add" end it, to set A again
 * as it was. */
void isolate_alias(const struct ifaddr *a, const char *from, enum isolate_state state,
		   char ret[ISOLATE_ALIAS_MAX]);

/* Read ALIAS. Returns whether it is such a mark; *RET is then the request to add the address where
 * it was, and *RET_WORDS (which may be NULL) where its words begin. */
bool isolate_alias_read(const char *alias, struct request *ret, enum isolate_state *ret_state,
			const char **ret_words);

/* The alias with WORDS, which isolate_alias_read() has found. */
void isolate_alias_again(const char *words, enum isolate_state state, char ret[ISOLATE_ALIAS_MAX]);

/* Split TEXT, which is changed, into its words. Returns how many; at most MAX. */
int isolate_split(char *text, char *argv[], int max);
