/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket to nf_tables, and the batch that is sent over it. */
#pragma once

#include "kernel/nftbatch.h"
#include "kernel/nlask.h"

struct nftsock;

int nftsock_new(struct nftsock **ret);
struct nftsock *nftsock_free(struct nftsock *s);
DEFINE_CLEANUP(struct nftsock, nftsock_free)

/* The batch to be filled, with messages numbered from *RET_SEQ. */
struct nftbatch *nftsock_batch(struct nftsock *s, uint32_t *ret_seq);

/* Send it and wait for the answer: as nlask_change(), -EMSGSIZE when it has become
 * too large, -EOPNOTSUPP when there is no inet family. */
int nftsock_ask(struct nftsock *s);

/* Can there be anything in nf_tables at all? Merely asking it would load it
 * for good on a node that has only ip_tables. */
bool nftsock_possible(void);

/* Call SINK for all of COMMAND (NFT_MSG_GETTABLE …) in FAMILY; for some twice, when a dump was
 * interrupted by somebody else's change and is repeated. Returns 0 where there is no
 * nf_tables. */
int nftsock_list(struct nftsock *s, uint8_t command, uint8_t family, nlask_sink sink, void *ud);

/* Send the batch, which is one message that asks for a dump, and call SINK with each message of
 * the answer. Returns as nlask_dump(). */
int nftsock_dump(struct nftsock *s, nlask_sink sink, void *ud);

/* Delete the table PREFIX followed by IFINDEX. */
int nftsock_remove(struct nftsock *s, const char *prefix, int ifindex);

/* Remove the tables PREFIX followed by a device that is WANTED. Returns how many. */
int nftsock_clean(const char *prefix, bool (*wanted)(void *ud, int ifindex), void *ud);

/* Has TABLE of FAMILY a chain PREFIX followed by a device that is WANTED, as iptables
 * makes it there? 1, 0, or an error. Does not load nf_tables where only ip_tables is. */
int nftsock_has_chain(uint8_t family, const char *table, const char *prefix,
		      bool (*wanted)(void *ud, int ifindex), void *ud);
