#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# page.sh BENCH.JSON: docs/bench.md, one page of questions and figures, and behind it how.md
jq -r '
	def short: if . >= 100 then round elif . >= 10 then . * 10 | round / 10 else . * 100 | round / 100 end;
	def row($what; $unit; $peer): [.results[] | select(.vipsafe_rounds[0] and .what == $what and .unit == $unit and
		($peer == null or .peer == $peer))] | sort_by(.entries);
	def figures($what; $unit; $peer; each): row($what; $unit; $peer) | if length == 0 then "not measured here"
		else map(each) | join(" / ") end;
	def value: (.ratio // .vipsafe) | short | tostring;
	def judged: if .verdict == null then value elif .verdict == "holds" then value
		elif .verdict == "noise" then "\(value) (noise)" else "**\(value)**" end;
	def bound($what; $unit; $peer): row($what; $unit; $peer) |
		map(if .bound then "\(.bound.is) \(.bound.limit)" else "" end) |
		if (unique | length) <= 1 then .[0] // "" else join(" / ") end;
	def spreads($what; $unit; $peer): row($what; $unit; $peer) |
		map("\(.spread[0] | short)–\(.spread[1] | short)") | join(" / ");
	def growth($what; $unit; $peer): [row($what; $unit; $peer)[] | .exponent // empty] |
		if length == 0 then "" else "n^\(.[0] * 100 | round / 100)" end;
	def tools: "save, ip addr del, load";
	def ask($question; $what; $unit; $peer): "| \($question) | \(figures($what; $unit; $peer; judged)) | " +
		"\(spreads($what; $unit; $peer)) | \(bound($what; $unit; $peer)) | \(growth($what; $unit; $peer)) |";
	def sizes($what): [.results[] | select(.what == $what) | .entries] | unique |
		if length == 0 then "none" else map(tostring) | join(", ") end;
	def times($what; $unit): row($what; $unit; null) |
		"\(.[0].entries) to \(.[-1].entries) entries × \(.[-1].vipsafe / .[0].vipsafe | short)";
	def flat($words; $what; $unit): if row($what; $unit; null) | length < 2 then empty
		else "\($words) from \(times($what; $unit))" end;
	"# What a VIP delete costs, measured",
	"",
	"`make bench-page` has measured and written this: medians, with their quartiles, of at least five rounds on",
	"\(.cpus) × \(.cpu), Linux \(.kernel), \(.date[0:10]), commit \(.commit). The load was \(.load | short), and others",
	"had the processors for \(.others_percent | round) % of the wall time" +
		(if .others_percent > 10 or .load > .cpus then ": **this machine was busy, take wall times with care**." else "." end),
	"\(sizes("del pin")) entries; with the guard \(sizes("guard del")). Figures are in that order.",
	"**Bold** misses its goal; *noise* means that the median misses it and a quarter of the rounds does not.",
	"",
	"![Gap and total time against the size of the table](bench.svg)",
	"",
	"| question | figure | quartiles | goal | grows as |",
	"|---|---|---|---|---|",
	"| **Without a daemon** | | | | |",
	ask("How many of 200 live flows die? (pinned)"; "killed"; "of 200: pin"; null),
	ask("… restored"; "killed"; "of 200: rest."; null),
	ask("… by `conntrack -L`, `ip addr del`, `--load-file`?"; "killed"; "of 200: peers"; null),
	ask("How long is an entry missing while it is pinned? µs"; "pin gap"; "us, median"; null),
	ask("… and 99 of 100 of them?"; "pin gap"; "us, p99"; null),
	ask("How long until the address is gone? ms, pinned"; "del pin"; "ms: gone"; null),
	ask("… restored"; "del rest."; "ms: gone"; null),
	ask("How long does the whole delete take, beside those tools? ×, pinned"; "del pin"; "ms"; tools),
	ask("… restored"; "del rest."; "ms"; tools),
	ask("… of it the look afterwards, ms, pinned"; "del pin"; "ms: verify"; null),
	ask("How much slower than a bare dump is the snapshot? ×"; "snapshot"; "ns/entry"; null),
	ask("How fast are pins, beside a bare loop, with a listener? ×"; "pin"; "ns/entry"; null),
	ask("… and without one?"; "pin, deaf"; "ns/entry"; null),
	ask("How fast is a restore, beside a bare loop? ×"; "restore"; "ns/entry"; "bare loop, same messages"),
	ask("How much memory does a snapshot take? bytes/entry"; "memory"; "bytes/entry"; null),
	ask("How long does a delete with 61 flows take? ms"; "small del"; "ms"; null),
	ask("… the script that keepalived calls?"; "script"; "ms: alone"; null),
	"| **With the daemon** | | | | |",
	ask("… the script then? ms, 61 flows"; "script"; "ms: daemon"; null),
	ask("How much longer than a bare one does a delete take, 99 of 100? ×"; "guard del"; "us, p99"; null),
	ask("How much longer than to count it does an event take? ×"; "event"; "ns/event"; null),
	ask("How much memory does a pinned connection take? bytes"; "shadow"; "bytes/entry"; null),
	ask("… one that is not pinned?"; "shadow, unpinned"; "bytes/entry"; null),
	ask("How long is the loop kept by one call, after events were lost? ms"; "resync"; "ms: longest call"; null),
	ask("… does a client wait meanwhile, at most?"; "resync"; "ms: a client waits"; null),
	ask("… does reading the table again take?"; "resync"; "ms"; null),
	ask("How much of a processor does it take to do nothing? ppm"; "idle"; "ppm of a core"; null),
	ask("How long does the LVS check of \(sizes("collide")) tuples take? ms"; "collide"; "ms"; null),
	"",
	([flat("a delete through the guard"; "guard del"; "us, median"), flat("an event"; "event"; "ns/event")] |
		if length == 0 then empty else "Growth of \(join("; ")).", "" end),
	"All rounds of all rows are in [bench.json](bench.json); `tests/bench/table.sh docs/bench.json` prints them.",
	""' "$1" || exit
cat "$(dirname "$0")/how.md"
