#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# FTP sessions survive: an active one with its helper, its adjusted sequence
# numbers, the open data connection and a new one after; and a passive one
# through a DNATed address, where the adjustment is on the way back.
# shellcheck source=tests/netns/lib/pair.sh
# shellcheck disable=SC2015 # two conditions and what to do when either fails
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe
command -v ncat >/dev/null || skip_all "no program ncat"

topo_pod
masquerade
iptables -w 5 -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp 2>/dev/null ||
	skip_all "this kernel has no FTP helper"
iptables -w 5 -t nat -A PREROUTING -d 10.96.0.1 -p tcp --dport 21 \
	-j DNAT --to-destination 10.232.3.28:2121

# said NAME LINE: the next line of job NAME is LINE (line ends aside)
said() {
	hear "$1" 60
	[ "${REPLY%$'\r'}" = "$2" ]
}

# port_command N: the client announces its port 30000+N. The helper rewrites
# the address, which makes the packet longer: hence sequence adjustment.
# PORT is what the server is told.
port_command() {
	tell ctl "PORT 10,232,1,5,117,$((48 + $1))"$'\r'
	hear ftpd 60
	PORT=$(sed -n 's/^PORT 192,168,11,7,\([0-9]*\),\([0-9]*\)\r*$/\1 \2/p' <<<"$REPLY" |
		awk '{ print $1 * 256 + $2 }')
	[ -n "$PORT" ] || diag "the server was told: $REPLY"
}

# data_up N: the server opens the data connection just announced
data_up() {
	job "pod$1" in_ns pod ncat -l 10.232.1.5 $((30000 + $1))
	wait_for 60 in_ns pod sh -c "ss -Hltn 'sport = $((30000 + $1))' | grep -q ." || return
	job "data$1" in_ns node2 ncat -s 10.232.3.28 192.168.11.7 "$PORT"
	tell "data$1" "file $1"
	said "pod$1" "file $1"
}

# passive_reply: the server announces a port; the client is told a shorter
# address than the server wrote, so from then on the server's bytes are shifted.
passive_reply() {
	tell ftpd2 "331 who?"$'\r' # the helper trusts lines that follow a whole line
	said ctl2 "331 who?" || return
	tell ftpd2 "227 Entering Passive Mode (10,232,3,28,117,50)."$'\r'
	said ctl2 "227 Entering Passive Mode (10,96,0,1,117,50)."
}

listening() { in_ns node2 sh -c "ss -Hltn 'sport = $1' | grep -q ."; }

half() {
	local how=$1

	twin_up
	job ftpd in_ns node2 ncat -l 10.232.3.28 21
	job ftpd2 in_ns node2 ncat -l 10.232.3.28 2121
	wait_for 60 listening 21 && wait_for 60 listening 2121 || bail_out "no server"
	job ctl in_ns pod ncat 10.232.3.28 21
	job ctl2 in_ns pod ncat 10.96.0.1 21
	tell ctl2 "USER y"$'\r'
	check "$how: the passive control connection works" said ftpd2 "USER y"
	check "$how: the helper translates the answer to PASV" passive_reply
	tell ctl "USER x"$'\r'
	check "$how: the control connection works" said ftpd "USER x"
	port_command 1
	check "$how: the helper translates PORT" test -n "$PORT"
	check "$how: the data connection works" data_up 1
	leave "$how" -p tcp --orig-port-dst 21
	if [ "$how" = bare ]; then
		tell ctl "NOOP"$'\r'
		check "without vipsafe the control connection is reset" \
			wait_for 30 grep -q reset "$T/ctl.err"
		tell ctl2 "NOOP"$'\r'
		check "without vipsafe the passive one is, too" \
			wait_for 30 grep -q reset "$T/ctl2.err"
	else
		tell ftpd "200 ok"
		check "with vipsafe the server is heard" said ctl "200 ok"
		tell ctl "NOOP"$'\r'
		check "with vipsafe the client is heard" said ftpd "NOOP"
		tell ftpd2 "226 done"
		check "with vipsafe the passive server is heard" said ctl2 "226 done"
		tell ctl2 "NOOP"$'\r'
		check "with vipsafe the passive client is heard" said ftpd2 "NOOP"
		tell data1 "more"
		check "with vipsafe the data connection goes on" said pod1 "more"
		if json '.warnings[].code' | grep -qx helper-lost; then
			skip "with vipsafe the helper goes on" "this kernel forgets it, and the report says so"
			run --json probe
			is "$(json .helpers)" lost "the probe has found out the same"
		else
			run --json probe
			is "$(json .helpers)" kept "the probe finds out that this kernel keeps a helper"
			port_command 2
			check "with vipsafe the helper goes on" test -n "$PORT"
			check "with vipsafe a new data connection works" data_up 2
		fi
	fi
	fresh
}

half bare
half vipsafe
done_testing
