/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who configures a device, as its state files and the command lines of DHCP clients tell, and what
 * that means for the connections translated to the device's own addresses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/addr.h"
#include "base/finding.h"

enum manager {
	MANAGER_NONE,
	MANAGER_NETWORKMANAGER,
	MANAGER_NETWORKD,
	MANAGER_NETPLAN, /* networkd, whose files netplan writes */
	MANAGER_IFUPDOWN,
	MANAGER_WICKED,
	MANAGER_SCRIPTS, /* network-scripts of the RHEL family */
	MANAGER_DHCLIENT,
	MANAGER_DHCPCD,
	MANAGER_UDHCPC,
	MANAGER_LEASE, /* an address has a lifetime, and it is not known who renews it */
};

#define MANAGER_CLIENTS_MAX 32
#define MANAGER_COMMAND_MAX 512

/* A DHCP client that runs. */
struct manager_client {
	enum manager kind;
	char words[MANAGER_COMMAND_MAX]; /* of its command line, a NUL after each … */
	size_t size;			 /* … in all */
};

/* Programs that run in this network namespace. */
struct manager_programs {
	bool networkmanager, wicked;
	struct manager_client clients[MANAGER_CLIENTS_MAX]; /* more are not kept */
	size_t n_clients;
};

/* What is known of one device. */
struct manager_facts {
	enum manager manager;
	enum manager client; /* whose lease it is if that is known; NONE else */
	unsigned leased;     /* addresses with a lifetime, IPv6 ones of advertised prefixes not */
	struct prefix lease; /* one of them */
	uint32_t left;	     /* seconds until it ends, if it is not renewed */
	bool guarded;	     /* vipsafed does */
	usec_t linger;	     /* 0: what is translated to an address goes with it */
};

/* Find the first line of the state file PATH that begins with KEY, and copy what follows. Returns
 * whether there is one. */
bool manager_read_state(const char *path, const char *key, char *ret, size_t size);

/* Note the process PID of program COMM, if it matters. */
void manager_take_process(struct manager_programs *p, const char *pid, const char *comm);

/* Whether a client whose command line is C leases for DEVICE. */
bool manager_is_for(const struct manager_client *c, const char *device);

/* Fill in .manager and .client of the device, from .leased and what can be read now. */
void manager_look(const struct manager_programs *p, const char *device, int ifindex,
		  struct manager_facts *m);

/* Who may take its addresses away and put them back: "NetworkManager"; "": nobody. */
const char *manager_name(const struct manager_facts *m);

/* Whether what is masqueraded to the device is lost then. */
bool manager_endangers(const struct manager_facts *m);

/* Add what M means for DEVICE, if anything does. */
void manager_diagnose(const char *device, const struct manager_facts *m, struct findings *ret);
