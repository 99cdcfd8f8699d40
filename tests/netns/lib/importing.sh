# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What `vipsafe import` prints, done as it says and looked at by vipsafed, by the real keepalived and by a
# second import.   . "$(dirname "$0")/lib/importing.sh"; netns_main "$@"; importing

# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "${BASH_SOURCE[0]}")/netns.sh"

UNTOLD= # names of configurations that changed() cannot read

# importing: what all of it needs; skips the case where something lacks
importing() {
	need_vipsafe
	command -v keepalived >/dev/null || skip_all "no program keepalived"
	VIPSAFED=$BUILD/vipsafed
	VERSION=$(keepalived --version 2>&1 | sed -n 's/^Keepalived v\([0-9.]*\).*/\1/p')
	# where the hooks are not, as nothing is installed here
	cp -r "$SRC/hooks" "$T/hooks"
	printf 'vrrp_instance V {\n interface eth0\n virtual_ipaddress {\n 192.0.2.1\n }\n}\n' >"$T/one"
	HOOKS=$("$VIPSAFE" import "$T/one" version "$VERSION" | sed -n 's|^#     notify "\(.*\)/notify"|\1|p')
	[ -n "$HOOKS" ] || bail_out "import proposes no hook"
}

# ---- the changes, as a program reads them ------------------------------------------

# changed CONF IMPORT: CONF after the changes that IMPORT tells
changed() {
	awk '
		# the changes
		NR == FNR && /^# What to change/ { inside = 1; next }
		NR == FNR && !inside { next }
		NR == FNR && /^# global_defs/ { global = 1; at = 0; after = $5; next }
		NR == FNR { sub(/^# ?/, "") }
		NR == FNR && /^line [0-9]+: vrrp_/ {
			global = 0; keep = 0
			to = at = $2 + 0
			next
		}
		NR == FNR && /^  line [0-9]+: instead of virtual_ipaddress$/ { to = $2 + 0; gone[to] = 1; next }
		NR == FNR && /^  line [0-9]+: remove / { gone[$2 + 0] = 1; next }
		NR == FNR && /^  line [0-9]+: of virtual_ipaddress_excluded keep/ {
			keep = $2 + 0; gone[keep] = 1
			put[keep] = "virtual_ipaddress_excluded {\n"
			close_at[keep] = 1
			next
		}
		NR == FNR && /^$/ { at = 0; global = 0; keep = 0; next }
		NR == FNR && keep && /^        / { put[keep] = put[keep] $0 "\n"; next }
		NR == FNR && /^    / {
			keep = 0
			if (global) globals = globals $0 "\n"
			else if (at) put[to] = put[to] $0 "\n"
			if (/^    }/) to = at
			next
		}
		NR == FNR { next }
		# the file
		FNR == 1 && globals && !after { print "global_defs {\n" globals "}" }
		FNR in gone {
			printf "%s", put[FNR] (close_at[FNR] ? "}\n" : "")
			if (!/}/) skip = 1
			next
		}
		skip { if (/}/) skip = 0; next }
		{ print; if (FNR in put) printf "%s", put[FNR]; if (FNR == after) printf "%s", globals }
	' "$2" "$1" | sed "s|$HOOKS|$T/hooks|"
}

# patched CONF IMPORT: the same by patch(1), from what --patch has printed
patched() {
	if grep -q '^--- a/' "$2"; then
		patch -s -o - "$1" <"$2" || echo "patch ends with $?"
	else
		cat "$1"
	fi | sed "s|$HOOKS|$T/hooks|"
}

# Every address, and the device it is on by name or by default, of CONF.
addresses() {
	awk '/^vrrp_instance/ { dev = "" } $1 == "interface" { dev = $2 }
		/virtual_ipaddress(_excluded)? {/ { inside = 1; next }
		inside && /}/ { inside = 0 }
		inside && !/dev lo/ {
			a = $1; d = dev
			if (a !~ /\//) a = a (a ~ /:/ ? "/128" : "/32")
			for (i = 2; i < NF; i++) if ($i == "dev") d = $(i + 1)
			print a, d
		}' "$1" | sort
}

# And of the sections for vipsafe.
sections() {
	awk '/^\[/ { dev = "" } /^device = / { dev = $3 }
		/^address = / { d = dev; for (i = 4; i < NF; i++) if ($i == "dev") d = $(i + 1); print $3, d }' \
		"$1" | sort
}

# accepts CODE NAME [WITH]: the configuration of stdin, whose import ends with CODE, and with a patch WITH
accepts() {
	local code=$1 name=$2 c=$T/$2.conf with=${3:-$1}

	cat >"$c"
	addresses "$c" >"$T/before"
	keepalived -t -f "$c" >"$T/$name.said" 2>&1
	[ $? -le 6 ] || not_ok "$name: keepalived takes the file before"
	"$VIPSAFE" import "$c" version "$VERSION" >"$T/$name.import" 2>"$T/err"
	is $? "$code" "$name: import ends with $code"
	is "$(grep -c '^#!' "$T/$name.import")" "$(sed -n 's/.*warning: \([0-9]*\) lines.*/\1/p' "$T/err" | grep . || echo 0)" \
		"$name: each line that begins with #! is counted"
	check "$name: vipsafed takes the sections" "$VIPSAFED" --config "$T/$name.import" --check
	changed "$c" "$T/$name.import" >"$T/$name.told"
	"$VIPSAFE" import "$c" version "$VERSION" --patch >"$T/$name.patch" 2>/dev/null
	is $? "$with" "$name: with a patch $with"
	check "$name: before the patch are the same sections" cmp -n "$(wc -c <"$T/$name.import")" "$T/$name.import" "$T/$name.patch"
	patched "$c" "$T/$name.patch" >"$T/$name.new"
	[[ " $UNTOLD " == *" $name "* ]] || judged "$name, as told" "$name" "$T/$name.told"
	judged "$name, by patch" "$name" "$T/$name.new"
}

# judged WHAT NAME FILE: FILE is what NAME became
judged() {
	local name=$1 new=$3

	set -- "$2"
	is "$(cat <(sections "$T/$1.import") <(addresses "$new") | sort)" "$(cat "$T/before")" \
		"$name: each address has one owner, on its device"
	keepalived -t -f "$new" >"$T/said" 2>&1
	# more than it said of the file before, whose lines had other numbers
	is "$(sed 's/^([^)]*) //' "$T/said" | grep -vxFf <(sed 's/^([^)]*) //' "$T/$1.said"))" "" \
		"$name: keepalived has nothing to say of the file after"
	sed "s|$T/hooks|$HOOKS|" "$new" >"$T/again.conf"
	"$VIPSAFE" import "$T/again.conf" --patch version "$VERSION" >"$T/again" 2>/dev/null
	is "$? $(grep -c '^\[instance\|^# What to\|^--- ' "$T/again")" "10 0" "$name: and there is nothing left to import"
}
