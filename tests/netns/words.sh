#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first words that somebody types: short, within 80 columns, and a mistyped one is
# answered by what was meant. Nothing is changed by any of it.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe

topo_nodes
know_verdict fixed # else the first delete finds it out meanwhile, and what is said changes
before=$(state)

# said DESCRIPTION CODE TEXT ARGUMENTS...: exit code CODE, and one line on stderr that has TEXT
said() {
	local what=$1 code=$2 text=$3

	shift 3
	run "$@"
	is "$RC $(cat "$T/err")" "$code vipsafe: $text" "$what"
}

# printed ARGUMENTS...: what is printed, without times, and the exit code
printed() {
	"$VIPSAFE" "$@" 2>&1 | sed 's/[0-9.]* [mu]s/T/'
	echo "exit code ${PIPESTATUS[0]}"
}

# same DESCRIPTION "ARGUMENTS" "ARGUMENTS"
same() {
	# shellcheck disable=SC2086 # words
	is "$(printed $2)" "$(printed $3)" "$1"
}

run
is "$RC" 1 "without a command: exit code 1"
is "$(wc -l <"$T/err")" 12 "… and 12 lines"
nothing "$("$BUILD/vipsafed" --help | awk 'length > 80')" "the help of vipsafed fits into 80 columns"

said "a mistyped command" 1 'unknown command "statsu"; did you mean "status"?' statsu
said "… an option" 1 'unknown option "--jsno"; did you mean "--json"?' --jsno status
said "… that is like none" 1 'unknown command "xyzzy"' xyzzy
said "-n where nothing can be planned" 1 'contradictory options: "--dry-run" does not go with status' -n status

same "help COMMAND is COMMAND --help" "help del" "del --help"
same "help is --help" help --help
same "version is --version" version --version
same "-V too" -V --version
same "show is status" show status
same "help knows them, too" "help show" "help status"
same "…" "help delete" "help del"
said "… and a mistyped one" 1 'unknown command "histroy"; did you mean "history"?' help histroy
same "delete is del" "delete 192.168.11.99/32 dev br-mgmt" "del 192.168.11.99/32 dev br-mgmt"
same "-n is plan" "-n del 192.168.11.7/24 dev br-mgmt --force" "plan del 192.168.11.7/24 dev br-mgmt --force"
same "-n with plan says nothing else" "-n plan add 192.168.11.77 dev br-mgmt" "plan add 192.168.11.77 dev br-mgmt"
run -j plan del 192.168.11.7/24 dev br-mgmt --force
is "$(json .op)" del "-j is --json"

commands=$("$VIPSAFE" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
check "the help lists commands" test "$(echo "$commands" | wc -l)" -gt 10
for c in "" $commands; do
	# shellcheck disable=SC2086 # no word for the help of all
	nothing "$("$VIPSAFE" help $c | awk 'length > 80')" "help ${c:-of all} fits into 80 columns"
done

# an option that is listed is not refused for its command; the words are too many, so that
# nothing is done
for c in $commands; do
	nothing "$(for o in $("$VIPSAFE" help "$c" | sed -n '/^Options:/,$s/^  \(-., \)\{0,1\}\(--[a-z-]*\).*/\2/p'); do
		"$VIPSAFE" "$c" "$o" 1 a b c d e f g 2>&1 </dev/null | grep 'does not go with'
	done)" "$c refuses no option that it lists"
done

is "$(state)" "$before" "nothing was changed by any of this"
done_testing
