/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guard leaves to whoever comes after it, killed or not: to which addresses
 * it has pinned entries, and a mark of each, by which it is known again as made by
 * us. Files per device in the run directory, of this boot and this network
 * namespace. A mark without its entry is harmless. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/addr.h"
#include "base/conn.h"

/* Marks as they were read, to look for one. They are hashes already: each is in the
 * slot that its lowest bits name, or in the next free one. */
struct markset {
	uint64_t *at;	/* owned; 0: free */
	size_t n_slots; /* a power of two, or 0 */
	size_t n;
};

void markset_done(struct markset *s);
/* Copy N marks AT, in any order. 0 or -ENOMEM. */
int markset_fill(struct markset *s, const uint64_t *at, size_t n);
/* Slot of MARK, or -ENOENT. */
int64_t markset_find(const struct markset *s, uint64_t mark);
bool markset_has(const struct markset *s, uint64_t mark);
/* Remove the marks whose slot has 0 in KEEP. */
void markset_keep(struct markset *s, const uint8_t *keep);

/* A file of marks that grows. Locked while it is open, that is while its guard runs. */
struct marks {
	int fd; /* -1: none */
	uint64_t salt;
	uint64_t n;
};

/* The mark of the entry with KEY and ID whose source is translated to AS. */
uint64_t marks_of(const struct marks *m, const struct conn_key *key, uint32_t id,
		  const struct addr *as);

/* What is noted as well of an entry with this MARK that another node had (guard_await()). */
static inline uint64_t marks_committed(uint64_t mark)
{
	return mark ^ UINT64_C(0x636f6d6d69747465);
}

/* Open and lock the file of DEVICE. -ENOENT: none. -EBUSY: its guard is running. -EPERM:
 * somebody else could have written it. -EBADMSG: of another boot, namespace or
 * format. What was half written at its end is cut off. */
int marks_open(int dirfd, const char *device, const char *boot_id, struct marks *ret);

/* Read them beside a guard that may be running, without locking or changing anything. Errors as of
 * marks_open(), but never -EBUSY. *RET then has no file, only what marks_of() needs. */
int marks_look(int dirfd, const char *device, const char *boot_id, struct marks *ret,
	       struct markset *ret_set);

/* A new one aside, with SALT; marks_publish() puts it in the place of the old. */
int marks_create(int dirfd, const char *device, const char *boot_id, uint64_t salt,
		 struct marks *ret);
int marks_publish(int dirfd, const char *device);
void marks_abandon(int dirfd, const char *device); /* remove what is aside */

/* All of them or none: 0 or a negative errno. */
int marks_add(struct marks *m, const uint64_t *at, size_t n);
int marks_read(const struct marks *m, struct markset *ret);

/* Whether it is still in a directory. */
bool marks_is_there(const struct marks *m);
void marks_close(struct marks *m);

/* The device whose addresses the file NAME holds, or NULL when it holds none. */
const char *marks_device(const char *name);

/* The addresses of DEVICE that entries are pinned to; none: the file is removed.
 * Errors as above; *SET is empty then. */
int marks_write_addresses(int dirfd, const char *device, const char *boot_id,
			  const struct addrset *set);
int marks_read_addresses(int dirfd, const char *device, const char *boot_id, struct addrset *set);

/* An address that vanished, to which entries are pinned that stay in case it comes back. */
struct marks_away {
	struct addr addr;
	usec_t since; /* of this boot's monotonic clock */
};

/* Those of DEVICE; none: the file is removed. *RET is to be freed. Errors as above. */
int marks_write_away(int dirfd, const char *device, const char *boot_id,
		     const struct marks_away *list, size_t n);
int marks_read_away(int dirfd, const char *device, const char *boot_id, struct marks_away **ret,
		    size_t *ret_n);
