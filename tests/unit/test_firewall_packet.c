/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of an invalid packet, in rules as they are found on nodes: whether it is
 * dropped on its way through, and whether the node's own TCP sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <vipsafe/base.h>

#include "cli/firewall.h"

enum { A = FIREWALL_ACCEPTED, D = FIREWALL_DROPPED, U = FIREWALL_UNCLEAR };

#define I "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n"
#define FORWARD_INVALID "-A FORWARD -m conntrack --ctstate INVALID -j DROP\n"
#define CT "-m conntrack --ctstate "
#define NFT_INPUT "chain input {\ntype filter hook input priority 0; policy accept;\n"
#define NFT_DROP "chain input {\ntype filter hook input priority 0; policy drop;\n"
#define END "}\n}\n"

static const char kube_proxy_iptables[] =
	"*mangle\n:PREROUTING ACCEPT [0:0]\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n" I
	":KUBE-FIREWALL - [0:0]\n:KUBE-FORWARD - [0:0]\n:KUBE-NODEPORTS - [0:0]\n"
	":KUBE-EXTERNAL-SERVICES - [0:0]\n:KUBE-PROXY-FIREWALL - [0:0]\n"
	"-A INPUT -m conntrack --ctstate NEW -m comment --comment \"kubernetes load balancer "
	"firewall\" -j KUBE-PROXY-FIREWALL\n"
	"-A INPUT -m comment --comment \"kubernetes health check service ports\" -j "
	"KUBE-NODEPORTS\n"
	"-A INPUT -m conntrack --ctstate NEW -m comment --comment \"kubernetes externally-visible "
	"service portals\" -j KUBE-EXTERNAL-SERVICES\n"
	"-A INPUT -j KUBE-FIREWALL\n"
	"-A FORWARD -m comment --comment \"kubernetes forwarding rules\" -j KUBE-FORWARD\n"
	"-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment \"block incoming "
	"localnet connections\" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP\n"
	"-A KUBE-FIREWALL -m comment --comment \"dropping marked packets\" -m mark --mark "
	"0x8000/0x8000 -j DROP\n"
	"-A KUBE-FORWARD -m conntrack --ctstate INVALID -m nfacct --nfacct-name  ct_x -j DROP\n"
	"-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding rules\" -m mark --mark "
	"0x4000/0x4000 -j ACCEPT\n"
	"-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n"
	"*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-MARK-MASQ - [0:0]\n"
	"-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\nCOMMIT\n";

static const char kube_proxy_nft[] =
	"table ip kube-proxy {\n"
	"\tmap service-ips {\n\t\ttype ipv4_addr . inet_proto . inet_service : verdict\n"
	"\t\telements = { 10.96.0.1 . tcp . 443 comment \"default/kubernetes:https\" : goto "
	"service-A,\n"
	"\t\t\t     10.96.0.10 . udp . 53 : goto service-A }\n\t}\n\n"
	"\tmap no-endpoint-services {\n\t\ttype ipv4_addr . inet_proto . inet_service : verdict\n"
	"\t\telements = { 10.96.0.2 . tcp . 80 comment \"a\" : goto reject-chain }\n\t}\n\n"
	"\tchain filter-prerouting {\n"
	"\t\ttype filter hook prerouting priority dstnat - 10; policy accept;\n"
	"\t\tct state new jump firewall-check\n\t}\n\n"
	"\tchain filter-input {\n\t\ttype filter hook input priority -110; policy accept;\n"
	"\t\tct state new jump service-endpoints-check\n\t}\n\n"
	"\tchain filter-forward {\n\t\ttype filter hook forward priority -110; policy accept;\n"
	"\t\tct state invalid drop\n\t\tct state new jump service-endpoints-check\n\t}\n\n"
	"\tchain service-endpoints-check {\n"
	"\t\tip daddr . meta l4proto . th dport vmap @no-endpoint-services\n\t}\n\n"
	"\tchain firewall-check {\n\t\tdrop\n\t}\n\n\tchain reject-chain {\n\t\treject\n\t}\n\n"
	"\tchain mark-for-masquerade {\n\t\tmeta mark set meta mark | 0x00004000\n\t}\n\n"
	"\tchain service-A {\n\t\tip daddr 10.96.0.1 tcp dport 443 jump "
	"mark-for-masquerade\n\t}\n}\n";

static const char firewalld_nft[] =
	"table inet firewalld {\n"
	"\tchain raw_PREROUTING {\n\t\ttype filter hook prerouting priority raw + 10; policy "
	"accept;\n\t\ticmpv6 type { nd-router-advert, nd-neighbor-solicit } accept\n"
	"\t\tmeta nfproto ipv6 fib saddr . mark . iif oif missing drop\n\t}\n\n"
	"\tchain filter_INPUT {\n\t\ttype filter hook input priority filter + 10; policy accept;\n"
	"\t\tct state { established, related } accept\n\t\tct status dnat accept\n"
	"\t\tiifname \"lo\" accept\n\t\tjump filter_INPUT_ZONES\n\t\tct state invalid drop\n"
	"\t\treject with icmpx admin-prohibited\n\t}\n\n"
	"\tchain filter_FORWARD {\n\t\ttype filter hook forward priority filter + 10; policy "
	"accept;\n\t\tct state { established, related } accept\n\t\tct state invalid drop\n\t}\n\n"
	"\tchain filter_INPUT_ZONES {\n\t\tiifname \"eth0\" goto filter_IN_public\n"
	"\t\tgoto filter_IN_public\n\t}\n\n"
	"\tchain filter_IN_public {\n\t\tjump filter_IN_public_allow\n"
	"\t\tmeta l4proto { icmp, ipv6-icmp } accept\n\t}\n\n"
	"\tchain filter_IN_public_allow {\n\t\ttcp dport 22 ct state { new, untracked } accept\n"
	"\t\tip6 daddr fe80::/64 udp dport 546 ct state { new, untracked } accept\n\t}\n}\n";

/* Docker since 28: packets to containers that come past it are dropped early. */
static const char docker[] =
	"*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP\n"
	"COMMIT\n*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\n"
	":DOCKER-FORWARD - [0:0]\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-FORWARD\n"
	"-A DOCKER-FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
	"-A DOCKER-FORWARD -i docker0 -j ACCEPT\nCOMMIT\n";

static const char calico[] =
	I ":cali-INPUT - [0:0]\n:cali-FORWARD - [0:0]\n:cali-from-hep - [0:0]\n"
	  ":cali-wl-to-host - [0:0]\n:cali-tw-x - [0:0]\n"
	  "-A INPUT -m comment --comment \"cali:Cz_u1IQiXIMmKD4c\" -j cali-INPUT\n"
	  "-A FORWARD -j cali-FORWARD\n"
	  "-A cali-INPUT -p ipencap -m comment --comment \"x\" -m addrtype --dst-type LOCAL -j "
	  "ACCEPT\n"
	  "-A cali-INPUT -i cali+ -g cali-wl-to-host\n"
	  "-A cali-INPUT -m mark --mark 0x10000/0x10000 -j ACCEPT\n"
	  "-A cali-INPUT -j MARK --set-xmark 0x0/0xf0000\n-A cali-INPUT -j cali-from-hep\n"
	  "-A cali-wl-to-host -p udp -m multiport --dports 67,68 -j ACCEPT\n"
	  "-A cali-FORWARD -i cali+ -j cali-tw-x\n"
	  "-A cali-tw-x -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n";

/* k3s: the network policies of kube-router; whatever a pod is not allowed is rejected
 * in chains that only its own address leads to. */
static const char k3s[] =
	I ":KUBE-ROUTER-INPUT - [0:0]\n:KUBE-POD-FW-A - [0:0]\n:KUBE-FORWARD - [0:0]\n"
	  "-A INPUT -m comment --comment \"kube-router netpol - X\" -j KUBE-ROUTER-INPUT\n"
	  "-A FORWARD -j KUBE-FORWARD\n"
	  "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP\n"
	  "-A KUBE-ROUTER-INPUT -d 10.43.0.0/16 -m comment --comment \"x\" -j RETURN\n"
	  "-A KUBE-ROUTER-INPUT -p tcp -m comment --comment \"allow LOCAL TCP traffic to node "
	  "ports\" -m addrtype --dst-type LOCAL -m multiport --dports 30000:32767 -j RETURN\n"
	  "-A KUBE-ROUTER-INPUT -s 10.42.0.7/32 -j KUBE-POD-FW-A\n"
	  "-A KUBE-POD-FW-A -m mark ! --mark 0x10000/0x10000 -j REJECT --reject-with "
	  "icmp-port-unreachable\nCOMMIT\n";

static const char ufw[] =
	"*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:ufw-before-input - [0:0]\n"
	":ufw-before-forward - [0:0]\n:ufw-logging-deny - [0:0]\n-A INPUT -j ufw-before-input\n"
	"-A FORWARD -j ufw-before-forward\n-A ufw-before-input -i lo -j ACCEPT\n"
	"-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
	"-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny\n"
	"-A ufw-before-input -m conntrack --ctstate INVALID -j DROP\n"
	"-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT\n"
	"-A ufw-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix \"[UFW "
	"BLOCK] \"\nCOMMIT\n";

/* RULES: of iptables if they begin with a star. */
static const struct {
	const char *what, *rules;
	bool forwarded;
	int input;
} cases[] = {
	{ "kube-proxy, iptables", kube_proxy_iptables, true, A },
	{ "kube-proxy, nft", kube_proxy_nft, true, A },
	{ "firewalld, nft", firewalld_nft, true, D },
	{ "docker: the policy of FORWARD does not name the state", docker, false, U },
	{ "calico", calico, true, A },
	{ "k3s", k3s, true, A },
	{ "ufw", ufw, false, D },
	{ "what RHEL comes with",
	  I "-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p icmp -j ACCEPT\n"
	    "-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j "
	    "ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\n" FORWARD_INVALID,
	  true, D },
	{ "a map of states, and policy drop",
	  "table inet f {\n" NFT_DROP
	  "ct state vmap { invalid : drop, established : accept, related "
	  ": accept }\niif \"lo\" accept\n" END,
	  false, D },
	{ "a map of states that leaves it to the policy",
	  "table inet f {\n" NFT_DROP
	  "ct state vmap { established : accept, related : accept }\n" END,
	  false, D },
	{ "a map of states that accepts it",
	  "table inet f {\n" NFT_DROP
	  "ct state vmap { established : accept, invalid : accept }\n" END,
	  false, A },
	{ "a map of states with a name",
	  "table ip f {\nmap m {\ntype ct_state : verdict\nelements = { invalid : drop,\n"
	  "\t\t     established : accept }\n}\n" NFT_INPUT "ct state vmap @m\n" END,
	  false, D },
	{ "a named map of what it is not",
	  "table ip f {\nmap m {\ntype ipv4_addr : verdict\nelements = { 10.0.0.1 : drop "
	  "}\n}\n" NFT_INPUT "ip saddr vmap @m\n" END,
	  false, U },
	{ "policy drop, what is new and known accepted",
	  "*filter\n:INPUT DROP [0:0]\n-A INPUT " CT "ESTABLISHED,RELATED -j ACCEPT\n"
	  "-A INPUT -p tcp --dport 22 " CT "NEW -j ACCEPT\n" FORWARD_INVALID,
	  true, D },
	{ "together with NEW", I "-A INPUT " CT "INVALID,NEW -j DROP\n" FORWARD_INVALID, true, D },
	{ "answered with ICMP",
	  I "-A INPUT " CT "INVALID -j REJECT --reject-with icmp-port-unreachable\n", false, D },
	{ "answered with a reset",
	  I "-A INPUT -p tcp " CT "INVALID -j REJECT --reject-with tcp-reset\n-A INPUT -j DROP\n",
	  false, A },
	{ "in a chain that is gone to",
	  I ":X - [0:0]\n-A INPUT -g X\n-A INPUT -j ACCEPT\n-A X " CT "INVALID -j DROP\n", false,
	  D },
	{ "a chain that returns before",
	  I ":X - [0:0]\n-A INPUT -j X\n-A X -j RETURN\n-A X -j DROP\n", false, A },
	{ "accepted before", I "-A INPUT -p tcp -j ACCEPT\n-A INPUT -j DROP\n", false, A },
	{ "accepted perhaps, then dropped",
	  I "-A INPUT -s 10.0.0.0/8 -j ACCEPT\n-A INPUT -j DROP\n", false, U },
	{ "one host accepted, then dropped",
	  I "-A INPUT -s 10.0.0.9/32 -j ACCEPT\n-A INPUT -j DROP\n", false, D },
	{ "not of what is known", I "-A INPUT " CT "! ESTABLISHED -j DROP\n", false, U },
	{ "negated as it is printed",
	  I "-A INPUT -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP\n-A FORWARD -m "
	    "conntrack ! "
	    "--ctstate RELATED,ESTABLISHED,NEW -j DROP\n",
	  true, D },
	{ "anything but", I "-A INPUT -m conntrack ! --ctstate INVALID -j DROP\n", false, A },
	{ "on one device", I "-A INPUT -i eth1 " CT "INVALID -j DROP\n" FORWARD_INVALID, true, U },
	{ "from all but the loopback device", I "-A INPUT ! -i lo " CT "INVALID -j DROP\n", false,
	  D },
	{ "for UDP", I "-A INPUT -p udp " CT "INVALID -j DROP\n", false, A },
	{ "a comment that looks like it",
	  I "-A INPUT -m comment --comment \"-m conntrack --ctstate INVALID -j DROP\" -j ACCEPT\n",
	  false, A },
	{ "with a limit", I "-A INPUT " CT "INVALID -m limit --limit 5/sec -j DROP\n", false, U },
	{ "new without SYN, and without a state",
	  I "-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN " CT "NEW -j DROP\n"
	    "-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -j DROP\n",
	  false, A },
	{ "a mark that somebody sets",
	  I "-A FORWARD -j MARK --set-xmark 0x1/0x1\n-A INPUT -m mark --mark 0x1/0x1 -j DROP\n",
	  false, U },
	{ "a mark that nobody sets", I "-A INPUT -m mark --mark 0x1/0x1 -j DROP\n", false, A },
	{ "to somebody's queue", I "-A INPUT -j NFQUEUE --queue-num 1\n", false, U },
	{ "before the routing",
	  "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING " CT
	  "INVALID -j DROP\n" I FORWARD_INVALID,
	  true, D },
	{ "in a chain of NAT, where it never comes",
	  "*nat\n:INPUT ACCEPT [0:0]\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j DROP\n", false,
	  A },
	{ "a chain that nobody has made", I "-A INPUT -j TARGET2\n", false, U },
	{ "with counters", I "[1:60] -A INPUT " CT "INVALID -j DROP\n", false, D },
	{ "nft: all but known ones",
	  "table inet f {\n" NFT_INPUT "ct state != { established, related } drop\n" END, false,
	  D },
	{ "nft: the same without braces",
	  "table inet f {\n" NFT_INPUT "ct state != established | related drop\n" END, false, D },
	{ "nft: invalid,new", "table inet f {\n" NFT_INPUT "ct state invalid,new reject\n" END,
	  false, D },
	{ "nft: with a reset",
	  "table inet f {\n" NFT_DROP "ct state invalid reject with tcp reset\n" END, false, A },
	{ "nft: logged and dropped",
	  "table inet f {\n" NFT_INPUT
	  "meta l4proto tcp ct state invalid log prefix \"x { accept \" level info drop comment "
	  "\"jump y\"\n" END,
	  false, D },
	{ "nft: of the other family", "table ip6 f {\n" NFT_INPUT "ct state invalid drop\n" END,
	  false, A },
	{ "nft: the other family in inet",
	  "table inet f {\n" NFT_INPUT "meta nfproto ipv6 ct state invalid drop\n" END, false, A },
	{ "nft: two chains, the second one drops",
	  "table inet a {\n" NFT_INPUT "accept\n" END "table inet b {\n" NFT_INPUT
	  "ct state invalid drop\n" END,
	  false, D },
	{ "nft: a bridge", "table bridge f {\n" NFT_INPUT "drop\n" END, false, A },
	{ "nft: a table that sleeps", "table ip f {\nflags dormant\n" NFT_INPUT "drop\n" END, false,
	  A },
	{ "nft: what nobody knows", "table ip f {\n" NFT_INPUT "frobnicate 1 drop\n" END, false,
	  U },
	{ "nft: a chain without a name",
	  "table ip f {\n" NFT_INPUT "jump {\nct state invalid drop\n}\n" END, false, U },
	{ "nft: devices by map",
	  "table ip f {\nchain world {\nct state invalid drop\n}\n" NFT_INPUT
	  "iifname vmap { \"lo\" : accept, \"eth0\" : jump world }\n" END,
	  false, U },
	{ "nft: protocols by map",
	  "table ip f {\nchain t {\nct state invalid drop\n}\n" NFT_INPUT
	  "ip protocol vmap { udp : accept, tcp : jump t }\n" END,
	  false, D },
	{ "nft: flags",
	  "table ip f {\n" NFT_INPUT "tcp flags syn / fin,syn,rst,ack drop\n"
	  "tcp flags & (fin | syn | rst | ack) == syn drop\n" END,
	  false, A },
	{ "nft: a set that has a name, not a mark",
	  "table ip f {\n" NFT_INPUT "ip saddr @blocked drop\n" END, false, U },
	{ "nft: what a rule of iptables looked at is not printed",
	  "table ip f {\n" NFT_INPUT "xt match \"conntrack\" counter packets 0 bytes 0 drop\n" END,
	  false, U },
	{ "nft: forged ones", "table inet f {\n" NFT_INPUT "fib saddr . iif oif missing drop\n" END,
	  false, A },
	{ "nft: several fields",
	  "table ip f {\n" NFT_INPUT "ip saddr . tcp dport { 10.0.0.1 . 22 } drop\n" END, false,
	  U },
};

static struct firewall look(const char *rules)
{
	struct firewall_reader *r = firewall_reader_new();
	struct firewall f;
	const char *p, *end;
	char one[512];

	assert_non_null(r);
	for (p = rules; *p; p = end + 1) {
		end = strchr(p, '\n');
		snprintf(one, sizeof(one), "%.*s", (int)(end - p), p);
		if (*rules == '*')
			firewall_iptables_line(r, one);
		else
			firewall_nft_line(r, one);
	}
	firewall_reader_result(r, &f);
	firewall_reader_free(r);
	return f;
}

static void an_invalid_packet_is_followed(void **state _unused_)
{
	static const char *const names[] = { "accepted", "dropped", "unclear" };
	size_t i, wrong = 0;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct firewall f = look(cases[i].rules);
		const struct firewall_invalid *v = &f.invalid[FIREWALL_IPV4];

		if (v->dropped_forwarded == cases[i].forwarded && (int)v->input == cases[i].input)
			continue;
		print_message("%s: forwarded %d, input %s, not %s\n", cases[i].what,
			      v->dropped_forwarded, names[v->input], names[cases[i].input]);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invalid_packet_is_followed),
	};

	return cmocka_run_group_tests_name("firewall_packet", tests, NULL, NULL);
}
