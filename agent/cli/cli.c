/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cli.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/option.h"
#include "base/setting.h"
#include "lvs/scan.h"
#include "lvs/source.h"

#define TIMEOUT_MAX (3600 * USEC_PER_SEC)

struct flag {
	const char *name;
	char letter; /* 0: none */
	unsigned scopes;
	const char *value; /* name of its value in --help; NULL: takes none */
	int (*apply)(struct options *o, const char *value, struct request_error *ret_error);
	size_t is; /* if APPLY is NULL: offset of the bool it sets */
	const char *help;
};

#define SETS(member) NULL, offsetof(struct options, member)
#define OF_MOVE NULL, 0 /* see request_option() */

static int config_apply(struct options *o, const char *v, struct request_error *e)
{
	if (!*v)
		return request_error_set(e, "--config \"\" is no file");
	o->config = v;
	return 0;
}

static int socket_apply(struct options *o, const char *v, struct request_error *e)
{
	if (*v != '/' || strlen(v) >= SETTINGS_PATH_MAX)
		return request_error_set(e,
					 "--socket " QUOTED " is not an absolute path of at most"
					 " %d characters",
					 v, SETTINGS_PATH_MAX - 1);
	o->socket = v;
	return 0;
}

static int netns_apply(struct options *o, const char *v, struct request_error *e)
{
	char path[NETNS_MAX];

	o->netns = v;
	return netns_path(v, path, e);
}

static int keepalived_apply(struct options *o, const char *v, struct request_error *e)
{
	if (!*v)
		return request_error_set(e, "--keepalived \"\" is no file");
	o->keepalived = v;
	return 0;
}

static int output_apply(struct options *o, const char *v, struct request_error *e)
{
	if (!*v)
		return request_error_set(e, "--output \"\" is no file");
	o->output = v;
	return 0;
}

static int plan_apply(struct options *o, const char *v _unused_, struct request_error *e _unused_)
{
	o->plan = true;
	return 0;
}

static int since_apply(struct options *o, const char *v, struct request_error *e _unused_)
{
	o->since = v;
	return 0;
}

static int until_apply(struct options *o, const char *v, struct request_error *e _unused_)
{
	o->until = v;
	return 0;
}

/* In seconds, or a duration with a unit ("500ms"). */
static int timeout_apply(struct options *o, const char *v, struct request_error *e)
{
	usec_t d = 0;
	uint64_t n;

	if (!text_number(v, 1, TIMEOUT_MAX / USEC_PER_SEC, &n))
		d = n * USEC_PER_SEC;
	else if (duration_parse(v, &d) < 0)
		d = 0;
	if (d < USEC_PER_MSEC || d > TIMEOUT_MAX)
		return request_error_set(e,
					 "--timeout " QUOTED " is not a number of seconds from 1"
					 " to %d",
					 v, (int)(TIMEOUT_MAX / USEC_PER_SEC));
	o->timeout = d;
	return 0;
}

static const struct flag flags[] = {
	{ "json", 'j', SCOPE_JSON, NULL, SETS(json), "print the result as one line of JSON" },
	{ "config", 0, SCOPE_ANY, "FILE", config_apply, 0, "instead of " VIPSAFE_CONFIG },
	{ "socket", 0, SCOPE_ANY, "PATH", socket_apply, 0, "the socket where the daemon listens" },
	{ "netns", 0, SCOPE_ANY, NETNS_VALUE, netns_apply, 0, "act in this network namespace" },
	{ "local", 0, SCOPE_LOCAL, NULL, SETS(local), "never ask the daemon" },
	{ "timeout", 0, SCOPE_ANY, "SEC", timeout_apply, 0,
	  "give up protecting after SEC seconds" },
	{ "strategy", 0, SCOPE_MOVE, "auto|pin|restore|none", OF_MOVE,
	  "how connections are protected" },
	{ "hold", 0, SCOPE_MOVE, "auto|nft|iptables|off", OF_MOVE,
	  "how packets are held meanwhile" },
	{ "vip-flows", 0, SCOPE_MOVE, "drop|keep|reset", OF_MOVE,
	  "the deleted address's own connections" },
	{ "move-by", 0, SCOPE_MOVE, "DURATION", OF_MOVE,
	  "the address goes by then, protected or not" },
	{ "force", 0, SCOPE_MOVE, NULL, OF_MOVE, "do what would be refused for safety" },
	{ "dry-run", 'n', SCOPE_MOVE, NULL, plan_apply, 0, "as plan: only say what would happen" },
	{ "stale", 0, SCOPE_RECOVER, NULL, SETS(stale), "also entries whose address is gone" },
	{ "check", 0, SCOPE_STATUS, NULL, SETS(check), "only whether all is as it should be" },
	{ "undo", 0, SCOPE_ISOLATE, NULL, SETS(undo), "put the address back, delete its device" },
	{ "prepare", 0, SCOPE_ISOLATE, NULL, SETS(prepare), "make the device, leave the address" },
	{ "patch", 0, SCOPE_IMPORT, NULL, SETS(patch), "also print a diff of the file" },
	{ "output", 0, SCOPE_IMPORT, "FILE", output_apply, 0,
	  "make this file, unless it is there" },
	{ "keepalived", 0, SCOPE_DOCTOR, "FILE", keepalived_apply, 0,
	  "check this file instead of the node" },
	{ "since", 0, SCOPE_HISTORY, "TIME", since_apply, 0, "only what happened from then on" },
	{ "until", 0, SCOPE_HISTORY, "TIME", until_apply, 0, "only what happened until then" },
	{ "watch", 0, SCOPE_LVS, NULL, SETS(watch), "keep checking until interrupted" },
	{ "verbose", 'v', SCOPE_ANY, NULL, SETS(verbose), "also print counts and times" },
	{ "version", 'V', SCOPE_ANY, NULL, SETS(version), "print the version" },
	{ "help", 'h', SCOPE_ANY, NULL, SETS(help), "print this help, or that of a command" },
};

static int options_ambiguous(const char *name, size_t len, struct request_error *ret_error)
{
	char list[160] = "";
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!strncmp(flags[i].name, name, len) && n < sizeof(list))
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s--%s", n ? ", " : "",
					      flags[i].name);
	}
	return request_error_set(ret_error, "\"--%.*s\" is ambiguous: %s", (int)len, name, list);
}

static void options_unknown(const char *name, size_t len, struct request_error *ret_error)
{
	struct text_guess guess;
	char word[48];
	size_t i;

	snprintf(word, sizeof(word), "%.*s", (int)MIN(len, sizeof(word) - 1), name);
	text_guess_begin(&guess, word);
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		text_guess_try(&guess, flags[i].name);
	if (guess.best)
		request_error_set(ret_error, "unknown option \"--%s\"; did you mean \"--%s\"?",
				  word, guess.best);
	else
		request_error_set(ret_error, "unknown option \"--%s\"", word);
}

/* Find the option of LEN characters at NAME ("--name=value" is split by the
 * caller). NULL: none; *RET_ERROR has the reason. */
static const struct flag *find_long(const char *name, size_t len, struct request_error *ret_error)
{
	const struct flag *found = NULL;
	bool several = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strncmp(flags[i].name, name, len))
			continue;
		if (strlen(flags[i].name) == len)
			return &flags[i];
		several |= found != NULL;
		found = &flags[i];
	}
	if (several && len) {
		options_ambiguous(name, len, ret_error);
		return NULL;
	}
	if (found && len)
		return found;
	options_unknown(name, len, ret_error);
	return NULL;
}

static const struct flag *find_short(const char *arg, struct request_error *ret_error)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if (flags[i].letter && arg[1] == flags[i].letter && !arg[2])
			return &flags[i];
	}
	request_error_set(ret_error, "unknown option " QUOTED, arg);
	return NULL;
}

static int flag_apply(const struct flag *f, struct options *o, const char *value,
		      struct request_error *e)
{
	if (f->apply)
		return f->apply(o, value, e);
	if (f->scopes == SCOPE_MOVE)
		return request_option(&o->move, f->name, value, e);
	*(bool *)((char *)o + f->is) = true;
	return 0;
}

/* Handle the option at ARGV[0] of ARGC; *RET_USED: how many arguments it took. */
static int options_take_option(int argc, char *argv[], struct options *o, int *ret_used,
			       struct request_error *e)
{
	const char *arg = argv[0], *value = NULL;
	const struct flag *f;
	bool is_long = arg[1] == '-';

	if (is_long) {
		value = strchr(arg, '=');
		f = find_long(arg + 2, value ? (size_t)(value - arg - 2) : strlen(arg + 2), e);
		value = value ? value + 1 : NULL;
	} else {
		f = find_short(arg, e);
	}
	if (!f)
		return -EINVAL;
	if (o->given & (1U << (f - flags)))
		return request_error_set(e, "option \"--%s\" given twice", f->name);
	o->given |= 1U << (f - flags);
	if (!f->value && value)
		return request_error_set(e, "option \"--%s\" takes no value", f->name);
	*ret_used = 1;
	if (f->value && !value) {
		if (argc < 2)
			return request_error_set(e, "option \"--%s\" needs a value: %s", f->name,
						 f->value);
		value = argv[1];
		*ret_used = 2;
	}
	return flag_apply(f, o, value, e);
}

/* Whether one of the arguments, of which one is wrong, asks for JSON. */
static bool options_ask_json(int argc, char *argv[])
{
	const struct flag *f;
	struct request_error e;
	int i;

	for (i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		f = argv[i][0] != '-'	? NULL
		    : argv[i][1] == '-' ? find_long(argv[i] + 2, strlen(argv[i]) - 2, &e)
					: find_short(argv[i], &e);
		if (f && !strcmp(f->name, "json"))
			return true;
	}
	return false;
}

int options_parse(int argc, char *argv[], struct options *ret, char *words[], int *ret_n_words,
		  struct request_error *ret_error)
{
	struct options o = { 0 };
	bool ended = false;
	int i, n = 0, used, r;

	for (i = 0; i < argc; i += used) {
		used = 1;
		if (!ended && !strcmp(argv[i], "--")) {
			ended = true;
			continue;
		}
		/* a lone "-" is a word, and so are "-10m" and "->" */
		if (ended || argv[i][0] != '-' || !argv[i][1] ||
		    strchr("0123456789>", argv[i][1])) {
			words[n++] = argv[i];
			continue;
		}
		r = options_take_option(argc - i, argv + i, &o, &used, ret_error);
		if (r < 0) {
			ret->json = o.json || options_ask_json(argc - i, argv + i);
			return r;
		}
	}
	ret->json = o.json;
	if (o.local && o.socket)
		return request_error_set(ret_error,
					 "contradictory options: \"--local\" and \"--socket\"");
	*ret = o;
	*ret_n_words = n;
	return 0;
}

const char *options_misplaced(const struct options *o, unsigned scopes)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (o->given & 1U << i && flags[i].scopes & ~scopes)
			return flags[i].name;
	return NULL;
}

void options_help(unsigned scopes, FILE *out)
{
	char left[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		const struct flag *f = &flags[i];

		if (f->scopes & ~scopes)
			continue;
		if (f->letter)
			snprintf(left, sizeof(left), "-%c, --%s", f->letter, f->name);
		else
			snprintf(left, sizeof(left), "--%s%s%s", f->name, f->value ? " " : "",
				 f->value ? f->value : "");
		fprintf(out, "  %-32s  %s\n", left, f->help);
	}
}

const char *option_value_name(const char *arg)
{
	bool is_long = !strncmp(arg, "--", 2);
	struct request_error e;
	const struct flag *f =
		is_long ? find_long(arg + 2, strlen(arg + 2), &e) : find_short(arg, &e);

	return f ? f->value : NULL;
}

void options_offer(const char *prefix, unsigned scopes, FILE *out)
{
	char word[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		snprintf(word, sizeof(word), "--%s", flags[i].name);
		if (!(flags[i].scopes & ~scopes) && !strncmp(word, prefix, strlen(prefix)))
			fprintf(out, "%s\n", word);
	}
}

static int command_unknown(const struct command *commands, const char *word,
			   struct request_error *ret_error)
{
	const struct command *c;
	struct text_guess guess;

	text_guess_begin(&guess, word);
	for (c = commands; c->name; c++) {
		text_guess_try(&guess, c->name);
		if (c->alias)
			text_guess_try(&guess, c->alias);
	}
	if (guess.best)
		return request_error_set(ret_error,
					 "unknown command " QUOTED "; did you mean \"%s\"?", word,
					 guess.best);
	return request_error_set(ret_error, "unknown command " QUOTED, word);
}

int command_find(const struct command *commands, const char *word, const struct command **ret,
		 struct request_error *ret_error)
{
	const struct command *first = NULL, *second = NULL;
	const struct command *c;
	size_t len = strlen(word);

	for (c = commands; c->name && *word; c++) {
		if (!strcmp(c->name, word) || (c->alias && !strcmp(c->alias, word))) {
			*ret = c;
			return 0;
		}
		if (strncmp(c->name, word, len) && (!c->alias || strncmp(c->alias, word, len)))
			continue;
		if (first)
			second = c;
		else
			first = c;
	}
	if (second)
		return request_error_set(ret_error, QUOTED " is ambiguous: %s, %s", word,
					 first->name, second->name);
	if (!first)
		return command_unknown(commands, word, ret_error);
	*ret = first;
	return 0;
}

struct run_env cli_run_env(const struct cli *cli, struct kernel kernel)
{
	return (struct run_env){
		.kernel = kernel,
		.settings = &cli->settings,
		.seed = cli->seed,
		.boot_id = cli->boot_id,
	};
}

struct run_env cli_move_env(struct cli *cli, struct kernel kernel)
{
	const char *config = cli->options.config ? cli->options.config : VIPSAFE_CONFIG;
	struct run_env env = cli_run_env(cli, kernel);

	/* without a map no conflicts are looked for; the move itself is not affected */
	if (!cli->lvs_map)
		(void)lvs_load(cli->settings.lvs, config, &kernel, &cli->lvs_map);
	if (cli->lvs_map && !lvs_map_summary(cli->lvs_map).visible)
		cli->lvs_map = lvs_map_free(cli->lvs_map);
	env.lvs_map = &cli->lvs_map;
	return env;
}
