/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/remedy.h"

#include <ctype.h>
#include <string.h>

#include <vipsafe/base.h>

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
	/* end of commands */
};

/* Written by keepalived/script_message.c, which checks the words itself. */
#define EDITS "sed -i --follow-symlinks '"

static bool remedy_is_text(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_./:=+@%,-", c));
}

static bool matches(const char *text, const char *command)
{
	size_t n = 0;

	for (; *command; command++, text++) {
		if (command[0] == '%' && command[1] == 's')
			break;
		if (*text != *command)
			return false;
	}
	if (!*command)
		return !*text;
	while (remedy_is_text(text[n]))
		n++;
	for (; n && *text != '-'; n--)
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
