/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/remedy.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lvs/text.h"

/* Adds to what is reserved: the setting is replaced as a whole, and refuses an empty part. */
#define RESERVE                                               \
	"r=$(sysctl -n net.ipv4.ip_local_reserved_ports) && " \
	"sysctl -w net.ipv4.ip_local_reserved_ports=\"${r:+$r,}"

#define KEEP_RESERVED                                                                 \
	"to keep the setting over a reboot: sysctl net.ipv4.ip_local_reserved_ports " \
	">/etc/sysctl.d/90-lvs-ports.conf"

void lvs_remedy_free(const struct flow *hung, char ret[FINDING_FIX_MAX])
{
	char client[LVS_ENDPOINT_MAX], dest[LVS_ENDPOINT_MAX];

	*ret = '\0';
	if (!(hung->origin & FLOW_SOCKET) || hung->l4proto != IPPROTO_TCP || flow_is_over(hung))
		return;
	snprintf(ret, FINDING_FIX_MAX, "ss -K src %s dst %s",
		 lvs_bytes_format(hung->family, hung->client, hung->cport, client),
		 lvs_bytes_format(hung->family, hung->dest, hung->dport, dest));
}

/* The rule by which connections from CLIENT to DEST leave from ports LOW to HIGH. */
struct window_rule {
	struct addr client, dest;
	uint8_t l4proto;
	uint16_t dport; /* 0: all */
	uint16_t low, high;
	bool others; /* of those that this node translates to CLIENT, not from it */
};

static void window_rule_iptables(const struct window_rule *w, char *buf, size_t size)
{
	char client[PREFIX_TEXT_MAX], dest[PREFIX_TEXT_MAX], proto[8], from[PREFIX_TEXT_MAX + 40];
	bool ipv6 = w->client.family == AF_INET6;
	char dport[24] = "";

	addr_format(&w->client, client);
	snprintf(from, sizeof(from), w->others ? "-m addrtype ! --src-type LOCAL" : "-s %s",
		 client);
	if (w->dport)
		snprintf(dport, sizeof(dport), " --dport %u", w->dport);
	snprintf(buf, size,
		 "%s -w -t nat -I POSTROUTING %s -d %s -p %s%s -j SNAT --to-source %s%s%s:%u-%u%s",
		 ipv6 ? "ip6tables" : "iptables", from, addr_format(&w->dest, dest),
		 l4proto_name(w->l4proto, proto), dport, ipv6 ? "'[" : "", client, ipv6 ? "]" : "",
		 w->low, w->high, ipv6 ? "'" : "");
}

static void window_rule_nft(const struct window_rule *w, char *buf, size_t size)
{
	char client[PREFIX_TEXT_MAX], dest[PREFIX_TEXT_MAX], proto[8], from[PREFIX_TEXT_MAX + 40];
	const char *family = w->client.family == AF_INET6 ? "ip6" : "ip";
	char match[48];

	addr_format(&w->client, client);
	snprintf(from, sizeof(from), w->others ? "fib saddr type != local" : "%s saddr %s", family,
		 client);
	if (w->dport)
		snprintf(match, sizeof(match), "%s dport %u", l4proto_name(w->l4proto, proto),
			 w->dport);
	else
		snprintf(match, sizeof(match), "meta l4proto %s", l4proto_name(w->l4proto, proto));
	snprintf(buf, size, "%s %s daddr %s %s snat to %s%s%s:%u-%u; ", from, family,
		 addr_format(&w->dest, dest), match, family[2] ? "[" : "", client,
		 family[2] ? "]" : "", w->low, w->high);
}

/* In a table of its own, before those that others have; the first one decides. */
static void window_rules_nft(const struct window_rule *list, size_t n, char *buf, size_t size)
{
	size_t i, at;

	at = (size_t)snprintf(buf, size,
			      "nft 'table %s lvs_ports { chain out { type nat hook postrouting "
			      "priority 99; ",
			      list->client.family == AF_INET6 ? "ip6" : "ip");
	for (i = 0; i < n && at < size; i++) {
		window_rule_nft(&list[i], buf + at, size - at);
		at += strlen(buf + at);
	}
	if (at < size)
		snprintf(buf + at, size - at, "}; }'");
}

static void window_rules(const struct lvs_node *node, const struct window_rule *list, size_t n,
			 char *buf, size_t size)
{
	size_t i, at = 0;

	if (node->uses_nft(node->ud)) {
		window_rules_nft(list, n, buf, size);
		return;
	}
	for (i = 0; i < n && at < size; i++) {
		if (i)
			at += (size_t)snprintf(buf + at, size - at, " && ");
		window_rule_iptables(&list[i], buf + at, size - at);
		at += strlen(buf + at);
	}
}

/* What is to be done before, what it costs, and how to keep it. */
static void window_note(const struct lvs_node *node, const struct lvs_window *w, bool sockets,
			char *buf, size_t size)
{
	uint32_t all = (uint32_t)ports_count(node->ports, PORTS_ALL), via, at = 0;

	via = lvs_live_count(node->live->via, 0, w->low - 1U) +
	      lvs_live_count(node->live->via, w->high + 1U, UINT16_MAX);
	if (w->direct) {
		at += (uint32_t)snprintf(buf, size,
					 "open the %u connection%s from ports %u-%u again",
					 w->direct, w->direct == 1 ? "" : "s", w->low, w->high);
		if (sockets)
			at += (uint32_t)snprintf(
				buf + at, size - at,
				" (ss -tn 'sport >= :%u and sport <= :%u' lists them)", w->low,
				w->high);
		at += (uint32_t)snprintf(buf + at, size - at, "; ");
	}
	if (via)
		at += (uint32_t)snprintf(buf + at, size - at,
					 "the %u connection%s through services keep%s the present "
					 "port until opened again; ",
					 via, via == 1 ? "" : "s", via == 1 ? "s" : "");
	if (w->taken && all)
		at += (uint32_t)snprintf(buf + at, size - at,
					 "it takes %u of the %u ports that connect() chooses from "
					 "(%u %%); ",
					 w->taken, all, (100 * w->taken + all / 2) / all);
	at += (uint32_t)snprintf(buf + at, size - at,
				 "the service can have %u connections at a time from here; ",
				 w->high - w->low + 1U);
	snprintf(buf + at, size - at,
		 "%sto keep the rule, add it to what the firewall is loaded from at boot",
		 w->taken ? KEEP_RESERVED "; " : "");
}

/* Whether it is, or was, a socket of this node, not a client behind it. */
static bool remedy_is_ours(const struct lvs_node *node, const struct flow *f)
{
	struct addr client = addr_make(f->family, f->client);

	return f->origin & FLOW_SOCKET ||
	       (!(f->origin & FLOW_TRANSLATED) && addrset_has(node->own, &client));
}

/* Connections to the service leave from a window of ports that nothing else uses. The direct ones
 * of a client behind this node get a window of their own, since nf_nat reuses a client's
 * translation for other destinations. */
void lvs_remedy_prevent(const struct lvs_node *node, const struct collision *c,
			char ret[FINDING_FIX_MAX], char ret_note[LVS_NOTE_MAX])
{
	const struct flow *via = &c->via, *direct = &c->direct;
	struct window_rule rules[2] = { { .l4proto = via->l4proto, .dport = via->dport } };
	char reserve[192] = "", text[FINDING_FIX_MAX];
	struct lvs_window w;
	bool ours;
	size_t n = 1;

	*ret = *ret_note = '\0';
	/* what this node's own IPVS takes never leaves with the service as its destination */
	if (!node || via->origin & FLOW_IPVS ||
	    !lvs_window_choose(node->ports,
			       c->class == COLLIDE_A2 ? node->live->via : node->live->direct, &w))
		return;
	ours = remedy_is_ours(node, via);
	rules->client = addr_make(via->family, via->client);
	rules->dest = addr_make(via->family, via->dest);
	rules->others = !ours && addrset_has(node->own, &rules->client);
	rules->low = w.low;
	rules->high = w.high;
	if (c->class != COLLIDE_A2 && !ours && !remedy_is_ours(node, direct)) {
		rules[n] = rules[0];
		rules[n].dest = addr_make(direct->family, direct->dest);
		rules[n].dport = direct->dport;
		rules[n].low = 1024;
		rules[n++].high = (uint16_t)(w.low - 1);
	}
	if (node->uses_nft(node->ud) && !node->nat_in_turn) {
		window_rule_nft(rules, text, sizeof(text));
		snprintf(ret_note, LVS_NOTE_MAX,
			 "before Linux 4.18 a NAT chain of its own would be asked instead of those "
			 "that the node has: put into one of these: %.*s",
			 (int)(strlen(text) - strlen("; ")), text);
		return;
	}
	if (w.taken)
		snprintf(reserve, sizeof(reserve), RESERVE "%u-%u\" && ", w.low, w.high);
	window_rules(node, rules, n, text, sizeof(text));
	if ((size_t)snprintf(ret, FINDING_FIX_MAX, "%s%s", reserve, text) >= FINDING_FIX_MAX) {
		*ret = '\0';
		return;
	}
	window_note(node, &w, direct->origin & FLOW_SOCKET, ret_note, LVS_NOTE_MAX);
}

void lvs_remedy_reserve(uint16_t port, bool in_use, char ret[FINDING_FIX_MAX],
			char ret_note[LVS_NOTE_MAX])
{
	snprintf(ret, FINDING_FIX_MAX, RESERVE "%u\"", port);
	snprintf(ret_note, LVS_NOTE_MAX, "%s" KEEP_RESERVED,
		 in_use ? "then open that connection again; " : "");
}
