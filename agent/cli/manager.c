/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/manager.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/os.h"
#include "base/request.h"
#include "base/text.h"
#include "cli/process.h"

#define STATE_LINE_MAX 512
#define STATE_PATH_MAX 256

/* ---- programs ----------------------------------------------------------------------------- */

static void take_client(struct manager_programs *p, enum manager kind, const char *pid)
{
	struct manager_client *c = &p->clients[p->n_clients];
	_cleanup_close_ int fd = -1;
	char path[64];

	if (p->n_clients == MANAGER_CLIENTS_MAX || !process_is_here(pid))
		return;
	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	memset(c->words, 0, sizeof(c->words));
	/* a longer one is cut: its last word then is none, as it has no end */
	(void)os_read_all(fd, c->words, sizeof(c->words) - 1, &c->size);
	c->kind = kind;
	p->n_clients++;
}

void manager_take_process(struct manager_programs *p, const char *pid, const char *comm)
{
	static const struct {
		const char *comm;
		enum manager kind;
	} clients[] = {
		{ "dhclient", MANAGER_DHCLIENT },
		{ "dhcpcd", MANAGER_DHCPCD },
		{ "udhcpc", MANAGER_UDHCPC },
		{ "udhcpc6", MANAGER_UDHCPC },
	};
	size_t i;

	if (!strcmp(comm, "NetworkManager"))
		p->networkmanager = p->networkmanager || process_is_here(pid);
	if (!strcmp(comm, "wickedd"))
		p->wicked = p->wicked || process_is_here(pid);
	for (i = 0; i < ARRAY_SIZE(clients); i++)
		if (!strcmp(comm, clients[i].comm))
			take_client(p, clients[i].kind, pid);
}

/* "eth0", "-ieth0", "--interface=eth0", or "dhcpcd: eth0 [ip4]" as dhcpcd renames itself. */
static bool word_names(const char *word, const char *device)
{
	size_t n = strlen(device);

	if (!strncmp(word, "dhcpcd: ", 8))
		return !strncmp(word + 8, device, n) && (!word[8 + n] || word[8 + n] == ' ');
	if (!strncmp(word, "-i", 2) && !strcmp(word + 2, device))
		return true;
	if (!strncmp(word, "--interface=", 12))
		word += 12;
	return !strcmp(word, device);
}

bool manager_is_for(const struct manager_client *c, const char *device)
{
	const char *at = c->words, *end = c->words + c->size, *next;

	for (; at < end && (next = memchr(at, '\0', (size_t)(end - at))); at = next + 1)
		if (word_names(at, device))
			return true;
	return false;
}

/* One that names no device leases for all. */
static bool is_for_all(const struct manager_client *c)
{
	const char *at = c->words, *end = c->words + c->size, *next;
	bool names = false;

	if (c->kind != MANAGER_DHCPCD)
		return false;
	if (!strncmp(at, "dhcpcd: [ma", 11)) /* manager, master */
		return true;
	for (; at < end && (next = memchr(at, '\0', (size_t)(end - at))); at = next + 1)
		names = names || (at != c->words && *at && *at != '-');
	return !names && strncmp(c->words, "dhcpcd: ", 8) != 0;
}

static enum manager manager_client_of(const struct manager_programs *p, const char *device,
				      bool leased)
{
	enum manager all = MANAGER_NONE;
	size_t i;

	for (i = 0; i < p->n_clients; i++) {
		if (manager_is_for(&p->clients[i], device))
			return p->clients[i].kind;
		if (leased && is_for_all(&p->clients[i]))
			all = p->clients[i].kind;
	}
	return all;
}

/* ---- state files -------------------------------------------------------------------------- */

bool manager_read_state(const char *path, const char *key, char *ret, size_t size)
{
	char line[STATE_LINE_MAX];
	bool found = false;
	FILE *f = fopen(path, "re");

	while (f && !found && fgets(line, sizeof(line), f)) {
		found = !strncmp(line, key, strlen(key));
		if (found)
			snprintf(ret, size, "%.*s", (int)strcspn(line + strlen(key), "\r\n"),
				 line + strlen(key));
	}
	if (f)
		fclose(f);
	return found;
}

static enum manager by_networkd_state(int ifindex)
{
	char path[64], state[32] = "", file[STATE_PATH_MAX];

	snprintf(path, sizeof(path), "/run/systemd/netif/links/%d", ifindex);
	manager_read_state(path, "ADMIN_STATE=", state, sizeof(state));
	if (!strcmp(state, "unmanaged") ||
	    !manager_read_state(path, "NETWORK_FILE=", file, sizeof(file)))
		return MANAGER_NONE;
	return strstr(file, "/10-netplan-") ? MANAGER_NETPLAN : MANAGER_NETWORKD;
}

/* For each device with a connection there is a file, since NetworkManager 1.8 or so. */
static bool by_networkmanager_state(int ifindex)
{
	char path[64], uuid[64];

	snprintf(path, sizeof(path), "/run/NetworkManager/devices/%d", ifindex);
	return manager_read_state(path, "connection-uuid=", uuid, sizeof(uuid));
}

/* Whether the next word at *AT is WORD; *AT is behind it afterwards. */
static bool take_word(const char **at, const char *word)
{
	const char *begin = *at + strspn(*at, " \t");
	size_t n = strcspn(begin, " \t\r\n");

	*at = begin + n;
	return n == strlen(word) && !strncmp(begin, word, n);
}

/* A line "iface DEVICE FAMILY METHOD" where the method adds addresses. */
static bool is_iface_line(const char *line, const char *device)
{
	if (!take_word(&line, "iface") || !take_word(&line, device))
		return false;
	(void)take_word(&line, "inet");
	return !take_word(&line, "manual");
}

static bool interfaces_have(const char *path, const char *device)
{
	char line[STATE_LINE_MAX];
	bool found = false;
	FILE *f = fopen(path, "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = is_iface_line(line, device);
	if (f)
		fclose(f);
	return found;
}

/* What is up is in ifstate; what is only configured is brought up again by hand. */
static bool by_ifupdown_files(const char *device)
{
	char key[DEVICE_NAME_MAX + 1], rest[64];
	glob_t files = { 0 };
	bool found = false;
	size_t i;

	snprintf(key, sizeof(key), "%s=", device);
	if (!manager_read_state("/run/network/ifstate", key, rest, sizeof(rest)))
		return false;
	if (interfaces_have("/etc/network/interfaces", device))
		return true;
	if (glob("/etc/network/interfaces.d/*", 0, NULL, &files) == 0)
		for (i = 0; i < files.gl_pathc && !found; i++)
			found = interfaces_have(files.gl_pathv[i], device);
	globfree(&files);
	return found;
}

/* Of the RHEL family (also where an old NetworkManager reads them) and of SUSE. */
static enum manager by_ifcfg(const struct manager_programs *p, const char *device)
{
	char path[STATE_PATH_MAX], controlled[16] = "";

	snprintf(path, sizeof(path), "/etc/sysconfig/network/ifcfg-%s", device);
	if (p->wicked && access(path, F_OK) == 0)
		return MANAGER_WICKED;
	snprintf(path, sizeof(path), "/etc/sysconfig/network-scripts/ifcfg-%s", device);
	if (access(path, F_OK) < 0)
		return MANAGER_NONE;
	manager_read_state(path, "NM_CONTROLLED=", controlled, sizeof(controlled));
	return p->networkmanager && !strstr(controlled, "no") ? MANAGER_NETWORKMANAGER
							      : MANAGER_SCRIPTS;
}

void manager_look(const struct manager_programs *p, const char *device, int ifindex,
		  struct manager_facts *m)
{
	m->client = manager_client_of(p, device, m->leased > 0);
	m->manager = by_networkd_state(ifindex);
	if (!m->manager && by_networkmanager_state(ifindex))
		m->manager = MANAGER_NETWORKMANAGER;
	if (!m->manager && by_ifupdown_files(device))
		m->manager = MANAGER_IFUPDOWN;
	if (!m->manager)
		m->manager = by_ifcfg(p, device);
	if (!m->manager)
		m->manager = m->client;
	if (!m->manager && m->leased)
		m->manager = MANAGER_LEASE;
}

/* ---- what it means ------------------------------------------------------------------------ */

static const struct {
	const char *name, *deed;
} manager_words[] = {
	[MANAGER_NONE] = { "nobody", "" },
	[MANAGER_NETWORKMANAGER] = { "NetworkManager", "\"nmcli connection up\"" },
	[MANAGER_NETWORKD] = { "systemd-networkd", "its restart or \"networkctl reconfigure\"" },
	[MANAGER_NETPLAN] = { "netplan", "\"netplan apply\"" },
	[MANAGER_IFUPDOWN] = { "ifupdown", "\"ifdown\" and \"ifup\"" },
	[MANAGER_WICKED] = { "wicked", "\"wicked ifreload\"" },
	[MANAGER_SCRIPTS] = { "network-scripts", "\"systemctl restart network\"" },
	[MANAGER_DHCLIENT] = { "dhclient", "its restart" },
	[MANAGER_DHCPCD] = { "dhcpcd", "its restart" },
	[MANAGER_UDHCPC] = { "udhcpc", "its restart" },
	[MANAGER_LEASE] = { "somebody", "a restart of whoever it is" },
};

const char *manager_name(const struct manager_facts *m)
{
	enum manager who = m->leased && m->client ? m->client : m->manager;

	return who == MANAGER_NONE ? "" : manager_words[who].name;
}

bool manager_endangers(const struct manager_facts *m)
{
	return m->manager != MANAGER_NONE && !(m->guarded && m->linger);
}

/* "NetworkManager configures it", "dhclient leases 192.0.2.7/24 (3412 s left)". */
static void describe_manager(const struct manager_facts *m, char *buf, size_t size)
{
	enum manager who = m->client ? m->client : m->manager;
	char prefix[PREFIX_TEXT_MAX];

	if (!m->leased)
		snprintf(buf, size, "%s configures it", manager_words[m->manager].name);
	else
		snprintf(buf, size, "%s leases %s (%u s left)", manager_words[who].name,
			 prefix_format(&m->lease, prefix), m->left);
}

void manager_diagnose(const char *device, const struct manager_facts *m, struct findings *ret)
{
	enum severity severity = manager_endangers(m) ? SEVERITY_WARNING : SEVERITY_NOTE;
	char who[160], linger[DURATION_TEXT_MAX], cure[DEVICE_NAME_MAX + 96];

	if (m->manager == MANAGER_NONE)
		return;
	describe_manager(m, who, sizeof(who));
	duration_format(m->linger, linger);
	if (!m->guarded)
		snprintf(cure, sizeof(cure), "a section [device %s] in vipsafe.conf, and vipsafed",
			 device);
	else
		snprintf(cure, sizeof(cure),
			 "linger = %s in section [device %s]%s, then: vipsafe reload",
			 m->linger ? "30s" : "5s", device,
			 m->linger ? " if it takes longer than now" : "");
	findings_add(ret, severity, "address-managed", cure,
		     "%s: %s; %s%s may take addresses away and put them back: what is "
		     "masqueraded to them %s%s",
		     device, who, manager_words[m->manager].deed,
		     m->leased ? " or the end of a lease" : "",
		     m->guarded && m->linger ? "is then kept if they are back within linger = "
		     : m->guarded	     ? "is then lost (linger = 0)"
					     : "is then lost, on every kernel (no guard)",
		     m->guarded && m->linger ? linger : "");
}
