/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/script.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/text.h"
#include "keepalived/script_deed.h"
#include "keepalived/shell.h"

#define NESTED_MAX 4 /* depth of scripts in arguments of scripts */

struct script {
	const struct script_reader *reader;
	unsigned nested, first_line;
};

/* ---- programs that run others ---- */

static const struct {
	const char *name;
	const char *with_value; /* option letters that take a value */
	unsigned operands;	/* operands before the command */
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

/* Skip options and operands of wrapper I. Returns false if it does not run a command, or runs it
 * in another network namespace. */
static bool unwrap(size_t i, struct script_words *w)
{
	unsigned operands = wrappers[i].operands;

	while (w->n) {
		const char *word = *w->at;

		if (!strcmp(word, "--")) {
			script_word_next(w);
			continue;
		}
		if (script_word_is_option(word)) {
			script_word_next(w);
			if (!strcmp(wrappers[i].name, "command") && strpbrk(word, "vV"))
				return false;
			if (!strcmp(wrappers[i].name, "nsenter") && strstr(word, "netns/"))
				return false;
			if (word[1] != '-' && word[strlen(word) - 1] != '-' &&
			    strchr(wrappers[i].with_value, word[strlen(word) - 1]))
				script_word_next(w);
		} else if (strchr(word, '=') && !strchr(word, '/')) {
			script_word_next(w); /* a variable of the environment */
		} else if (operands) {
			operands--;
			script_word_next(w);
		} else {
			return true;
		}
	}
	return false;
}

static bool skip_wrapper(const char *program, struct script_words *w, bool *ret_leads_on)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrappers); i++)
		if (script_word_calls(program, wrappers[i].name)) {
			*ret_leads_on = unwrap(i, w);
			return true;
		}
	return false;
}

/* Skip "ip vrf exec NAME": its command runs in the same network namespace, unlike that of "ip
 * netns exec NAME". */
static bool skip_ip(const char *program, struct script_words *w)
{
	struct script_ip ip;

	if (!script_word_calls(program, "ip"))
		return false;
	script_ip_read(*w, &ip);
	if (ip.words.n < 4 || !script_word_begins(ip.words.at[0], "vrf", 1) ||
	    !script_word_begins(ip.words.at[1], "exec", 1))
		return false;
	*w = (struct script_words){ ip.words.at + 3, ip.words.n - 3 };
	return true;
}

/* The program that is finally called; W then holds its arguments. NULL: none that matters here. */
static const char *called_program(struct script_words *w)
{
	const char *program = script_word_next(w);
	bool leads_on = true;

	while (program && (skip_wrapper(program, w, &leads_on) || skip_ip(program, w)))
		program = leads_on ? script_word_next(w) : NULL;
	return program;
}

static bool is_shell(const char *word)
{
	static const char *const names[] = { "sh", "bash", "dash", "ash", "ksh", "zsh", "su" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (script_word_calls(word, names[i]))
			return true;
	return false;
}

static void read_nested(const struct script *outer, const char *text, unsigned line);

/* Read a script in an argument: "sh -c TEXT", "eval TEXT…", "trap TEXT EXIT". */
static void look_for_text(const struct script *s, const char *program, struct script_words w,
			  unsigned line)
{
	const char *word;

	if (!strcmp(program, "eval") || !strcmp(program, "trap")) {
		char joined[1024] = "";
		size_t n = 0;

		while ((word = script_word_next(&w)) && n + strlen(word) + 2 < sizeof(joined)) {
			memcpy(joined + n, word, strlen(word));
			n += strlen(word);
			joined[n++] = *program == 'e' ? ' ' : '\n';
			joined[n] = '\0';
		}
		read_nested(s, joined, line);
		return;
	}
	while ((word = script_word_next(&w)))
		if (script_word_is_option(word) && word[1] != '-' &&
		    word[strlen(word) - 1] == 'c') {
			word = script_word_next(&w);
			if (word)
				read_nested(s, word, line);
			return;
		}
}

/* ---- calls ---- */

static void add_finding(const struct script *s, const struct shell_call *c, enum script_deed deed)
{
	const struct script_act a = { .deed = deed,
				      .line = s->first_line + c->line - 1,
				      .text = c->text,
				      .len = c->len,
				      .is_own = !s->nested };

	s->reader->act(s->reader->ud, &a);
}

static void on_batch_line(void *ud, const struct shell_call *c)
{
	const struct script *s = ud;
	enum script_deed deed;

	if (!c->input && script_deed_of_ip((struct script_words){ c->words, c->n }, &deed))
		add_finding(s, c, deed);
}

/* Read the commands of "ip -batch", one on each line. */
static void read_batch(const struct script *outer, const char *text, unsigned line)
{
	struct script s = { outer->reader, outer->nested + 1, line };

	shell_read(text, on_batch_line, &s);
}

/* Check what C's program reads from a here-document. */
static void look_at_input(const struct script *s, const struct shell_call *c)
{
	struct script_words w = { c->words, c->n };
	const char *program = called_program(&w);
	unsigned line = s->first_line + c->line - 1;
	enum script_deed deed;

	if (!program)
		return;
	if (is_shell(program))
		read_nested(s, c->input, line);
	else if (script_deed_find(program, w, &deed) && deed == SCRIPT_READS_COMMANDS)
		read_batch(s, c->input, line);
}

/* Report what conntrackd is asked for. */
static void look_at_orders(const struct script *s, const char *program, struct script_words w,
			   unsigned line)
{
	struct script_order order = { .line = line };

	if (!s->reader->order || !script_word_calls(program, "conntrackd"))
		return;
	while (script_order_next(&w, &order))
		s->reader->order(s->reader->ud, &order);
}

static void look_at_words(const struct script *s, const struct shell_call *c)
{
	struct script_words w = { c->words, c->n };
	const char *program = called_program(&w);
	enum script_deed deed;

	if (!program)
		return;
	look_at_orders(s, program, w, s->first_line + c->line - 1);
	if (script_deed_find(program, w, &deed)) {
		if (deed != SCRIPT_READS_COMMANDS || !c->reads_here)
			add_finding(s, c, deed);
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
		look_at_input(s, c);
		return;
	}
	for (i = 0; s->reader->path && i < c->n; i++)
		if (c->words[i][0] == '/')
			s->reader->path(s->reader->ud, c->words[i]);
	look_at_words(s, c);
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

/* Findings about calls in a script, and what to do about them. */

/* Maximum length of a call that is quoted in a finding. */
#define CALL_MAX 80

static const struct {
	const char *code;
	enum severity severity;
	const char *does, *instead; /* INSTEAD NULL: there is nothing to replace */
} deeds[] = {
	[SCRIPT_FLUSHES_NOW] = { "conntrackd-flush", SEVERITY_CRITICAL,
				 "empties the whole connection table at once",
				 "vipsafe removes stale entries itself" },
	[SCRIPT_FLUSHES_LATER] = { "conntrackd-flush", SEVERITY_CRITICAL,
				   "empties the whole connection table a minute later",
				   "vipsafe removes stale entries itself" },
	[SCRIPT_DELETES] = { "conntrackd-flush", SEVERITY_WARNING, "deletes connections itself",
			     "vipsafe removes those of an address that goes" },
	[SCRIPT_FLUSHES_ADDRESSES] = { "address-flush", SEVERITY_CRITICAL,
				       "deletes addresses, the node's own perhaps, unprotected",
				       "\"vipsafe del\" deletes the one that is meant" },
	[SCRIPT_TAKES_ADDRESS] = { "address-flush", SEVERITY_WARNING,
				   "deletes an address unprotected",
				   "\"vipsafe del\" deletes the one that is meant" },
	[SCRIPT_TAKES_LINK_DOWN] = { "link-down", SEVERITY_CRITICAL,
				     "takes a link down, and every translated connection with it",
				     "\"vipsafe del\" deletes the address that is meant" },
	[SCRIPT_CONFIGURES_ANEW] = { "link-down", SEVERITY_WARNING,
				     "configures the network anew: links and addresses may go "
				     "and come back",
				     "\"vipsafe add\" and \"del\" change the address that is "
				     "meant" },
	[SCRIPT_READS_COMMANDS] = { "script-language", SEVERITY_NOTE,
				    "passes commands from a file or pipe to ip; they were not "
				    "checked",
				    NULL },
};

/* The start of the line of SCRIPT in which AT is. */
static const char *line_begin(const char *script, const char *at)
{
	while (at > script && at[-1] != '\n')
		at--;
	return at;
}

/* Whether TEXT is not empty and consists of letters, digits and characters of OTHERS. */
static bool consists_of(const char *text, size_t len, const char *others)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && (!text[i] || !strchr(others, text[i])))
			return false;
	return len > 0;
}

/* Build a command that replaces the call by ":", which does nothing, so that the code around it
 * stays valid. Only if the call cannot be confused with another one. */
static bool message_command(const char *path, const char *script, const struct script_act *a,
			    char ret[FINDING_TEXT_MAX])
{
	const char *line, *p;
	char pattern[2 * CALL_MAX];
	size_t i, n = 0, times = 0;

	if (!a->is_own || a->len > CALL_MAX || path[0] != '/' ||
	    !consists_of(a->text, a->len, " $_./:=+@%,{}\"-") ||
	    !consists_of(path, strlen(path), "_./:=+@%,-"))
		return false;
	line = line_begin(script, a->text);
	for (p = line; p + a->len <= line + strcspn(line, "\n"); p++)
		times += !strncmp(p, a->text, a->len);
	if (times != 1)
		return false;
	for (i = 0; i < a->len; i++) {
		if (strchr("$./", a->text[i]))
			pattern[n++] = '\\';
		pattern[n++] = a->text[i];
	}
	pattern[n] = '\0';
	return snprintf(ret, FINDING_TEXT_MAX, "sed -i --follow-symlinks '%us/%s/: &/' %s", a->line,
			pattern, path) < FINDING_TEXT_MAX;
}

void script_message(const char *before, const char *path, const char *script,
		    const struct script_act *a, struct findings *ret)
{
	char call[CALL_MAX], cut[CALL_MAX], fix[FINDING_TEXT_MAX], text[FINDING_TEXT_MAX];

	snprintf(cut, sizeof(cut), "%.*s", (int)MIN(a->len, (size_t)CALL_MAX - 1), a->text);
	text_escape(cut, call, sizeof(call));
	if (!deeds[a->deed].instead)
		text_line(fix, sizeof(fix),
			  "see what it reads in line %u of %.100s: addr del, addr flush, link set "
			  "down",
			  a->line, path);
	else if (a->deed > SCRIPT_FLUSHES_LATER || !message_command(path, script, a, fix))
		text_line(fix, sizeof(fix),
			  "put \":\" in place of that call in line %u of %.100s: %s", a->line, path,
			  deeds[a->deed].instead);
	text_line(text, sizeof(text), "%.90sline %u of %.110s %s: %.60s", before, a->line, path,
		  deeds[a->deed].does, call);
	findings_add(ret, deeds[a->deed].severity, deeds[a->deed].code, fix, "%s", text);
}
