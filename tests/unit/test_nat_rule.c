/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SNAT line that the doctor prints for a rule with MASQUERADE: the same rule in every word, or
 * no line. */
#include "lib/snat_world.h"

/* ---- iptables ------------------------------------------------------------------------------ */

#define SET "-m set --match-set pods src "
#define COMMENT "-m comment --comment \"say \\\"hi\\\" to a \\\\ $(reboot)\" "
#define COMMENT_SAID "-m comment --comment 'say \"hi\" to a \\ $(reboot)' "

/* The conditions and options of the rule, and what is said in front of it; NULL: nothing. */
static const struct {
	const char *rule, *said;
} iptables[] = {
	{ "-o eth0 -j MASQUERADE", "-o eth0 -j SNAT --to-source 192.0.2.7" },
	{ "-o eth0 -j MASQUERADE --random-fully",
	  "-o eth0 -j SNAT --to-source 192.0.2.7 --random-fully" },
	{ "-o eth0 -j MASQUERADE --random", "-o eth0 -j SNAT --to-source 192.0.2.7 --random" },
	{ "-o eth0 -p tcp -j MASQUERADE --to-ports 1024-65535 --random",
	  "-o eth0 -p tcp -j SNAT --to-source 192.0.2.7:1024-65535 --random" },
	{ "-o eth0 -p udp -j MASQUERADE --to-ports 7",
	  "-o eth0 -p udp -j SNAT --to-source 192.0.2.7:7" },
	{ "-s 10.0.0.0/8 ! -d 10.0.0.0/8 -o eth0 -p tcp -m tcp --dport 80 -j MASQUERADE",
	  "-s 10.0.0.0/8 ! -d 10.0.0.0/8 -o eth0 -p tcp -m tcp --dport 80 -j SNAT --to-source "
	  "192.0.2.7" },
	/* it names none: only for the one that leads out */
	{ "-s 10.0.0.0/8 -j MASQUERADE", "-s 10.0.0.0/8 -o eth0 -j SNAT --to-source 192.0.2.7" },
	{ "-s 10.0.0.0/8 -p tcp -j MASQUERADE",
	  "-s 10.0.0.0/8 -o eth0 -p tcp -j SNAT --to-source 192.0.2.7" },
	{ "-j MASQUERADE", "-o eth0 -j SNAT --to-source 192.0.2.7" },
	{ "-m mark --mark 0x1 -j MASQUERADE",
	  "-o eth0 -m mark --mark 0x1 -j SNAT --to-source 192.0.2.7" },
	{ "-o eth+ -j MASQUERADE", "-o eth0 -j SNAT --to-source 192.0.2.7" },
	{ "-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
	  "-s 172.17.0.0/16 -o eth0 -j SNAT --to-source 192.0.2.7" },
	{ "! -o eth0 -j MASQUERADE", NULL },
	{ "-o ppp+ -j MASQUERADE", NULL },
	{ "-o eth7 -j MASQUERADE", NULL },
	{ "-o eth1 -j MASQUERADE", "-o eth1 -j SNAT --to-source 192.0.2.7" },
	/* matches */
	{ "-o eth0 " SET "-j MASQUERADE", "-o eth0 " SET "-j SNAT --to-source 192.0.2.7" },
	{ "-o eth0 -m set ! --match-set a,b src,dst -j MASQUERADE",
	  "-o eth0 -m set ! --match-set a,b src,dst -j SNAT --to-source 192.0.2.7" },
	{ "-o eth0 " COMMENT "-j MASQUERADE",
	  "-o eth0 " COMMENT_SAID "-j SNAT --to-source 192.0.2.7" },
	{ "-o eth0 -m comment --comment \"it\\'s\" -j MASQUERADE", NULL },
	{ "-o eth0 -m comment --comment \"\303\244\" -j MASQUERADE", NULL },
	{ "-o eth0 -m addrtype ! --dst-type LOCAL -j MASQUERADE",
	  "-o eth0 -m addrtype ! --dst-type LOCAL -j SNAT --to-source 192.0.2.7" },
	{ "-o eth0 -m policy --dir out --pol none -m conntrack --ctstate NEW -j MASQUERADE",
	  "-o eth0 -m policy --dir out --pol none -m conntrack --ctstate NEW -j SNAT --to-source "
	  "192.0.2.7" },
	{ "-o eth0 -p tcp -m tcp --tcp-flags FIN,SYN SYN -j MASQUERADE",
	  "-o eth0 -p tcp -m tcp --tcp-flags FIN,SYN SYN -j SNAT --to-source 192.0.2.7" },
	/* they count or change something: not to be said twice */
	{ "-o eth0 -m limit --limit 5/sec -j MASQUERADE", NULL },
	{ "-o eth0 -m statistic --mode nth --every 2 --packet 0 -j MASQUERADE", NULL },
	{ "-o eth0 -m recent --set --name x -j MASQUERADE", NULL },
	{ "-o eth0 -m connlimit --connlimit-above 3 -j MASQUERADE", NULL },
	{ "-o eth0 -m quota --quota 1000 -j MASQUERADE", NULL },
	{ "-o eth0 -m set --match-set a src --return-nomatch -j MASQUERADE", NULL },
	{ "-o eth0 -m conntrack --ctexpire 5 -j MASQUERADE", NULL },
	{ "-o eth0 -m nonsense -j MASQUERADE", NULL },
	{ "-o eth0 --nonsense -j MASQUERADE", NULL },
	{ "-o eth0 -f -j MASQUERADE", NULL },
	{ "-o ! eth0 -j MASQUERADE", NULL },
	{ "-o eth0 -s ! 10.0.0.0/8 -j MASQUERADE", NULL },
	{ "-o eth0 -j MASQUERADE --nonsense", NULL },
	{ "-o eth0 -p tcp -j MASQUERADE --to-ports a", NULL },
	{ "-o eth0;reboot -j MASQUERADE", NULL },
	{ "-o eth0 -o eth1 -j MASQUERADE", NULL },
	{ "-s 10.0.0.5/32 -d 10.0.0.5/32 -p tcp -m tcp --dport 80 -j MASQUERADE", NULL },
};

static void iptables_rules_are_said_again(void **state _unused_)
{
	char text[512], want[NAT_COMMAND_MAX] = "";
	struct snat_result result;
	struct findings f;
	size_t i, p;

	set_devices();
	for (p = IPTABLES; p <= LEGACY; p++)
		for (i = 0; i < ARRAY_SIZE(iptables); i++) {
			const char *name = p == LEGACY ? "iptables-legacy" : "iptables";

			snprintf(text, sizeof(text), "*nat\n[3:180] -A POSTROUTING %s\n",
				 iptables[i].rule);
			f = advise((enum program)p, text, &result);
			if (iptables[i].said)
				snprintf(want, sizeof(want),
					 "(n=$(%s -w -t nat -S POSTROUTING | grep -nxF -m 1 -e "
					 "'-A POSTROUTING %s') && %s -w -t nat -I POSTROUTING "
					 "$((${n%%%%:*} - 1)) %s)",
					 name, iptables[i].rule, name, iptables[i].said);
			assert_string_equal(line_of(&f, 0), iptables[i].said ? want : "");
			assert_string_equal(line_of(&f, 1), "");
			assert_int_equal(result.left, 1);
			findings_done(&f);
		}
}

static void ipv6_needs_an_end_that_is_not_the_link(void **state _unused_)
{
	struct snat_result result;
	struct findings f;

	set_devices();
	f = advise(IP6TABLES,
		   "*nat\n-A POSTROUTING -s fd00::/64 -p tcp -j MASQUERADE --to-ports 5-6\n",
		   &result);
	assert_non_null(strstr(line_of(&f, 0), "ip6tables -w -t nat -I POSTROUTING"));
	assert_non_null(strstr(line_of(&f, 0), "-s fd00::/64 -o eth0 -p tcp -j SNAT --to-source "
					       "'[2001:db8::7]:5-6')"));
	findings_done(&f);
	f = advise(IP6TABLES, "*nat\n-A POSTROUTING -o eth0 -j MASQUERADE\n", &result);
	assert_string_equal(line_of(&f, 0), "");
	assert_non_null(strstr(refusal_of(&f), "neither source nor destination"));
	findings_done(&f);
	f = advise(IP6TABLES, "*nat\n-A POSTROUTING ! -d ff00::/8 -o eth0 -j MASQUERADE\n",
		   &result);
	assert_string_equal(line_of(&f, 0), "");
	findings_done(&f);
}

/* ---- nft
 * ----------------------------------------------------------------------------------------- */

/* The rule as it is listed, and what is said in front of it; NULL: nothing. */
static const struct {
	const char *family, *rule, *said, *said_ipv6;
} nft[] = {
	{ "ip", "oifname \"eth0\" masquerade", "snat to 192.0.2.7", NULL },
	{ "ip", "oif \"eth0\" masquerade random", "snat to 192.0.2.7 random", NULL },
	{ "ip", "oif eth0 masquerade", "snat to 192.0.2.7", NULL },
	{ "ip6", "oifname \"eth0\" ip6 saddr fd00::/64 masquerade", NULL,
	  "ip6 saddr fd00::/64 snat to 2001:db8::7" },
	{ "inet", "oifname \"eth0\" masquerade fully-random", "snat ip to 192.0.2.7 fully-random",
	  NULL },
	{ "inet", "oifname \"eth0\" ip daddr { 10.0.0.0/8, 192.168.0.0/16 } masquerade",
	  "ip daddr { 10.0.0.0/8, 192.168.0.0/16 } snat ip to 192.0.2.7", NULL },
	{ "inet", "oifname \"eth0\" ip6 daddr fd00::/64 masquerade", NULL,
	  "ip6 daddr fd00::/64 snat ip6 to 2001:db8::7" },
	{ "inet", "oifname \"eth0\" meta nfproto ipv4 masquerade",
	  "meta nfproto ipv4 snat ip to 192.0.2.7", NULL },
	{ "inet",
	  "oifname \"eth0\" ip6 daddr fd00::/64 meta l4proto tcp masquerade to :5-6 "
	  "random,persistent",
	  NULL,
	  "ip6 daddr fd00::/64 meta l4proto tcp snat ip6 to [2001:db8::7]:5-6 random,persistent" },
	{ "ip", "meta l4proto udp oifname \"eth0\" masquerade to :1024-65535 fully-random",
	  "meta l4proto udp snat to 192.0.2.7:1024-65535 fully-random", NULL },
	/* the device is said in front, and the rule's own condition stays */
	{ "ip", "oifname \"eth*\" masquerade", "oifname \"eth*\" snat to 192.0.2.7", NULL },
	{ "ip", "oifname != \"docker0\" ip saddr 172.17.0.0/16 masquerade",
	  "oifname != \"docker0\" ip saddr 172.17.0.0/16 snat to 192.0.2.7", NULL },
	{ "ip", "oifname { \"eth0\", \"eth1\" } masquerade",
	  "oifname { \"eth0\", \"eth1\" } snat to 192.0.2.7", NULL },
	{ "ip", "oifname @wan ip saddr @pods masquerade",
	  "oifname @wan ip saddr @pods snat to 192.0.2.7", NULL },
	{ "ip", "ip saddr 10.0.0.0/8 masquerade", "ip saddr 10.0.0.0/8 snat to 192.0.2.7", NULL },
	{ "ip", "oifname != \"eth0\" masquerade", NULL, NULL },
	{ "ip", "oifname \"ppp*\" masquerade", NULL, NULL },
	{ "ip", "oifname \"eth7\" masquerade", NULL, NULL },
	/* statements */
	{ "ip", "oifname \"eth0\" counter packets 12 bytes 720 masquerade comment \"it is; $(x)\"",
	  "counter snat to 192.0.2.7 comment \"it is; $(x)\"", NULL },
	{ "ip", "oifname \"eth0\" masquerade comment \"it's\"", NULL, NULL },
	{ "ip", "oifname \"eth0\" masquerade comment \"a # handle 5\"",
	  "snat to 192.0.2.7 comment \"a # handle 5\"", NULL },
	{ "ip",
	  "oifname \"eth0\" meta mark & 0x00004000 == 0x00004000 ct state established,new "
	  "masquerade",
	  "meta mark & 0x00004000 == 0x00004000 ct state established,new snat to 192.0.2.7", NULL },
	{ "ip", "oifname \"eth0\" fib daddr type != local tcp dport { 80, 443 } masquerade",
	  "fib daddr type != local tcp dport { 80, 443 } snat to 192.0.2.7", NULL },
	{ "ip", "oifname \"eth0\" limit rate 5/second masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" quota 5 mbytes masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" counter name \"c\" masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" log prefix \"x\" masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" meta mark set 0x1 masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" ct mark set 0x1 masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" numgen inc mod 2 0 masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" ip saddr . tcp dport { 10.0.0.1 . 80 } masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" tcp dport vmap { 80 : accept } masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" add @s { ip saddr } masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" xt match \"statistic\" masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" tcp flags syn / fin,syn masquerade", NULL, NULL },
	{ "ip", "oifname \"eth0\" masquerade to :$x", NULL, NULL },
};

static void nft_rules_are_said_again(void **state _unused_)
{
	char text[512], want[NAT_COMMAND_MAX];
	struct snat_result result;
	struct findings f;
	size_t i;

	set_devices();
	for (i = 0; i < ARRAY_SIZE(nft); i++) {
		const char *said = nft[i].said ? nft[i].said : nft[i].said_ipv6;

		snprintf(
			text, sizeof(text),
			"table %s mine { # handle 4\n\tchain post { # handle 1\n\t\ttype nat hook "
			"postrouting priority srcnat; policy accept;\n\t\t%s # handle 31\n\t}\n}\n",
			nft[i].family, nft[i].rule);
		f = advise(NFT, text, &result);
		snprintf(want, sizeof(want),
			 "nft 'insert rule %s mine post position 31 oifname \"eth0\" %s'",
			 nft[i].family, said ? said : "");
		assert_string_equal(line_of(&f, 0), said ? want : "");
		assert_string_equal(line_of(&f, 1), "");
		assert_int_equal(result.left, 1);
		findings_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iptables_rules_are_said_again),
		cmocka_unit_test(ipv6_needs_an_end_that_is_not_the_link),
		cmocka_unit_test(nft_rules_are_said_again),
	};

	return cmocka_run_group_tests_name("nat_rule", tests, NULL, NULL);
}
