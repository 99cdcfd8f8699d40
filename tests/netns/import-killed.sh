#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A migration by import is killed before each call that changes something, from the first to the last: the file
# for conf.d is there as a whole or not at all, each file of keepalived is the old one or the new one, nothing else
# has come or gone, and the same commands again finish it.
# shellcheck disable=SC2317 # functions given to check and wait_for
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
STEP=${STEP:-1}
# shellcheck source=tests/netns/lib/killing.sh
. "$(dirname "$0")/lib/killing.sh"
need_vipsafe
need_killat
command -v patch >/dev/null || skip_all "no program patch"

CALLS_MAX=1000 # a migration that makes more does not end
FILES=(keepalived.conf conf.d/a.conf conf.d/b.conf)
IMPORT=("$VIPSAFE" import "$T/etc/keepalived.conf" version 2.2.7)
OUT=$T/vipsafe.d/keepalived.conf

# ---- what it is before and after ---------------------------------------------------------------
instances() { # FROM TO: more text than a buffer holds
	local i

	for ((i = $1; i <= $2; i++)); do
		printf 'vrrp_instance V%d {\n\tinterface eth0\n\tvirtual_router_id %d\n\tvirtual_ipaddress {\n' "$i" "$i"
		printf '\t\t192.0.2.%d\n\t\t198.51.100.%d/24 dev eth1\n\t}\n}\n' "$i" "$i"
	done
}
mkdir -p "$T/first/conf.d" "$T/vipsafe.d" "$T/done"
{ echo 'include conf.d/*.conf'; instances 1 20; } >"$T/first/keepalived.conf"
instances 21 40 >"$T/first/conf.d/a.conf"
instances 41 60 >"$T/first/conf.d/b.conf"

afresh() {
	rm -rf "${T:?}/etc" "$T/vipsafe.d"
	cp -r "$T/first" "$T/etc"
	mkdir "$T/vipsafe.d"
}
cat >"$T/migrate" <<.
${IMPORT[*]} --output $OUT; r=\$?
[ \$r = 0 ] || [ \$r = 5 ] || [ \$r = 10 ] || exit \$r
${IMPORT[*]} --patch | patch -s -d / -p1
.
afresh
sh "$T/migrate" >"$T/said" 2>&1 || bail_out "it cannot be migrated: $(cat "$T/said")"
cp -r "$T/etc" "$T/done/etc"
cp "$OUT" "$T/done/conf"
check "there is more than goes through a buffer at once" test "$(wc -c <"$T/done/conf")" -gt 9000
for f in "${FILES[@]}"; do check "it changes $f" not cmp -s "$T/first/$f" "$T/etc/$f"; done

is_one_of() { cmp -s "$1" "$2" || cmp -s "$1" "$3"; }

# judge_files: what is wrong, and the state in STATE: one letter for each file
judge_files() {
	local f

	STATE=-
	[ ! -e "$OUT" ] || STATE=+
	[ $STATE = - ] || cmp -s "$OUT" "$T/done/conf" || echo "$OUT is neither whole nor absent"
	for f in "${FILES[@]}"; do
		is_one_of "$T/etc/$f" "$T/first/$f" "$T/done/etc/$f" || echo "$f is neither the old one nor the new one"
		if cmp -s "$T/etc/$f" "$T/first/$f"; then STATE+=o; else STATE+=n; fi
	done
	# what is half made has a name that neither keepalived nor vipsafed reads
	find "$T/etc/conf.d" "$T/vipsafe.d" -name '*.conf' ! -path "$OUT" ! -name a.conf ! -name b.conf
	find "$T/vipsafe.d" -type f ! -path "$OUT" ! -path "$OUT.new"
}
all_done() {
	local f

	cmp -s "$OUT" "$T/done/conf" || echo "$OUT is not as it should be"
	for f in "${FILES[@]}"; do cmp -s "$T/etc/$f" "$T/done/etc/$f" || echo "$f is not as it should be"; done
	[ "$(ls "$T/vipsafe.d")" = keepalived.conf ] || echo "left: $(ls "$T/vipsafe.d")"
}

# rounds COMMAND...: it is killed at every STEPth call, judged, and all is done once more. KILLS, STATES.
rounds() {
	local at said

	KILLS=0 STATES=
	for ((at = 1; at < CALLS_MAX; at += STEP)); do
		afresh
		said=$("$BUILD/killat" "$at" "$@")
		judge_files >"$T/judged"
		sed "s|^|call $at ($said): |" "$T/judged"
		STATES+="$STATE "
		# patch complains where nothing is left to do
		sh "$T/migrate" >"$T/said" 2>&1 || [ "$STATE" = +nnn ] ||
			echo "call $at ($said): the second run ends with $?: $(tail -n 3 "$T/said")"
		all_done | sed "s|^|call $at, once more: |"
		[[ $said != ended* ]] || break
		KILLS=$((KILLS + 1))
	done
	[ "$at" -lt $CALLS_MAX ] || echo "after $CALLS_MAX calls still not through"
}

# ---- the file for conf.d ----------------------------------------------------------------------
rounds "${IMPORT[@]}" --output "$OUT" >"$T/wrong"
nothing "$(cat "$T/wrong")" "--output: whole or absent, and once more it is made, at each of $KILLS calls"
check "killed before it was there" grep -q -- '-ooo' <<<"$STATES"
check "and while it was" grep -q '+ooo .*+ooo' <<<"$STATES"

# ---- the whole migration, with all of its processes ------------------------------------------------
rounds sh "$T/migrate" >"$T/wrong"
nothing "$(cat "$T/wrong")" "all of it: each file is the old one or the new one, and once more finishes it, at each of $KILLS calls"
check "killed before, amid and after what patch does" grep -qE -- '\+ooo .*\+(n+o|on).*\+nnn' <<<"$STATES"

# ---- import alone, while patch waits for what it prints ------------------------------------------------
# Part of a diff can be a diff. Here patch lives on, and takes what has come.
mkfifo "$T/pipe"
cut=0
for ((at = 1; at < CALLS_MAX; at += STEP)); do
	afresh
	patch -s -d / -p1 <"$T/pipe" >"$T/said" 2>&1 &
	# the reader sees an end even if no writer has come
	said=$("$BUILD/killat" "$at" sh -c "exec ${IMPORT[*]} --patch >$T/pipe" 8<>"$T/pipe")
	wait $!
	judge_files
	[ "$STATE" = -ooo ] || [ "$STATE" = -nnn ] || echo "call $at ($said): patch has made part of the changes: $STATE"
	cut=$((cut + 1))
	[[ $said != ended* ]] || break
done >"$T/wrong"
nothing "$(cat "$T/wrong")" "import alone: patch makes all of the changes or none ($cut calls)"
done_testing
