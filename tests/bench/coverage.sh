#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# coverage.sh DIR: how many lines of agent/ were run by the programs built in DIR
# with --coverage, in all of them together: by file where it is less than half, then
# by folder. See `make coverage`.
set -eu
export LC_ALL=C
cd "$1"
find agent -name '*.gcno' | sort | while IFS= read -r notes; do
	# where nothing ran there are no counts, and gcov says so on stderr
	gcov -n -o "${notes%/*}" "$notes" 2>/dev/null
done | awk '
	/^File / { file = $2; gsub(/\047/, "", file); sub(/.*\/agent\//, "agent/", file) }
	/^Lines executed:/ && file ~ /^agent\/.*\.c$/ {
		split($2, percent, /[:%]/)
		lines[file] = $NF
		run[file] = int(percent[2] * $NF / 100 + 0.5)
		file = ""
	}
	END {
		for (file in lines) {
			folder = file
			sub(/\/[^\/]*$/, "", folder)
			all[folder] += lines[file]; did[folder] += run[file]
			all["agent"] += lines[file]; did["agent"] += run[file]
			if (2 * run[file] < lines[file])
				print_line("1", file, run[file], lines[file])
		}
		for (folder in all)
			print_line(folder == "agent" ? "3" : "2", folder, did[folder], all[folder])
	}
	function print_line(order, name, n, of) {
		printf "%s\t%-36s %5d of %5d lines %5.1f %%\n", order, name, n, of, 100 * n / of
	}' | sort | cut -f2-
