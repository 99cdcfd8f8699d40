#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vipsafe doctor beside the real conntrackd: each of its traps, set here and found,
# and nothing where all is well. What decides about files and versions that cannot
# be had here is in tests/unit/test_conntrackd.
# shellcheck disable=SC2317,SC2016 # functions given to wait_for; what looks like $ is jq's
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
command -v conntrackd >/dev/null || skip_all "no program conntrackd"

topo_pod
know_verdict fixed
VIP=192.168.11.100
ip addr add $VIP/32 dev br-mgmt
iptables -w 5 -t nat -A POSTROUTING -o br-mgmt -s 10.232.1.0/24 -j SNAT --to-source $VIP
own_etc conntrackd keepalived
CONF=$T/vipsafe.conf
printf '%s\n' '[device br-mgmt]' '[instance VI_1]' 'device = br-mgmt' "address = $VIP/32" 'conntrackd = yes' >"$CONF"
put /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established 432000

# conntrackd_conf MODE FILTER: its file
conntrackd_conf() {
	cat >/etc/conntrackd/conntrackd.conf <<-.
		Sync {
			Mode FTFW {
				$1
			}
			UDP {
				IPv4_address 192.168.11.7
				IPv4_Destination_Address 192.168.11.8
				Port 3780
				Interface br-mgmt
				Checksum yes
			}
		}
		General {
			Systemd no
			HashSize 8192
			HashLimit 65535
			LockFile $T/conntrackd.lock
			UNIX {
				Path $T/conntrackd.ctl
			}
			$2
		}
	.
}
answers() { conntrackd -s; }
conntrackd_start() {
	conntrackd >"$T/conntrackd.log" 2>&1 &
	CTD=$!
	wait_for 60 answers || bail_out "conntrackd does not start: $(tail -n 3 "$T/conntrackd.log")"
}
conntrackd_end() { # SIGNAL
	kill "-$1" $CTD
	wait $CTD 2>/dev/null
}
again() { # MODE FILTER: with another file
	conntrackd_end TERM
	conntrackd_conf "$1" "$2"
	conntrackd_start
}

doctor() { run --json --config "$CONF" doctor; }
codes() { jq -r '[.findings[].code | select(startswith("conntrackd-"))] | join(" ")' "$T/out"; }
found() { # CODES WHAT
	doctor
	is "$(codes)" "$1" "$2"
}
finds() { doctor && [ "$(codes)" = "$1" ]; }
text_of() { jq -r --arg c "$1" '.findings[] | select(.code == $c).text' "$T/out"; }

# ---- whether one runs ------------------------------------------------------------------
found "conntrackd-not-running conntrackd-conf" "no conntrackd, and no file"
like "$(text_of conntrackd-not-running)" "instance VI_1" "told for whom"
conntrackd_conf 'StartupResync yes' ''
serve server node2 10.232.3.28 7001
open flows pod 5 10.232.3.28 7001
conntrackd_start
found "" "where all is well nothing is found"
conntrackd_end KILL
found "conntrackd-lock conntrackd-not-running" "killed: the lock file that it has left"
like "$(text_of conntrackd-lock)" "$T/conntrackd.lock" "told which"
check "with it conntrackd does not start" not timeout -k 1 20 conntrackd
rm "$T/conntrackd.lock"
conntrackd_start

# a second one, with a lock file of its own, takes the socket away
FIRST=$CTD
sed "s,conntrackd.lock,second.lock,; s,3780,3781," /etc/conntrackd/conntrackd.conf >"$T/second.conf"
conntrackd -C "$T/second.conf" >"$T/second.log" 2>&1 &
CTD=$!
check "two of them" wait_for 60 finds "conntrackd-twice"
conntrackd_end TERM
check "the second one has left, and has taken the socket along" wait_for 60 finds "conntrackd-silent"
CTD=$FIRST
conntrackd_end TERM

# ---- another file ------------------------------------------------------------------------
conntrackd_conf 'StartupResync yes' ''
mkdir "$T/elsewhere"
sed "s,conntrackd.ctl,elsewhere/ctl," /etc/conntrackd/conntrackd.conf >"$T/elsewhere/conf"
conntrackd -C "$T/elsewhere/conf" >"$T/conntrackd.log" 2>&1 &
CTD=$!
check "with another file" wait_for 60 conntrackd -C "$T/elsewhere/conf" -s
found "conntrackd-silent conntrackd-other-file" "started with another file: vipsafe's calls go nowhere"
conntrackd_end TERM
printf '%s\n' 'General {' 'Systemd no' "LockFile $T/conntrackd.lock" 'UNIX {' "Path $T/conntrackd.ctl" '}' '}' \
	'Stats {' 'LogFile no' '}' >/etc/conntrackd/conntrackd.conf
conntrackd_start
found "conntrackd-mode" "a file without Sync, as Debian's is"
is "$(conntrackd -c >/dev/null 2>&1; echo $?)" 0 "whose conntrackd says that it has committed"

# ---- what its file says --------------------------------------------------------------------
again 'StartupResync no' ''
found "conntrackd-startup-resync" "StartupResync"
again 'StartupResync yes
CommitTimeout 180' ''
found "conntrackd-commit-timeout" "CommitTimeout"
put /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established 180
found "" "CommitTimeout: not where the kernel forgets as soon"
put /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established 432000
again 'StartupResync yes
DisableExternalCache yes' ''
found "conntrackd-no-cache" "DisableExternalCache"

# ---- its filter: judged by the connections that are there ------------------------------------------
own_cache() { [ "$(conntrackd -i | grep -c dport=7001)" = "$1" ]; }
again 'StartupResync yes' "Filter From Userspace {
Address Ignore {
IPv4_address $VIP
} }"
check "Address Ignore of the VIP: what is translated to it is replicated" wait_for 60 own_cache 5
found "" "and nothing is found"
again 'StartupResync yes' "Filter From Userspace {
Address Accept {
IPv4_address $VIP
} }"
found "conntrackd-filter" "Address Accept of the VIP alone"
is "$(conntrackd -R; conntrackd -i | grep -c dport=7001)" 0 "which replicates none of them"
again 'StartupResync yes' "Filter From Kernelspace {
Address Ignore {
IPv4_address 10.232.1.0/24
} }"
found "conntrackd-filter" "Address Ignore of the clients"
like "$(text_of conntrackd-filter)" "leaves out 5 of the 5" "counted"
is "$(conntrackd -R; conntrackd -i | grep -c dport=7001)" 0 "and none is replicated"
# what conntrackd itself sends is not to count
again 'StartupResync yes' 'Filter From Userspace {
Address Ignore {
IPv4_address 192.168.11.8
} }'
check "the cache has them" wait_for 60 own_cache 5
conntrackd -f internal
check "an empty cache" wait_for 60 finds "conntrackd-empty"
conntrackd -R
check "filled again" wait_for 60 finds ""

# ---- scripts that drive it as well -------------------------------------------------------------------
cat >/etc/keepalived/keepalived.conf <<'.'
vrrp_instance VI_1 {
	interface br-mgmt
	virtual_router_id 51
	virtual_ipaddress {
		169.254.51.1/32 dev lo scope host
	}
	notify_master "/etc/keepalived/primary-backup.sh primary"
}
.
stock=/usr/share/doc/conntrackd/examples/sync/primary-backup.sh
if [ -e $stock ]; then
	install -m 755 $stock /etc/keepalived/primary-backup.sh
else
	printf '%s\n' '#!/bin/sh' 'conntrackd -c' 'conntrackd -f' 'conntrackd -R' 'conntrackd -B' 'conntrackd -t' \
		>/etc/keepalived/primary-backup.sh
	chmod 755 /etc/keepalived/primary-backup.sh
fi
doctor
check "the stock script beside vipsafe: -t" jq -e '.findings | any(.code == "conntrackd-flush")' "$T/out"
check "-f" jq -e '.findings | any(.code == "conntrackd-caches")' "$T/out"
check "and both" jq -e '.findings | any(.code == "conntrackd-both")' "$T/out"
# and such a script without vipsafe, which leaves out what has to follow -c
printf '%s\n' '[device br-mgmt]' >"$CONF"
incomplete() { # WHAT CALL...: a script with CALLs lacks WHAT
	printf '%s\n' '#!/bin/sh' "${@:2}" >/etc/keepalived/primary-backup.sh
	doctor
	is "$(codes)" conntrackd-sequence "a script without $1"
	like "$(text_of conntrackd-sequence)" "never call $1:" "told which"
}
incomplete -R 'conntrackd -c' 'conntrackd -B'
incomplete -B 'conntrackd -c' 'conntrackd -R'
incomplete -c 'conntrackd -R' 'conntrackd -B'
conntrackd_end TERM
unharmed flows "nothing of this has touched a connection"
jobs_end
done_testing
