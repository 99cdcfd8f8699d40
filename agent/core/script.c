/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/script.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <vipsafe/base.h>

#include "core/shell.h"

#define NESTED_MAX 4 /* texts that are scripts in texts that are scripts */

struct script {
	const struct script_reader *reader;
	unsigned nested, first_line;
};

/* A command's words, one after the other. */
struct words {
	char *const *at;
	size_t n;
};

static const char *next(struct words *w)
{
	if (!w->n)
		return NULL;
	w->n--;
	return *w->at++;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

/* As iproute2 and nmcli take words: any beginning of them, of LEAST letters or
 * more. */
static bool is_short_for(const char *word, const char *whole, size_t least)
{
	size_t n = word ? strlen(word) : 0;

	return n >= least && !strncmp(word, whole, n);
}

/* ---- programs
 * ---------------------------------------------------------------------------
 */

/* A variable that nothing is known of may have a name that tells:
 * CONNTRACKD_BIN. */
static bool is_named_for(const char *word, const char *program)
{
	static const char *const ends[] = { "",	    "BIN",   "CMD",   "_BIN",
					    "_CMD", "_PATH", "_PROG", "_COMMAND" };
	size_t n = strlen(program), i;

	if (word[0] != SHELL_UNKNOWN || strncasecmp(word + 1, program, n) != 0)
		return false;
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t len = strlen(ends[i]);

		if (!strncasecmp(word + 1 + n, ends[i], len) &&
		    word[1 + n + len] == SHELL_UNKNOWN && !word[2 + n + len])
			return true;
	}
	return false;
}

static bool is_program(const char *word, const char *program)
{
	const char *slash = strrchr(word, '/');

	return !strcmp(slash ? slash + 1 : word, program) || is_named_for(word, program);
}

/* ---- what programs do
 * ------------------------------------------------------------------------ */

/* Its first option says what is done; "expect", "dying" and others are other
 * tables. */
static bool conntrack_does(struct words w, enum script_deed *ret)
{
	bool is_delete = false, is_flush = false, is_filtered = false;
	const char *word, *table = NULL;

	while ((word = next(&w))) {
		bool begins = !is_delete && !is_flush;

		if (begins && (!strncmp(word, "-F", 2) || is_short_for(word, "--flush", 4)))
			is_flush = true;
		else if (begins && (!strncmp(word, "-D", 2) || is_short_for(word, "--delete", 4)))
			is_delete = true;
		else if (begins)
			return false; /* -L, -E and the like */
		else if (is_option(word))
			is_filtered = true;
		else if (!is_filtered)
			table = word;
	}
	if ((!is_flush && !is_delete) || (table && strcmp(table, "conntrack") != 0))
		return false;
	*ret = is_delete && is_filtered ? SCRIPT_DELETES : SCRIPT_FLUSHES_NOW;
	return true;
}

/* It looks at the letter behind the dash only: -F empties the kernel's table at
 * once, -t by its timeouts; -f empties what it keeps itself. */
static bool conntrackd_does(struct words w, enum script_deed *ret)
{
	const char *word;

	while ((word = next(&w))) {
		if (!strncmp(word, "-C", 2))
			next(&w);
		else if (!strncmp(word, "-F", 2) || !strncmp(word, "-t", 2)) {
			*ret = word[1] == 'F' ? SCRIPT_FLUSHES_NOW : SCRIPT_FLUSHES_LATER;
			return true;
		}
	}
	return false;
}

static bool has(struct words w, const char *wanted)
{
	const char *word;

	while ((word = next(&w)))
		if (!strcmp(word, wanted))
			return true;
	return false;
}

/* The words behind ip's own options. */
static struct words ip_words(struct words w)
{
	static const char *const with_value[] = { "family", "netns", "batch", "rcvbuf", "loops" };
	const char *word;
	size_t i;

	while (w.n && is_option(*w.at)) {
		word = next(&w);
		word += strspn(word, "-");
		for (i = 0; i < ARRAY_SIZE(with_value); i++)
			if (is_short_for(word, with_value[i], 1) || !strcmp(word, "rc"))
				break;
		if (i < ARRAY_SIZE(with_value))
			next(&w);
	}
	return w;
}

static bool ip_does(struct words w, enum script_deed *ret)
{
	const char *object, *command;

	w = ip_words(w);
	object = next(&w);
	command = next(&w);
	if (is_short_for(object, "address", 1) && is_short_for(command, "flush", 1)) {
		*ret = SCRIPT_FLUSHES_ADDRESSES;
		return true;
	}
	if (is_short_for(object, "address", 1) && is_short_for(command, "delete", 1)) {
		*ret = SCRIPT_TAKES_ADDRESS;
		return !has(w, "lo"); /* nothing is masqueraded to it */
	}
	*ret = SCRIPT_TAKES_LINK_DOWN;
	return is_short_for(object, "link", 1) &&
	       (is_short_for(command, "delete", 1) ||
		(is_short_for(command, "set", 1) && has(w, "down")));
}

static bool ifconfig_does(struct words w, enum script_deed *ret)
{
	const char *device = next(&w);

	while (device && is_option(device))
		device = next(&w);
	if (!device)
		return false;
	/* without the colon it is the link; an alias is an address */
	*ret = strchr(device, ':') || !has(w, "down") ? SCRIPT_TAKES_ADDRESS
						      : SCRIPT_TAKES_LINK_DOWN;
	return has(w, "down") || has(w, "0.0.0.0") || has(w, "0");
}

static bool ifdown_does(struct words w, enum script_deed *ret)
{
	const char *word;

	*ret = SCRIPT_TAKES_LINK_DOWN;
	while ((word = next(&w)))
		if (!is_option(word) || !strcmp(word, "-a"))
			return true;
	return false;
}

static bool nmcli_does(struct words w, enum script_deed *ret)
{
	const char *object, *command;

	while (w.n && is_option(*w.at)) {
		const char *word = next(&w);

		word += strspn(word, "-");
		if (strchr("fgmcew", *word) && !strchr(word, '='))
			next(&w);
	}
	object = next(&w);
	command = next(&w);
	*ret = SCRIPT_TAKES_LINK_DOWN;
	if (is_short_for(object, "networking", 1))
		return is_short_for(command, "off", 2);
	if (is_short_for(object, "connection", 1))
		return is_short_for(command, "down", 1);
	return is_short_for(object, "device", 1) &&
	       (is_short_for(command, "disconnect", 2) || is_short_for(command, "down", 2));
}

/* "systemctl restart network", "service network restart", "network restart" of
 * /etc/init.d: the services that take every link down when they end. */
static bool service_does(struct words w, enum script_deed *ret)
{
	*ret = SCRIPT_TAKES_LINK_DOWN;
	return (has(w, "network") || has(w, "networking") || has(w, "network.service") ||
		has(w, "networking.service")) &&
	       (has(w, "restart") || has(w, "stop") || has(w, "try-restart") ||
		has(w, "force-reload"));
}

static bool network_does(struct words w, enum script_deed *ret)
{
	*ret = SCRIPT_TAKES_LINK_DOWN;
	return has(w, "restart") || has(w, "stop") || has(w, "force-reload");
}

static const struct {
	const char *name;
	bool (*does)(struct words w, enum script_deed *ret);
} programs[] = {
	{ "conntrack", conntrack_does },
	{ "conntrackd", conntrackd_does },
	{ "ip", ip_does },
	{ "ifconfig", ifconfig_does },
	{ "ifdown", ifdown_does },
	{ "nmcli", nmcli_does },
	{ "systemctl", service_does },
	{ "service", service_does },
	{ "rc-service", service_does },
	{ "invoke-rc.d", service_does },
	{ "network", network_does },
	{ "networking", network_does },
};

/* ---- programs that run others
 * ------------------------------------------------------------------
 */

static const struct {
	const char *name;
	const char *with_value; /* options that take one */
	unsigned operands;	/* before the command */
} wrappers[] = {
	{ "sudo", "ugpChrtTDRU", 0 }, { "doas", "uC", 0 },	    { "env", "uCS", 0 },
	{ "nohup", "", 0 },	      { "nice", "n", 0 },	    { "ionice", "cnp", 0 },
	{ "exec", "a", 0 },	      { "builtin", "", 0 },	    { "command", "", 0 },
	{ "time", "of", 0 },	      { "timeout", "ks", 1 },	    { "setsid", "", 0 },
	{ "busybox", "", 0 },	      { "flock", "wE", 1 },	    { "stdbuf", "ioe", 0 },
	{ "chrt", "TPD", 1 },	      { "taskset", "", 1 },	    { "xargs", "adEeILlnPs", 0 },
	{ "nsenter", "tSG", 0 },      { "systemd-run", "pEGu", 0 }, { "runuser", "ugG", 0 },
	{ "setpriv", "", 0 },	      { "chronic", "", 0 },	    { "unshare", "", 0 },
};

/* Skip options and operands of the wrapper I. Returns false if it only asks. */
static bool unwrap(size_t i, struct words *w)
{
	unsigned operands = wrappers[i].operands;

	while (w->n) {
		const char *word = *w->at;

		if (!strcmp(word, "--")) {
			next(w);
			continue;
		}
		if (is_option(word)) {
			next(w);
			if (!strcmp(wrappers[i].name, "command") && strpbrk(word, "vV"))
				return false;
			if (word[1] != '-' && word[strlen(word) - 1] != '-' &&
			    strchr(wrappers[i].with_value, word[strlen(word) - 1]))
				next(w);
		} else if (strchr(word, '=') && !strchr(word, '/')) {
			next(w); /* of the environment */
		} else if (operands) {
			operands--;
			next(w);
		} else {
			return true;
		}
	}
	return false;
}

static bool is_shell(const char *word)
{
	static const char *const names[] = { "sh", "bash", "dash", "ash", "ksh", "zsh", "su" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (is_program(word, names[i]))
			return true;
	return false;
}

static void read_nested(const struct script *outer, const char *text, unsigned line);

/* A script in an argument: "sh -c TEXT", "eval TEXT…", "trap TEXT EXIT". */
static void look_for_text(const struct script *s, const char *program, struct words w,
			  unsigned line)
{
	const char *word;

	if (!strcmp(program, "eval") || !strcmp(program, "trap")) {
		char joined[1024] = "";
		size_t n = 0;

		while ((word = next(&w)) && n + strlen(word) + 2 < sizeof(joined)) {
			memcpy(joined + n, word, strlen(word));
			n += strlen(word);
			joined[n++] = *program == 'e' ? ' ' : '\n';
			joined[n] = '\0';
		}
		read_nested(s, joined, line);
		return;
	}
	while ((word = next(&w)))
		if (is_option(word) && word[1] != '-' && word[strlen(word) - 1] == 'c') {
			word = next(&w);
			if (word)
				read_nested(s, word, line);
			return;
		}
}

/* ---- calls
 * -------------------------------------------------------------------------------------
 */

static void add_finding(const struct script *s, const struct shell_call *c, enum script_deed deed)
{
	const struct script_act a = { .deed = deed,
				      .line = s->first_line + c->line - 1,
				      .text = c->text,
				      .len = c->len,
				      .is_own = !s->nested };

	s->reader->act(s->reader->ud, &a);
}

static void look_at_words(const struct script *s, const struct shell_call *c, struct words w)
{
	enum script_deed deed;
	const char *program;
	size_t i;

	program = next(&w);
	if (!program)
		return;
	for (i = 0; i < ARRAY_SIZE(programs); i++)
		if (is_program(program, programs[i].name) && programs[i].does(w, &deed)) {
			add_finding(s, c, deed);
			return;
		}
	for (i = 0; i < ARRAY_SIZE(wrappers); i++)
		if (is_program(program, wrappers[i].name) && unwrap(i, &w)) {
			look_at_words(s, c, w);
			return;
		}
	if (is_program(program, "ip")) {
		w = ip_words(w); /* "ip netns exec NAME command" */
		if (w.n > 3 && is_short_for(w.at[0], "netns", 3) &&
		    is_short_for(w.at[1], "exec", 1)) {
			w.at += 3;
			w.n -= 3;
			look_at_words(s, c, w);
		}
		return;
	}
	if (is_shell(program) || !strcmp(program, "eval") || !strcmp(program, "trap"))
		look_for_text(s, program, w, s->first_line + c->line - 1);
}

static void on_call(void *ud, const struct shell_call *c)
{
	const struct script *s = ud;
	size_t i;

	if (c->input) {
		if (is_shell(c->words[0]))
			read_nested(s, c->input, s->first_line + c->line - 1);
		return;
	}
	for (i = 0; s->reader->path && i < c->n; i++)
		if (c->words[i][0] == '/')
			s->reader->path(s->reader->ud, c->words[i]);
	look_at_words(s, c, (struct words){ c->words, c->n });
}

static void read_nested(const struct script *outer, const char *text, unsigned line)
{
	struct script s = { outer->reader, outer->nested + 1, line };

	if (s.nested < NESTED_MAX)
		shell_read(text, on_call, &s);
}

int script_read(const char *script, const struct script_reader *r)
{
	struct script s = { .reader = r, .first_line = 1 };

	return shell_read(script, on_call, &s);
}

/* "#!/bin/sh", "#!/usr/bin/env bash" */
bool script_is_shell(const char *text)
{
	size_t n = strcspn(text, "\n"), i;
	const char *last = text, *space;

	if (strncmp(text, "#!", 2) != 0)
		return false;
	for (i = 2; i < n; i++)
		if (text[i] == '/')
			last = text + i;
	space = memchr(last, ' ', n - (size_t)(last - text));
	if (space && !strncmp(last, "/env ", 5))
		last = space;
	for (i = (size_t)(last - text) + 1; i < n && isalpha((unsigned char)text[i]); i++)
		;
	return i >= 2 && text[i - 2] == 's' && text[i - 1] == 'h';
}
