/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who speaks for an address: told from packets that are whole, of neighbours, and not ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>

#include "kernel/heard.h"

static const uint8_t own_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t other_mac[6] = { 2, 0, 0, 0, 0, 2 };

static const uint8_t arp_reply[28] = {
	0,   1,	  8,  0,   6, 4, 0,  2,	      /* Ethernet, IPv4, a reply */
	2,   0,	  0,  0,   0, 2,	      /* from MAC */
	192, 168, 11, 100,		      /* and this address */
	2,   0,	  0,  0,   0, 1, 10, 9, 9, 9, /* to us */
};

static const uint8_t advertisement[72] = {
	0x60, 0,    0, 0,    0,	   32, 58, 255, /* 32 bytes of ICMPv6, from no router's far side */
	0xfe, 0x80, 0, 0,    0,	   0,  0,  0,	0, 0, 0, 0, 0, 0, 0, 2, /* source */
	0xff, 2,    0, 0,    0,	   0,  0,  0,	0, 0, 0, 0, 0, 0, 0, 1, /* all nodes */
	136,  0,    0, 0,    0x20, 0,  0,  0, /* advertisement, override */
	0xfd, 0,    0, 0x11, 0,	   0,  0,  0,	0, 0, 0, 0, 0, 0, 1, 0, /* target fd00:11::100 */
	2,    1,    2, 0,    0,	   0,  0,  2,				/* its MAC */
};

/* A packet that a case changes. */
struct packet {
	uint8_t data[128];
	struct heard_packet p;
};

static struct packet packet_of(bool is_arp, const uint8_t *data, size_t size)
{
	struct packet x = { .p = { .is_arp = is_arp, .size = size, .from = other_mac } };

	memcpy(x.data, data, size);
	return x;
}

#define ARP() packet_of(true, arp_reply, sizeof(arp_reply))
#define NA() packet_of(false, advertisement, sizeof(advertisement))

/* Who is heard in it; "" for nobody. */
static const char *who(struct packet *x, char text[PREFIX_TEXT_MAX])
{
	struct addr a;

	x->p.data = x->data;
	text[0] = '\0';
	return heard_parse(&x->p, own_mac, &a) ? addr_format(&a, text) : text;
}

#define HEARD(x, expected)                                       \
	do {                                                     \
		char text_[PREFIX_TEXT_MAX];                     \
		assert_string_equal(who(&(x), text_), expected); \
	} while (0)

static void an_arp_sender_is_heard(void **state _unused_)
{
	struct packet x = ARP();

	HEARD(x, "192.168.11.100");
	x.data[7] = 1; /* a request, gratuitous or not: the target does not matter */
	HEARD(x, "192.168.11.100");
	x.data[1] = 6; /* IEEE 802 */
	HEARD(x, "192.168.11.100");
	x.p.from = NULL;
	HEARD(x, "192.168.11.100");
	x.p.size = 46; /* padded to the smallest Ethernet frame */
	HEARD(x, "192.168.11.100");
}

static void our_own_arp_is_not(void **state _unused_)
{
	struct packet x = ARP();

	memcpy(x.data + 8, own_mac, 6);
	HEARD(x, "");
	x = ARP();
	x.p.from = own_mac; /* sent by us in the name of another */
	HEARD(x, "");
}

/* A device with a virtual MAC, as keepalived makes with use_vmac: the next MASTER has it too. */
static void who_has_the_same_virtual_mac_is_heard(void **state _unused_)
{
	static const uint8_t vrrp[6] = { 0, 0, 0x5e, 0, 1, 51 },
			     vrrp6[6] = { 0, 0, 0x5e, 0, 2, 51 };
	struct packet arp = ARP(), na = NA();
	struct addr a;

	memcpy(arp.data + 8, vrrp, sizeof(vrrp));
	arp.p.data = arp.data;
	arp.p.from = vrrp;
	assert_true(heard_parse(&arp.p, vrrp, &a));
	memcpy(na.data + 66, vrrp6, sizeof(vrrp6));
	na.p.data = na.data;
	na.p.from = vrrp6;
	assert_true(heard_parse(&na.p, vrrp6, &a));
}

static void an_arp_probe_only_asks(void **state _unused_)
{
	struct packet x = ARP();

	x.data[7] = 1;
	memset(x.data + 14, 0, 4);
	memcpy(x.data + 24, arp_reply + 14, 4);
	HEARD(x, "");
}

static void what_is_no_arp_of_ipv4_is_not(void **state _unused_)
{
	/* offset and value: hardware, protocol, lengths, operation */
	static const uint8_t wrong[][2] = {
		{ 0, 1 },  { 1, 2 }, { 1, 0 }, { 2, 0 }, { 3, 6 }, { 4, 8 }, { 4, 0 },
		{ 5, 16 }, { 5, 0 }, { 6, 1 }, { 7, 0 }, { 7, 3 }, { 7, 8 }, /* InARP */
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct packet x = ARP();

		x.data[wrong[i][0]] = wrong[i][1];
		HEARD(x, "");
	}
	for (size_t size = 0; size < sizeof(arp_reply); size++) {
		struct packet x = ARP();

		x.p.size = size;
		HEARD(x, "");
	}
}

static void an_advertised_address_is_heard(void **state _unused_)
{
	struct packet x = NA();

	HEARD(x, "fd00:11::100");
	x.data[5] = 24; /* without an option, as a solicited one may be */
	x.p.size = 64;
	HEARD(x, "fd00:11::100");
	x = NA();
	x.p.from = NULL;
	HEARD(x, "fd00:11::100");
	x.data[4] = 1; /* longer than what the filter lets through */
	HEARD(x, "fd00:11::100");
}

static void who_solicits_from_it_is_heard(void **state _unused_)
{
	struct packet x = NA();

	x.data[40] = 135;
	x.data[64] = 1;
	HEARD(x, "fe80::2");
	memset(x.data + 8, 0, 16); /* duplicate address detection only asks */
	HEARD(x, "");
	x = NA();
	x.data[40] = 135;
	x.data[64] = 1;
	memcpy(x.data + 66, own_mac, 6);
	HEARD(x, "");
}

static void our_own_advertisement_is_not(void **state _unused_)
{
	struct packet x = NA();

	memcpy(x.data + 66, own_mac, 6);
	HEARD(x, "");
	/* behind another option */
	x = NA();
	x.data[5] = 40;
	x.data[64] = 14; /* nonce */
	x.p.size = 80;
	x.data[72] = 2;
	x.data[73] = 1;
	memcpy(x.data + 74, own_mac, 6);
	HEARD(x, "");
	x.data[72] = 1; /* not the option of an advertisement */
	HEARD(x, "fd00:11::100");
	x = NA();
	x.p.from = own_mac;
	HEARD(x, "");
}

static void what_no_neighbour_sent_is_not(void **state _unused_)
{
	/* version, next header, hops, type, code, multicast target, option without length, payload
	 */
	static const uint8_t wrong[][2] = {
		{ 0, 0x45 }, { 6, 17 }, { 6, 0 },  { 7, 254 }, { 40, 128 },  { 40, 137 },
		{ 41, 1 },   { 65, 0 }, { 5, 23 }, { 5, 0 },   { 48, 0xff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct packet x = NA();

		x.data[wrong[i][0]] = wrong[i][1];
		HEARD(x, "");
	}
	for (size_t size = 0; size < 64; size++) {
		struct packet x = NA();

		x.p.size = size;
		HEARD(x, "");
	}
}

static void an_unset_address_is_nobodys(void **state _unused_)
{
	struct packet x = NA();

	memset(x.data + 48, 0, 16);
	HEARD(x, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arp_sender_is_heard),
		cmocka_unit_test(our_own_arp_is_not),
		cmocka_unit_test(who_has_the_same_virtual_mac_is_heard),
		cmocka_unit_test(an_arp_probe_only_asks),
		cmocka_unit_test(what_is_no_arp_of_ipv4_is_not),
		cmocka_unit_test(an_advertised_address_is_heard),
		cmocka_unit_test(who_solicits_from_it_is_heard),
		cmocka_unit_test(our_own_advertisement_is_not),
		cmocka_unit_test(what_no_neighbour_sent_is_not),
		cmocka_unit_test(an_unset_address_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
