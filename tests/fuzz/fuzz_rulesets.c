/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iptables-save and nft print, as the doctor reads it. */
#include "lib/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/finding.h"
#include "cli/firewall.h"

/* Whatever a rule has in it, the line with SNAT is one that a shell takes for what it is. */
static void said_again(struct firewall_reader *r)
{
	static const struct addr source[] = { { AF_INET, { 192, 0, 2, 7 } },
					      { AF_INET6, { 0xfd, [15] = 7 } } };
	char command[NAT_COMMAND_MAX];
	struct nat_rules rules;
	struct nat_parts parts;
	size_t i;

	firewall_reader_nat(r, &rules);
	for (i = 0; i < rules.n; i++) {
		nat_rule_parse(&rules.list[i], &parts);
		if (nat_rule_command(&rules.list[i], &parts, "eth0", &source[i % 2], command))
			CLAIM(remedy_is_command(command));
	}
	nat_rules_done(&rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	bool nft = input_byte(&in) & 1, complains;
	enum firewall_family family;
	char *text = input_text(in.data, in.left), *line, *next;
	struct firewall_reader *r = firewall_reader_new();
	struct firewall f;
	unsigned lines = 0;

	CLAIM(r);
	for (line = text; line; line = next) {
		next = strchr(line, '\n');
		lines++;
		if (next)
			*next++ = '\0';
		/* a line that names a program begins it */
		complains = nft && !strncmp(line, "XT ", 3);
		if (!strncmp(line, "# nft", 5) || !strncmp(line, "# Generated", 11)) {
			nft = line[2] == 'n';
			firewall_begin(r, nft ? "nft" : "iptables-save", false);
		}
		if (complains)
			firewall_nft_complaint(r, line);
		else if (nft)
			firewall_nft_line(r, line);
		else if (strstr(line, "ip6"))
			firewall_ip6tables_line(r, line);
		else
			firewall_iptables_line(r, line);
	}
	firewall_reader_result(r, &f);
	said_again(r);
	CLAIM(f.random <= f.masquerades);
	CLAIM(f.masquerades <= lines); /* not rules: one may have a chain of its own */
	CLAIM(!f.masquerades == !*f.masquerade);
	for (family = FIREWALL_IPV4; family < FIREWALL_FAMILIES; family++)
		CLAIM(f.invalid[family].input <= FIREWALL_UNCLEAR);
	CLAIM(memchr(f.masquerade, '\0', sizeof(f.masquerade)));
	firewall_reader_free(r);
	free(text);
	return 0;
}
