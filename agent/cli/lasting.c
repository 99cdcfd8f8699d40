/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/lasting.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <jansson.h>

#include "base/text.h"

/* Of files that systemd-networkd reads; before those that match any device. */
#define NETWORKD_DIR "/etc/systemd/network"
#define INTERFACES "/etc/network/interfaces"

/* Whether the shell, systemd, ifupdown and an ini file read C as it is. */
static bool is_plain_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_.:@/-", c));
}

static bool lasting_is_plain(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (!is_plain_char(name[i]))
			return false;
	return *name && *name != '-';
}

static bool lasting_is_ipv6(const struct lasting *l)
{
	return l->vip.addr.family == AF_INET6;
}

static bool lasting_is_static(const struct lasting *l)
{
	return l->owner == LASTING_MANAGER;
}

/* ---- pieces of a script ------------------------------------------------------------------- */

static void lasting_say(FILE *out, const char *fmt, ...) _printf_(2, 3);

/* A line for whoever reads it. */
static void lasting_say(FILE *out, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	text_line_va(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(out, "#%s%s\n", *line ? " " : "", line);
}

/* The lines up to lasting_file_end() go into the new file PATH, which the shell does not write
 * over. */
static void lasting_file_begin(FILE *out, const char *path, bool secret)
{
	fprintf(out, "(%sset -C; cat >%s) <<'EOF'\n", secret ? "umask 077; " : "", path);
}

static void lasting_file_end(FILE *out)
{
	fputs("EOF\n", out);
}

static const char *lasting_kind(const struct lasting *l)
{
	return l->is_macvlan ? "macvlan" : "dummy";
}

/* The words of ip(8) that make the device. */
static void lasting_put_ip_link(const struct lasting *l, FILE *out)
{
	fprintf(out, "ip link add%s%s name %s%s%s type %s%s", l->is_macvlan ? " link " : "",
		l->is_macvlan ? l->from : "", l->device, *l->mac ? " address " : "", l->mac,
		lasting_kind(l), l->is_macvlan ? " mode bridge" : "");
}

/* ---- the kernel's settings of the new device ---------------------------------------------- */

static void settings_path(const struct lasting *l, char path[LASTING_PATH_MAX])
{
	snprintf(path, LASTING_PATH_MAX, "/etc/sysctl.d/90-vipsafe-%s.conf", l->device);
}

/* Whether the device can be given its alias: one that needs no quoting but for its spaces. */
static bool has_alias(const struct lasting *l)
{
	size_t i;

	for (i = 0; l->alias[i]; i++)
		if (!is_plain_char(l->alias[i]) && l->alias[i] != ' ')
			return false;
	return i > 0;
}

/* udev gives a device its alias when it appears. */
static void lasting_put_alias(const struct lasting *l, FILE *out)
{
	char path[LASTING_PATH_MAX];

	if (!has_alias(l))
		return;
	fputs("mkdir -p " NETWORKD_DIR "\n", out);
	snprintf(path, sizeof(path), NETWORKD_DIR "/05-vipsafe-%s.link", l->device);
	lasting_file_begin(out, path, false);
	fprintf(out, "[Match]\nOriginalName=%s\n\n[Link]\nAlias=%s\n", l->device, l->alias);
	lasting_file_end(out);
}

/* udev applies the file when the device appears. A slash separates the parts of a key, since a name
 * may have dots. */
static void lasting_put_settings(const struct lasting *l, FILE *out)
{
	char path[LASTING_PATH_MAX];
	size_t i;

	if (!l->n_settings)
		return;
	settings_path(l, path);
	lasting_file_begin(out, path, false);
	for (i = 0; i < l->n_settings; i++)
		fprintf(out, "net/%s/conf/%s/%s = %s\n", l->settings[i].family, l->device,
			l->settings[i].key, l->settings[i].value);
	lasting_file_end(out);
}

/* ---- the device, by manager --------------------------------------------------------------- */

/* An Address= where nobody else adds it. */
static void lasting_put_networkd_address(const struct lasting *l, FILE *out)
{
	char vip[PREFIX_TEXT_MAX];

	if (!lasting_is_static(l))
		return;
	fprintf(out, "\n[Address]\nAddress=%s\n", prefix_format(&l->vip, vip));
	if (lasting_is_ipv6(l))
		fputs("DuplicateAddressDetection=none\nAddPrefixRoute=false\n", out);
}

static void lasting_put_networkd_parent(const struct lasting *l, FILE *out)
{
	const char *name = strrchr(l->network_file, '/');

	if (!name) {
		lasting_say(out, "Add to section [Network] of the .network file of %s:", l->from);
		lasting_say(out, "    MACVLAN=%s", l->device);
		return;
	}
	lasting_say(out, "An old systemd, such as 219, does not read the next file: there,");
	lasting_say(out, "add MACVLAN=%s to [Network] of", l->device);
	lasting_say(out, "%s", l->network_file);
	fprintf(out, "mkdir -p " NETWORKD_DIR "%s.d\n", name);
	fprintf(out, "(set -C; cat >" NETWORKD_DIR "%s.d/vipsafe-%s.conf) <<'EOF'\n", name,
		l->device);
	fprintf(out, "[Network]\nMACVLAN=%s\n", l->device);
	lasting_file_end(out);
}

static void lasting_put_networkd(const struct lasting *l, FILE *out)
{
	char path[LASTING_PATH_MAX];

	if (l->manager == LASTING_NETPLAN) {
		lasting_say(out, "netplan has no macvlan, and no dummy before 0.107:");
		lasting_say(out, "networkd reads these files beside those of netplan.");
	}
	snprintf(path, sizeof(path), NETWORKD_DIR "/05-vipsafe-%s.netdev", l->device);
	lasting_file_begin(out, path, false);
	fprintf(out, "[NetDev]\nName=%s\nKind=%s\n", l->device, lasting_kind(l));
	if (*l->mac)
		fprintf(out, "MACAddress=%s\n", l->mac);
	if (l->is_macvlan)
		fputs("\n[MACVLAN]\nMode=bridge\n", out);
	lasting_file_end(out);
	snprintf(path, sizeof(path), NETWORKD_DIR "/05-vipsafe-%s.network", l->device);
	lasting_file_begin(out, path, false);
	/* without IPv6 of any kind networkd turns it off on the device */
	fprintf(out,
		"[Match]\nName=%s\n\n[Link]\nRequiredForOnline=no\n\n[Network]\n"
		"LinkLocalAddressing=%s\nIPv6AcceptRA=no\nKeepConfiguration=yes\n",
		l->device, lasting_is_ipv6(l) ? "ipv6" : "no");
	lasting_put_networkd_address(l, out);
	lasting_file_end(out);
	if (l->is_macvlan)
		lasting_put_networkd_parent(l, out);
}

/* A keyfile: "nmcli connection add" would activate the profile at once, and an activation takes
 * away the addresses that are not in it. Mode 2 is "bridge" (libnm:
 * NMSettingMacvlanMode). */
static void lasting_put_networkmanager(const struct lasting *l, FILE *out)
{
	char path[LASTING_PATH_MAX], vip[PREFIX_TEXT_MAX];
	const char *method = lasting_is_static(l) ? "manual" : "disabled";

	lasting_say(out, "NetworkManager has macvlans since 1.2, dummies since 1.8. It reads");
	lasting_say(out, "the file when it starts.");
	snprintf(path, sizeof(path),
		 "/etc/NetworkManager/system-connections/vipsafe-%s.nmconnection", l->device);
	lasting_file_begin(out, path, true);
	fprintf(out, "[connection]\nid=vipsafe-%s\ntype=%s\ninterface-name=%s\n", l->device,
		lasting_kind(l), l->device);
	if (*l->mac)
		fprintf(out, "\n[ethernet]\ncloned-mac-address=%s\n", l->mac);
	if (l->is_macvlan)
		fprintf(out, "\n[macvlan]\nmode=2\nparent=%s\n", l->from);
	else
		fputs("\n[dummy]\n", out);
	fprintf(out, "\n[%s]\nmethod=%s\n", lasting_is_ipv6(l) ? "ipv6" : "ipv4",
		lasting_is_ipv6(l) && !lasting_is_static(l) ? "link-local" : method);
	if (lasting_is_static(l))
		fprintf(out, "address1=%s\nnever-default=true\n", prefix_format(&l->vip, vip));
	fprintf(out, "\n[%s]\n", lasting_is_ipv6(l) ? "ipv4" : "ipv6");
	fprintf(out, "method=%s\n", lasting_is_ipv6(l) ? "disabled" : "ignore");
	lasting_file_end(out);
	lasting_say(out, "Leave it to the boot to activate vipsafe-%s: an activation", l->device);
	lasting_say(out, "takes away the addresses that are not in it.");
}

/* Behind what is there: the old device has to come first, and a file of interfaces.d is read where
 * the line "source" stands. */
static void lasting_put_ifupdown(const struct lasting *l, FILE *out)
{
	char path[LASTING_PATH_MAX], vip[PREFIX_TEXT_MAX];

	settings_path(l, path);
	fprintf(out, "grep -qs 'iface %s ' " INTERFACES " || cat >>" INTERFACES " <<'EOF'\n",
		l->device);
	fprintf(out, "\nauto %s\niface %s %s %s\n", l->device, l->device,
		lasting_is_ipv6(l) ? "inet6" : "inet", lasting_is_static(l) ? "static" : "manual");
	if (lasting_is_static(l))
		fprintf(out, "\taddress %s\n", prefix_format(&l->vip, vip));
	if (lasting_is_static(l) && lasting_is_ipv6(l))
		fputs("\taccept_ra 0\n\tdad-attempts 0\n", out);
	fprintf(out, "\tpre-up [ -e /sys/class/net/%s ] || ", l->device);
	lasting_put_ip_link(l, out);
	fputc('\n', out);
	if (l->n_settings)
		fprintf(out, "\tpre-up sysctl -q -p %s || true\n", path);
	fprintf(out, "\tup ip link set %s up\n", l->device);
	lasting_file_end(out);
}

/* The name of a device in that of a .device unit, see systemd-escape(1). */
static void lasting_put_escaped(const char *name, FILE *out)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (isalnum((unsigned char)name[i]) || strchr("_:", name[i]) ||
		    (i && name[i] == '.'))
			fputc(name[i], out);
		else
			fprintf(out, "\\x%02x", (unsigned char)name[i]);
}

static void lasting_put_unit(const struct lasting *l, FILE *out)
{
	char path[LASTING_PATH_MAX], settings[LASTING_PATH_MAX], vip[PREFIX_TEXT_MAX];

	settings_path(l, settings);
	lasting_say(out, "vipsafe does not know what configures %s: a unit makes %s.", l->from,
		    l->device);
	snprintf(path, sizeof(path), "/etc/systemd/system/vipsafe-%s.service", l->device);
	lasting_file_begin(out, path, false);
	fprintf(out, "[Unit]\nDescription=the device %s for a virtual address\n", l->device);
	if (l->is_macvlan) {
		fputs("Wants=sys-subsystem-net-devices-", out);
		lasting_put_escaped(l->from, out);
		fputs(".device\nAfter=sys-subsystem-net-devices-", out);
		lasting_put_escaped(l->from, out);
		fputs(".device\n", out);
	}
	fputs("Before=keepalived.service vipsafed.service\n\n[Service]\nType=oneshot\n"
	      "RemainAfterExit=yes\nExecStart=-/sbin/",
	      out);
	lasting_put_ip_link(l, out);
	fputc('\n', out);
	if (l->n_settings)
		fprintf(out, "ExecStart=-/sbin/sysctl -q -p %s\n", settings);
	fprintf(out, "ExecStart=/sbin/ip link set %s up\n", l->device);
	if (lasting_is_static(l))
		fprintf(out, "ExecStart=-/sbin/ip addr add %s dev %s%s\n",
			prefix_format(&l->vip, vip), l->device, lasting_is_ipv6(l) ? " nodad" : "");
	fputs("\n[Install]\nWantedBy=multi-user.target\n", out);
	lasting_file_end(out);
	fprintf(out, "systemctl enable vipsafe-%s.service\n", l->device);
}

static void lasting_put_device(const struct lasting *l, FILE *out)
{
	static const char *const names[] = {
		[LASTING_OTHER] = "systemd",
		[LASTING_NETWORKD] = "systemd-networkd",
		[LASTING_NETPLAN] = "netplan and systemd-networkd",
		[LASTING_NETWORKMANAGER] = "NetworkManager",
		[LASTING_IFUPDOWN] = "ifupdown",
	};

	lasting_say(out, "%s", "");
	lasting_say(out, "The device %s, for %s:", l->device, names[l->manager]);
	lasting_put_settings(l, out);
	lasting_put_alias(l, out);
	switch (l->manager) {
	case LASTING_NETWORKD:
	case LASTING_NETPLAN:
		lasting_put_networkd(l, out);
		break;
	case LASTING_NETWORKMANAGER:
		lasting_put_networkmanager(l, out);
		break;
	case LASTING_IFUPDOWN:
		lasting_put_ifupdown(l, out);
		break;
	case LASTING_OTHER:
		lasting_put_unit(l, out);
		break;
	}
}

/* ---- the address, by owner ---------------------------------------------------------------- */

/* An announcement tells the switches where the device's MAC is. Replies do not, since they leave by
 * the old device. */
static void say_announced(const struct lasting *l, const char *line, FILE *out)
{
	if (l->is_macvlan) {
		lasting_say(out, "    %s", line);
		lasting_say(out, "The second line keeps switches from forgetting where it is.");
	} else {
		lasting_say(out, "But nobody hears an announcement from a dummy: after a failover");
		lasting_say(out, "the neighbours go on talking to the other node until they ask");
		lasting_say(out, "again. Rather use a macvlan.");
	}
}

static void say_keepalived(const struct lasting *l, const char *vip, FILE *out)
{
	lasting_say(out, "The address is keepalived's: %s of", l->owner_place);
	lasting_say(out, "%s. Once %s is there, have in its", l->owner_file, l->device);
	lasting_say(out, "virtual_ipaddress, and in its vrrp_instance:");
	lasting_say(out, "    %s dev %s", vip, l->device);
	say_announced(l, "garp_master_refresh 60", out);
	lasting_say(out,
		    "keepalived 2.0 and later does not start without the device, unless there");
	lasting_say(out, "is \"dynamic_interfaces\" in global_defs: have that, too. An older one");
	lasting_say(out, "starts without the address.");
	lasting_say(out,
		    "Then restart keepalived, where it is BACKUP first: after a reload it would");
	lasting_say(out,
		    "leave the address where it is, and later delete it from the old device, so");
	lasting_say(out,
		    "that two nodes have it. It announces an address out of its device, with the");
	lasting_say(out, "MAC of that.");
}

static void say_owner(const struct lasting *l, FILE *out)
{
	char vip[PREFIX_TEXT_MAX];

	prefix_format(&l->vip, vip);
	lasting_say(out, "%s", "");
	switch (l->owner) {
	case LASTING_KEEPALIVED:
		say_keepalived(l, vip, out);
		break;
	case LASTING_VIPSAFE:
		lasting_say(out, "The address is vipsafe's. Once %s is there, have in", l->device);
		lasting_say(out, "%s of %s:", l->owner_place, l->owner_file);
		lasting_say(out, "    address = %s dev %s", vip, l->device);
		say_announced(l, "garp_refresh = 60s", out);
		lasting_say(out, "Then: vipsafe reload");
		break;
	case LASTING_MANAGER:
		lasting_say(out, "Then take the address out of %s:", l->owner_file);
		lasting_say(out, "there it would be on %s again after the next boot.", l->from);
		break;
	case LASTING_UNKNOWN:
		lasting_say(out, "Who adds the address is not known. From now on it has to be");
		lasting_say(out, "    %s dev %s", vip, l->device);
		if (!l->is_macvlan)
			say_announced(l, "", out);
		break;
	}
}

/* ---- all of it ---------------------------------------------------------------------------- */

void lasting_print(const struct lasting *l, FILE *out)
{
	char vip[PREFIX_TEXT_MAX];

	prefix_format(&l->vip, vip);
	lasting_say(out, "To have %s on %s after the next boot, too, paste this. It", vip,
		    l->device);
	lasting_say(out, "writes over no file, and has no effect before the boot: nothing");
	lasting_say(out, "has to be restarted for it.");
	if (lasting_is_plain(l->device) && lasting_is_plain(l->from) &&
	    (!*l->network_file || lasting_is_plain(l->network_file))) {
		lasting_put_device(l, out);
	} else {
		lasting_say(out, "%s", "");
		lasting_say(out,
			    "But a name has characters that are special to a shell: configure");
		lasting_say(out, "a %s %s by hand.", lasting_kind(l), l->device);
	}
	say_owner(l, out);
}

static const char *manager_word(enum lasting_manager m)
{
	switch (m) {
	case LASTING_NETWORKD:
		return "networkd";
	case LASTING_NETPLAN:
		return "netplan";
	case LASTING_NETWORKMANAGER:
		return "NetworkManager";
	case LASTING_IFUPDOWN:
		return "ifupdown";
	case LASTING_OTHER:
		break;
	}
	return "other";
}

static const char *owner_word(enum lasting_owner o)
{
	switch (o) {
	case LASTING_KEEPALIVED:
		return "keepalived";
	case LASTING_VIPSAFE:
		return "vipsafe";
	case LASTING_MANAGER:
		return "manager";
	case LASTING_UNKNOWN:
		break;
	}
	return "unknown";
}

struct json_t *lasting_json(const struct lasting *l)
{
	_cleanup_free_ char *script = NULL;
	size_t size;
	FILE *out = open_memstream(&script, &size);

	if (!out)
		return NULL;
	lasting_print(l, out);
	if (fclose(out) != 0)
		return NULL;
	return json_pack("{s:s, s:s, s:s}", "manager", manager_word(l->manager), "owner",
			 owner_word(l->owner), "script", script);
}
