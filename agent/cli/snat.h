/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SNAT in front of MASQUERADE: a connection that SNAT has translated belongs to no device, so that
 * neither an address that goes nor a link that bounces takes it along. The doctor prints the line
 * for each rule for which it is right. */
#pragma once

#include "base/finding.h"
#include "base/kernel.h"
#include "cli/firewall.h"
#include "cli/nat_rule.h"

/* Whether SNAT can say what MASQUERADE does, or why not. */
enum snat_fit {
	SNAT_FITS,
	SNAT_NO_ADDRESS,   /* the device has none that masquerading could choose */
	SNAT_DYNAMIC,	   /* it has a lifetime: of DHCP, or of a router's advertisement */
	SNAT_LONE,	   /* it has no network: it may be a virtual one */
	SNAT_VIRTUAL,	   /* it is a virtual one */
	SNAT_OF_PEER,	   /* point-to-point: it may be another one after each dial-in */
	SNAT_SEVERAL,	   /* which one is chosen depends on the packet */
	SNAT_NO_DEVICE,	   /* the rule fits no device that is known to lead out */
	SNAT_REWRITTEN,	   /* the rule's owner rewrites its chain */
	SNAT_NOT_OURS,	   /* only its owner can change the table */
	SNAT_UNSEEN_MAKER, /* nft printed it, and iptables may have made it */
	SNAT_UNKNOWN,	   /* a word of it is not understood */
	SNAT_LINK_LOCAL,   /* IPv6: it would also match what the node says on the link */
	SNAT_FIT_COUNT,
};

/* A device, and the address that MASQUERADE gives to what leaves through it: for IPv4 the first
 * primary one of global scope (inet_select_addr in Linux net/ipv4/devinet.c) unless the next hop
 * is in the network of another, for IPv6 the only one. A virtual one is passed over. */
struct snat_device {
	char name[DEVICE_NAME_MAX];
	int ifindex;
	bool leads_out; /* it is configured, or has the default route */
	struct {
		enum snat_fit fit;
		struct addr addr;
	} source[FIREWALL_FAMILIES];
};

/* Begin D, without an address. */
void snat_device_init(struct snat_device *d, const char *name, int ifindex, bool leads_out);

/* Take an address of D, in the order in which the kernel lists them. */
void snat_device_take(struct snat_device *d, const struct ifaddr *a, bool is_virtual);

/* Rules without SNAT in front, and those of them that choose ports at random. */
struct snat_result {
	unsigned left, random_left;
};

/* Add to RET the finding "masquerade" about rules without SNAT in front, "snat" with the line for
 * each and each device, and one for each reason why others get none. F tells how many rules there
 * are, RULES of them those that were kept. */
void snat_advise(const struct firewall *f, const struct nat_rules *rules,
		 const struct snat_device *devices, size_t n, enum severity severity,
		 struct snat_result *ret_result, struct findings *ret);
