/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a script calls that breaks connections, read as a shell reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <vipsafe/base.h>

#include "keepalived/script.h"
#include "keepalived/shell.h"

static const char letters[] = {
	[SCRIPT_FLUSHES_NOW] = 'F',	[SCRIPT_FLUSHES_LATER] = 't',
	[SCRIPT_DELETES] = 'D',		[SCRIPT_FLUSHES_ADDRESSES] = 'A',
	[SCRIPT_TAKES_ADDRESS] = 'a',	[SCRIPT_TAKES_LINK_DOWN] = 'L',
	[SCRIPT_CONFIGURES_ANEW] = 'N', [SCRIPT_READS_COMMANDS] = 'r',
};

static void on_act(void *ud, const struct script_act *a)
{
	char *out = ud;
	size_t n = strlen(out);

	snprintf(out + n, 128 - n, "%s%c%u", n ? " " : "", letters[a->deed], a->line);
}

/* SCRIPT and the deeds in it, each with its line. */
static const struct {
	const char *script, *deeds;
} cases[] = {
	/* each program, as it takes its words */
	{ "conntrack -F", "F1" },
	{ "conntrack --flush", "F1" },
	{ "/usr/sbin/conntrack --flu conntrack", "F1" },
	{ "conntrack -F expect", "" },
	{ "conntrack -D", "F1" },
	{ "conntrack -D -s 10.0.0.1", "D1" },
	{ "conntrack --delete -p udp --dport 53", "D1" },
	{ "conntrack -L -s 10.0.0.1", "" },
	{ "conntrack -L | grep -F x", "" },
	{ "conntrackd -F", "F1" },
	{ "conntrackd -t", "t1" },
	{ "conntrackd -C /etc/conntrackd.conf -t", "t1" },
	{ "conntrackd -C -t -c", "" },
	{ "conntrackd -c; conntrackd -f; conntrackd -R; conntrackd -B; conntrackd "
	  "-n",
	  "" },
	{ "conntrackd -f internal", "" },
	{ "ip addr flush dev eth0", "A1" },
	{ "ip a f dev eth0", "A1" },
	{ "ip -4 addr flush label 'eth0:*'", "A1" },
	{ "/sbin/ip -family inet -o address flush to 10.0.0.1", "A1" },
	{ "ip -r a flush dev eth0; ip -rc 1000000 a flush dev eth1", "A1 A1" },
	{ "ip addr show; ip a; ip addr add 10.0.0.1/24 dev eth0", "" },
	{ "ip addr del 10.0.0.1/24 dev eth0; ip -4 a d \"$VIP\" dev eth0", "a1 a1" },
	{ "ip addr del 10.0.0.1/32 dev lo; ip route del default", "" },
	{ "ip route flush cache; ip neigh flush all; ip -s -s n f all", "" },
	{ "ip link set eth0 down", "L1" },
	{ "ip l s dev eth0 down", "L1" },
	{ "ip link set down eth0", "L1" },
	{ "ip link set eth0 up; ip link show down", "" },
	{ "ip link del eth0.5; ip link delete dev eth1", "L1 L1" },
	{ "systemctl restart network; systemctl --no-block stop networking.service", "L1 L1" },
	{ "service network restart; /etc/init.d/networking restart", "L1 L1" },
	{ "systemctl restart keepalived; service network status; systemctl stop nginx", "" },
	{ "ifconfig eth0 down", "L1" },
	{ "ifconfig eth0:1 down", "a1" },
	{ "ifconfig eth0:1 0.0.0.0", "a1" },
	{ "ifconfig eth0 10.0.0.1 up", "" },
	{ "ifdown eth0; ifdown --force eth1; ifdown --help", "L1 L1" },
	{ "nmcli con down br0", "L1" },
	{ "nmcli -t c down br0", "L1" },
	{ "nmcli -w 5 dev disconnect eth0", "L1" },
	{ "nmcli d dis eth0; nmcli networking off", "L1 L1" },
	{ "nmcli con up br0; nmcli -w 5 d connect eth0; nmcli device reapply br0", "N1 N1 N1" },
	{ "nmcli dev status; nmcli c show; nmcli con delete x; nmcli con reload", "" },
	{ "netplan apply; netplan --debug try; netplan generate; netplan get", "N1 N1" },
	{ "networkctl reconfigure eth0; networkctl down eth0; networkctl status", "N1 L1" },
	{ "systemctl restart NetworkManager; service systemd-networkd.service restart", "N1 N1" },
	{ "systemctl stop NetworkManager; systemctl reload systemd-networkd", "" },
	{ "systemctl restart networkmanager-wait; systemctl is-active NetworkManager", "" },
	/* commands for ip from elsewhere */
	{ "ip -batch - <<EOF\nroute add default via 10.0.0.1\naddr del 10.0.0.1/32 dev x\nEOF",
	  "a3" },
	{ "ip -4 -b - <<EOF\na f dev x\nlink set x down # why\nEOF\nip a f dev y", "A2 L3 A5" },
	{ "sudo ip -b /dev/stdin <<-EOF\n\taddr del $VIP/32 dev lo\n\taddr del $VIP dev x\n\tEOF",
	  "a3" },
	{ "ip -batch - <<EOF\nip addr flush dev x\nEOF", "" },
	{ "cat <<EOF | ip -force -b -\naddr flush dev x\nEOF", "r1" },
	{ "ip -b /etc/vips; ip -batch - </etc/vips; make | ip -b -", "r1 r1 r1" },
	{ "ip -br addr; ip -n blue -b - <<EOF\naddr flush dev x\nEOF", "" },
	{ "sudo sh <<EOF\nconntrack -F\nEOF", "F2" },
	/* another network namespace is not this one */
	{ "ip netns exec blue conntrack -D -s 10.0.0.1; ip -n blue a flush dev eth0", "" },
	{ "ip netns exec $NS sh -c 'conntrack -F'; ip net e x bash <<EOF\nconntrack -F\nEOF", "" },
	{ "nsenter --net=/run/netns/blue conntrack -F; nsenter -t 1 -n conntrack -F", "F1" },
	{ "ip vrf exec red conntrack -F; sudo ip -d vrf exec red ip a f dev x", "F1 A1" },
	/* text is no call */
	{ "logger \"ERROR: failed to invoke conntrackd -t\"", "" },
	{ "echo conntrack -F", "" },
	{ "# conntrack -F", "" },
	{ "x=1 # conntrack -F", "" },
	{ "echo a#b; conntrack -F", "F1" },
	{ "echo '\nconntrack -F\n'", "" },
	{ "echo \"\nconntrack -F\n\"", "" },
	{ "cat <<EOF\nconntrack -F\nEOF\nconntrack -D", "F4" },
	{ "cat >/x <<-'END'\n\tconntrack -F\n\tEND\nip a f dev x", "A4" },
	{ "cat <<A <<B\nconntrack -F\nA\nconntrack -F\nB\nconntrack -F", "F6" },
	{ "[ -x /usr/sbin/conntrackd ] && [ \"$1\" = -t ]", "" },
	{ "command -v conntrack -F", "" },
	{ "which conntrackd -t", "" },
	{ "MSG=\"conntrackd -t\"; echo $MSG", "" },
	{ "case $1 in\nconntrack) ;;\nconntrackd|-t) ;; esac", "" },
	{ "grep -F conntrackd x", "" },
	/* calls wherever they are */
	{ "if ! conntrackd -t\nthen\n:\nfi", "t1" },
	{ "if true; then conntrack -F; else conntrackd -t; fi", "F1 t1" },
	{ "a && conntrack -F || conntrackd -t &", "F1 t1" },
	{ "(cd /; conntrack -F)", "F1" },
	{ "{ conntrack -F; } 2>&1 | logger", "F1" },
	{ "X=$(conntrackd -t)", "t1" },
	{ "echo \"$(conntrack -F 2>&1)\"", "F1" },
	{ "X=`conntrack -F`", "F1" },
	{ "echo $((1 + (2)))\nconntrack -F", "F2" },
	{ "case \"$1\" in backup) conntrack -F;; (fault) conntrackd -t ;; esac; ip "
	  "a f dev x",
	  "F1 t1 A1" },
	{ "x=$(case $1 in a) echo;; b) conntrack -F;; esac)", "F1" },
	{ "f() {\n\tconntrack -F\n}", "F2" },
	{ "function f { conntrack -F; }", "F1" },
	{ "while read -r x; do conntrack -D -s \"$x\"; done < <(conntrack -L)", "D1" },
	{ "for i in a b; do ip link set \"$i\" down; done", "L1" },
	{ "conntrack \\\n  -F", "F1" },
	{ "\n\nX=1 \\\n conntrack -F", "F3" },
	{ "conntrack -F>/dev/null 2>&1", "F1" },
	{ ">/dev/null conntrack -F", "F1" },
	{ "conntrack >x -F", "F1" },
	{ "\"conntrack\" '-F'", "F1" },
	{ "con'ntrack' \\-F", "F1" },
	{ "trap 'conntrack -F' EXIT", "F1" },
	{ "conntrack -F\r\n", "F1" },
	/* programs that run others */
	{ "sudo conntrack -F", "F1" },
	{ "sudo -n -u root /usr/sbin/conntrack -F", "F1" },
	{ "env LC_ALL=C nice -n 5 conntrack -F", "F1" },
	{ "timeout -k 1 5 conntrackd -t", "t1" },
	{ "nohup setsid conntrack -F &", "F1" },
	{ "exec conntrack -F", "F1" },
	{ "flock -w 1 /run/x conntrack -F", "F1" },
	{ "sh -c 'conntrack -F'", "F1" },
	{ "\n/bin/bash -ec \"\nconntrack -F\"", "F3" },
	{ "su - root -c \"conntrack -F\"", "F1" },
	{ "eval conntrack -F", "F1" },
	{ "bash <<EOF\nconntrack -F\nEOF", "F2" },
	{ "sudo systemctl restart conntrackd -t", "" },
	/* variables */
	{ "CONNTRACKD_BIN=/usr/sbin/conntrackd\n\"$CONNTRACKD_BIN\" -t", "t2" },
	{ "$CONNTRACKD_BIN -C $CONNTRACKD_CONFIG -t", "t1" },
	{ "${CONNTRACKD} -F; $IP addr flush dev x; $CONNTRACK_X -F", "F1 A1" },
	{ "${CT:-/usr/sbin/conntrackd} -t", "t1" },
	{ "CT=/bin/true\n${CT:-conntrackd} -t", "" },
	{ "C='conntrack -F'; $C; \"$C\"", "F1" },
	{ "A=(ip addr flush)\n\"${A[@]}\" dev x", "A2" },
	{ "O=-c\nconntrackd $O\nO=-t\nconntrackd $O", "t4" },
	{ "O=conn; O+=track; $O -F", "F1" },
	{ "C=$(which conntrack)\n$C -F", "F2" },
	{ "C=`command -v conntrackd 2>/dev/null || true`; \"$C\" -t", "t1" },
	{ "\"$(type -P conntrack)\" -F; $(which ip) addr flush dev x", "F1 A1" },
	{ "C=$(command -v); $C -F; D=$(which -a); $D -F; E=$(date); $E -F", "" },
	{ "export CT=conntrack; $CT -F", "F1" },
	{ "f() { $LATE -F; }\nLATE=conntrack\nf", "F1" },
	{ "$1 -F; $x -t; $@", "" },
	/* it ends, whatever it is */
	{ "\"conntrack -F", "" },
	{ "$(conntrack -F", "F1" },
	{ "`conntrack -F", "F1" },
	{ ") ) conntrack -F", "F1" },
	{ "cat <<EOF\nconntrack -F", "" },
	{ "${x", "" },
	{ "\\", "" },
	{ "", "" },
};

static void calls_are_found_and_nothing_else(void **state _unused_)
{
	size_t i, wrong = 0;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char deeds[128] = "";
		const struct script_reader r = { .act = on_act, .ud = deeds };
		int error = script_read(cases[i].script, &r);

		if (!error && !strcmp(deeds, cases[i].deeds))
			continue;
		print_message("%s\n  %d \"%s\", not \"%s\"\n", cases[i].script, error, deeds,
			      cases[i].deeds);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* ---- what is said to it
 * ----------------------------------------------------------------- */

struct saying {
	const char *script;
	struct findings found;
};

static void say(void *ud, const struct script_act *a)
{
	struct saying *s = ud;

	script_message("", "/etc/k/notify.sh", s->script, a, &s->found);
}

static struct findings said(const char *script)
{
	struct saying s = { .script = script };
	const struct script_reader r = { .act = say, .ud = &s };

	assert_int_equal(script_read(script, &r), 0);
	return s.found;
}

static void a_call_is_made_one_that_does_nothing(void **state _unused_)
{
	struct findings f = said("if $CONNTRACKD_BIN -C $CONF -t >/x 2>&1\nthen :; fi\n");

	assert_int_equal(f.n, 1);
	assert_string_equal(f.list[0].code, "conntrackd-flush");
	assert_int_equal(f.list[0].severity, SEVERITY_CRITICAL);
	assert_string_equal(f.list[0].text, "line 1 of /etc/k/notify.sh empties the whole "
					    "connection table a minute later: $CONNTRACKD_BIN -C "
					    "$CONF -t");
	assert_string_equal(f.list[0].fix, "sed -i --follow-symlinks '1s/\\$CONNTRACKD_BIN -C "
					   "\\$CONF -t/: &/' /etc/k/notify.sh");
	findings_done(&f);
}

/* No command where it could meet something else, or a quote. */
static void doubtful_calls_get_no_command(void **state _unused_)
{
	static const char *const scripts[] = {
		"logger \"conntrack -F\"; conntrack -F",
		"conntrack -F; conntrack -F",
		"sh -c 'conntrack -F'",
		"conntrack \\\n -F",
		"C='conntrack -F'; sh -c \"$C\"",
		"conntrack '-F'",
		"ip addr flush dev eth0",
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct findings f = said(scripts[i]);

		assert_true(f.n > 0);
		for (k = 0; k < f.n; k++) {
			assert_string_equal(f.list[k].fix, "");
			assert_non_null(strstr(f.list[k].advice, "put \":\" in place of"));
		}
		findings_done(&f);
	}
}

/* What is no call to be taken out. */
static void what_is_not_read_is_a_note(void **state _unused_)
{
	struct findings f = said("ip -batch /etc/vips\n");

	assert_int_equal(f.n, 1);
	assert_int_equal(f.list[0].severity, SEVERITY_NOTE);
	assert_string_equal(f.list[0].fix, "");
	assert_non_null(strstr(f.list[0].advice, "see what it reads in line 1 of"));
	findings_done(&f);
	f = said("netplan apply\n");
	assert_int_equal(f.n, 1);
	assert_string_equal(f.list[0].code, "link-down");
	assert_int_equal(f.list[0].severity, SEVERITY_WARNING);
	assert_non_null(strstr(f.list[0].advice, "put \":\" in place of"));
	findings_done(&f);
}

static void shells_are_told_by_their_first_line(void **state _unused_)
{
	assert_true(script_is_shell("#!/bin/sh\n"));
	assert_true(script_is_shell("#! /bin/bash -e\nx"));
	assert_true(script_is_shell("#!/usr/bin/env bash\n"));
	assert_true(script_is_shell("#!/usr/bin/ksh"));
	assert_false(script_is_shell("#!/usr/bin/python3\n"));
	assert_false(script_is_shell("#!/usr/bin/env perl\n"));
	assert_false(script_is_shell("# /bin/sh\n"));
	assert_false(script_is_shell("#!\n"));
	assert_false(script_is_shell(""));
}

/* Words in words in words: it ends, and says that it has not read all. */
static void nothing_is_too_deep(void **state _unused_)
{
	char script[4096] = "", deeds[128] = "";
	const struct script_reader r = { .act = on_act, .ud = deeds };
	size_t i;

	for (i = 0; i < 1000; i++)
		memcpy(script + 2 * i, "$(", 3);
	assert_true(script_read(script, &r) < 0);
	strcpy(script, "A=xxxxxxxxxxxxxxxx\n");
	for (i = 0; i < 40; i++)
		strcat(script, "A=\"$A$A\"\n");
	strcat(script, "conntrack -F\n");
	assert_true(script_read(script, &r) < 0);
	assert_string_equal(deeds, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_found_and_nothing_else),
		cmocka_unit_test(a_call_is_made_one_that_does_nothing),
		cmocka_unit_test(doubtful_calls_get_no_command),
		cmocka_unit_test(what_is_not_read_is_a_note),
		cmocka_unit_test(shells_are_told_by_their_first_line),
		cmocka_unit_test(nothing_is_too_deep),
	};

	return cmocka_run_group_tests_name("script", tests, NULL, NULL);
}
