/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For which rules and with which address the doctor prints a SNAT line. */
#include "lib/snat_world.h"

/* Each of these lines is printed for nobody to paste. */
static void only_whole_rules_that_may_be_changed_are_advised_on(void **state _unused_)
{
	static const struct {
		enum program program;
		const char *text, *why;
	} refused[] = {
		/* their chains are rewritten */
		{ IPTABLES, "*nat\n-A KUBE-POSTROUTING -j MASQUERADE --random-fully\n",
		  "rewrites" },
		{ IPTABLES, "*nat\n-A CNI-0123456789 ! -d 224.0.0.0/4 -j MASQUERADE\n",
		  "rewrites" },
		{ IPTABLES, "*nat\n-A cali-nat-outgoing -j MASQUERADE\n", "rewrites" },
		{ IPTABLES, "*nat\n-A NETAVARK-1D8721804F16F ! -d 224.0.0.0/4 -j MASQUERADE\n",
		  "rewrites" },
		{ NFT, "table ip kube-proxy {\n\tchain p {\n\t\tmasquerade # handle 3\n\t}\n}\n",
		  "rewrites" },
		{ NFT, "table inet firewalld {\n\tchain p {\n\t\tmasquerade # handle 3\n\t}\n}\n",
		  "rewrites" },
		{ NFT,
		  "table ip docker-bridges {\n\tchain p {\n\t\tmasquerade # handle 3\n\t}\n}\n",
		  "com.docker.network.host_ipv4" },
		/* only their owner can change them */
		{ NFT,
		  "table ip mine {\n\tflags owner\n\tchain p {\n\t\tmasquerade # handle "
		  "3\n\t}\n}\n",
		  "owner" },
		/* iptables would not understand what nft puts there */
		{ NFT,
		  "table ip nat {\n\tchain POSTROUTING {\n\t\ttype nat hook postrouting priority "
		  "srcnat; policy accept;\n\t\tcounter masquerade # handle 3\n\t}\n}\n",
		  "iptables may have made it" },
		{ NFT, "table ip nat {\n\tchain mine {\n\t\tmasquerade # handle 3\n\t}\n}\n",
		  "iptables may have made it" },
		/* a part of a rule, and one without its name */
		{ NFT,
		  "table ip mine {\n\tchain p {\n\t\tiifname \"x\" jump {\n\t\t\tmasquerade\n\t\t} "
		  "# handle 3\n\t}\n}\n",
		  "not understood" },
		{ NFT, "table ip mine {\n\tchain p {\n\t\tmasquerade\n\t}\n}\n", "not understood" },
		/* a chain whose name a shell would read */
		{ IPTABLES, "*nat\n-A $(reboot) -o eth0 -j MASQUERADE\n", "not understood" },
		{ NFT, "table ip a;b {\n\tchain p {\n\t\tmasquerade # handle 3\n\t}\n}\n",
		  "not understood" },
		{ NFT, "table ip b {\n\tchain p,q {\n\t\tmasquerade # handle 3\n\t}\n}\n",
		  "not understood" },
	};
	struct snat_result result;
	struct findings f;
	size_t i;

	set_devices();
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		f = advise(refused[i].program, refused[i].text, &result);
		assert_string_equal(line_of(&f, 0), "");
		assert_non_null(strstr(refusal_of(&f), refused[i].why));
		findings_done(&f);
	}
	/* that of a chain with a hook, in small letters, is not of iptables */
	f = advise(NFT,
		   "table ip nat {\n\tchain post {\n\t\ttype nat hook postrouting priority 100; "
		   "policy accept;\n\t\tmasquerade # handle 3\n\t}\n}\n",
		   &result);
	assert_string_equal(line_of(&f, 0),
			    "nft 'insert rule ip nat post position 3 oifname \"eth0\" snat to "
			    "192.0.2.7'");
	findings_done(&f);
}

static void what_is_there_already_is_not_advised(void **state _unused_)
{
	static const struct {
		enum program program;
		const char *text;
		unsigned left;
	} cases[] = {
		{ IPTABLES,
		  "*nat\n-A P -s 10.0.0.0/8 -o eth0 -j SNAT --to-source 192.0.2.7\n"
		  "-A P -s 10.0.0.0/8 ! -o docker0 -j MASQUERADE --random\n",
		  0 },
		/* to another address, or for more: somebody meant it */
		{ IPTABLES,
		  "*nat\n-A P -o eth0 -j SNAT --to-source 192.0.2.8\n"
		  "-A P -s 10.0.0.0/8 -j MASQUERADE\n",
		  0 },
		/* behind it, in another chain, for less, or for another device */
		{ IPTABLES,
		  "*nat\n-A P -s 10.0.0.0/8 -j MASQUERADE\n"
		  "-A P -s 10.0.0.0/8 -o eth0 -j SNAT --to-source 192.0.2.7\n",
		  1 },
		{ IPTABLES,
		  "*nat\n-A Q -o eth0 -j SNAT --to-source 192.0.2.7\n-A P -j MASQUERADE\n", 1 },
		{ IPTABLES,
		  "*nat\n-A P -s 10.1.0.0/16 -o eth0 -j SNAT --to-source 192.0.2.7\n"
		  "-A P -s 10.0.0.0/8 -j MASQUERADE\n",
		  1 },
		{ IPTABLES,
		  "*nat\n-A P -o eth1 -j SNAT --to-source 192.0.2.7\n-A P -j MASQUERADE\n", 1 },
		{ IPTABLES,
		  "*nat\n-A P -o eth0 -m limit --limit 5/sec -j SNAT --to-source 192.0.2.7\n"
		  "-A P -j MASQUERADE\n",
		  1 },
		{ NFT,
		  "table inet m {\n\tchain p {\n\t\toifname \"eth0\" ip daddr 10.0.0.0/8 snat ip "
		  "to "
		  "192.0.2.7 random # handle 9\n\t\tip daddr 10.0.0.0/8 masquerade random # handle "
		  "3\n\t}\n}\n",
		  0 },
		/* in one family only */
		{ NFT,
		  "table inet m {\n\tchain p {\n\t\toifname \"eth0\" snat ip to 192.0.2.7 # handle "
		  "9"
		  "\n\t\toifname \"eth0\" masquerade # handle 3\n\t}\n}\n",
		  1 },
	};
	struct snat_result result;
	struct findings f;
	size_t i;

	set_devices();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		f = advise(cases[i].program, cases[i].text, &result);
		assert_int_equal(result.left, cases[i].left);
		assert_true(result.random_left <= result.left);
		assert_int_equal(findings_have(&f, "masquerade"), cases[i].left > 0);
		findings_done(&f);
	}
}

/* ---- the address
 * ------------------------------------------------------------------------------------ */

static struct ifaddr address(const char *text, uint32_t flags)
{
	struct ifaddr a = { .flags = flags };

	assert_int_equal(prefix_parse(text, PREFIX_LEN_REQUIRED, &a.prefix), 0);
	return a;
}

#define KEPT IFADDR_PERMANENT

static void the_address_is_the_one_that_masquerading_takes(void **state _unused_)
{
	static const struct {
		struct {
			const char *text;
			uint32_t flags;
			bool is_virtual;
		} list[4];
		enum snat_fit fit;
		const char *taken;
	} cases[] = {
		{ { { NULL, 0, false } }, SNAT_NO_ADDRESS, NULL },
		{ { { "192.0.2.7/24", KEPT, false } }, SNAT_FITS, "192.0.2.7" },
		/* a secondary one and a VIP behind it are not taken */
		{ { { "192.0.2.7/24", KEPT, false },
		    { "192.0.2.8/24", KEPT | IFADDR_SECONDARY, false },
		    { "192.0.2.9/32", KEPT, true } },
		  SNAT_FITS,
		  "192.0.2.7" },
		/* the next hop decides */
		{ { { "192.0.2.7/24", KEPT, false }, { "10.0.0.1/8", KEPT, false } },
		  SNAT_SEVERAL,
		  NULL },
		{ { { "192.0.2.9/32", KEPT, false }, { "192.0.2.7/24", KEPT, false } },
		  SNAT_SEVERAL,
		  NULL },
		/* it came back behind the virtual one */
		{ { { "192.0.2.9/32", KEPT, true }, { "192.0.2.7/24", KEPT, false } },
		  SNAT_FITS,
		  "192.0.2.7" },
		{ { { "192.0.2.9/32", KEPT, true } }, SNAT_VIRTUAL, NULL },
		{ { { "192.0.2.9/24", KEPT, true } }, SNAT_VIRTUAL, NULL },
		{ { { "192.0.2.9/32", KEPT, false } }, SNAT_LONE, NULL },
		{ { { "192.0.2.7/24", 0, false } }, SNAT_DYNAMIC, NULL },
		{ { { "192.0.2.7/24", 0, false }, { "192.0.2.9/32", KEPT, true } },
		  SNAT_DYNAMIC,
		  NULL },
		{ { { "2001:db8::7/64", KEPT, false } }, SNAT_FITS, "2001:db8::7" },
		{ { { "2001:db8::9/128", KEPT | IFADDR_DEPRECATED, true },
		    { "2001:db8::7/64", KEPT, false } },
		  SNAT_FITS,
		  "2001:db8::7" },
		{ { { "2001:db8::7/64", KEPT, false }, { "2001:db8::9/128", KEPT, false } },
		  SNAT_SEVERAL,
		  NULL },
		{ { { "2001:db8::7/64", KEPT, false }, { "fd00::7/64", KEPT, false } },
		  SNAT_SEVERAL,
		  NULL },
		{ { { "2001:db8::7/64", 0, false } }, SNAT_DYNAMIC, NULL },
	};
	struct snat_device d;
	char text[PREFIX_TEXT_MAX];
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		enum firewall_family f = FIREWALL_IPV4;

		snat_device_init(&d, "eth0", 1, true);
		for (k = 0; k < ARRAY_SIZE(cases[i].list) && cases[i].list[k].text; k++) {
			struct ifaddr a = address(cases[i].list[k].text, cases[i].list[k].flags);

			if (a.prefix.addr.family == AF_INET6)
				f = FIREWALL_IPV6;
			snat_device_take(&d, &a, cases[i].list[k].is_virtual);
		}
		assert_int_equal(d.source[f].fit, cases[i].fit);
		if (cases[i].taken)
			assert_string_equal(addr_format(&d.source[f].addr, text), cases[i].taken);
	}
}

static void other_addresses_do_not_count(void **state _unused_)
{
	struct ifaddr link = address("169.254.1.1/16", KEPT), peer = address("192.0.2.7/32", KEPT);
	struct snat_device d;

	snat_device_init(&d, "eth0", 1, true);
	link.scope = 253;
	snat_device_take(&d, &link, false);
	assert_int_equal(d.source[FIREWALL_IPV4].fit, SNAT_NO_ADDRESS);
	peer.peer = v4;
	snat_device_take(&d, &peer, false);
	assert_int_equal(d.source[FIREWALL_IPV4].fit, SNAT_OF_PEER);
}

static void an_address_that_does_not_fit_is_said_why(void **state _unused_)
{
	struct snat_result result;
	struct findings f;

	set_devices();
	devices[0].source[FIREWALL_IPV4].fit = SNAT_DYNAMIC;
	f = advise(IPTABLES,
		   "*nat\n-A P -o eth0 -s 10.0.0.0/8 -j MASQUERADE\n-A P -j MASQUERADE\n"
		   "-A P -o eth1 -j MASQUERADE\n",
		   &result);
	assert_int_equal(result.left, 3);
	assert_non_null(strstr(refusal_of(&f), "DHCP"));
	assert_int_equal(f.n, 3); /* masquerade, one line, and one reason for two rules */
	assert_non_null(strstr(f.list[2].text, "2 rules on eth0"));
	assert_non_null(strstr(line_of(&f, 0), "-o eth1"));
	findings_done(&f);
}

/* Hundreds of rules are a few findings. */
static void many_rules_are_few_findings(void **state _unused_)
{
	_cleanup_free_ char *text = calloc(1, 100000);
	struct snat_result result;
	struct findings f;
	size_t i, n = 0;

	assert_non_null(text);
	n += (size_t)sprintf(text, "*nat\n");
	for (i = 0; i < 300; i++) {
		n += (size_t)sprintf(text + n, "-A CNI-%zu -j MASQUERADE\n", i);
		n += (size_t)sprintf(text + n, "-A P -s 10.0.%zu.0/24 -j MASQUERADE\n", i % 256);
	}
	set_devices();
	f = advise(IPTABLES, text, &result);
	assert_int_equal(result.left, 600);
	assert_true(f.n < 60);
	assert_int_equal(f.dropped, 0);
	findings_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_whole_rules_that_may_be_changed_are_advised_on),
		cmocka_unit_test(what_is_there_already_is_not_advised),
		cmocka_unit_test(the_address_is_the_one_that_masquerading_takes),
		cmocka_unit_test(other_addresses_do_not_count),
		cmocka_unit_test(an_address_that_does_not_fit_is_said_why),
		cmocka_unit_test(many_rules_are_few_findings),
	};

	return cmocka_run_group_tests_name("snat", tests, NULL, NULL);
}
