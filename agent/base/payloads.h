/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Payloads of entries, each kept once: connections of one kind (state, window
 * scales, mark) have the same. Counted, so that none outlives its entries. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_NONE 0

struct payloads;

/* NULL: out of memory. */
struct payloads *payloads_new(uint64_t seed);
struct payloads *payloads_free(struct payloads *p);

/* Keep LEN bytes at DATA; *RET_REF stands for them. 0 or -ENOMEM. */
int payloads_take(struct payloads *p, const void *data, size_t len, uint32_t *ret_ref);

/* One user less. */
void payloads_drop(struct payloads *p, uint32_t ref);

/* NULL, and 0 bytes, for PAYLOAD_NONE. */
const void *payloads_get(const struct payloads *p, uint32_t ref, size_t *ret_len);

size_t payloads_count(const struct payloads *p);

/* Bytes held, for the memory bound. */
size_t payloads_bytes(const struct payloads *p);
