/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who configures a device of this node, and who adds an address. Nothing is asked of a daemon: what
 * they leave in files says enough. */
#include "cli/lasting.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/cli.h"
#include "cli/keepalived.h"
#include "cli/localnet.h"
#include "cli/manager.h"
#include "keepalived/instance_settings.h"
#include "keepalived/vrrp.h"

#define STATE_LINE_MAX 512
#define KEEPALIVED_CONF "/etc/keepalived/keepalived.conf"

/* ---- who configures the device ------------------------------------------------------------ */

static bool by_networkd(unsigned ifindex, struct lasting *l)
{
	char path[LASTING_PATH_MAX], state[64] = "";
	const char *name;

	snprintf(path, sizeof(path), "/run/systemd/netif/links/%u", ifindex);
	manager_read_state(path, "ADMIN_STATE=", state, sizeof(state));
	if (!strcmp(state, "unmanaged") ||
	    !manager_read_state(path, "NETWORK_FILE=", l->network_file, sizeof(l->network_file)))
		return false;
	name = strrchr(l->network_file, '/');
	l->manager =
		name && strstr(name, "/10-netplan-") == name ? LASTING_NETPLAN : LASTING_NETWORKD;
	return true;
}

/* NetworkManager has a file for each device, with a connection for what it configures itself. */
static bool by_networkmanager(unsigned ifindex)
{
	char path[LASTING_PATH_MAX], uuid[64];

	snprintf(path, sizeof(path), "/run/NetworkManager/devices/%u", ifindex);
	return manager_read_state(path, "connection-uuid=", uuid, sizeof(uuid));
}

static bool by_ifupdown(const char *device)
{
	char key[DEVICE_NAME_MAX + 1], rest[64];

	snprintf(key, sizeof(key), "%s=", device);
	return manager_read_state("/run/network/ifstate", key, rest, sizeof(rest));
}

static void look_for_manager(struct lasting *l)
{
	unsigned ifindex = localnet_index(l->from);

	if (by_networkd(ifindex, l))
		return;
	if (by_networkmanager(ifindex))
		l->manager = LASTING_NETWORKMANAGER;
	else if (by_ifupdown(l->from))
		l->manager = LASTING_IFUPDOWN;
}

/* ---- who adds the address ----------------------------------------------------------------- */

static bool by_keepalived_conf(const struct vrrp_conf *c, struct lasting *l)
{
	size_t i, k;

	for (i = 0; i < c->n_instances; i++) {
		const struct vrrp_instance *v = &c->instances[i];

		for (k = 0; k < v->n_addresses; k++) {
			const struct vrrp_address *a = &v->addresses[k];

			if (!a->valid || !addr_equal(&a->prefix.addr, &l->vip.addr))
				continue;
			l->owner = LASTING_KEEPALIVED;
			snprintf(l->owner_file, sizeof(l->owner_file), "%s", a->at->file);
			snprintf(l->owner_place, sizeof(l->owner_place),
				 "line %u (vrrp_instance %.64s)", a->at->line, v->name);
			return true;
		}
	}
	return false;
}

static bool by_keepalived(struct lasting *l)
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *conf = NULL;
	struct vrrp_conf vrrp;
	struct request_error e;
	bool found;

	if (keepalived_open(KEEPALIVED_CONF, &conf, &e) < 0 ||
	    vrrp_conf_read(conf, NULL, &vrrp) < 0)
		return false;
	found = by_keepalived_conf(&vrrp, l);
	vrrp_conf_done(&vrrp);
	return found;
}

static bool by_vipsafe(const struct cli *cli, struct lasting *l)
{
	const struct settings *s = &cli->settings;
	size_t i, k;

	for (i = 0; i < s->n_instances; i++) {
		const struct instance_settings *one = &s->instances[i];

		for (k = 0; one->owner == OWNER_VIPSAFE && k < one->n_addresses; k++) {
			if (!addr_equal(&one->addresses[k].vip.prefix.addr, &l->vip.addr))
				continue;
			l->owner = LASTING_VIPSAFE;
			snprintf(l->owner_file, sizeof(l->owner_file), "%s",
				 cli->options.config ? cli->options.config : "vipsafe.conf");
			snprintf(l->owner_place, sizeof(l->owner_place), "[instance %.64s]",
				 one->name);
			return true;
		}
	}
	return false;
}

/* Whether LINE, of a file of any network manager, gives a device the address TEXT: it is there as a
 * whole, and not as a gateway or the like. */
static bool lasting_line_has(const char *line, const char *text)
{
	static const char *const others[] = { "gateway", "dns",	 "route",	"via",
					      "server",	 "peer", "destination", NULL };
	const char *at = line;
	size_t i, n = strlen(text);

	if (line[strspn(line, " \t")] == '#' || line[strspn(line, " \t")] == ';')
		return false;
	for (i = 0; others[i]; i++)
		if (strcasestr(line, others[i]))
			return false;
	while ((at = strcasestr(at, text))) {
		bool begins =
			at == line || (!isalnum((unsigned char)at[-1]) && !strchr(".:", at[-1]));
		bool ends = !at[n] || (!isalnum((unsigned char)at[n]) && !strchr(".:", at[n]));

		if (begins && ends)
			return true;
		at++;
	}
	return false;
}

static bool lasting_file_has(const char *path, const char *text)
{
	char line[STATE_LINE_MAX];
	bool found = false;
	FILE *f = fopen(path, "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = lasting_line_has(line, text);
	if (f)
		fclose(f);
	return found;
}

static bool by_manager(struct lasting *l)
{
	static const char *const places[] = {
		"/etc/netplan/*.yaml",
		"/etc/network/interfaces",
		"/etc/network/interfaces.d/*",
		"/etc/systemd/network/*.network",
		"/etc/systemd/network/*.network.d/*.conf",
		"/etc/NetworkManager/system-connections/*",
		"/etc/sysconfig/network-scripts/ifcfg-*",
		"/etc/sysconfig/network/ifcfg-*",
	};
	char text[PREFIX_TEXT_MAX], own[DEVICE_NAME_MAX + 16];
	size_t i, k;

	addr_format(&l->vip.addr, text);
	snprintf(own, sizeof(own), "vipsafe-%s.", l->device);
	for (i = 0; i < ARRAY_SIZE(places) && l->owner == LASTING_UNKNOWN; i++) {
		glob_t found = { 0 };

		if (glob(places[i], 0, NULL, &found) != 0)
			continue;
		for (k = 0; k < found.gl_pathc && l->owner == LASTING_UNKNOWN; k++) {
			if (strstr(found.gl_pathv[k], own) ||
			    !lasting_file_has(found.gl_pathv[k], text))
				continue;
			l->owner = LASTING_MANAGER;
			snprintf(l->owner_file, sizeof(l->owner_file), "%s", found.gl_pathv[k]);
		}
		globfree(&found);
	}
	return l->owner == LASTING_MANAGER;
}

/* ---- all of it ---------------------------------------------------------------------------- */

void lasting_look(const struct cli *cli, const struct prefix *vip, const char *from,
		  const char *device, bool is_macvlan, const char *mac, struct lasting *ret)
{
	bool ipv6 = vip->addr.family == AF_INET6;
	struct lasting l = { .vip = { vip->addr, ipv6 ? 128 : 32 }, .is_macvlan = is_macvlan };

	snprintf(l.from, sizeof(l.from), "%s", from);
	snprintf(l.device, sizeof(l.device), "%s", device);
	snprintf(l.mac, sizeof(l.mac), "%s", mac);
	look_for_manager(&l);
	if (!by_keepalived(&l) && !by_vipsafe(cli, &l))
		by_manager(&l);
	*ret = l;
}
