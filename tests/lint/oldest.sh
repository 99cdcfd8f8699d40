#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The programs compile with the headers of the oldest systems: RHEL 7's kernel headers (Linux
# 3.10) and what Ubuntu 16.04 and RHEL 7 have of the libraries. Those headers are not here: the
# installed ones stand in for them, copied with every name renamed that is not in a list of names
# which the old ones have (lib/linux-3.10, lib/libraries-oldest). What the source uses beyond the
# lists is then not declared, unless it brings a definition of its own (agent/kernel/abi_*.h).
# So this proves: no function, macro, constant or type that came later is needed to compile.
# It does not prove that a prototype, or a member of a structure, was the same then, nor what an
# old library does when it runs; symbols.sh looks at what is linked.
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

CC=${CC:-cc}
if [ ! -f "$BUILD/config.h" ]; then
	skip 'compiles with the oldest headers' "NOT CONFIGURED in $BUILD"
	done_testing
fi
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

# The prefixes of names that are renamed unless they are known.
linux='NFTA?|NFNL|IPSET|IPVS_(CMD|SVC|DEST|STATS|GENL)|IP_VS|CTA|IPCTNL|IFA|IFLA|NLM_F|NLA_F|NETLINK'
linux="$linux|RTM|RTNLGRP|INET_DIAG|SOCK_DIAG|CTRL|GENL|VETH|NFNLGRP|NFNETLINK|BPF"
libs='json|JSON|nl|NL|genl|rtnl|nfct|NFCT|nfexp|ATTR|sd|SD|ini|INI'

cflags="-std=gnu99 -Wall -Wextra -Wno-missing-field-initializers -I$BUILD -Iinclude -Iagent -include config.h"
# shellcheck disable=SC2046,SC2086 # lists
set -- $cflags -DSYSCONFDIR=\"\" -DHOOKSDIR=\"\" \
	$(pkg-config --cflags libnl-3.0 libnetfilter_conntrack libsystemd jansson | tr ' ' '\n' | sed 's/^-I/-isystem/')
sources="$(c_files '^agent/' | grep '\.c$')"
# All headers that any source includes, in both orders, as some leave out others that came before: that is
# what the sources themselves depend on, without a compiler started for each.
c_files '^(agent|include)/' | xargs grep -h '^#[[:space:]]*include <' | grep -v '<vipsafe/' | sort -u >"$tmp/up.c"
sort -r "$tmp/up.c" >"$tmp/down.c"
"$CC" "$@" -M "$tmp/up.c" "$tmp/down.c" >"$tmp/deps" 2>"$tmp/err" || bail_out "no dependencies: $(head -3 "$tmp/err")"

# place FILE: the name it is included by, the names in it that are looked at, and the list
place() {
	case $1 in
	*/include/linux/*) echo "linux/${1##*/include/linux/} ($linux)_[A-Z0-9_]+ linux-3.10" ;;
	*/libnl3/*) echo "${1##*/libnl3/} ($libs)_[A-Za-z0-9_]+ libraries-oldest" ;;
	*/libnetfilter_conntrack/* | */systemd/*) echo "${1#*/include/} ($libs)_[A-Za-z0-9_]+ libraries-oldest" ;;
	*/jansson*.h | */ini.h) echo "${1##*/} ($libs)_[A-Za-z0-9_]+ libraries-oldest" ;;
	esac
}
older() { # PATTERN KNOWN: a header with its later names renamed
	awk -v pattern="^($1)\$" -v known="tests/lint/lib/$2" '
		BEGIN { while ((getline line <known) > 0) is_known[line] = 1 }
		/^[[:space:]]*#[[:space:]]*include/ { print; next }
		{
			for (rest = $0; match(rest, /[A-Za-z_][A-Za-z0-9_]*/); ) {
				word = substr(rest, RSTART, RLENGTH)
				printf "%s%s%s", substr(rest, 1, RSTART - 1),
					word ~ pattern && !(word in is_known) ? "later_" : "", word
				rest = substr(rest, RSTART + RLENGTH)
			}
			print rest
		}'
}
sed 's/[ \\]\{1,\}/\n/g' "$tmp/deps" | grep '^/' | sort -u | while IFS= read -r header; do
	to=$(place "$header")
	[ -n "$to" ] || continue
	read -r name pattern known <<-.
		$to
	.
	mkdir -p "$tmp/old/$(dirname "$name")"
	older "$pattern" "$known" <"$header" >"$tmp/old/$name"
done

compile() { "$CC" -isystem "$tmp/old" "$@" -fsyntax-only -Werror; }
# shellcheck disable=SC2086
compile "$@" $sources 2>"$tmp/err"
verdict 'the programs compile with headers that have nothing newer' "$(grep -E 'error|warning' "$tmp/err" | head -40)"
compile "$@" tests/unit/test_ipvs.c 2>"$tmp/err"
verdict 'so does the test of IPVS' "$(grep -E 'error|warning' "$tmp/err" | head -20)"

# That what came later is refused, whatever the installed headers have.
later=$(for code in 'IFA_RT_PRIORITY linux/if_addr.h' 'IFLA_ALT_IFNAME linux/if_link.h' \
	'CTA_SYNPROXY linux/netfilter/nfnetlink_conntrack.h' 'JSON_EMBED jansson.h' 'json_object_update_recursive jansson.h' 'nl_socket_set_nonblocking netlink/netlink.h'; do
	printf '#include <%s>\nint main(void)\n{\n\treturn !(long)%s;\n}\n' "${code#* }" "${code% *}" >"$tmp/newer.c"
	grep -rqw "${code% *}" /usr/include/linux /usr/include/jansson.h /usr/include/libnl3 2>/dev/null || continue
	! compile "$@" "$tmp/newer.c" 2>/dev/null || echo "$code is taken"
done)
verdict 'a newer name is refused' "$later"
# shellcheck disable=SC2086
verdict 'json_pack() formats are those of jansson 2.7' "$(grep -nE 'json_(un)?pack(_ex)?\([^"]*"[^"]*[?*]' $sources)"

used() {
	cat agent/*/*.[ch] | sed 's,/\*.*\*/,,; /^ \*/d' | grep -oE "\\b($libs)_[A-Za-z0-9_]+\\b" | sort -u
}
used >"$tmp/used"
verdict 'each name of the list is used' "$(grep -v '^#' tests/lint/lib/libraries-oldest | grep -vxF -f "$tmp/used")"
done_testing
