/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options with a dash: anywhere, once, and every error names the argument. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

#define ARGS_MAX 24

struct parsed {
	char text[512];
	char *words[ARGS_MAX];
	int n_words;
	struct options options;
	struct request_error error;
};

static int parse(const char *line, struct parsed *p)
{
	char *argv[ARGS_MAX], *save = NULL, *word;
	int argc = 0;

	memset(p, 0, sizeof(*p));
	snprintf(p->text, sizeof(p->text), "%s", line);
	for (word = strtok_r(p->text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_true(argc < ARGS_MAX);
		argv[argc++] = strcmp(word, "''") ? word : word + 2;
	}
	return options_parse(argc, argv, &p->options, p->words, &p->n_words, &p->error);
}

static void stand_anywhere(void **state _unused_)
{
	struct parsed p;

	assert_int_equal(parse("--json del -v 10.0.0.1/32 --strategy restore dev --hold=nft e0 "
			       "--vip-flows keep --timeout 3 --force --config /x --local",
			       &p),
			 0);
	assert_int_equal(p.n_words, 4);
	assert_string_equal(p.words[0], "del");
	assert_string_equal(p.words[3], "e0");
	assert_true(p.options.json && p.options.verbose && p.options.move.force && p.options.local);
	assert_false(p.options.help || p.options.version);
	assert_int_equal(p.options.move.strategy, STRATEGY_RESTORE);
	assert_int_equal(p.options.move.hold, HOLD_NFT);
	assert_int_equal(p.options.move.vip_flows, VIP_FLOWS_KEEP);
	assert_true(p.options.timeout == 3 * USEC_PER_SEC);
	assert_string_equal(p.options.config, "/x");
	assert_null(options_misplaced(&p.options, SCOPE_MOVE | SCOPE_LOCAL | SCOPE_JSON));
	assert_string_equal(options_misplaced(&p.options, SCOPE_MOVE | SCOPE_JSON), "local");
	assert_string_equal(options_misplaced(&p.options, SCOPE_LOCAL | SCOPE_JSON), "strategy");
}

static void json_is_known_of_wrong_words(void **state _unused_)
{
	static const char *const with[] = { "--json --nosuch", "--nosuch -j", "--js --js" };
	static const char *const without[] = { "--nosuch", "--nosuch -- --json",
					       "-v --nosuch json" };
	struct parsed p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(with); i++) {
		assert_int_equal(parse(with[i], &p), -EINVAL);
		assert_true(p.options.json);
	}
	for (i = 0; i < ARRAY_SIZE(without); i++) {
		assert_int_equal(parse(without[i], &p), -EINVAL);
		assert_false(p.options.json);
	}
	assert_int_equal(parse("--json --local --socket /run/s", &p), -EINVAL);
	assert_true(p.options.json);
}

static void may_be_shortened_and_ended(void **state _unused_)
{
	struct parsed p;

	assert_int_equal(parse("--j --str none --sock=/run/s --timeout 500ms -- --json -", &p), 0);
	assert_true(p.options.json);
	assert_int_equal(p.options.move.strategy, STRATEGY_NONE);
	assert_string_equal(p.options.socket, "/run/s");
	assert_true(p.options.timeout == 500 * USEC_PER_MSEC);
	assert_int_equal(p.n_words, 2);
	assert_string_equal(p.words[0], "--json");
	assert_string_equal(p.words[1], "-");
	assert_null(options_misplaced(&p.options, SCOPE_MOVE | SCOPE_JSON));
	assert_int_equal(parse("del --move-by 200ms --mov=1s", &p), -EINVAL);
	assert_int_equal(parse("del --mov=1s", &p), 0);
	assert_true(p.options.move.move_by == USEC_PER_SEC);
	/* an instant, and an arrow: no option begins so */
	assert_int_equal(parse("explain -10m -> --json", &p), 0);
	assert_int_equal(p.n_words, 3);
	assert_string_equal(p.words[1], "-10m");
	assert_string_equal(p.words[2], "->");
	assert_int_equal(parse("", &p), 0);
	assert_int_equal(p.n_words, 0);
	assert_null(options_misplaced(&p.options, SCOPE_ANY));
}

static const struct {
	const char *line, *says;
} bad_lines[] = {
	{ "--nonsense", "unknown option \"--nonsense\"" },
	{ "--nonsense=x", "unknown option \"--nonsense\"" },
	{ "--=x", "unknown option \"--\"" },
	{ "-x", "unknown option \"-x\"" },
	{ "-vv", "unknown option \"-vv\"" },
	{ "-\033", "unknown option \"-\\x1b\"" },
	{ "--jsonx", "unknown option \"--jsonx\"; did you mean \"--json\"?" },
	{ "--sockte=/x", "did you mean \"--socket\"?" },
	{ "--versoin", "did you mean \"--version\"?" },
	{ "--h", "\"--h\" is ambiguous: --hold, --help" },
	{ "--ver", "\"--ver\" is ambiguous: --verbose, --version" },
	{ "--json --json", "\"--json\" given twice" },
	{ "-j --json", "\"--json\" given twice" },
	{ "-v --verbose", "\"--verbose\" given twice" },
	{ "--json=yes", "\"--json\" takes no value" },
	{ "--config", "\"--config\" needs a value: FILE" },
	{ "--config ''", "--config \"\"" },
	{ "--config=", "--config \"\"" },
	{ "--socket run/s", "--socket \"run/s\"" },
	{ "--strategy fast", "--strategy \"fast\" is none of auto, pin, restore, none" },
	{ "--hold on", "--hold \"on\" is none of auto, nft, iptables, off" },
	{ "--vip-flows kill", "--vip-flows \"kill\" is none of drop, keep, reset" },
	{ "--move-by 5ms", "--move-by \"5ms\" is not a duration from 10ms to 10s" },
	{ "--move-by 11s", "--move-by \"11s\" is not a duration from 10ms to 10s" },
	{ "--move-by 200", "--move-by \"200\" is not a duration" },
	{ "--move-by", "\"--move-by\" needs a value: DURATION" },
	{ "--timeout 0", "--timeout \"0\"" },
	{ "--timeout -1", "--timeout \"-1\"" },
	{ "--timeout 3601", "--timeout \"3601\"" },
	{ "--timeout 10us", "--timeout \"10us\"" },
	{ "--timeout soon", "--timeout \"soon\"" },
	{ "--local --socket /s", "contradictory options: \"--local\" and \"--socket\"" },
};

static void name_what_is_wrong(void **state _unused_)
{
	struct parsed p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_lines); i++) {
		if (parse(bad_lines[i].line, &p) != -EINVAL)
			fail_msg("\"%s\" is accepted", bad_lines[i].line);
		if (!strstr(p.error.text, bad_lines[i].says))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", bad_lines[i].line,
				 p.error.text, bad_lines[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stand_anywhere),
		cmocka_unit_test(json_is_known_of_wrong_words),
		cmocka_unit_test(may_be_shortened_and_ended),
		cmocka_unit_test(name_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
