/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iptables-save and nft print, as the doctor reads it. */
#include "lib/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "cli/firewall.h"

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
			firewall_begin(r);
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
