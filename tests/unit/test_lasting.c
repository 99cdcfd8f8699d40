/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vipsafe isolate prints for the next boot, by whole texts: for each network manager, each
 * owner of the address, both families and both kinds of device. And for all of them: besides
 * comments only new files are written. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "cli/facts.h"
#include "cli/lasting.h"

static struct lasting ipv4(enum lasting_manager manager, enum lasting_owner owner)
{
	struct lasting l = { .vip = { { .family = AF_INET }, 32 },
			     .from = "br-mgmt",
			     .device = "vip0",
			     .is_macvlan = true,
			     .mac = "02:00:5e:11:22:33",
			     .alias = "vipsafe: isolated 192.168.11.50/24 dev br-mgmt",
			     .settings = { { "ipv4", "arp_ignore", "1" },
					   { "ipv6", "disable_ipv6", "1" } },
			     .n_settings = 2,
			     .manager = manager,
			     .owner = owner };

	inet_pton(AF_INET, "192.168.11.50", l.vip.addr.bytes);
	if (manager == LASTING_NETWORKD)
		strcpy(l.network_file, "/etc/systemd/network/10-mgmt.network");
	if (manager == LASTING_NETPLAN)
		strcpy(l.network_file, "/run/systemd/network/10-netplan-br-mgmt.network");
	if (owner == LASTING_KEEPALIVED) {
		strcpy(l.owner_file, "/etc/keepalived/keepalived.conf");
		strcpy(l.owner_place, "line 7 (vrrp_instance VI_1)");
	} else if (owner == LASTING_VIPSAFE) {
		strcpy(l.owner_file, "vipsafe.conf");
		strcpy(l.owner_place, "[instance VI_1]");
	} else if (owner == LASTING_MANAGER) {
		strcpy(l.owner_file, "/etc/network/of-the-node");
	}
	return l;
}

static struct lasting ipv6(enum lasting_manager manager, enum lasting_owner owner)
{
	struct lasting l = ipv4(manager, owner);

	l.vip.addr.family = AF_INET6;
	l.vip.len = 128;
	l.settings[1] = (struct isolate_setting){ "ipv6", "accept_ra", "0" };
	inet_pton(AF_INET6, "fd00:11::50", l.vip.addr.bytes);
	return l;
}

static char *text_of(const struct lasting *l)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	lasting_print(l, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

#define INTRO                                                                           \
	"# To have 192.168.11.50/32 on vip0 after the next boot, too, paste this. It\n" \
	"# writes over no file, and has no effect before the boot: nothing\n"           \
	"# has to be restarted for it.\n"                                               \
	"#\n"
#define SETTINGS                                                      \
	"(set -C; cat >/etc/sysctl.d/90-vipsafe-vip0.conf) <<'EOF'\n" \
	"net/ipv4/conf/vip0/arp_ignore = 1\n"                         \
	"net/ipv6/conf/vip0/disable_ipv6 = 1\n"                       \
	"EOF\n"
#define SETTINGS6                                                     \
	"(set -C; cat >/etc/sysctl.d/90-vipsafe-vip0.conf) <<'EOF'\n" \
	"net/ipv4/conf/vip0/arp_ignore = 1\n"                         \
	"net/ipv6/conf/vip0/accept_ra = 0\n"                          \
	"EOF\n"
#define ALIAS                                                                \
	"mkdir -p /etc/systemd/network\n"                                    \
	"(set -C; cat >/etc/systemd/network/05-vipsafe-vip0.link) <<'EOF'\n" \
	"[Match]\n"                                                          \
	"OriginalName=vip0\n"                                                \
	"\n"                                                                 \
	"[Link]\n"                                                           \
	"Alias=vipsafe: isolated 192.168.11.50/24 dev br-mgmt\n"             \
	"EOF\n"
#define NETWORKD                                                                \
	"(set -C; cat >/etc/systemd/network/05-vipsafe-vip0.netdev) <<'EOF'\n"  \
	"[NetDev]\n"                                                            \
	"Name=vip0\n"                                                           \
	"Kind=macvlan\n"                                                        \
	"MACAddress=02:00:5e:11:22:33\n"                                        \
	"\n"                                                                    \
	"[MACVLAN]\n"                                                           \
	"Mode=bridge\n"                                                         \
	"EOF\n"                                                                 \
	"(set -C; cat >/etc/systemd/network/05-vipsafe-vip0.network) <<'EOF'\n" \
	"[Match]\n"                                                             \
	"Name=vip0\n"                                                           \
	"\n"                                                                    \
	"[Link]\n"                                                              \
	"RequiredForOnline=no\n"                                                \
	"\n"                                                                    \
	"[Network]\n"

static void is_text(const struct lasting *l, const char *wanted)
{
	char *text = text_of(l);

	assert_string_equal(text, wanted);
	free(text);
}

/* ---- whole texts ---- */

static void networkd_keepalived(void **state)
{
	struct lasting l = ipv4(LASTING_NETWORKD, LASTING_KEEPALIVED);

	(void)state;
	is_text(&l, INTRO
		"# The device vip0, for systemd-networkd:\n" SETTINGS ALIAS NETWORKD
		"LinkLocalAddressing=no\n"
		"IPv6AcceptRA=no\n"
		"KeepConfiguration=yes\n"
		"EOF\n"
		"# An old systemd, such as 219, does not read the next file: there,\n"
		"# add MACVLAN=vip0 to [Network] of\n"
		"# /etc/systemd/network/10-mgmt.network\n"
		"mkdir -p /etc/systemd/network/10-mgmt.network.d\n"
		"(set -C; cat >/etc/systemd/network/10-mgmt.network.d/vipsafe-vip0.conf) <<'EOF'\n"
		"[Network]\n"
		"MACVLAN=vip0\n"
		"EOF\n"
		"#\n"
		"# The address is keepalived's: line 7 (vrrp_instance VI_1) of\n"
		"# /etc/keepalived/keepalived.conf. Once vip0 is there, have in its\n"
		"# virtual_ipaddress, and in its vrrp_instance:\n"
		"#     192.168.11.50/32 dev vip0\n"
		"#     garp_master_refresh 60\n"
		"# The second line keeps switches from forgetting where it is.\n"
		"# keepalived 2.0 and later does not start without the device, unless there\n"
		"# is \"dynamic_interfaces\" in global_defs: have that, too. An older one\n"
		"# starts without the address.\n"
		"# Then restart keepalived, where it is BACKUP first: after a reload it would\n"
		"# leave the address where it is, and later delete it from the old device, so\n"
		"# that two nodes have it. It announces an address out of its device, with the\n"
		"# MAC of that.\n");
}

static void netplan_vipsafe(void **state)
{
	struct lasting l = ipv4(LASTING_NETPLAN, LASTING_VIPSAFE);

	(void)state;
	is_text(&l, INTRO
		"# The device vip0, for netplan and systemd-networkd:\n" SETTINGS ALIAS
		"# netplan has no macvlan, and no dummy before 0.107:\n"
		"# networkd reads these files beside those of netplan.\n" NETWORKD
		"LinkLocalAddressing=no\n"
		"IPv6AcceptRA=no\n"
		"KeepConfiguration=yes\n"
		"EOF\n"
		"# An old systemd, such as 219, does not read the next file: there,\n"
		"# add MACVLAN=vip0 to [Network] of\n"
		"# /run/systemd/network/10-netplan-br-mgmt.network\n"
		"mkdir -p /etc/systemd/network/10-netplan-br-mgmt.network.d\n"
		"(set -C; cat "
		">/etc/systemd/network/10-netplan-br-mgmt.network.d/vipsafe-vip0.conf) <<'EOF'\n"
		"[Network]\n"
		"MACVLAN=vip0\n"
		"EOF\n"
		"#\n"
		"# The address is vipsafe's. Once vip0 is there, have in\n"
		"# [instance VI_1] of vipsafe.conf:\n"
		"#     address = 192.168.11.50/32 dev vip0\n"
		"#     garp_refresh = 60s\n"
		"# The second line keeps switches from forgetting where it is.\n"
		"# Then: vipsafe reload\n");
}

static void networkmanager_static(void **state)
{
	struct lasting l = ipv4(LASTING_NETWORKMANAGER, LASTING_MANAGER);

	(void)state;
	is_text(&l,
		INTRO "# The device vip0, for NetworkManager:\n" SETTINGS ALIAS
		      "# NetworkManager has macvlans since 1.2, dummies since 1.8. It reads\n"
		      "# the file when it starts.\n"
		      "(umask 077; set -C; cat "
		      ">/etc/NetworkManager/system-connections/vipsafe-vip0.nmconnection) <<'EOF'\n"
		      "[connection]\n"
		      "id=vipsafe-vip0\n"
		      "type=macvlan\n"
		      "interface-name=vip0\n"
		      "\n"
		      "[ethernet]\n"
		      "cloned-mac-address=02:00:5e:11:22:33\n"
		      "\n"
		      "[macvlan]\n"
		      "mode=2\n"
		      "parent=br-mgmt\n"
		      "\n"
		      "[ipv4]\n"
		      "method=manual\n"
		      "address1=192.168.11.50/32\n"
		      "never-default=true\n"
		      "\n"
		      "[ipv6]\n"
		      "method=ignore\n"
		      "EOF\n"
		      "# Leave it to the boot to activate vipsafe-vip0: an activation\n"
		      "# takes away the addresses that are not in it.\n"
		      "#\n"
		      "# Then take the address out of /etc/network/of-the-node:\n"
		      "# there it would be on br-mgmt again after the next boot.\n");
}

static void ifupdown_unknown(void **state)
{
	struct lasting l = ipv4(LASTING_IFUPDOWN, LASTING_UNKNOWN);

	(void)state;
	is_text(&l, INTRO "# The device vip0, for ifupdown:\n" SETTINGS ALIAS
			  "grep -qs 'iface vip0 ' /etc/network/interfaces || cat "
			  ">>/etc/network/interfaces <<'EOF'\n"
			  "\n"
			  "auto vip0\n"
			  "iface vip0 inet manual\n"
			  "\tpre-up [ -e /sys/class/net/vip0 ] || ip link add link br-mgmt name "
			  "vip0 address 02:00:5e:11:22:33 type macvlan mode bridge\n"
			  "\tpre-up sysctl -q -p /etc/sysctl.d/90-vipsafe-vip0.conf || true\n"
			  "\tup ip link set vip0 up\n"
			  "EOF\n"
			  "#\n"
			  "# Who adds the address is not known. From now on it has to be\n"
			  "#     192.168.11.50/32 dev vip0\n");
}

static void unit_dummy(void **state)
{
	struct lasting l = ipv4(LASTING_OTHER, LASTING_UNKNOWN);

	l.is_macvlan = false;
	l.n_settings = 0;
	l.mac[0] = '\0';
	strcpy(l.alias, "$(reboot)");

	(void)state;
	is_text(&l, INTRO "# The device vip0, for systemd:\n"
			  "# vipsafe does not know what configures br-mgmt: a unit makes vip0.\n"
			  "(set -C; cat >/etc/systemd/system/vipsafe-vip0.service) <<'EOF'\n"
			  "[Unit]\n"
			  "Description=the device vip0 for a virtual address\n"
			  "Before=keepalived.service vipsafed.service\n"
			  "\n"
			  "[Service]\n"
			  "Type=oneshot\n"
			  "RemainAfterExit=yes\n"
			  "ExecStart=-/sbin/ip link add name vip0 type dummy\n"
			  "ExecStart=/sbin/ip link set vip0 up\n"
			  "\n"
			  "[Install]\n"
			  "WantedBy=multi-user.target\n"
			  "EOF\n"
			  "systemctl enable vipsafe-vip0.service\n"
			  "#\n"
			  "# Who adds the address is not known. From now on it has to be\n"
			  "#     192.168.11.50/32 dev vip0\n"
			  "# But nobody hears an announcement from a dummy: after a failover\n"
			  "# the neighbours go on talking to the other node until they ask\n"
			  "# again. Rather use a macvlan.\n");
}

static void networkd_ipv6(void **state)
{
	struct lasting l = ipv6(LASTING_NETWORKD, LASTING_MANAGER);

	(void)state;
	is_text(&l,
		"# To have fd00:11::50/128 on vip0 after the next boot, too, paste this. It\n"
		"# writes over no file, and has no effect before the boot: nothing\n"
		"# has to be restarted for it.\n"
		"#\n"
		"# The device vip0, for systemd-networkd:\n" SETTINGS6 ALIAS NETWORKD
		"LinkLocalAddressing=ipv6\n"
		"IPv6AcceptRA=no\n"
		"KeepConfiguration=yes\n"
		"\n"
		"[Address]\n"
		"Address=fd00:11::50/128\n"
		"DuplicateAddressDetection=none\n"
		"AddPrefixRoute=false\n"
		"EOF\n"
		"# An old systemd, such as 219, does not read the next file: there,\n"
		"# add MACVLAN=vip0 to [Network] of\n"
		"# /etc/systemd/network/10-mgmt.network\n"
		"mkdir -p /etc/systemd/network/10-mgmt.network.d\n"
		"(set -C; cat >/etc/systemd/network/10-mgmt.network.d/vipsafe-vip0.conf) <<'EOF'\n"
		"[Network]\n"
		"MACVLAN=vip0\n"
		"EOF\n"
		"#\n"
		"# Then take the address out of /etc/network/of-the-node:\n"
		"# there it would be on br-mgmt again after the next boot.\n");
}

static void ifupdown_ipv6(void **state)
{
	struct lasting l = ipv6(LASTING_IFUPDOWN, LASTING_MANAGER);

	(void)state;
	is_text(&l, "# To have fd00:11::50/128 on vip0 after the next boot, too, paste this. It\n"
		    "# writes over no file, and has no effect before the boot: nothing\n"
		    "# has to be restarted for it.\n"
		    "#\n"
		    "# The device vip0, for ifupdown:\n" SETTINGS6 ALIAS
		    "grep -qs 'iface vip0 ' /etc/network/interfaces || cat "
		    ">>/etc/network/interfaces <<'EOF'\n"
		    "\n"
		    "auto vip0\n"
		    "iface vip0 inet6 static\n"
		    "\taddress fd00:11::50/128\n"
		    "\taccept_ra 0\n"
		    "\tdad-attempts 0\n"
		    "\tpre-up [ -e /sys/class/net/vip0 ] || ip link add link br-mgmt name vip0 "
		    "address 02:00:5e:11:22:33 type macvlan mode bridge\n"
		    "\tpre-up sysctl -q -p /etc/sysctl.d/90-vipsafe-vip0.conf || true\n"
		    "\tup ip link set vip0 up\n"
		    "EOF\n"
		    "#\n"
		    "# Then take the address out of /etc/network/of-the-node:\n"
		    "# there it would be on br-mgmt again after the next boot.\n");
}

static void special_name(void **state)
{
	struct lasting l = ipv4(LASTING_NETWORKD, LASTING_UNKNOWN);

	strcpy(l.device, "a;reboot\n");

	(void)state;
	is_text(&l, "# To have 192.168.11.50/32 on a;reboot\\x0a after the next boot, too, paste "
		    "this. It\n"
		    "# writes over no file, and has no effect before the boot: nothing\n"
		    "# has to be restarted for it.\n"
		    "#\n"
		    "# But a name has characters that are special to a shell: configure\n"
		    "# a macvlan a;reboot\\x0a by hand.\n"
		    "#\n"
		    "# Who adds the address is not known. From now on it has to be\n"
		    "#     192.168.11.50/32 dev a;reboot\\x0a\n");
}

/* ---- all of them ---- */

/* Skip the lines of a file up to its end. Returns the line after it, NULL: it has none. */
static const char *after_file(const char *line)
{
	const char *end = strstr(line, "\nEOF\n");

	return end ? end + 5 : NULL;
}

/* A line that a shell runs: it makes a directory or a new file, adds to one what is not in it, or
 * names a unit for the next boot. */
static bool is_harmless(const char *line)
{
	static const char *const words[] = {
		"(set -C; cat >/",
		"(umask 077; set -C; cat >/",
		"grep -qs 'iface vip0 ' /etc/network/interfaces || cat >>",
		"mkdir -p /etc/",
		"systemctl enable vipsafe-",
		"#"
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(line, words[i], strlen(words[i])))
			return true;
	return false;
}

static void check_harmless(const struct lasting *l)
{
	char *text = text_of(l);
	const char *line = text;

	assert_null(strstr(text, "unmanaged"));
	while (line && *line) {
		const char *next = strchr(line, '\n');

		assert_true(is_harmless(line));
		if (next - line > 8 && !strncmp(next - 7, "<<'EOF'", 7))
			line = after_file(line);
		else
			line = next + 1;
	}
	free(text);
}

static void nothing_is_written_over(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 5 * 4 * 2 * 2; i++) {
		enum lasting_manager manager = i % 5;
		enum lasting_owner owner = i / 5 % 4;
		struct lasting l = i / 20 % 2 ? ipv6(manager, owner) : ipv4(manager, owner);

		l.is_macvlan = i / 40;
		check_harmless(&l);
	}
}

static void as_json(void **state)
{
	struct lasting l = ipv4(LASTING_NETPLAN, LASTING_KEEPALIVED);
	char *text = text_of(&l);
	const char *manager, *owner, *script;
	json_t *j = lasting_json(&l);

	(void)state;
	assert_int_equal(json_unpack(j, "{s:s, s:s, s:s !}", "manager", &manager, "owner", &owner,
				     "script", &script),
			 0);
	assert_string_equal(manager, "netplan");
	assert_string_equal(owner, "keepalived");
	assert_string_equal(script, text);
	json_decref(j);
	free(text);
}

/* Doctor names the command, and no longer a dummy: an address there is silent where arp_ignore is
 * set. */
static void doctor_names_the_command(void **state)
{
	struct facts f = { .ipv4 = KERNEL_AFFECTED,
			   .firewall_seen = true,
			   .firewall = { .masquerades = 1 } };
	struct findings found = { 0 };
	bool named = false;
	size_t i;

	(void)state;
	diagnose(&f, &found);
	for (i = 0; i < found.n; i++) {
		assert_null(strstr(found.list[i].advice, "dummy"));
		if (!strcmp(found.list[i].code, "vip-on-other-device"))
			named = strstr(found.list[i].advice, "vipsafe isolate ADDR/LEN dev DEV");
	}
	assert_true(named);
	findings_done(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networkd_keepalived),
		cmocka_unit_test(netplan_vipsafe),
		cmocka_unit_test(networkmanager_static),
		cmocka_unit_test(ifupdown_unknown),
		cmocka_unit_test(unit_dummy),
		cmocka_unit_test(networkd_ipv6),
		cmocka_unit_test(ifupdown_ipv6),
		cmocka_unit_test(special_name),
		cmocka_unit_test(nothing_is_written_over),
		cmocka_unit_test(as_json),
		cmocka_unit_test(doctor_names_the_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
