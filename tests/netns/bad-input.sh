#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bad input: the right exit code, one line on stderr that names the word,
# nothing on stdout, nothing changed.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe

topo_nodes
V=192.168.11.100
LONG=$(printf 'x%.0s' {1..130})

# rejects CODE WORD ARGUMENTS...
rejects() {
	local code=$1 word=$2 lines

	shift 2
	run "$@"
	lines=$(grep -c '' "$T/err")
	if [ "$RC" = "$code" ] && [ "$lines" = 1 ] && [ ! -s "$T/out" ] &&
		grep -qF -- "$word" "$T/err" && ! LC_ALL=C grep -q '[^ -~]' "$T/err"; then
		ok "$(printf %s "$*" | tr '#\033\n' '???' | cut -c 1-70): $code"
	else
		not_ok "$(printf %s "$*" | tr '#\033\n' '???' | cut -c 1-70): $code, naming $word"
		diag "exit code $RC, $lines lines on stderr: $(cat -v "$T/err")"
		[ ! -s "$T/out" ] || diag "stdout: $(head -3 "$T/out")"
	fi
}

before=$(state)

# addresses
rejects 1 $V del $V dev br-mgmt
rejects 1 $V/33 del $V/33 dev br-mgmt
rejects 1 $V/-1 add $V/-1 dev br-mgmt
rejects 1 $V/ add $V/ dev br-mgmt
rejects 1 $V/032 add $V/032 dev br-mgmt
rejects 1 192.168.11.300/32 add 192.168.11.300/32 dev br-mgmt
rejects 1 192.168.11/32 add 192.168.11/32 dev br-mgmt
rejects 1 fd00::1/129 add fd00::1/129 dev br-mgmt
rejects 1 fd00:::1/64 add fd00:::1/64 dev br-mgmt
rejects 1 0.0.0.0/0 add 0.0.0.0/0 dev br-mgmt
rejects 1 224.0.0.18/32 add 224.0.0.18/32 dev br-mgmt
rejects 1 $V/32 add $V/32 $V/32 dev br-mgmt
rejects 1 address add dev br-mgmt
# shellcheck disable=SC2046
rejects 1 address del $(seq -f '10.9.%g.1/32' 1 65) dev br-mgmt
# devices
rejects 1 dev add $V/32
rejects 1 dev add $V/32 dev
rejects 2 nosuch0 add $V/32 dev nosuch0
rejects 2 nosuch0 del $V/32 dev nosuch0
rejects 1 xxxxxxxx add $V/32 dev "$LONG"
rejects 1 ../eth0 add $V/32 dev ../eth0
rejects 1 br-mgmt:1 add $V/32 dev br-mgmt:1
rejects 1 dev add $V/32 dev br-mgmt dev br-mgmt
# words
rejects 1 frobnicate add $V/32 dev br-mgmt frobnicate
rejects 1 label add $V/32 dev br-mgmt label br-mgmt:1 label br-mgmt:1
rejects 1 eth9:1 add $V/32 dev br-mgmt label eth9:1
rejects 1 br-mgmt:0123456789 add $V/32 dev br-mgmt label br-mgmt:0123456789
rejects 1 label del $V/32 dev br-mgmt label br-mgmt:1
rejects 1 outer add $V/32 dev br-mgmt scope outer
rejects 1 1.2.3 add $V/32 dev br-mgmt brd 1.2.3
rejects 1 soon add $V/32 dev br-mgmt preferred_lft soon
rejects 1 valid_lft add $V/32 dev br-mgmt valid_lft 60
rejects 1 -1 add $V/32 dev br-mgmt metric -1
rejects 1 dad add $V/32 dev br-mgmt dad
rejects 1 label add fd00:11::100/128 dev br-mgmt label br-mgmt:1
rejects 1 ambiguous add $V/32 d br-mgmt
rejects 1 '\x1b' add $'\e[31m'$V/32 dev br-mgmt
rejects 1 '\x0a' add $V/32 dev $'br\nmgmt'
# commands and options
rejects 1 dell dell $V/32 dev br-mgmt
rejects 1 ambiguous p
rejects 1 magic --strategy magic del $V/32 dev br-mgmt
rejects 1 ebtables --hold ebtables del $V/32 dev br-mgmt
rejects 1 explode --vip-flows explode del $V/32 dev br-mgmt
rejects 1 explode --move-by explode del $V/32 dev br-mgmt
rejects 1 move-by --move-by 200ms add $V/32 dev br-mgmt
rejects 1 move-by --move-by 200ms isolate $V/32 dev br-mgmt
rejects 1 timeout --timeout 0 del $V/32 dev br-mgmt
rejects 1 eternity --timeout eternity del $V/32 dev br-mgmt
rejects 1 timeout del $V/32 dev br-mgmt --timeout
rejects 1 --frob --frob add $V/32 dev br-mgmt
rejects 1 frob plan frob $V/32 dev br-mgmt
rejects 1 $V plan del $V dev br-mgmt
# configuration
rejects 78 "$T/none.conf" --config "$T/none.conf" add $V/32 dev br-mgmt
printf '[agent]\nfrequency = 5\n' >"$T/bad.conf"
rejects 78 frequency --config "$T/bad.conf" add $V/32 dev br-mgmt
printf '[agent]\nhold_max = 500\n' >"$T/bad.conf"
rejects 78 hold_max --config "$T/bad.conf" add $V/32 dev br-mgmt

# ---- what the caller says is shown, not obeyed -------------------------------------
# Colours, a line of one's own, what is no UTF-8, and C1 controls, wherever a word
# may stand. Whatever becomes of it, the output is printable and each line ours.
odd=$'\e[31mx\nINJECTED: y\xff\xc2\x9b2J\r'
clean() { # WHAT COMMAND...
	local what=$1 strange

	shift
	timeout -k 2 120 "$@" >"$T/all" 2>&1 </dev/null
	strange=$(LC_ALL=C grep -cE '[^ -~]|^INJECTED' "$T/all")
	is "$strange" 0 "printable: $what"
	[ "$strange" = 0 ] || diag "$(cat -v "$T/all")"
}
for command in add del plan notify status doctor probe metrics watch lvs recover reload history import; do
	clean "$command WORD" "$VIPSAFE" --timeout 1 $command "$odd"
	clean "$command ... WORD" "$VIPSAFE" --timeout 1 $command "$odd" "$odd" "$odd" "$odd"
	clean "$command, --socket" "$VIPSAFE" --timeout 1 --socket "/tmp/$odd" $command
	printf '[agent]\nrun_dir = /nowhere/%s\n' $'\e[31m\xff' >"$T/odd.conf"
	clean "$command, run_dir" "$VIPSAFE" --timeout 1 --config "$T/odd.conf" $command
done
clean "add dev WORD" "$VIPSAFE" add $V/32 dev "$odd"
clean "add label WORD" "$VIPSAFE" add $V/32 dev br-mgmt label "$odd"
clean "plan add dev WORD" "$VIPSAFE" plan add $V/32 dev $'br\e[31m'
clean "lvs check WORD" "$VIPSAFE" lvs check "$odd"
clean "lvs map WORD" "$VIPSAFE" lvs map "$odd"
clean "doctor --keepalived" "$VIPSAFE" doctor --keepalived "/tmp/$odd"
clean "doctor version WORD" "$VIPSAFE" doctor --keepalived /dev/null version "$odd"
clean "import version WORD" "$VIPSAFE" import /dev/null version "$odd"
clean "notify, all words" "$VIPSAFE" --local notify INSTANCE "$odd" MASTER
clean "history ID" "$VIPSAFE" history "$odd"
clean "plan WORD" "$VIPSAFE" plan del "$odd"
clean "the command itself" "$VIPSAFE" "$odd"
# shellcheck disable=SC2016 # of that shell
clean "the name" bash -c 'exec -a "$1" "$2" --frob' _ "$odd" "$VIPSAFE"
for option in config socket timeout strategy hold vip-flows move-by keepalived "$odd"; do
	clean "--${option%%$'\e'*}" "$VIPSAFE" "--$option" "$odd" add $V/32 dev br-mgmt
	clean "--${option%%$'\e'*}=" "$VIPSAFE" "--$option=$odd" add $V/32 dev br-mgmt
done
clean "-LETTER" "$VIPSAFE" "-$odd"
clean "vipsafed WORD" "$BUILD/vipsafed" "$odd"
clean "vipsafed --WORD" "$BUILD/vipsafed" "--$odd"
clean "vipsafed -LETTER" "$BUILD/vipsafed" "-$odd"
clean "vipsafed --check=WORD" "$BUILD/vipsafed" "--check=$odd"
clean "vipsafed --config" "$BUILD/vipsafed" --check --config "/tmp/$odd"
# shellcheck disable=SC2016
clean "vipsafed, its name" bash -c 'exec -a "$1" "$2" --frob' _ "$odd" "$BUILD/vipsafed"
printf '[agent]\n%s = 1\n' "$odd" >"$T/odd.conf"
clean "vipsafed, a key" "$BUILD/vipsafed" --check --config "$T/odd.conf"
printf '[agent]\nallow = %s\n' $'\e[31m\xff' >"$T/odd.conf"
clean "vipsafed, allow" "$BUILD/vipsafed" --check --config "$T/odd.conf"

is "$(state)" "$before" "nothing changed by any of them"
done_testing
