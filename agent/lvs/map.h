/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of LVS services: which addresses clients connect to, which
 * real servers (RS) stand behind them, and what those are shown of the client.
 * Filled from any mix of sources, then finished; from there on read only.
 * Ports are in host order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/addr.h"

#define LVS_NAME_MAX 48
#define LVS_PATH_MAX 256
#define LVS_NONE UINT32_MAX /* no service */
#define LVS_TAKEN (UINT32_MAX - 1)

/* How many fit; what comes after is refused with -E2BIG and counted. */
#define LVS_SOURCES_MAX 32
#define LVS_SERVICES_MAX (1U << 17)
#define LVS_MATCHES_MAX (1U << 18)
#define LVS_REALS_MAX (1U << 19)

/* How a director passes packets on. */
enum lvs_method {
	LVS_UNKNOWN, /* not given: treated as NAT, one step less severe */
	LVS_NAT,
	LVS_DR,
	LVS_TUN,
	LVS_FULLNAT, /* source becomes an address of the director */
	LVS_LOCAL,   /* the director is the real server: nothing is rewritten */
	LVS_BYPASS,
	LVS_SNAT, /* DPVS: a way out, no service */
};

/* How the RS of a FULLNAT service learns of the client's address. */
enum lvs_toa {
	LVS_TOA_UNSET,	 /* the source has no say in it: treated as UNKNOWN */
	LVS_TOA_NONE,	 /* not at all, or by the PROXY protocol */
	LVS_TOA_SOCKET,	 /* getpeername() says so; packets stay as they are */
	LVS_TOA_PACKET,	 /* addresses in the packets are rewritten */
	LVS_TOA_UNKNOWN, /* taken for PACKET, one step less severe */
};

enum lvs_source_kind {
	LVS_FROM_INI,
	LVS_FROM_IPVS, /* this node's own, which makes it a director */
	LVS_FROM_SAVE, /* ipvsadm -S -n */
	LVS_FROM_KEEPALIVED,
};

/* One place services were read from. */
struct lvs_source {
	enum lvs_source_kind kind;
	char path[LVS_PATH_MAX];     /* "" for IPVS */
	usec_t age;		     /* since the file was written; 0: read just now */
	bool failed;		     /* could not be read at all */
	uint32_t services;	     /* taken over */
	uint32_t blocks;	     /* lines or blocks looked at */
	uint32_t skipped;	     /* of them: not understood, or did not fit */
	uint32_t first_bad;	     /* line of the first of those, 0: none */
	char bad_path[LVS_PATH_MAX]; /* in which file; "": PATH */
};

/* What clients connect to: addresses FIRST to LAST, or a firewall mark whose
 * addresses are not known. One service may have many. */
struct lvs_match {
	uint8_t l4proto;	 /* IPPROTO_…; 0: a mark whose addresses are not known */
	uint16_t port;		 /* 0: any; the RS is then asked on the same port */
	uint32_t fwmark;	 /* 0: none */
	struct addr first, last; /* of a mark: only the family, as far as known */
};

struct lvs_real {
	struct addr addr;
	uint16_t port; /* 0: the port the client connected to */
	enum lvs_method method;
	uint32_t weight;
};

/* A pool of real servers and what is common to them. */
struct lvs_service {
	char name[LVS_NAME_MAX]; /* of its INI section; may be "" */
	enum lvs_method method;	 /* without real servers: of those that another source has */
	enum lvs_toa toa;
	bool persistent;
	uint32_t source;
	uint32_t line; /* where in that source, 0: no lines there */

	/* filled by the map: */
	struct lvs_match *matches; /* owned; none: it is not in use */
	size_t n_matches;
	struct lvs_real *reals; /* owned */
	size_t n_reals;
	uint32_t origins;	 /* which sources know of it, a bit each; 0: not in use */
	uint32_t completed_by;	 /* the service whose real servers it gets, or LVS_NONE */
	uint32_t weights;	 /* once finished: sum over the reals */
	bool visible, all_weigh; /* once finished: some RS is shown the client's address, … */
};

struct lvs_map;

struct lvs_map *lvs_map_new(void); /* NULL: out of memory */
struct lvs_map *lvs_map_free(struct lvs_map *m);

/* M once more, for somebody who lets go of it by lvs_map_free() as well. */
struct lvs_map *lvs_map_ref(struct lvs_map *m);
DEFINE_CLEANUP(struct lvs_map, lvs_map_free)

/* ---- filling ----
 * The first source that gives a match has it: to give it again changes nothing, but for a service
 * that has no real servers. That gets those of the next source that has one of its matches, and
 * its toa if it has none.
 * All return an index, -ENOMEM, -E2BIG, -EINVAL for what makes no sense, or -EEXIST for a match
 * the source has given before. */
int lvs_map_add_source(struct lvs_map *m, enum lvs_source_kind kind, const char *path, usec_t age);
int lvs_map_add_service(struct lvs_map *m, const struct lvs_service *s);
int lvs_map_add_match(struct lvs_map *m, uint32_t service, const struct lvs_match *match);
int lvs_map_add_real(struct lvs_map *m, uint32_t service, const struct lvs_real *real);

/* The source's counters, to be changed while it is read. */
struct lvs_source *lvs_map_source_of(struct lvs_map *m, uint32_t source);

/* Take the last source back, which has given nothing. */
void lvs_map_drop_source(struct lvs_map *m, uint32_t source);

/* Count one of its lines or blocks as not understood. */
void lvs_source_skip(struct lvs_source *s, const char *path, uint32_t line);

/* The service of SOURCE with exactly this match; LVS_NONE: there is none; LVS_TAKEN: an earlier
 * source has it, and needs nothing of this one. */
uint32_t lvs_map_same(struct lvs_map *m, uint32_t source, const struct lvs_match *match);

/* Index it. 0 or -ENOMEM. */
int lvs_map_finish(struct lvs_map *m);

/* ---- reading, once finished ---- */
size_t lvs_map_sources(const struct lvs_map *m, const struct lvs_source **ret);

/* Services by index, in the order they were added. One of them without a match is not in use. */
size_t lvs_map_services(const struct lvs_map *m);
const struct lvs_service *lvs_map_service(const struct lvs_map *m, uint32_t service);

/* A number for all that M says: services, and which sources were not understood. */
uint64_t lvs_map_print(const struct lvs_map *m);

/* What the report says of the map as a whole. */
struct lvs_summary {
	uint32_t services;   /* in use */
	uint32_t visible;    /* of them: some RS is shown the client's address */
	uint32_t endpoints;  /* real servers of those */
	uint32_t unresolved; /* marks of which no addresses are known */
};
struct lvs_summary lvs_map_summary(const struct lvs_map *m);

/* Whether REAL is shown the client's own address and port, so that it cannot
 * tell a direct connection from one through SERVICE. */
bool lvs_real_is_visible(const struct lvs_service *service, const struct lvs_real *real);

/* How SERVICE forwards: to the first RS that is shown the client's address, if there is one. */
enum lvs_method lvs_map_method(const struct lvs_map *m, uint32_t service);

/* What a destination is to the map. */
struct lvs_dest {
	uint32_t service; /* a client-visible service's, or LVS_NONE */
	bool any_port;	  /* of a service without a port of its own */
	bool real;	  /* an endpoint of such a service */
};

/* False: no flow to PORT takes part, whatever its address is. Most flows of a node are told apart
 * by this alone, before more is known of them. */
bool lvs_map_has_port(const struct lvs_map *m, uint16_t port);

/* Whether a flow to ADDR (network order, 4 or 16 bytes) takes part at all. */
bool lvs_map_lookup(const struct lvs_map *m, uint8_t l4proto, uint8_t family, const uint8_t *addr,
		    uint16_t port, struct lvs_dest *ret);

/* Whether RS is shown the client's address if our director sends it what came to DEST: other
 * services with that real server may show it more. A mark's addresses are not known: as they do. */
bool lvs_map_shows(const struct lvs_map *m, uint8_t l4proto, const struct addr *dest,
		   uint16_t dport, const struct addr *rs, uint16_t rport);

/* One of two flows whose ends are compared. */
struct lvs_side {
	struct addr dest, rs;
	uint8_t l4proto;
	bool has_rs; /* it is known where the director has sent it */
	uint16_t port, rport;
	/* … are the key of one; what the map says of it: */
	uint32_t service; /* LVS_NONE: it ends where it is sent to */
	bool any_port;	  /* as in struct lvs_dest */
};

#define LVS_SIDE_KEY offsetof(struct lvs_side, service)

/* The chance that both flows reach one endpoint: the real server of both, or what one of them is
 * sent to and the other one's real server. FRESH: they are to come, so that what weighs nothing
 * gets none of them; otherwise they may be older than the last change of weights. */
double lvs_share(const struct lvs_map *m, const struct lvs_side *a, const struct lvs_side *b,
		 bool fresh);

/* The side of a flow to ADDR, of which the map says D. */
struct lvs_side lvs_side_make(const struct lvs_dest *d, uint8_t l4proto, const struct addr *addr,
			      uint16_t port);

const char *lvs_method_name(enum lvs_method method);
const char *lvs_toa_name(enum lvs_toa toa);
const char *lvs_source_kind_name(enum lvs_source_kind kind);
