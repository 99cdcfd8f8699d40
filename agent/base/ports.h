/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local ports from which the kernel chooses if a program leaves the choice to it (connect()
 * without a bound port). Ports are in host order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ports {
	uint16_t low, high;	   /* net.ipv4.ip_local_port_range, both included */
	uint8_t reserved[1 << 13]; /* a bit each, of net.ipv4.ip_local_reserved_ports */
	bool by_dest; /* each destination has a counter of its own (Linux 5.12, RFC 6056 3.3.4) */
};

enum ports_pass {
	PORTS_ALL,
	/* Since Linux 4.2 connect() uses the others only when all ports with the parity of the
	 * lowest one are taken. */
	PORTS_FIRST_PASS,
};

/* Parse one of the two settings; the other one stays as it is. Returns 0 or -EBADMSG. */
int ports_read_range(struct ports *p, const char *text);
int ports_read_reserved(struct ports *p, const char *text);

bool ports_is_reserved(const struct ports *p, uint16_t port);

/* Whether the kernel may choose PORT. */
bool ports_has(const struct ports *p, uint16_t port);

/* The number of ports from which it chooses. */
size_t ports_count(const struct ports *p, enum ports_pass pass);
