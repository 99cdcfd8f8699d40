/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A move under way, on disk before the address goes: the request and the
 * entries that could be flushed. What is left there was killed; recover.c
 * finishes it. Bound to this boot and this build's layout: anything else is
 * unreadable, which is not fatal. */
#pragma once

#include <stdbool.h>

#include <vipsafe/base.h>

#include "base/connset.h"
#include "base/request.h"

#define JOURNAL_NAME_MAX 64

struct journal {
	struct request request;
	usec_t snapshot_at;  /* of this boot's monotonic clock */
	bool moved;	     /* the change had been tried before the kill */
	struct connset *set; /* owned; the candidates */
};

void journal_done(struct journal *j);

/* File name of the journal of DEVICE (its real name). */
const char *journal_name(const char *device, char buf[JOURNAL_NAME_MAX]);

/* The device whose journal the file NAME is, or NULL when it is none. */
const char *journal_device(const char *name);

/* Whether NAME is a file that journal_write() was writing when it was killed. */
bool journal_is_half(const char *name);

/* Write REQUEST and the entries I of SET for which KEEP(UD, I). Mode 0600,
 * complete or not there at all. */
int journal_write(int dirfd, const char *name, const char *boot_id, const struct request *request,
		  usec_t snapshot_at, const struct connset *set,
		  bool (*keep)(const void *ud, size_t i), const void *ud);

/* The same without what it takes to create them again: to know them later. */
int journal_write_bare(int dirfd, const char *name, const char *boot_id,
		       const struct request *request, usec_t snapshot_at, const struct connset *set,
		       bool (*keep)(const void *ud, size_t i), const void *ud);

/* Note in NAME that the address change has been tried. */
int journal_mark_moved(int dirfd, const char *name);

/* A slot: a file that stays, for moves that have no entry to save. Written in
 * place, which costs a tenth of making a file and removing it. *FD (-1: none
 * yet) is the slot of DEVICE; it is opened anew where it is not there any more. */
const char *journal_slot_name(const char *device, char buf[JOURNAL_NAME_MAX]);
const char *journal_slot_device(const char *name);
int journal_slot_open(int dirfd, const char *device, int *fd);
int journal_slot_mark_moved(int fd);

/* What a guard is about to put back, on disk before it begins: a file that grows,
 * and whose owner is alive while it is locked. What is left there was killed. */
const char *journal_repair_name(const char *device, char buf[JOURNAL_NAME_MAX]);
const char *journal_repair_device(const char *name);
/* A new one, locked; what was there is gone. Returns a descriptor or a negative
 * errno. REQUEST has no address. */
int journal_repair_begin(int dirfd, const char *device, const char *boot_id,
			 const struct request *request, usec_t at);
/* Add RECORDS to the journal FD, where *COUNT were: all of them or none. Their masters are left
 * out. */
int journal_grow(int fd, const struct conn_record *records, size_t n, uint64_t *count);
/* Whether whoever writes NAME lives. */
bool journal_repair_is_alive(int dirfd, const char *name);

/* -ENOENT: none, or a slot with nothing to finish. -EBADMSG: of another boot or format, truncated
 * or malformed. -EPERM: not ours. SEED is for the set. */
int journal_read(int dirfd, const char *name, const char *boot_id, uint64_t seed,
		 struct journal *ret);

/* Whether a run that has begun at SINCE or later, and that is not over, deletes P from DEVICE:
 * then *RET is its request. */
bool journal_finds_delete(int dirfd, const char *device, const char *boot_id,
			  const struct prefix *p, usec_t since, struct request *ret);

/* Move an unreadable file out of the way, for somebody to look at. */
int journal_set_aside(int dirfd, const char *name);
