/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets of the protocols flow can speak. TCP, UDP and UDP-Lite come
 * from sockets; for ICMP echo, SCTP, GRE and any other number the layer 4
 * header is made here, over a raw socket, so that connection tracking is
 * exercised where the kernel has no such socket type. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define WIRE_TEXT_MAX 120 /* one line, without its end */
#define WIRE_PACKET_MAX 512

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct wire {
	int proto; /* IPPROTO_… */
	int type;  /* SOCK_STREAM, SOCK_DGRAM or SOCK_RAW */
	int family;
	bool has_port; /* or an echo id: several flows can be told apart */
};

/* Fill *RET from "tcp", "udp", "udplite", "icmp", "sctp", "gre" or a number;
 * false when NAME is none of them. */
bool wire_parse(const char *name, int family, struct wire *ret);

/* Numeric address and port into *RET; false when malformed. */
bool wire_address(const char *addr, const char *port, union sockaddr_any *ret);

socklen_t wire_address_len(const union sockaddr_any *a);
uint16_t wire_port(const union sockaddr_any *a);
void wire_set_port(union sockaddr_any *a, uint16_t port);

/* Raw protocols: a packet with TEXT from port SPORT to DPORT; REQUEST tells
 * the two directions apart where the protocol does. Returns its length. */
size_t wire_pack(const struct wire *w, bool request, uint16_t sport, uint16_t dport,
		 const char *text, uint8_t buf[WIRE_PACKET_MAX]);

/* The reverse, of what a raw socket received: false when it is not a packet
 * of ours in that direction. For ICMP both ports are the echo id. */
bool wire_unpack(const struct wire *w, bool request, const uint8_t *buf, size_t len,
		 uint16_t *ret_sport, uint16_t *ret_dport, char ret_text[WIRE_TEXT_MAX]);
