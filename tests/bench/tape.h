/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams as they passed between vipsafe and the kernel. The program is
 * linked so that agent/kernel's nlsock_send() and nlsock_receive() come by here
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

/* Keep what would change entries from the kernel: it goes to SENT, and the
 * sender is told that all went well. NULL: no longer. */
void tape_rehearse(struct tape *sent);

/* Count the creates that are sent and the time the kernel takes for them, for another
 * process to look at. NULL: no longer. */
struct tape_progress {
	volatile uint32_t sending; /* will have been sent when the datagram under way is done */
	volatile uint32_t sent;	   /* the kernel is done with */
	volatile uint64_t busy_ns;
};
void tape_watch(struct tape_progress *p);

/* How many creates are in a datagram. */
size_t tape_creates(const void *data, size_t len);

/* The I-th datagram. They begin at multiples of 8. */
const uint8_t *tape_get(const struct tape *t, size_t i, size_t *ret_len);

void tape_done(struct tape *t);
