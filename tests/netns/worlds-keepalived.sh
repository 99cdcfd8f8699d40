#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# worlds-keepalived.sh [WORLD...]: keepalived.conf as others have it (tests/worlds), on a node that has its devices:
# what doctor finds there, which instances import gives to vipsafe and which it leaves, and that what it prints, also
# as a patch, has each of the file's addresses once, on its device, and no other. The file `verdict` of a world says:
#
#   doctor CODE FINDING...       how vipsafe doctor --keepalived ends there, and all that it finds in this file
#   import CODE [WITH]           how import ends, and with --patch
#   takes INSTANCE...            these it gives to vipsafe
#   guards DEVICE...             and these devices get a guard
#   stays WORDS                  a line that begins with #! has these words; there are no others
# shellcheck source=tests/netns/lib/importing.sh
. "$(dirname "$0")/lib/importing.sh"
# shellcheck source=tests/netns/lib/worlds.sh
. "$(dirname "$0")/lib/worlds.sh"; each_world keepalived.conf "$@"; netns_main
importing
own_etc conntrackd keepalived
know_verdict fixed
w=$WORLDS/$WORLD conf=$T/etc/keepalived/keepalived.conf
[ ! -d "$w/etc" ] || cp -a "$w/etc/." "$T/etc"
cp "$w/keepalived.conf" "$conf"

TAKES='' GUARDS='' STAYS=()
while read -r word rest; do
	case $word in
	'#' | '') ;;
	doctor) DOCTOR=$rest ;;
	import) IMPORT=$rest ;;
	takes) TAKES=$rest ;;
	guards) GUARDS=$rest ;;
	stays) STAYS+=("$rest") ;;
	*) bail_out "$WORLD: no word $word" ;;
	esac
done <"$w/verdict"

i=0
while read -r d; do
	i=$((i + 1))
	ip link add "$d" type veth peer name "peer$i" || bail_out "cannot make $d"
	ip link set "$d" up
	ip link set "peer$i" up
done < <(awk '$1 == "interface" { print $2 } { for (i = 2; i < NF; i++) if ($i == "dev") print $(i + 1) }' "$conf" | sort -u)

run --json doctor --keepalived "$conf" version "$VERSION"
found=$(jq -r --arg c "$conf:" '.findings[] | select(.text | startswith($c)).code' "$T/out" | paste -sd ' ')
is "$RC${found:+ $found}" "$DOCTOR" "doctor knows this world"

# shellcheck disable=SC2086 # two words
set -- $IMPORT
# changes in scripts are made by nobody here
[ $# = 1 ] || UNTOLD=$WORLD
accepts "$1" "$WORLD" "${2:-$1}" <"$conf"
of() { sed -n "s/^\[$1 \(.*\)\]/\1/p" "$T/$WORLD.import" | sort | paste -sd ' '; }
is "$(of instance)" "$TAKES" "import: these instances are for vipsafe"
is "$(of device)" "$GUARDS" "import: and these devices for a guard"
is "$(grep -c '^#!' "$T/$WORLD.import")" "${#STAYS[@]}" "import: so much stays with keepalived"
for words in "${STAYS[@]}"; do
	check "import: $words" grep -q "^#! .*$words" "$T/$WORLD.import"
done
done_testing
