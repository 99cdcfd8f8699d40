/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rule the probe may make, on which kernel and node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/probe_choice.h"

static void hooks_are_global_up_to_4_2(void **state)
{
	static const char *const global[] = { "3.10.0-1062.el7.x86_64",
					      "3.10.0-1160.119.1.el7.x86_64",
					      "3.16.0-4-amd64",
					      "2.6.32-754.el6.x86_64",
					      "4.0.5",
					      "4.2.0-42-generic",
					      "",
					      "4",
					      "4.",
					      "x.y",
					      "-4.9",
					      "99999999999999999999.1" };
	static const char *const own[] = { "4.3.0",
					   "4.4.0-187-generic",
					   "4.9.229",
					   "4.18.0-147.el8.x86_64",
					   "5.14.0-427.el9.x86_64",
					   "6.18.44",
					   "10.0-rc1" };

	(void)state;
	for (size_t i = 0; i < sizeof(global) / sizeof(global[0]); i++)
		assert_true(probe_hooks_are_global(global[i]));
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		assert_false(probe_hooks_are_global(own[i]));
}

/* One letter each, in order. */
static const char *chosen(const struct probe_node *node, char text[PROBE_TOOL_COUNT + 1])
{
	enum probe_tool tools[PROBE_TOOL_COUNT];
	const char *why = NULL;
	size_t n = probe_choose(node, tools, &why);

	for (size_t i = 0; i < n; i++)
		text[i] = "nil"[tools[i]];
	text[n] = '\0';
	assert_true(n <= PROBE_TOOL_COUNT);
	assert_true(n || (why && strstr(why, "global")));
	return text;
}

#define EXPECT(tools, ...)                                           \
	do {                                                         \
		const struct probe_node node_ = { __VA_ARGS__ };     \
		char text_[PROBE_TOOL_COUNT + 1];                    \
		assert_string_equal(chosen(&node_, text_), (tools)); \
	} while (0)

static void what_is_not_in_use_is_not_registered_globally(void **state)
{
	(void)state;
	/* nf_tables never: each chain is one more for every namespace */
	EXPECT("", .release = "3.10.0-1062.el7.x86_64");
	EXPECT("", .release = "3.10.0-1062.el7.x86_64", .nf_tables = true);
	EXPECT("", .release = "3.10.0-1062.el7.x86_64", .ip_tables = true);
	EXPECT("", .release = "3.10.0-1062.el7.x86_64", .nf_tables = true, .ip_tables = true,
	       .has_legacy = true, .has_nft = true);
	/* its hooks are there already */
	EXPECT("i", .release = "3.10.0-1062.el7.x86_64", .legacy_nat = true, .ip_tables = true);
	EXPECT("i", .release = "3.10.0-1062.el7.x86_64", .legacy_nat = true, .ip_tables = true,
	       .nf_tables = true);
	EXPECT("l", .release = "3.10.0-1062.el7.x86_64", .legacy_nat = true, .ip_tables = true,
	       .has_legacy = true, .has_nft = true);
	/* an iptables that would write into nf_tables */
	EXPECT("", .release = "3.10.0-1062.el7.x86_64", .legacy_nat = true, .ip_tables = true,
	       .has_nft = true);
	EXPECT("", .release = "unreadable", .nf_tables = true);
}

/* Up to 4.6 loading ip_tables' NAT table registers it in every namespace. */
static void nor_is_a_table_that_registers_everywhere(void **state)
{
	(void)state;
	EXPECT("n", .release = "4.4.0-187-generic", .nf_tables = true);
	EXPECT("n", .release = "4.4.0-187-generic", .ip_tables = true);
	EXPECT("il"
	       "n",
	       .release = "4.4.0-187-generic", .ip_tables = true, .legacy_nat = true);
	EXPECT("ni", .release = "4.4.0-187-generic", .nf_tables = true, .has_nft = true);
	EXPECT("nil", .release = "4.7.0");
}

static void what_is_loaded_comes_first(void **state)
{
	(void)state;
	EXPECT("nil", .release = "6.1.0");
	EXPECT("nil", .release = "6.1.0", .nf_tables = true, .ip_tables = true);
	EXPECT("iln", .release = "6.1.0", .ip_tables = true);
	EXPECT("iln", .release = "4.9.229", .ip_tables = true, .legacy_nat = true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hooks_are_global_up_to_4_2),
		cmocka_unit_test(what_is_not_in_use_is_not_registered_globally),
		cmocka_unit_test(nor_is_a_table_that_registers_everywhere),
		cmocka_unit_test(what_is_loaded_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
