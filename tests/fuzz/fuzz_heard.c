/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of neighbours: a byte that says which kind (bit 0: ARP, bit 1: with a sender's MAC),
 * our own MAC, and the packet. */
#include "lib/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/heard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t kind = input_byte(&in), mac[6] = { 0 };
	size_t n;
	const uint8_t *m = input_take(&in, sizeof(mac), &n);
	struct heard_packet p = { .is_arp = kind & 1 };
	char *copy;
	struct addr a, none = { 0 };

	memcpy(mac, m, n);
	/* of its exact size, for the address sanitizer */
	copy = input_text(in.data, in.left);
	p.data = (const uint8_t *)copy;
	p.size = in.left;
	p.from = kind & 2 && in.left >= 6 ? p.data : NULL;
	if (heard_parse(&p, mac, &a)) {
		CLAIM(a.family == (p.is_arp ? AF_INET : AF_INET6));
		CLAIM(p.size >= (p.is_arp ? 28 : 64));
		CLAIM(!p.is_arp || memcmp(p.data + 8, mac, 6) != 0);
		none.family = a.family;
		CLAIM(!addr_equal(&a, &none));
	}
	free(copy);
	return 0;
}
