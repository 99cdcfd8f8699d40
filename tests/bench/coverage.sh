#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# coverage.sh DIR [WHAT RAN]: how much of agent/ the programs built in DIR with --coverage
# have run, in all of them together: lines and branches by folder. By file, and what
# nothing reached in agent/kernel and agent/move, is in DIR/coverage.log. See `make coverage`.
set -eu
export LC_ALL=C
cd "$1"
log=coverage.log

# Each line once, whichever programs it is built into: sums of what ran, by gcov's text
# "COUNT: LINE:TEXT", and after it "branch N taken COUNT" or "branch N never executed".
# Where nothing ran there are no counts at all, and gcov says so on stderr.
find agent -name '*.gcno' | sort | while IFS= read -r notes; do
	gcov -b -c -t -o "${notes%/*}" "$notes" 2>/dev/null
done | awk -v log_file="$log" -v what="${2:-}" '
	/^ *-: *0:Source:/ {
		file = $0
		sub(/^[^S]*Source:/, "", file)
		sub(/^.*\/agent\//, "agent/", file)
		ours = file ~ /^agent\/.*\.c$/
		if (ours && !(file in last)) {
			last[file] = 0
			files[++n_files] = file
		}
		next
	}
	!ours { next }
	/^branch +[0-9]+ / {
		if (!((file, line, $2) in taken)) {
			taken[file, line, $2] = 0
			branches[file, line]++
			top[file, line] = $2 + 0 # calls are numbered among them
		}
		if ($3 == "taken")
			taken[file, line, $2] += $4
		next
	}
	/^ *[0-9#=-]+\*?: *[0-9]+:/ {
		count = line = text = $0
		sub(/:.*/, "", count)
		sub(/^[^:]*: */, "", line)
		sub(/:.*/, "", line)
		sub(/^[^:]*:[^:]*:/, "", text)
		line += 0
		if (line == 0)
			next
		source[file, line] = text
		if (line > last[file])
			last[file] = line
		if (count ~ /-/)
			next
		run[file, line] += count ~ /[#=]/ ? 0 : count + 0
	}

	# One line or branch of FILE, in FOLDER
	function add(kind, did) {
		all[file, kind]++; reached[file, kind] += did
		all[folder, kind]++; reached[folder, kind] += did
		all["agent", kind]++; reached["agent", kind] += did
	}
	# An error is met, or told.
	function is_error(text) {
		return text ~ /-E[A-Z0-9]+|-errno|< 0|goto |return (r|error);/
	}
	# What nothing reached in FILE, runs of lines together: "E" before each that has to do with an error.
	# The way to an error and the error itself are one.
	function list(file,   i, n, b, mark, text, missed, how, said, led) {
		for (i = 1; i <= last[file]; i++) {
			if (!((file, i) in run))
				continue
			text = source[file, i]
			missed = 0
			for (b = 0; b <= top[file, i]; b++)
				missed += (file, i, b) in taken && !taken[file, i, b]
			mark = " "
			if (!run[file, i] || missed) {
				mark = is_error(text) ? "E" : " "
				how = run[file, i] ? missed " of " branches[file, i] : "never"
				said[++n] = sprintf("%s %5d  %-8s %s", mark, i, how, text)
				errors[file] += mark == "E" && !(led && !run[file, i])
			}
			led = mark == "E" && run[file, i]
		}
		if (!n)
			return
		printf "\n%s: %d error branches unreached\n", file, errors[file] > log_file
		for (i = 1; i <= n; i++)
			print said[i] > log_file
	}
	function figures(name) {
		return sprintf("%-36s %5d of %5d lines %5.1f %%  %5d of %5d branches %5.1f %%", name, \
			reached[name, "l"], all[name, "l"], share(name, "l"), \
			reached[name, "b"], all[name, "b"], share(name, "b"))
	}
	function share(name, kind) {
		return all[name, kind] ? 100 * reached[name, kind] / all[name, kind] : 100
	}
	END {
		for (f = 1; f <= n_files; f++) {
			file = files[f]
			folder = file
			sub(/\/[^\/]*$/, "", folder)
			for (i = 1; i <= last[file]; i++) {
				if (!((file, i) in run))
					continue
				add("l", run[file, i] > 0)
				for (b = 0; b <= top[file, i]; b++)
					if ((file, i, b) in taken)
						add("b", taken[file, i, b] > 0)
			}
			if (!(folder in told)) {
				told[folder] = 1
				folders[++n_folders] = folder
			}
		}
		print "ran: " what > log_file
		for (f = 1; f <= n_files; f++)
			print figures(files[f]) > log_file
		print "\nNever run, or so many of the branches of a line never taken; E: an error." > log_file
		for (f = 1; f <= n_files; f++)
			if (files[f] ~ /^agent\/(kernel|move)\//) {
				list(files[f])
				total += errors[files[f]]
			}
		if (what != "")
			print "ran: " what
		for (f = 1; f <= n_folders; f++)
			print figures(folders[f])
		print figures("agent")
		printf "%d error branches of agent/kernel and agent/move are reached by nothing: %s\n", total, log_file
	}'
