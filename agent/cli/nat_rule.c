/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/nat_rule.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

#include "base/array.h"
#include "cli/firewall_rules.h"
#include "cli/firewall_words.h"
#include "cli/nat_words.h"

void nat_rules_done(struct nat_rules *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		free(r->list[i].text);
	free(r->list);
	*r = (struct nat_rules){ .n = 0 };
}

/* Cut " # handle 5" off the end of TEXT. */
static uint32_t nat_cut_handle(char *text)
{
	char *mark = NULL, *p;
	struct word w;
	uint32_t n;

	for (p = strstr(text, " # handle "); p; p = strstr(p + 1, " # handle "))
		mark = p;
	if (!mark)
		return 0;
	w = (struct word){ .p = mark + 10, .len = strlen(mark + 10) };
	if (!word_number(&w, &n))
		return 0;
	*mark = '\0';
	return n;
}

/* Whether at AT there is "NAME 7"; then *RET_END is behind it. */
static bool nat_is_count(const char *at, const char *name, const char **ret_end)
{
	struct word w = word_next(&at, ""), number = word_next(&at, "");

	*ret_end = at;
	return word_is(&w, name) && number.len && isdigit((unsigned char)*number.p);
}

/* "counter packets 7 bytes 420" -> "counter" */
static void nat_cut_counts(char *text)
{
	const char *end;
	char *p;

	for (p = strstr(text, "counter "); p; p = strstr(p, "counter ")) {
		p += strlen("counter");
		if (nat_is_count(p, "packets", &end) && nat_is_count(end, "bytes", &end))
			memmove(p, end, strlen(end) + 1);
	}
}

bool nat_rules_add(struct nat_rules *r, const struct nat_rule *rule, const char *text)
{
	_cleanup_free_ char *copy = strdup(text + strspn(text, " \t"));
	struct nat_rule *one = NULL;

	if (copy)
		one = array_append(&r->list, &r->n, sizeof(*one));
	if (!one)
		return false;
	*one = *rule;
	if (!strcmp(rule->program, "nft")) {
		one->handle = nat_cut_handle(copy);
		nat_cut_counts(copy);
	}
	one->text = TAKE_PTR(copy);
	return true;
}

/* Whether TEXT can stand in quotes of a shell. */
static bool nat_is_quotable(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text >= 0x7f || *text == '\'')
			return false;
	return true;
}

void nat_rule_parse(const struct nat_rule *rule, struct nat_parts *ret)
{
	*ret = (struct nat_parts){ .families = rule->families };
	ret->is_nft = !strcmp(rule->program, "nft");
	if (strlen(rule->text) >= NAT_RULE_MAX)
		ret->known = false;
	else if (ret->is_nft)
		ret->known = nat_words_of_nft(rule->text, ret);
	else
		ret->known = nat_words_of_iptables(rule->text, ret);
	if (rule->part || !nat_is_quotable(rule->text))
		ret->known = false;
}

/* ---- the outgoing device ----------------------------------------------------------------- */

static bool nat_is_wildcard(const char *name)
{
	size_t n = strlen(name);

	return n && name[n - 1] == '+';
}

static bool nat_fits_name(const char *pattern, const char *device)
{
	return nat_is_wildcard(pattern) ? !strncmp(pattern, device, strlen(pattern) - 1)
					: !strcmp(pattern, device);
}

bool nat_parts_admit(const struct nat_parts *p, const char *device)
{
	return !*p->out || nat_fits_name(p->out, device) != p->out_negated;
}

bool nat_parts_names_device(const struct nat_parts *p)
{
	return *p->out && !p->out_negated && !nat_is_wildcard(p->out);
}

/* ---- SNAT that is there already ---------------------------------------------------------- */

static bool nat_has_condition(const struct nat_parts *p, const char *condition)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (!strcmp(p->conditions[i], condition))
			return true;
	return !strncmp(condition, "-m comment ", 11);
}

bool nat_parts_cover(const struct nat_parts *snat, const struct nat_parts *p, const char *device)
{
	size_t i;

	if (!snat->known || !nat_parts_admit(snat, device))
		return false;
	for (i = 0; i < snat->n; i++)
		if (!nat_has_condition(p, snat->conditions[i]))
			return false;
	return true;
}

/* ---- the command -------------------------------------------------------------------------- */

struct nat_line {
	char *buf;
	size_t n, size;
	bool overflows;
};

static void _printf_(2, 3) nat_append(struct nat_line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->n, l->size - l->n, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= l->size - l->n)
		l->overflows = true;
	else
		l->n += (size_t)n;
}

/* Brackets mean a pattern to a shell: quoted with QUOTE, "'" or "". */
static void nat_append_source(struct nat_line *l, const struct nat_parts *p,
			      const struct addr *source, const char *quote)
{
	char text[PREFIX_TEXT_MAX];

	addr_format(source, text);
	if (!*p->ports)
		nat_append(l, "%s", text);
	else if (source->family == AF_INET6)
		nat_append(l, "%s[%s]:%s%s", quote, text, p->ports, quote);
	else
		nat_append(l, "%s:%s", text, p->ports);
}

static void nat_say_iptables(struct nat_line *l, const struct nat_rule *rule,
			     const struct nat_parts *p, const char *device,
			     const struct addr *source)
{
	size_t i;

	nat_append(l, "(n=$(%s -w -t nat -S %s | grep -nxF -m 1 -e '%s') && ", rule->program,
		   rule->chain, rule->text);
	/* the first line of -S is the chain itself */
	nat_append(l, "%s -w -t nat -I %s $((${n%%%%:*} - 1))", rule->program, rule->chain);
	for (i = 0; i <= p->n; i++) {
		if (i == p->out_at)
			nat_append(l, " -o %s", device);
		if (i < p->n)
			nat_append(l, " %s", p->conditions[i]);
	}
	nat_append(l, " -j SNAT --to-source ");
	nat_append_source(l, p, source, "'");
	nat_append(l, "%s%s%s)", p->random ? " --random" : "",
		   p->fully_random ? " --random-fully" : "", p->persistent ? " --persistent" : "");
}

static void nat_say_nft(struct nat_line *l, const struct nat_rule *rule, const struct nat_parts *p,
			const char *device, const struct addr *source)
{
	const char *separator = " ";
	size_t i;

	nat_append(l, "nft 'insert rule %s %s position %u oifname \"%s\"", rule->table, rule->chain,
		   rule->handle, device);
	for (i = 0; i < p->n; i++)
		nat_append(l, " %s", p->conditions[i]);
	nat_append(l, "%s snat %sto ", p->counts ? " counter" : "",
		   strncmp(rule->table, "inet ", 5) != 0 ? ""
		   : source->family == AF_INET6		 ? "ip6 "
							 : "ip ");
	nat_append_source(l, p, source, "");
	if (p->random) {
		nat_append(l, "%srandom", separator);
		separator = ",";
	}
	if (p->fully_random) {
		nat_append(l, "%sfully-random", separator);
		separator = ",";
	}
	if (p->persistent)
		nat_append(l, "%spersistent", separator);
	nat_append(l, "%s%s'", *p->comment ? " comment " : "", p->comment);
}

/* The name in "inet NAME", or "ip NAME"; NULL: it is of no such family. */
static const char *nat_table_name(const char *table)
{
	static const char *const families[] = { "ip ", "ip6 ", "inet " };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		if (!strncmp(table, families[i], strlen(families[i])))
			return table + strlen(families[i]);
	return NULL;
}

static bool nat_names_are_plain(const struct nat_rule *rule, const char *device)
{
	const char *table = nat_table_name(rule->table);

	return table && nat_text_is_plain(table) && nat_text_is_plain(rule->program) &&
	       nat_text_is_plain(rule->chain) && nat_text_is_plain(device) &&
	       !nat_is_wildcard(device);
}

bool nat_rule_command(const struct nat_rule *rule, const struct nat_parts *p, const char *device,
		      const struct addr *source, char ret[NAT_COMMAND_MAX])
{
	struct nat_line l = { .buf = ret, .size = NAT_COMMAND_MAX };

	if (!p->known || (p->is_nft && !rule->handle) || !nat_names_are_plain(rule, device))
		return false;
	if (p->is_nft)
		nat_say_nft(&l, rule, p, device, source);
	else
		nat_say_iptables(&l, rule, p, device, source);
	return !l.overflows;
}
