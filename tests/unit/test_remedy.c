/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which texts are a command to paste: those that tests/netns/fixes.sh tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/finding.h"

#define PASTE_SNAT(words, source)                                                                \
	"(n=$(iptables -w -t nat -S P | grep -nxF -m 1 -e '-A P -j MASQUERADE') && iptables -w " \
	"-t nat -I P $((${n%%:*} - 1)) " words " -j SNAT --to-source " source ")"

/* What is printed as a fix may be pasted: it is one of the commands that are tried, and
 * a name that a shell would take for more than a name makes it advice. */
static void fixes_are_commands_that_are_tried(void **state _unused_)
{
	static const char *const names[] = { "eth0;reboot", "$(reboot)", "a b", "`x`",
					     "a>b",	    "-x",	 "",	"a'b" };
	char fix[128];
	size_t i;

	assert_true(remedy_is_command("vipsafe recover"));
	assert_true(remedy_is_command("sysctl -w net.ipv4.conf.br-mgmt.10.rp_filter=2"));
	assert_true(remedy_is_command("usermod -a -G vipsafe keepalived_script"));
	assert_false(remedy_is_command("vipsafe recover; reboot"));
	assert_false(remedy_is_command("vipsafe"));
	assert_false(remedy_is_command("rm -r /"));
	assert_false(remedy_is_command(""));
	assert_true(remedy_is_command(
		PASTE_SNAT("-m comment --comment 'a;b' ! -o x", "'[fd00::1]:5-6'")));
	assert_false(remedy_is_command(PASTE_SNAT("; reboot #", "192.0.2.7")));
	assert_false(remedy_is_command(PASTE_SNAT("-o $(reboot)", "192.0.2.7")));
	assert_false(remedy_is_command(PASTE_SNAT("-o 'a' b'", "192.0.2.7")));
	assert_false(remedy_is_command(PASTE_SNAT("-o 'a'$(reboot)'b'", "192.0.2.7")));
	assert_false(remedy_is_command(PASTE_SNAT("-o 'a\n'", "192.0.2.7")));
	assert_false(remedy_is_command(PASTE_SNAT("-o x", "192.0.2.7; reboot")));
	assert_false(remedy_is_command(PASTE_SNAT("-o x", "192.0.2.7); (reboot")));
	assert_true(remedy_is_command("nft 'insert rule ip a b position 3 snat to 192.0.2.7'"));
	assert_false(remedy_is_command("nft 'insert rule ip a'; reboot ''"));
	assert_false(remedy_is_command("nft 'insert rule ip a' b'"));
	assert_false(remedy_is_command("nft 'flush ruleset'"));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(fix, sizeof(fix), "sysctl -w net.ipv4.conf.%s.rp_filter=2", names[i]);
		assert_false(remedy_is_command(fix));
		snprintf(fix, sizeof(fix), "chown root:root %s && chmod 755 %s", names[i],
			 names[i]);
		assert_false(remedy_is_command(fix));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixes_are_commands_that_are_tried),
	};

	return cmocka_run_group_tests_name("remedy", tests, NULL, NULL);
}
