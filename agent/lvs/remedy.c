/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/remedy.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lvs/text.h"

/* A range of ports for the service has at least so many. */
#define WINDOW_MIN 1000

struct window {
	uint8_t family, l4proto;
	unsigned low, high;
};

void lvs_remedy_free(const struct flow *hung, char ret[FINDING_FIX_MAX])
{
	char client[LVS_ENDPOINT_MAX], dest[LVS_ENDPOINT_MAX];

	*ret = '\0';
	if (!(hung->origin & FLOW_SOCKET) || hung->l4proto != IPPROTO_TCP ||
	    hung->state == FLOW_TIME_WAIT || hung->state == FLOW_CLOSED)
		return;
	snprintf(ret, FINDING_FIX_MAX, "ss -K src %s dst %s",
		 lvs_bytes_format(hung->family, hung->client, hung->cport, client),
		 lvs_bytes_format(hung->family, hung->dest, hung->dport, dest));
}

/* The rule by which connections to DEST leave from a port of the window. */
static void format_window(char *buf, size_t size, const struct window *w, const uint8_t *dest,
			  uint16_t port)
{
	struct addr a = addr_make(w->family, dest);
	char addr[PREFIX_TEXT_MAX], proto[8], dport[24] = "";

	if (port)
		snprintf(dport, sizeof(dport), " --dport %u", port);
	snprintf(buf, size, "%s -t nat -I POSTROUTING -p %s -d %s%s -j MASQUERADE --to-ports %u-%u",
		 w->family == AF_INET6 ? "ip6tables" : "iptables", l4proto_name(w->l4proto, proto),
		 addr_format(&a, addr), dport, w->low, w->high);
}

/* Connections to the service leave from a window of ports that nothing else uses. The direct ones
 * of a client behind this node get a window of their own, since nf_nat reuses a client's
 * translation for other destinations. */
void lvs_remedy_prevent(const struct ports *ports, const struct collision *c,
			char ret[FINDING_FIX_MAX])
{
	const struct flow *via = &c->via, *direct = &c->direct;
	bool behind = c->class != COLLIDE_A2 && !(direct->origin & FLOW_SOCKET);
	char range[96] = "", rule[192], other[192] = "";
	struct window w = { via->family, via->l4proto, 0, 65535 };

	*ret = '\0';
	if (!ports)
		return;
	w.low = ports->high + 1U;
	if (w.low + WINDOW_MIN > 65536 || ports->high < 1024) {
		w.low = 49152;
		snprintf(range, sizeof(range),
			 "sysctl -w net.ipv4.ip_local_port_range=\"32768 49151\"; ");
	}
	format_window(rule, sizeof(rule), &w, via->dest, via->dport);
	if (behind) {
		w.high = w.low - 1;
		w.low = 1024;
		format_window(other, sizeof(other), &w, direct->dest, direct->dport);
	}
	snprintf(ret, FINDING_FIX_MAX, "%s%s%s%s", range, rule, *other ? "; " : "", other);
}

void lvs_remedy_reserve(uint16_t port, char ret[FINDING_FIX_MAX])
{
	snprintf(ret, FINDING_FIX_MAX,
		 "sysctl -w net.ipv4.ip_local_reserved_ports="
		 "\"$(sysctl -n net.ipv4.ip_local_reserved_ports),%u\"",
		 port);
}
