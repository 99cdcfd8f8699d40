#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What keepalived said last has to be on disk for the next start. When it cannot
# be written, an old word must not be taken for it.
# shellcheck disable=SC2317 # functions given to wait_for and check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon
command -v prlimit >/dev/null || skip_all "no program prlimit"

FIFO=/run/vipsafe/keepalived.fifo
topo_nodes
mkdir -m 755 /run/vipsafe
mount -t tmpfs -o mode=755,size=64k none /run/vipsafe || bail_out "no small /run/vipsafe"
# no guard: it would have a file open, and the directory could not be made read-only
config '[agent]' 'announce_again = 0' '[device br-mgmt]' 'pin = off' \
	'[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.100/32'
there() { has_addr 192.168.11.100/32 br-mgmt; }
say() { echo "INSTANCE \"VI_1\" $1 100" 1<>"$FIFO" >&1; }
kept() { grep -q "^$1 " /run/vipsafe/instances; }
problem() { jsons status | jq -r .notify.store_problem; }
has_problem() { [ -n "$(problem)" ]; }
metric() { "$VIPSAFE" metrics | awk '$1 == "vipsafe_instance_states_kept" { print $2 }'; }
state() { jsons status | jq -r '.instances[0].state'; }
# start_quiet: with an stderr that is no file
start_quiet() {
	"$VIPSAFED" --config "$CONF" 2> >(cat >>"$DAEMON_LOG") &
	DAEMON=$!
	wait_for 60 answers || bail_out "vipsafed does not answer"
}
master() {
	say MASTER
	wait_for 60 there || bail_out "MASTER brings no address"
	wait_for 60 kept MASTER || bail_out "it is not written down: $(cat /run/vipsafe/instances)"
}
backup() {
	say BACKUP
	wait_for 60 not there || bail_out "BACKUP takes no address"
}

# ---- a full file system -----------------------------------------------------------------
start_quiet
master
head -c 1000000 /dev/zero >/run/vipsafe/filler 2>/dev/null
backup
check "where there is no room for two, the new one takes the old one's" wait_for 20 kept BACKUP
daemon_end KILL
rm -f /run/vipsafe/filler
start_quiet
is "$(state)" BACKUP "it is known after a restart"
check "and nothing comes back" not there

# ---- no room at all ------------------------------------------------------------------------
master
prlimit --pid "$DAEMON" --fsize=0:unlimited
backup
check "what cannot be written is told" wait_for 20 has_problem
check "the old word is gone" not test -e /run/vipsafe/instances
like "$("$VIPSAFE" status)" "keepalived's last states are not on disk" "status has it in words"
is "$(metric)" 0 "metrics, too"
check "and the log" wait_for 20 logged 'states cannot be kept'
prlimit --pid "$DAEMON" --fsize=unlimited:unlimited
check "it is written as soon as it can be" wait_for 20 kept BACKUP
is "$(problem) $(metric)" " 1" "and nothing is wrong any more"
master
prlimit --pid "$DAEMON" --fsize=0:unlimited
backup
wait_for 20 has_problem
daemon_end KILL
start_quiet
is "$(state)" unknown "killed before it could: nothing is known"
check "and nothing comes back" not there

# ---- without a daemon: the hook itself --------------------------------------------------------
daemon_end
"$VIPSAFE" --config "$CONF" --local notify INSTANCE VI_1 MASTER
wait_for 60 there || bail_out "the hook brings no address"
wait_for 60 kept MASTER || bail_out "it is not written down"
prlimit --fsize=0:unlimited "$VIPSAFE" --config "$CONF" --local notify INSTANCE VI_1 BACKUP 2>/dev/null
check "the hook's BACKUP takes it" wait_for 60 not there
check "and no old word stays" not kept MASTER

# ---- a read-only directory ---------------------------------------------------------------------
start_quiet
master
# the daemon has a file open there: the file system itself stays as it is
make_read_only() { mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"; }
make_read_only /run/vipsafe || bail_out "it cannot be made read-only"
backup
check "that the file is wrong is told" wait_for 20 has_problem
like "$(problem)" 'out of date' "in these words"
daemon_end KILL
run --config "$CONF" --local notify INSTANCE VI_1 BACKUP
check "what lies where nobody can write is not believed" not there
umount /run/vipsafe
done_testing
