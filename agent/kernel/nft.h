/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches to nf_tables about one table of ours in the inet family, as bytes, and the socket they
 * are sent by. What the tables are for is in hold_nft.h and reset_nft.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/attr.h"
#include "kernel/nlask.h"

#define NFTBATCH_SIZE 32768 /* none is larger */
#define NFTBATCH_TABLE_MAX 32

/* Complete when LEN is not 0; its messages are numbered FIRST to LAST. */
struct nftbatch {
	size_t len;
	uint32_t first, last;
	uint8_t data[NFTBATCH_SIZE] __attribute__((aligned(8)));
};

/* A batch being written. */
struct nftwriter {
	struct attr_buf buf;
	struct nftbatch *batch;
	uint32_t seq;
	size_t message; /* offset of the one that is being written, or was last */
	char table[NFTBATCH_TABLE_MAX];
	uint8_t family;
};

/* About the table PREFIX followed by IFINDEX; messages are numbered from SEQ. */
void nftbatch_open(struct nftwriter *w, struct nftbatch *b, uint32_t seq, const char *prefix,
		   int ifindex);

/* The last message is to be acknowledged. */
void nftbatch_close(struct nftwriter *w);

/* The same about the table of that name in FAMILY. */
void nftbatch_open_table(struct nftwriter *w, struct nftbatch *b, uint32_t seq, uint8_t family,
			 const char *table);

void nftbatch_begin(struct nftwriter *w, uint8_t command, uint16_t flags);
void nftbatch_end(struct nftwriter *w);

void nftbatch_table(struct nftwriter *w, uint8_t command, uint16_t flags);

/* Make the table, empty: one of that name is deleted before. */
void nftbatch_new_table(struct nftwriter *w);

/* A base chain of TYPE ("filter", "nat"), policy accept. */
void nftbatch_chain(struct nftwriter *w, const char *name, const char *type, unsigned hook,
		    int priority);

/* A rule at the end of CHAIN is made of expressions; returns what its end needs. */
size_t nftbatch_rule_begin(struct nftwriter *w, const char *chain);
void nftbatch_rule_end(struct nftwriter *w, size_t nest);

struct nftexpr {
	size_t elem, data;
};

struct nftexpr nftbatch_expr(struct nftwriter *w, const char *name);
void nftbatch_expr_end(struct nftwriter *w, struct nftexpr e);

void nftbatch_value(struct nftwriter *w, uint16_t type, const void *value, size_t len);

/* Load the packet's KEY into register 1; LEN bytes at OFFSET behind BASE into REG;
 * compare register 1. */
void nftbatch_meta(struct nftwriter *w, uint32_t key);
void nftbatch_payload(struct nftwriter *w, uint32_t base, uint32_t offset, uint32_t len,
		      uint32_t reg);
void nftbatch_cmp(struct nftwriter *w, uint32_t op, const void *value, size_t len);

/* Keep of register 1 the bits in MASK, of at most 16 bytes. */
void nftbatch_mask(struct nftwriter *w, const void *mask, size_t len);

/* Go on if the TCP packet is one that opens a connection (OP: NFT_CMP_EQ), or if it is another one
 * (NFT_CMP_NEQ). */
void nftbatch_syn(struct nftwriter *w, uint32_t op);

/* Is the value from REG on in the set NAME, which has the number ID in this batch? Some kernels
 * find a set of the same batch by its name, others only by its number. */
void nftbatch_lookup(struct nftwriter *w, uint32_t reg, const char *name, uint32_t id);

/* The batch that deletes the table. */
void nftbatch_remove(struct nftbatch *b, uint32_t seq, const char *prefix, int ifindex);

/* Is this message of a dump about a table PREFIX followed by the index of a device? */
bool nftbatch_is_table(const struct nlmsghdr *nlh, const char *prefix, int *ret_ifindex);

/* Is this message of a dump about a chain? *RET_TABLE and *RET_NAME point into it. */
bool nftbatch_is_chain(const struct nlmsghdr *nlh, const char **ret_table, const char **ret_name);

/* A socket to nf_tables, and the batch that is sent over it. */

struct nftsock;

int nftsock_new(struct nftsock **ret);
struct nftsock *nftsock_free(struct nftsock *s);
DEFINE_CLEANUP(struct nftsock, nftsock_free)

/* The batch to be filled, with messages numbered from *RET_SEQ. */
struct nftbatch *nftsock_batch(struct nftsock *s, uint32_t *ret_seq);

/* Send it and wait for the answer: as nlask_change(), -EMSGSIZE when it has become
 * too large, -EOPNOTSUPP when there is no inet family. */
int nftsock_ask(struct nftsock *s);

/* Is a chain of nf_tables asked for the packets of all network namespaces? So it is where
 * netfilter's hooks are global, before Linux 4.3. We make none there. */
bool nft_sees_all(void);
#define SEES_ALL_WHY \
	"this kernel's netfilter hooks are global: it would see every namespace's packets"

/* Can there be anything in nf_tables at all? Merely asking it would load it
 * for good on a node that has only ip_tables. */
bool nftsock_possible(void);

/* Call SINK for all of COMMAND (NFT_MSG_GETTABLE …) in FAMILY; for some twice, when a dump was
 * interrupted by somebody else's change and is repeated. Returns 0 where there is no
 * nf_tables; -EAGAIN: every dump was interrupted, and some may never have been handed to SINK. */
int nftsock_list(struct nftsock *s, uint8_t command, uint8_t family, nlask_sink sink, void *ud);

/* Send the batch, which is one message that asks for a dump, and call SINK with each message of
 * the answer. Returns as nlask_dump(). */
int nftsock_dump(struct nftsock *s, nlask_sink sink, void *ud);

/* Delete the table PREFIX followed by IFINDEX. */
int nftsock_remove(struct nftsock *s, const char *prefix, int ifindex);

/* Has FAMILY a table of that name? 1, 0, or an error. */
int nftsock_has_table(struct nftsock *s, uint8_t family, const char *name);

/* Remove the tables PREFIX followed by a device that is WANTED. Returns how many. */
int nftsock_clean(const char *prefix, bool (*wanted)(void *ud, int ifindex), void *ud);

/* Has TABLE of FAMILY a chain PREFIX followed by a device that is WANTED, as iptables
 * makes it there? 1, 0, or an error. Does not load nf_tables where only ip_tables is. */
int nftsock_has_chain(uint8_t family, const char *table, const char *prefix,
		      bool (*wanted)(void *ud, int ifindex), void *ud);
