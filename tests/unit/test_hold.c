/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hold writes for and reads from nf_tables and iptables. That the
 * kernel and the programs take it is proven by tests/netns/hold*.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <limits.h>
#include <sys/socket.h>

#include "kernel/ctattr.h"
#include "kernel/hold_nftmsg.h"
#include "kernel/hold_text.h"
#include "kernel/nftattr.h"
#include "../lib/random.h"

#define MARK "-m comment --comment \"vipsafe hold\""

static void numbers(void **state _unused_)
{
	static const char *const bad[] = { "",	  "p",		 "p0",	"p07", "p-1",
					   "p+1", "p 1",	 "p1x", "q1",  "p2147483648",
					   "p1 ", "p4294967297", "P1",	"p1p1" };
	int n = -1;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(hold_text_number(bad[i], "p", "", &n));
	assert_int_equal(n, -1);
	assert_true(hold_text_number("p1", "p", "", &n));
	assert_int_equal(n, 1);
	assert_true(hold_text_number("p2147483647-4", "p", "-4", &n));
	assert_int_equal(n, INT_MAX);
	assert_false(hold_text_number("p7-46", "p", "-4", &n));
}

static void device_names(void **state _unused_)
{
	static const char *const good[] = { "eth0", "br-mgmt", "bond0.100", "veth_1", "v@2" };
	static const char *const bad[] = { "",	   "any+", "a b", "a\"b", "-j",
					   "a\nb", "a,b",  "a:1", "!a",	  "\xc3\xa4" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(hold_text_device_ok(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(hold_text_device_ok(bad[i]));
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

static void install_by_set(void **state _unused_)
{
	char text[HOLD_SCRIPT_MAX];

	hold_text_install(text, HOLD_BY_SET, INT_MAX, "abcdefghijklmno", AF_INET6);
	assert_int_equal(strncmp(text, "*mangle\n:VIPSAFE-HOLD-2147483647 - [0:0]\n", 41), 0);
	assert_string_equal(text + strlen(text) - 8, "\nCOMMIT\n");
	/* replies by where they come in, the original direction by where it leaves */
	assert_non_null(strstr(text, "-I PREROUTING 1 -p tcp -m set --match-set "
				     "vipsafe-hold-2147483647-6 src,src "));
	assert_non_null(strstr(text, "-I FORWARD 1 -p tcp -m set --match-set "
				     "vipsafe-hold-2147483647-6 dst,dst "));
	assert_non_null(strstr(text, "-I OUTPUT 1 -p tcp -m set --match-set "
				     "vipsafe-hold-2147483647-6 dst,dst "));
	assert_int_equal(count(text, "-j DROP\n"), 2);
	assert_int_equal(count(text, "\n-"), 5);
	assert_int_equal(count(text, "--comment \"vipsafe hold\""), 5);
	assert_int_equal(count(text, "datestop"), 0);
	/* other people's chains are entered, never declared: that would empty them */
	assert_int_equal(count(text, "\n:"), 1);
}

static void install_by_time(void **state _unused_)
{
	char text[HOLD_SCRIPT_MAX];

	hold_text_install(text, HOLD_BY_TIME, 7, "br-mgmt", AF_INET);
	assert_int_equal(count(text, "-m time --datestop 2000-01-01T00:00:00 "), 2);
	assert_non_null(strstr(text, "-I PREROUTING 1 -p tcp -i br-mgmt "));
	assert_non_null(strstr(text, "-I FORWARD 1 -p tcp -o br-mgmt "));
	assert_non_null(strstr(text, "-I OUTPUT 1 -p tcp -o br-mgmt "));
	assert_int_equal(count(text, "match-set"), 0);
}

static void remove_is_the_opposite(void **state _unused_)
{
	char text[HOLD_SCRIPT_MAX];

	hold_text_remove(text, HOLD_BY_TIME, 7, "br-mgmt", AF_INET);
	assert_string_equal(text, "*mangle\n"
				  "-D PREROUTING -p tcp -i br-mgmt " MARK " -j VIPSAFE-HOLD-7\n"
				  "-D FORWARD -p tcp -o br-mgmt " MARK " -j VIPSAFE-HOLD-7\n"
				  "-D OUTPUT -p tcp -o br-mgmt " MARK " -j VIPSAFE-HOLD-7\n"
				  "-F VIPSAFE-HOLD-7\n-X VIPSAFE-HOLD-7\nCOMMIT\n");
	hold_text_remove(text, HOLD_BY_SET, 7, "br-mgmt", AF_INET6);
	assert_non_null(strstr(text,
			       "-D OUTPUT -p tcp -m set --match-set vipsafe-hold-7-6 dst,dst " MARK
			       " -j VIPSAFE-HOLD-7\n"));
}

static void arm_by_time(void **state _unused_)
{
	char text[HOLD_SCRIPT_MAX];

	hold_text_arm(text, 7, 1790000000);
	assert_string_equal(text,
			    "*mangle\n:VIPSAFE-HOLD-7 - [0:0]\n"
			    "-A VIPSAFE-HOLD-7 -p tcp -m conntrack --ctstate INVALID -m time "
			    "--datestop 2026-09-21T14:13:20 -m comment --comment \"vipsafe hold\" "
			    "-j DROP\n"
			    "-A VIPSAFE-HOLD-7 -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN "
			    "-m conntrack --ctstate NEW -m time --datestop 2026-09-21T14:13:20 "
			    "-m comment --comment \"vipsafe hold\" -j DROP\nCOMMIT\n");
}

static bool below_100(void *ud _unused_, int ifindex)
{
	return ifindex < 100;
}

static void undo(const char *const *lines, char script[2 * HOLD_SCRIPT_MAX + 16], int *ret_n)
{
	struct hold_undo u = { .wanted = below_100 };

	for (; *lines; lines++)
		hold_undo_line(&u, *lines);
	hold_undo_script(&u, script);
	*ret_n = u.n;
}

static void undo_finds_ours(void **state _unused_)
{
	static const char *const lines[] = {
		"# Generated by iptables-save",
		"*mangle",
		":PREROUTING ACCEPT [1:2]",
		":VIPSAFE-HOLD-7 - [0:0]",
		":VIPSAFE-HOLD-100 - [0:0]",
		"-A PREROUTING -p tcp -i x " MARK " -j VIPSAFE-HOLD-7",
		"-A OUTPUT -p tcp -o x " MARK " -j VIPSAFE-HOLD-7",
		"-A OUTPUT -p tcp -o y " MARK " -j VIPSAFE-HOLD-100",
		"-A VIPSAFE-HOLD-7 -p tcp " MARK " -j DROP",
		"COMMIT",
		NULL,
	};
	char script[2 * HOLD_SCRIPT_MAX + 16];
	int n;

	undo(lines, script, &n);
	assert_int_equal(n, 1);
	assert_string_equal(script, "*mangle\n"
				    "-D PREROUTING -p tcp -i x " MARK " -j VIPSAFE-HOLD-7\n"
				    "-D OUTPUT -p tcp -o x " MARK " -j VIPSAFE-HOLD-7\n"
				    "-F VIPSAFE-HOLD-7\n-X VIPSAFE-HOLD-7\nCOMMIT\n");
}

static void undo_leaves_others(void **state _unused_)
{
	static const char *const lines[] = {
		":VIPSAFE-HOLD-x - [0:0]",
		":VIPSAFE-HOLD-07 - [0:0]",
		":VIPSAFE-HOLD-7a - [0:0]",
		":VIPSAFE-HOLD - [0:0]",
		":",
		"",
		"-A",
		"-A ",
		"-A PREROUTING -j VIPSAFE-HOLD-7",
		"-A PREROUTING -m comment --comment \"vipsafe holder\" -j VIPSAFE-HOLD-7",
		"-A PREROUTING " MARK " -j ACCEPT",
		"-A PREROUTING " MARK " -j VIPSAFE-HOLDER",
		"-A PREROUTING -m comment --comment \"" MARK " -j VIPSAFE-HOLD-7\"",
		"-A PREROUTING -m comment --comment \"a " MARK " -j VIPSAFE-HOLD-7\" -j ACCEPT",
		"-A PREROUTING " MARK " -g VIPSAFE-HOLD-7",
		"-D PREROUTING -p tcp -i x " MARK " -j VIPSAFE-HOLD-7",
		" -A PREROUTING -p tcp -i x " MARK " -j VIPSAFE-HOLD-7",
		NULL,
	};
	char script[2 * HOLD_SCRIPT_MAX + 16];
	int n;

	undo(lines, script, &n);
	assert_string_equal(script, "");
	assert_int_equal(n, 0);
}

/* More than fits is left to the next run, whole lines of it. */
static void undo_is_bounded(void **state _unused_)
{
	struct hold_undo u = { .wanted = below_100 };
	char script[2 * HOLD_SCRIPT_MAX + 16], line[160];

	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), ":VIPSAFE-HOLD-%d - [0:0]", i % 99 + 1);
		hold_undo_line(&u, line);
		snprintf(line, sizeof(line), "-A OUTPUT " MARK " -j VIPSAFE-HOLD-%d", i % 99 + 1);
		hold_undo_line(&u, line);
	}
	hold_undo_script(&u, script);
	assert_true(strlen(script) > HOLD_SCRIPT_MAX);
	assert_string_equal(script + strlen(script) - 8, "\nCOMMIT\n");
	assert_int_equal(count(script, "-F "), u.n);
	assert_int_equal(count(script, "-X "), u.n);
}

/* Messages follow each other without a hole, numbered, attributes well formed. */
static void walk(const struct nftbatch *b, int *types, int n)
{
	const struct nlmsghdr *nlh = (const void *)b->data;
	unsigned left = (unsigned)b->len;
	uint32_t seq = b->first;

	assert_true(left > 0);
	for (int i = 0; i < n; i++) {
		const struct nlattr *a[32];

		assert_true(NLMSG_OK(nlh, left));
		assert_int_equal(nlh->nlmsg_type,
				 types[i] < 0x100 ? types[i] + (10 << 8) : types[i] - 0x100);
		assert_int_equal(nlh->nlmsg_seq, seq++);
		assert_true(attrs_parse((const uint8_t *)nlh + 20, nlh->nlmsg_len - 20, a, 31));
		assert_true(!!(nlh->nlmsg_flags & NLM_F_ACK) == (nlh->nlmsg_seq == b->last));
		nlh = NLMSG_NEXT(nlh, left);
	}
	assert_int_equal(left, 0);
	assert_int_equal(seq, b->last + 2);
}

#define BEGIN 0x110
#define END 0x111

static void batches(void **state _unused_)
{
	int install[] = { BEGIN,	MSG_NEWTABLE, MSG_DELTABLE, MSG_NEWTABLE, MSG_NEWSET,
			  MSG_NEWCHAIN, MSG_NEWRULE,  MSG_NEWRULE,  MSG_NEWCHAIN, MSG_NEWRULE,
			  MSG_NEWRULE,	MSG_NEWCHAIN, MSG_NEWRULE,  MSG_NEWRULE,  END };
	int add[] = { BEGIN, MSG_NEWSETELEM, END };
	int replace[] = { BEGIN, MSG_DELSETELEM, MSG_NEWSETELEM, END };
	int remove[] = { BEGIN, MSG_DELTABLE, END };
	struct nftbatch b;

	hold_nftmsg_install(&b, UINT32_MAX - 3, INT_MAX);
	walk(&b, install, ARRAY_SIZE(install));
	hold_nftmsg_arm(&b, 9, 7, 500, true);
	walk(&b, add, ARRAY_SIZE(add));
	hold_nftmsg_arm(&b, 9, 7, UINT64_MAX / 2, false);
	walk(&b, replace, ARRAY_SIZE(replace));
	nftbatch_remove(&b, 0, HOLD_TABLE_PREFIX, 7);
	walk(&b, remove, ARRAY_SIZE(remove));
}

/* The first NEWTABLE of a batch of ours, as the kernel would list it. */
static struct nlmsghdr *table_message(struct nftbatch *b, int ifindex)
{
	hold_nftmsg_install(b, 1, ifindex);
	return (void *)(b->data + 20);
}

static void table_is_ours(void **state _unused_)
{
	struct nftbatch b;
	struct nlmsghdr *nlh = table_message(&b, 4711);
	int ifindex = 0;

	assert_true(nftbatch_is_table(nlh, HOLD_TABLE_PREFIX, &ifindex));
	assert_int_equal(ifindex, 4711);
	nlh->nlmsg_type++;
	assert_false(nftbatch_is_table(nlh, HOLD_TABLE_PREFIX, &ifindex));
}

/* Whatever comes is read within its bounds (run under the sanitizers). */
static void damaged_table(void **state _unused_)
{
	struct rnd r = rnd_begin("damaged_table");
	struct nftbatch b;

	for (int i = 0; i < 20000; i++) {
		struct nlmsghdr *nlh = table_message(&b, 1 + (int)rnd(&r, 100000));
		uint32_t len = nlh->nlmsg_len;
		uint8_t *copy;
		int ifindex = 1;

		for (uint32_t n = rnd(&r, 4); n > 0; n--)
			((uint8_t *)nlh)[4 + rnd(&r, len - 4)] = (uint8_t)rnd(&r, 256);
		nlh->nlmsg_len = sizeof(*nlh) + rnd(&r, len - (uint32_t)sizeof(*nlh) + 1);
		copy = malloc(nlh->nlmsg_len);
		assert_non_null(copy);
		memcpy(copy, nlh, nlh->nlmsg_len);
		(void)nftbatch_is_table((void *)copy, HOLD_TABLE_PREFIX, &ifindex);
		assert_true(ifindex > 0);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),	   cmocka_unit_test(device_names),
		cmocka_unit_test(install_by_set),  cmocka_unit_test(install_by_time),
		cmocka_unit_test(arm_by_time),	   cmocka_unit_test(remove_is_the_opposite),
		cmocka_unit_test(undo_finds_ours), cmocka_unit_test(undo_leaves_others),
		cmocka_unit_test(undo_is_bounded), cmocka_unit_test(batches),
		cmocka_unit_test(table_is_ours),   cmocka_unit_test(damaged_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
