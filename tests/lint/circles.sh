#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# No circle of files: what a file calls never comes back to it, however long the way. The
# linker's own tables say who calls whom (data counts as well).
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

# Lines "FILE -> FILE: SYMBOL", each on a circle. Whoever calls nobody, or is called by
# nobody, is on none: those are taken away until none is left. Of the rest a call is on a
# circle if there is a way back.
circles() {
	c_files '^agent/' | sed -n 's/\.c$/.o/p' | (cd "$1" && xargs nm -A -P 2>/dev/null) | awk '
	{
		file = $1
		sub(/\.o:$/, ".c", file)
		if ($3 == "U")
			wants[file, $2] = 1
		else if ($3 ~ /^[BCDRTVW]$/)
			home[$2] = file
	}
	function leads(a, b,   queue, seen, first, last, i) {
		queue[last = first = 1] = a
		for (; first <= last; first++) {
			if (queue[first] == b)
				return 1
			for (i = 1; i <= n; i++)
				if (by[i] != "" && from[i] == queue[first] && !(into[i] in seen)) {
					seen[into[i]] = 1
					queue[++last] = into[i]
				}
		}
		return 0
	}
	END {
		for (key in wants) {
			split(key, part, SUBSEP)
			to = home[part[2]]
			if (to == "" || to == part[1])
				continue
			from[++n] = part[1]; into[n] = to; by[n] = part[2]
			calls[part[1]]++; called[to]++
		}
		do {
			gone = 0
			for (i = 1; i <= n; i++)
				if (by[i] != "" && (!calls[into[i]] || !called[from[i]])) {
					calls[from[i]]--; called[into[i]]--
					by[i] = ""
					gone = 1
				}
		} while (gone)
		for (i = 1; i <= n; i++)
			if (by[i] != "" && leads(into[i], from[i]))
				print from[i] " -> " into[i] ": " by[i]
	}' | sort
}

if [ -f "$BUILD/libbase.a" ]; then
	verdict 'no circle of files by calls' "$(circles "$BUILD")"
else
	skip 'no circle of files by calls' "nothing is built in $BUILD"
fi
done_testing
