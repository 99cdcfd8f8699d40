/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/script_deed.h"

#include <string.h>
#include <strings.h>

#include <vipsafe/base.h>

#include "keepalived/shell.h"

const char *script_word_next(struct script_words *w)
{
	if (!w->n)
		return NULL;
	w->n--;
	return *w->at++;
}

/* Whether WANTED is one of the words. */
static bool script_words_have(struct script_words w, const char *wanted)
{
	const char *word;

	while ((word = script_word_next(&w)))
		if (!strcmp(word, wanted))
			return true;
	return false;
}

bool script_word_is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

bool script_word_begins(const char *word, const char *whole, size_t least)
{
	size_t n = word ? strlen(word) : 0;

	return n >= least && !strncmp(word, whole, n);
}

/* A variable of unknown value may reveal the program by its name: CONNTRACKD_BIN. */
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

bool script_word_calls(const char *word, const char *program)
{
	const char *slash = strrchr(word, '/');

	return !strcmp(slash ? slash + 1 : word, program) || is_named_for(word, program);
}

void script_ip_read(struct script_words w, struct script_ip *ret)
{
	static const struct {
		const char *name;
		size_t least;
	} with_value[] = { { "family", 1 }, { "loops", 1 }, { "rcvbuf", 2 } };
	size_t i;

	*ret = (struct script_ip){ .batch = NULL };
	while (w.n && script_word_is_option(*w.at)) {
		const char *word = script_word_next(&w);

		word += strspn(word, "-");
		for (i = 0; i < ARRAY_SIZE(with_value); i++)
			if (script_word_begins(word, with_value[i].name, with_value[i].least))
				script_word_next(&w);
		if (script_word_begins(word, "batch", 1)) {
			ret->batch = script_word_next(&w);
		} else if (script_word_begins(word, "netns", 1)) {
			script_word_next(&w);
			ret->is_elsewhere = true;
		}
	}
	ret->words = w;
}

/* conntrack: its first option is the action. "expect", "dying" and others are other tables. */
static bool conntrack_does(struct script_words w, enum script_deed *ret)
{
	bool is_delete = false, is_flush = false, is_filtered = false;
	const char *word, *table = NULL;

	while ((word = script_word_next(&w))) {
		bool begins = !is_delete && !is_flush;

		if (begins && (!strncmp(word, "-F", 2) || script_word_begins(word, "--flush", 4)))
			is_flush = true;
		else if (begins &&
			 (!strncmp(word, "-D", 2) || script_word_begins(word, "--delete", 4)))
			is_delete = true;
		else if (begins)
			return false; /* -L, -E and the like */
		else if (script_word_is_option(word))
			is_filtered = true;
		else if (!is_filtered)
			table = word;
	}
	if ((!is_flush && !is_delete) || (table && strcmp(table, "conntrack") != 0))
		return false;
	*ret = is_delete && is_filtered ? SCRIPT_DELETES : SCRIPT_FLUSHES_NOW;
	return true;
}

bool script_order_next(struct script_words *w, struct script_order *ret)
{
	const char *word;

	while ((word = script_word_next(w))) {
		if (!strncmp(word, "-C", 2)) {
			script_word_next(w);
		} else if (script_word_is_option(word)) {
			ret->option = word[1];
			ret->value =
				w->n && !script_word_is_option(*w->at) ? script_word_next(w) : "";
			return true;
		}
	}
	return false;
}

/* conntrackd checks only the letter after the dash: -F empties the kernel's table at once, -t by
 * its timeouts; -f empties its own caches. */
static bool conntrackd_does(struct script_words w, enum script_deed *ret)
{
	struct script_order order;

	while (script_order_next(&w, &order))
		if (order.option == 'F' || order.option == 't') {
			*ret = order.option == 'F' ? SCRIPT_FLUSHES_NOW : SCRIPT_FLUSHES_LATER;
			return true;
		}
	return false;
}

bool script_deed_of_ip(struct script_words w, enum script_deed *ret)
{
	const char *object = script_word_next(&w), *command = script_word_next(&w);

	if (script_word_begins(object, "address", 1) && script_word_begins(command, "flush", 1)) {
		*ret = SCRIPT_FLUSHES_ADDRESSES;
		return true;
	}
	if (script_word_begins(object, "address", 1) && script_word_begins(command, "delete", 1)) {
		*ret = SCRIPT_TAKES_ADDRESS;
		return !script_words_have(w, "lo"); /* nothing is masqueraded to lo */
	}
	*ret = SCRIPT_TAKES_LINK_DOWN;
	return script_word_begins(object, "link", 1) &&
	       (script_word_begins(command, "delete", 1) ||
		(script_word_begins(command, "set", 1) && script_words_have(w, "down")));
}

static bool ip_does(struct script_words w, enum script_deed *ret)
{
	struct script_ip ip;

	script_ip_read(w, &ip);
	if (ip.is_elsewhere)
		return false;
	*ret = SCRIPT_READS_COMMANDS;
	return ip.batch || script_deed_of_ip(ip.words, ret);
}

static bool ifconfig_does(struct script_words w, enum script_deed *ret)
{
	const char *device = script_word_next(&w);

	while (device && script_word_is_option(device))
		device = script_word_next(&w);
	if (!device)
		return false;
	/* "eth0:1" is an alias, that is, an address; without the colon it is the link */
	*ret = strchr(device, ':') || !script_words_have(w, "down") ? SCRIPT_TAKES_ADDRESS
								    : SCRIPT_TAKES_LINK_DOWN;
	return script_words_have(w, "down") || script_words_have(w, "0.0.0.0") ||
	       script_words_have(w, "0");
}

static bool ifdown_does(struct script_words w, enum script_deed *ret)
{
	const char *word;

	*ret = SCRIPT_TAKES_LINK_DOWN;
	while ((word = script_word_next(&w)))
		if (!script_word_is_option(word) || !strcmp(word, "-a"))
			return true;
	return false;
}

/* nmcli: activating an active connection takes it down first. */
static bool nmcli_does(struct script_words w, enum script_deed *ret)
{
	const char *object, *command;
	bool is_connection, is_device;

	while (w.n && script_word_is_option(*w.at)) {
		const char *word = script_word_next(&w);

		word += strspn(word, "-");
		if (strchr("fgmcew", *word) && !strchr(word, '='))
			script_word_next(&w);
	}
	object = script_word_next(&w);
	command = script_word_next(&w);
	is_connection = script_word_begins(object, "connection", 1);
	is_device = script_word_begins(object, "device", 1);
	*ret = SCRIPT_TAKES_LINK_DOWN;
	if (script_word_begins(object, "networking", 1))
		return script_word_begins(command, "off", 2);
	if ((is_connection && script_word_begins(command, "down", 1)) ||
	    (is_device && (script_word_begins(command, "disconnect", 2) ||
			   script_word_begins(command, "down", 2))))
		return true;
	*ret = SCRIPT_CONFIGURES_ANEW;
	return ((is_connection || is_device) && script_word_begins(command, "up", 1)) ||
	       (is_device && (script_word_begins(command, "connect", 1) ||
			      script_word_begins(command, "reapply", 1)));
}

static bool netplan_does(struct script_words w, enum script_deed *ret)
{
	const char *command = script_word_next(&w);

	while (command && script_word_is_option(command))
		command = script_word_next(&w);
	*ret = SCRIPT_CONFIGURES_ANEW;
	return command && (!strcmp(command, "apply") || !strcmp(command, "try"));
}

static bool networkctl_does(struct script_words w, enum script_deed *ret)
{
	const char *command = script_word_next(&w);

	while (command && script_word_is_option(command))
		command = script_word_next(&w);
	*ret = command && !strcmp(command, "down") ? SCRIPT_TAKES_LINK_DOWN
						   : SCRIPT_CONFIGURES_ANEW;
	return command && (!strcmp(command, "down") || !strcmp(command, "reconfigure"));
}

static bool is_service(struct script_words w, const char *const *names)
{
	const char *word;

	while ((word = script_word_next(&w))) {
		size_t n = strlen(word), i;

		if (n > 8 && !strcmp(word + n - 8, ".service"))
			n -= 8;
		for (i = 0; names[i]; i++)
			if (n == strlen(names[i]) && !strncmp(word, names[i], n))
				return true;
	}
	return false;
}

static bool restarts(struct script_words w)
{
	return script_words_have(w, "restart") || script_words_have(w, "try-restart") ||
	       script_words_have(w, "reload-or-restart") || script_words_have(w, "force-reload");
}

/* "systemctl restart network", "service network restart": services that take all links down when
 * they stop, or set up everything when they start. */
static bool service_does(struct script_words w, enum script_deed *ret)
{
	static const char *const scripts[] = { "network", "networking", NULL };
	static const char *const managers[] = { "NetworkManager", "network-manager",
						"systemd-networkd", "wicked", NULL };

	*ret = SCRIPT_TAKES_LINK_DOWN;
	if (is_service(w, scripts) && (restarts(w) || script_words_have(w, "stop")))
		return true;
	*ret = SCRIPT_CONFIGURES_ANEW;
	return is_service(w, managers) && restarts(w);
}

/* "network restart" of /etc/init.d. */
static bool network_does(struct script_words w, enum script_deed *ret)
{
	*ret = SCRIPT_TAKES_LINK_DOWN;
	return restarts(w) || script_words_have(w, "stop");
}

static const struct {
	const char *name;
	bool (*does)(struct script_words w, enum script_deed *ret);
} programs[] = {
	{ "conntrack", conntrack_does },
	{ "conntrackd", conntrackd_does },
	{ "ip", ip_does },
	{ "ifconfig", ifconfig_does },
	{ "ifdown", ifdown_does },
	{ "nmcli", nmcli_does },
	{ "netplan", netplan_does },
	{ "networkctl", networkctl_does },
	{ "systemctl", service_does },
	{ "service", service_does },
	{ "rc-service", service_does },
	{ "invoke-rc.d", service_does },
	{ "network", network_does },
	{ "networking", network_does },
};

bool script_deed_find(const char *program, struct script_words w, enum script_deed *ret)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(programs); i++)
		if (script_word_calls(program, programs[i].name) && programs[i].does(w, ret))
			return true;
	return false;
}
