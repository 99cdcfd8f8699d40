/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/localnet.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

#include "base/addr.h"
#include "cli/firewall_words.h"

void localnet_devices(void (*fn)(void *ud, const char *name), void *ud)
{
	struct if_nameindex *list = if_nameindex(), *i;

	for (i = list; i && i->if_index; i++)
		fn(ud, i->if_name);
	if (list)
		if_freenameindex(list);
}

static const uint8_t *address_bytes(const struct sockaddr *a)
{
	return a->sa_family == AF_INET6
		       ? ((const struct sockaddr_in6 *)a)->sin6_addr.s6_addr
		       : (const uint8_t *)&((const struct sockaddr_in *)a)->sin_addr;
}

static uint8_t mask_len(const struct sockaddr *mask, size_t size)
{
	const uint8_t *byte = address_bytes(mask);
	uint8_t n = 0;

	while (n < size * 8 && byte[n / 8] & (0x80 >> n % 8))
		n++;
	return n;
}

static bool prefix_of(const struct ifaddrs *i, struct prefix *ret)
{
	sa_family_t family;

	if (!i->ifa_addr || !i->ifa_netmask)
		return false;
	family = i->ifa_addr->sa_family;
	if (family != AF_INET && family != AF_INET6)
		return false;
	ret->addr = addr_make((uint8_t)family, address_bytes(i->ifa_addr));
	ret->len = mask_len(i->ifa_netmask, addr_size((uint8_t)family));
	return addr_is_usable(&ret->addr);
}

void localnet_addresses(const char *device, void (*fn)(void *ud, const char *prefix), void *ud)
{
	char text[PREFIX_TEXT_MAX];
	struct ifaddrs *list, *i;
	struct prefix p;

	if (getifaddrs(&list) < 0)
		return;
	for (i = list; i; i = i->ifa_next) {
		if ((!device || !strcmp(device, i->ifa_name)) && prefix_of(i, &p))
			fn(ud, prefix_format(&p, text));
	}
	freeifaddrs(list);
}

bool localnet_device_name(int ifindex, char ret[LOCALNET_NAME_MAX])
{
	return ifindex > 0 && if_indextoname((unsigned)ifindex, ret);
}

#define LOCALNET_ZEROS "00000000"

/* Whether LINE of /proc/net/route, with IPV6 of /proc/net/ipv6_route, is a route to everywhere
 * through DEVICE. */
static bool localnet_is_default(const char *line, bool ipv6, const char *device)
{
	struct word w[10];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(w); i++)
		w[i] = word_next(&line, "");
	if (ipv6)
		return word_is(&w[0],
			       LOCALNET_ZEROS LOCALNET_ZEROS LOCALNET_ZEROS LOCALNET_ZEROS) &&
		       word_is(&w[1], "00") && word_is(&w[9], device);
	return word_is(&w[0], device) && word_is(&w[1], LOCALNET_ZEROS) &&
	       word_is(&w[7], LOCALNET_ZEROS);
}

bool localnet_has_default_route(const char *device)
{
	static const char *const files[] = { "/proc/net/route", "/proc/net/ipv6_route" };
	char line[256];
	bool found = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files) && !found; i++) {
		FILE *f = fopen(files[i], "re");

		while (f && !found && fgets(line, sizeof(line), f)) {
			line[strcspn(line, "\n")] = '\0';
			found = localnet_is_default(line, i == 1, device);
		}
		if (f)
			fclose(f);
	}
	return found;
}

unsigned localnet_index(const char *name)
{
	return if_nametoindex(name);
}

int localnet_has_arp(const char *name)
{
	struct ifaddrs *list, *i;
	int r = -ENODEV;

	if (getifaddrs(&list) < 0)
		return -errno;
	/* each device is there, also without an address: AF_PACKET */
	for (i = list; i && r < 0; i = i->ifa_next)
		if (!strcmp(name, i->ifa_name))
			r = !(i->ifa_flags & IFF_NOARP) || i->ifa_flags & IFF_LOOPBACK;
	freeifaddrs(list);
	return r;
}
