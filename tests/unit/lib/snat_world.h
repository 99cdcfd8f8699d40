/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node with three devices, and what the doctor says about its NAT rules. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <vipsafe/base.h>

#include "cli/firewall.h"
#include "cli/snat.h"

static const struct addr v4 = { AF_INET, { 192, 0, 2, 7 } };
static const struct addr v6 = { AF_INET6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 } };

/* eth0 leads out, eth1 and docker0 do not. */
static struct snat_device devices[3];

static inline void set_devices(void)
{
	static const char *const names[] = { "eth0", "eth1", "docker0" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		snat_device_init(&devices[i], names[i], (int)i + 1, i == 0);
		devices[i].source[FIREWALL_IPV4].fit = SNAT_FITS;
		devices[i].source[FIREWALL_IPV4].addr = v4;
		devices[i].source[FIREWALL_IPV6].fit = SNAT_FITS;
		devices[i].source[FIREWALL_IPV6].addr = v6;
	}
}

enum program { IPTABLES, LEGACY, IP6TABLES, NFT };

/* What is found about TEXT, lines of PROGRAM. */
static inline struct findings advise(enum program program, const char *text,
				     struct snat_result *ret)
{
	static const char *const names[] = { "iptables-save", "iptables-legacy-save",
					     "ip6tables-save", "nft" };
	struct firewall_reader *r = firewall_reader_new();
	struct findings found = { 0 };
	struct nat_rules rules;
	struct firewall f;
	const char *p, *end;
	char one[512];

	assert_non_null(r);
	firewall_begin(r, names[program], false);
	for (p = text; *p; p = end + 1) {
		end = strchr(p, '\n');
		snprintf(one, sizeof(one), "%.*s", (int)(end - p), p);
		if (program == NFT)
			firewall_nft_line(r, one);
		else if (program == IP6TABLES)
			firewall_ip6tables_line(r, one);
		else
			firewall_iptables_line(r, one);
	}
	firewall_reader_result(r, &f);
	firewall_reader_nat(r, &rules);
	firewall_reader_free(r);
	snat_advise(&f, &rules, devices, ARRAY_SIZE(devices), SEVERITY_WARNING, ret, &found);
	nat_rules_done(&rules);
	return found;
}

/* Line I of those that are printed; "": there are less. */
static inline const char *line_of(const struct findings *f, size_t i)
{
	size_t k;

	for (k = 0; k < f->n; k++) {
		assert_true(strlen(f->list[k].advice) < FINDING_TEXT_MAX - 1);
		if (!strcmp(f->list[k].code, "snat")) {
			assert_true(*f->list[k].fix);
			if (!i--)
				return f->list[k].fix;
		}
	}
	return "";
}

static inline const char *refusal_of(const struct findings *f)
{
	size_t k;

	for (k = 0; k < f->n; k++)
		if (!strcmp(f->list[k].code, "snat-not-advised"))
			return f->list[k].advice;
	return "";
}
