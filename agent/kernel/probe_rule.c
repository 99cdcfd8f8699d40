/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/probe_rule.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <vipsafe/base.h>

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool is_program(const char *name)
{
	char path[PROGRAM_PATH_MAX];

	return program_find(name, path) == 0;
}

size_t probe_rule_tools(uint8_t family, enum probe_tool ret[PROBE_TOOL_COUNT], const char **ret_why)
{
	bool is_v4 = family == AF_INET;
	struct probe_node node = {
		.legacy_nat =
			exists(is_v4 ? "/sys/module/iptable_nat" : "/sys/module/ip6table_nat"),
		.nf_tables = exists("/sys/module/nf_tables"),
		.ip_tables = exists("/sys/module/ip_tables"),
		.has_legacy = is_program(is_v4 ? "iptables-legacy" : "ip6tables-legacy"),
		.has_nft = is_program(is_v4 ? "iptables-nft" : "ip6tables-nft"),
	};
	struct utsname u;

	node.release = uname(&u) == 0 ? u.release : "";
	return probe_choose(&node, ret, ret_why);
}

/* The probe as a whole has a deadline, and takes with it what it started. */
static int run_program(char *const argv[], bool private_run, char error[PROBE_ERROR_MAX])
{
	const struct program p = {
		.argv = argv,
		.timeout = USEC_NEVER,
		.private_run = private_run,
	};

	return program_run(&p, error);
}

/* As one argument, which every nft takes ("-f -" came later). Before Linux
 * 4.18 an iptables NAT table at priority 100 would see the packet first and
 * settle it as not translated: come earlier. */
static int install_nft(uint8_t family, const char *device, char error[PROBE_ERROR_MAX])
{
	const char *f = family == AF_INET ? "ip" : "ip6";
	char rules[384];
	char *argv[] = { "nft", rules, NULL };

	snprintf(rules, sizeof(rules),
		 "add table %s vipsafe_probe; "
		 "add chain %s vipsafe_probe post "
		 "{ type nat hook postrouting priority 90 ; }; "
		 "add rule %s vipsafe_probe post oifname \"%s\" masquerade",
		 f, f, f, device);
	return run_program(argv, false, error);
}

static int install_iptables(uint8_t family, bool legacy, const char *device,
			    char error[PROBE_ERROR_MAX])
{
	char name[32], dev[32];
	char *argv[] = {
		name, "-t", "nat", "-A", "POSTROUTING", "-o", dev, "-j", "MASQUERADE", NULL
	};

	snprintf(name, sizeof(name), "%s%s", family == AF_INET ? "iptables" : "ip6tables",
		 legacy ? "-legacy" : "");
	snprintf(dev, sizeof(dev), "%s", device);
	return run_program(argv, true, error);
}

int probe_rule_install(enum probe_tool tool, uint8_t family, const char *device,
		       char error[PROBE_ERROR_MAX])
{
	error[0] = '\0';
	switch (tool) {
	case PROBE_NFT:
		return install_nft(family, device, error);
	case PROBE_IPTABLES:
		return install_iptables(family, false, device, error);
	case PROBE_IPTABLES_LEGACY:
		return install_iptables(family, true, device, error);
	case PROBE_TOOL_COUNT:
		break;
	}
	return -EINVAL;
}
