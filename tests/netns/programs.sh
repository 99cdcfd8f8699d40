#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # called by name
# The system's own programs, as vipsafe runs them: their input arrives however small
# pipes are, what they leave running is ended with them, and nothing that whoever
# called vipsafe had open reaches them or what outlives the call.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"

need_vipsafe
CALL=$T/kernelcall # where any user may run it
cp "$BUILD/kernelcall" "$CALL" || bail_out "no kernelcall"
chmod 755 "$T"
OTHER=64321 # a user with nothing of its own

# call WORDS...: `kernelcall program`, given up after a while
call() {
	OUT=$(timeout -s KILL 60 ${AS[@]+"${AS[@]}"} "$CALL" program "$@" 2>&1)
}

# ---- what a case begins with --------------------------------------------------------

is "$(for fd in "/proc/$$/fd/"*; do [[ ${fd##*/} =~ ^[012]$ ]] || readlink "$fd"; done | grep -v '^pipe:\|^/dev/\|/programs.sh$')" "" \
	"a case has nothing open of whoever called it"

# ---- input --------------------------------------------------------------------------

AS=()
call 60000 300000 wc -c
is "$OUT" "300000
ok" "input of 300 000 bytes arrives"
call 60000 300000 sh -c 'seq -f "line %g of some length to fill a pipe" 4000; wc -c'
is "$(grep -c ^line <<<"$OUT") $(tail -n 2 <<<"$OUT" | tr '\n' ' ')" "4000 300000 ok " \
	"and so it does while the program prints more than a pipe holds"
call 60000 300000 sh -c 'exec <&-; echo not reading; exit 0'
is "$OUT" "not reading
ok" "one that reads nothing does no harm"

# A user with many pipes is given small ones: two pages, or one.
cat >"$T/hog" <<-'.'
	#!/bin/bash
	for ((i = 0; i < 1100; i++)); do
		mkfifo "f$i" && exec {fd}<>"f$i" || exit
	done
	echo ready
	read -r
.
chmod 755 "$T/hog"
mkdir -m 777 "$T/fifos"
if ulimit -n 4096 && setpriv --reuid $OTHER --clear-groups --inh-caps=-all --bounding-set=-all \
	true 2>/dev/null; then
	AS=(setpriv --reuid "$OTHER" --clear-groups --inh-caps=-all --bounding-set=-all)
	job hog "${AS[@]}" sh -c "cd $T/fifos && exec bash $T/hog"
	hear hog 120
	is "$REPLY" ready "a user that has over a thousand pipes"
	call 60000 30000 wc -c
	is "$OUT" "30000
ok" "input of 30 000 bytes arrives through small pipes"
	job_end hog
	AS=()
else
	skip "small pipes" "cannot be another user here"
fi

# ---- what is left running -----------------------------------------------------------

left() { pgrep -x tail >/dev/null; }

call 60000 0 sh -c 'tail -f /dev/null & echo started; exit 0'
is "$OUT" "started
ok" "a program that leaves one in the background has ended when it ends"
check "what it left is ended" wait_for 30 not left
call 300 0 sh -c 'trap "" TERM HUP; tail -f /dev/null & tail -f /dev/null'
is "$OUT" "Connection timed out" "one that hangs is ended at its deadline"
check "and so is what it started" wait_for 30 not left

# ---- what is open ---------------------------------------------------------------------

topo_nodes
know_verdict affected
ip addr add 192.168.11.100/32 dev br-mgmt
REAL=$(readlink -f "$(command -v iptables-restore)")
mount -t tmpfs none /mnt || bail_out "no place" # some programs see no /run of ours
cp "$REAL" /mnt/multi
cat >/mnt/spy <<-.
	#!/bin/bash
	for fd in /proc/self/fd/*; do
		readlink "\$fd"
	done >>/mnt/seen
	exec -a "\$0" /mnt/multi "\$@"
.
chmod 755 /mnt/spy
: >"$T/secret"
mount --bind /mnt/spy "$REAL" || bail_out "cannot stand in for iptables"
exec 7<"$T/secret" 8> >(cat >/dev/null)
for words in doctor "--local --hold iptables del 192.168.11.100/32 dev br-mgmt"; do
	: >/mnt/seen
	# shellcheck disable=SC2086
	timeout 60 "$VIPSAFE" $words >/dev/null 2>&1
	check "${words##* }: it ran the program" test -s /mnt/seen
	is "$(grep -c secret /mnt/seen)" 0 "${words##* }: no descriptor of the caller's reached it"
done
umount "$REAL"
exec 7<&- 8>&-
done_testing
