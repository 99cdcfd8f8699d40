/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams as they passed between vipsafe and the kernel. The program is
 * linked so that agent/kernel's nfsock_send() and nfsock_recv() come by here
 * (ld --wrap): what is replayed afterwards is what was really sent, in the same
 * portions, whatever the code decided. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct tape {
	uint8_t *data;
	size_t len, cap;
	size_t *ends; /* of each datagram in DATA */
	size_t n, cap_n;
	int error; /* -ENOMEM: something is missing */
};

/* Record what is sent, what is received, or (both NULL) nothing. */
void tape_record(struct tape *sent, struct tape *received);

/* The I-th datagram. They begin at multiples of 8. */
const uint8_t *tape_get(const struct tape *t, size_t i, size_t *ret_len);

void tape_done(struct tape *t);
