/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the node's own IPVS balances, as values. Ports are in host order. */
#pragma once

#include <stdint.h>

#include "base/addr.h"

#define IPVS_NAME_MAX 16 /* IP_VS_SCHEDNAME_MAXLEN; also for persistence engines */

/* How a packet reaches the real server (linux/ip_vs.h: the values are ABI). */
enum ipvs_forward {
	IPVS_MASQ,
	IPVS_LOCAL,
	IPVS_TUNNEL,
	IPVS_DIRECT, /* gatewaying */
	IPVS_BYPASS,
};

enum ipvs_flag {
	IPVS_PERSISTENT = 0x01,
	IPVS_HASHED = 0x02, /* set by the kernel, always */
	IPVS_ONE_PACKET = 0x04,
	IPVS_SCHED_1 = 0x08, /* the scheduler decides what these mean */
	IPVS_SCHED_2 = 0x10,
	IPVS_SCHED_3 = 0x20,
};

enum ipvs_tunnel {
	IPVS_TUNNEL_IPIP,
	IPVS_TUNNEL_GUE,
	IPVS_TUNNEL_GRE,
};

struct ipvs_service {
	struct addr addr; /* the VIP; for a service by mark only the family is set */
	uint32_t fwmark;  /* 0: by address */
	uint16_t port;	  /* 0: every port, or by mark */
	uint8_t proto;	  /* IPPROTO_…; 0: by mark */
	uint32_t flags;	  /* enum ipvs_flag */
	uint32_t timeout; /* of its persistence, seconds; 0: none */
	uint32_t netmask; /* of its persistence: IPv4 a mask in network order, IPv6 a length */
	uint32_t conns_per_second;
	char sched[IPVS_NAME_MAX];
	char pe[IPVS_NAME_MAX]; /* persistence engine; "": none */
};

struct ipvs_dest {
	struct addr addr; /* with a tunnel, its family may differ from the service's */
	uint16_t port;
	uint8_t forward; /* enum ipvs_forward */
	uint32_t weight;
	uint8_t tun_type;   /* enum ipvs_tunnel, for IPVS_TUNNEL */
	uint16_t tun_port;  /* for IPVS_TUNNEL_GUE */
	uint16_t tun_flags; /* IPVS_TUN_ENCAP_FLAG_… */
	uint32_t active, inactive, persistent;
};

/* Called for each service, once with DEST NULL and then once per real server; a negative return
 * value ends the list and is passed on. */
typedef int (*ipvs_sink)(void *ud, const struct ipvs_service *service,
			 const struct ipvs_dest *dest);
