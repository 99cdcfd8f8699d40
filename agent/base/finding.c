/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/finding.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <vipsafe/base.h>

#include "base/array.h"
#include "base/text.h"

static const char *const severity_words[] = {
	[SEVERITY_NOTE] = "note",
	[SEVERITY_UNSEEN] = "unseen",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
	NULL,
};

const char *severity_name(enum severity s)
{
	return word_of(severity_words, s);
}

void findings_done(struct findings *f)
{
	free(f->list);
	*f = (struct findings){ 0 };
}

static bool finding_already_said(const struct findings *f, const struct finding *one)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (!strcmp(f->list[i].code, one->code) && !strcmp(f->list[i].text, one->text) &&
		    !strcmp(f->list[i].fix, one->fix))
			return true;
	}
	return false;
}

void findings_add(struct findings *f, enum severity severity, const char *code, const char *cure,
		  const char *fmt, ...)
{
	struct finding one = { .severity = severity }, *place = NULL;
	va_list ap;

	snprintf(one.code, sizeof(one.code), "%s", code);
	if (cure && strlen(cure) < sizeof(one.fix) && remedy_is_command(cure))
		snprintf(one.fix, sizeof(one.fix), "%s", cure);
	else if (cure)
		snprintf(one.advice, sizeof(one.advice), "%s", cure);
	va_start(ap, fmt);
	if (vsnprintf(one.text, sizeof(one.text), fmt, ap) < 0)
		one.text[0] = '\0';
	va_end(ap);
	if (finding_already_said(f, &one))
		return;
	if (f->n < FINDINGS_MAX)
		place = array_append(&f->list, &f->n, sizeof(*place));
	if (place)
		*place = one;
	else
		f->dropped++;
}

void findings_append(struct findings *f, const struct findings *other)
{
	size_t i;

	for (i = 0; i < other->n; i++) {
		const struct finding *one = &other->list[i];

		findings_add(f, one->severity, one->code, *one->fix ? one->fix : one->advice, "%s",
			     one->text);
	}
	f->dropped += other->dropped;
}

bool findings_have(const struct findings *f, const char *code)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (!strcmp(f->list[i].code, code))
			return true;
	}
	return false;
}

enum exit_code findings_exit_code(const struct findings *f)
{
	enum severity worst = f->dropped ? SEVERITY_UNSEEN : SEVERITY_NOTE;
	size_t i;

	for (i = 0; i < f->n; i++)
		worst = MAX(worst, f->list[i].severity);
	switch (worst) {
	case SEVERITY_NOTE:
		return EXIT_DONE;
	case SEVERITY_UNSEEN:
	case SEVERITY_WARNING:
		return EXIT_WARNINGS;
	case SEVERITY_CRITICAL:
		return EXIT_CRITICAL;
	}
	return EXIT_CRITICAL;
}

/* tests/netns/fixes.sh finds this list by its marks, and pastes each command. */
static const char *const commands[] = {
	/* begin of commands */
	"sudo vipsafe probe",
	"sudo vipsafe doctor",
	"vipsafe probe",
	"vipsafe recover",
	"vipsafe lvs check",
	"vipsafe doctor",
	"vipsafe history %s",
	"vipsafe reload",
	"vipsafe -v status",
	"(set -C && mkdir -p /etc/vipsafe/conf.d && echo '[device %s]' "
	">/etc/vipsafe/conf.d/%s.conf) && systemctl enable --now vipsafed",
	"(set -C && mkdir -p /etc/vipsafe/conf.d && echo '[device %s]' "
	">/etc/vipsafe/conf.d/%s.conf) && vipsafe reload",
	"systemctl start vipsafed",
	"systemctl enable --now vipsafed",
	"systemctl restart vipsafed",
	"modprobe nf_conntrack_netlink",
	"sysctl -w net.netfilter.nf_conntrack_max=%s",
	"echo %s > /sys/module/nf_conntrack/parameters/hashsize",
	"sysctl -w net.netfilter.nf_conntrack_events=1",
	"sysctl -w net.netfilter.nf_conntrack_tcp_loose=1",
	"sysctl -w net.ipv4.conf.%s.promote_secondaries=1",
	"sysctl -w net.ipv4.conf.%s.rp_filter=2",
	"iptables -I INPUT -p tcp -m conntrack --ctstate INVALID -j DROP",
	"ip6tables -I INPUT -p tcp -m conntrack --ctstate INVALID -j DROP",
	"iptables -I INPUT -p tcp -m conntrack --ctstate INVALID -j DROP && "
	"ip6tables -I INPUT -p tcp -m conntrack --ctstate INVALID -j DROP",
	"nft 'table ip drop_invalid { chain input { type filter hook input priority 0; "
	"meta l4proto tcp ct state invalid drop; }; }'",
	"nft 'table ip6 drop_invalid { chain input { type filter hook input priority 0; "
	"meta l4proto tcp ct state invalid drop; }; }'",
	"nft 'table inet drop_invalid { chain input { type filter hook input priority 0; "
	"meta l4proto tcp ct state invalid drop; }; }'",
	"(for p in iptables ip6tables; do $p-legacy-save | "
	"sed '/^:VIPSAFE-/d;/^-A VIPSAFE-/d;/-j VIPSAFE-/d;/^:[^ ]* [A-Z]/d;"
	"s/^:\\([^ ]*\\) .*/-N \\1/' | $p-nft-restore --noflush || exit; done)",
	"chown root:root %s && chmod 755 %s",
	"chown root:root %s && chmod go-w %s",
	"chmod +x %s",
	"usermod -a -G %s %s",
	"(n=$(%s -w -t nat -S %s | grep -nxF -m 1 -e '%q') && "
	"%s -w -t nat -I %s $((${n%%:*} - 1)) %w -j SNAT --to-source %w)",
	"nft 'insert rule %q'",
	/* end of commands */
};

/* Written by keepalived/script.c, which checks the words itself. */
#define EDITS "sed -i --follow-symlinks '"

static bool remedy_is_text(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_./:=+@%,-", c));
}

/* What can stand in quotes. */
static bool remedy_is_quoted(char c)
{
	return c >= 0x20 && c < 0x7f && c != '\'';
}

/* How many bytes of TEXT are words, some of them in quotes. */
static size_t remedy_words(const char *text)
{
	size_t n = 0, k;

	for (;;) {
		if (text[n] == '\'') {
			for (k = n + 1; remedy_is_quoted(text[k]);)
				k++;
			if (text[k] != '\'')
				return n;
			n = k + 1;
		} else if (remedy_is_text(text[n]) || text[n] == ' ' || text[n] == '!') {
			n++;
		} else {
			return n;
		}
	}
}

/* The most that the placeholder KIND can stand for at TEXT. */
static size_t remedy_run(const char *text, char kind)
{
	size_t n = 0;

	if (kind == 'w')
		return remedy_words(text);
	if (kind == 's' && *text == '-')
		return 0;
	while (kind == 's' ? remedy_is_text(text[n]) : remedy_is_quoted(text[n]))
		n++;
	return n;
}

static bool matches(const char *text, const char *command)
{
	size_t n;

	for (; *command; command++, text++) {
		if (command[0] == '%' && command[1] && strchr("sqw", command[1]))
			break;
		if (*text != *command)
			return false;
	}
	if (!*command)
		return !*text;
	for (n = remedy_run(text, command[1]); n; n--)
		if (matches(text + n, command + 2))
			return true;
	return false;
}

bool remedy_is_command(const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (matches(text, commands[i]))
			return true;
	return !strncmp(text, EDITS, strlen(EDITS));
}
