/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule of a NAT chain as its program has printed it, taken apart so that it can be said again
 * with SNAT instead of MASQUERADE. A rule of which one word is not understood is not said again:
 * it could count, limit or mark, and would do so twice. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/report.h"

#define NAT_RULE_MAX 240 /* a longer rule is not said again */
#define NAT_NAME_MAX 80
#define NAT_CONDITIONS_MAX 16
#define NAT_CONDITION_MAX 160
#define NAT_COMMAND_MAX 640

struct nat_rule {
	char *text;		    /* owned; without counters and handle */
	char program[NAT_NAME_MAX]; /* "iptables-legacy", "nft" */
	char table[NAT_NAME_MAX];   /* of nft with its family: "inet masq" */
	char chain[NAT_NAME_MAX];
	uint32_t handle;  /* of nft; 0: not known */
	uint8_t families; /* FAMILY_BITs of its table */
	bool masquerades; /* else it is SNAT */
	bool part;	  /* printed only in part, or its place has no name */
	bool owned;	  /* nft: only the owner of its table can change it */
	bool of_iptables; /* nft has printed it, and iptables may have made it */
};

/* In the order in which they were printed: those of a chain stand together. */
struct nat_rules {
	struct nat_rule *list; /* owned */
	size_t n;
};

void nat_rules_done(struct nat_rules *r);

/* Append a copy of RULE with the LEN bytes of TEXT, from which the handle and counters that nft
 * prints are taken away. If memory runs out it is left out, and false is returned. */
bool nat_rules_add(struct nat_rules *r, const struct nat_rule *rule, const char *text);

/* A rule taken apart. */
struct nat_parts {
	bool known; /* every word; else only OUT and the like are hints */
	bool is_nft;
	/* each as it is to be said to the program, with words quoted for the shell (iptables).
	 * The one on the outgoing device is only among them if it is nft's and does not name
	 * just one */
	char conditions[NAT_CONDITIONS_MAX][NAT_CONDITION_MAX];
	size_t n;
	size_t out_at; /* where among them iptables prints the outgoing device */
	/* the outgoing device: "eth0", "eth+" for a wildcard of either program; "": any, or a
	 * list of nft */
	char out[DEVICE_NAME_MAX];
	bool out_negated;
	uint8_t families;  /* FAMILY_BITs it can match */
	bool names_an_end; /* a source or destination that it is for */
	bool within_host;  /* from an address to the same: a container that calls itself */
	bool counts;	   /* nft: has a counter */
	char ports[16];	   /* "1024-65535"; "": any */
	bool random, fully_random, persistent;
	char comment[NAT_CONDITION_MAX]; /* nft: quoted; "": none */
};

void nat_rule_parse(const struct nat_rule *rule, struct nat_parts *ret);

/* Whether packets that leave through DEVICE can match, as far as the device is concerned. */
bool nat_parts_admit(const struct nat_parts *p, const char *device);

/* Whether the device is the only one that can match. */
bool nat_parts_names_device(const struct nat_parts *p);

/* Whether what P matches on its way out through DEVICE is matched by SNAT, too. */
bool nat_parts_cover(const struct nat_parts *snat, const struct nat_parts *p, const char *device);

/* Write the command that puts the same rule, for DEVICE and with SNAT to SOURCE, in front of RULE,
 * whose parts P are known. If the rule is gone by then, the command fails and changes nothing.
 * Returns false if it cannot be said. */
bool nat_rule_command(const struct nat_rule *rule, const struct nat_parts *p, const char *device,
		      const struct addr *source, char ret[NAT_COMMAND_MAX]);
