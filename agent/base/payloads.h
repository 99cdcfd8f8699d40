/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Payloads of entries, each stored once: connections of one kind (state, window
 * scales, mark) share theirs. Users are counted, and a payload without any is
 * freed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_NONE 0

struct payloads;

/* NULL: out of memory. */
struct payloads *payloads_new(uint64_t seed);
struct payloads *payloads_free(struct payloads *p);

/* Store LEN bytes at DATA, or count one more user of the same bytes. *RET_REF
 * is their number. 0 or -ENOMEM. */
int payloads_take(struct payloads *p, const void *data, size_t len, uint32_t *ret_ref);

/* One user less; the last one frees the payload. */
void payloads_drop(struct payloads *p, uint32_t ref);

/* For PAYLOAD_NONE: NULL, and *RET_LEN is 0. */
const void *payloads_get(const struct payloads *p, uint32_t ref, size_t *ret_len);

size_t payloads_count(const struct payloads *p);

/* Bytes held, for the memory bound. */
size_t payloads_bytes(const struct payloads *p);
