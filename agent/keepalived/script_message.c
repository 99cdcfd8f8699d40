/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings about calls in a script, and what to do about them. */
#include "keepalived/script.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/text.h"

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
