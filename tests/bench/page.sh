#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# page.sh BENCH.JSON: docs/bench.md, one page of questions and figures, and behind it how.md
jq -r '
	def short: if . >= 100 then round elif . >= 10 then . * 10 | round / 10 else . * 100 | round / 100 end;
	def row($what; $unit; $peer): [.results[] | select(.what == $what and .unit == $unit and
		($peer == null or .peer == $peer))] | sort_by(.entries);
	def figures($what; $unit; $peer; each): row($what; $unit; $peer) | if length == 0 then "not measured here"
		else map(each) | join(" / ") end;
	def value: (.ratio // .vipsafe) | short | tostring;
	def judged: if .verdict == null then value elif .verdict == "holds" then value
		elif .verdict == "noise" then "\(value) (noise)" else "**\(value)**" end;
	def bound($what; $unit; $peer): row($what; $unit; $peer) | map(select(.bound)) |
		map("\(.bound.is) \(.bound.limit)") | if (unique | length) == 1 then .[0] else join(" / ") end;
	def spreads($what; $unit; $peer): row($what; $unit; $peer) |
		map("\(.spread[0] | short)–\(.spread[1] | short)") | join(" / ");
	def growth($what; $unit; $peer): [row($what; $unit; $peer)[] | .exponent // empty] |
		if length == 0 then "" else "n^\(.[0] * 100 | round / 100)" end;
	def ask($question; $what; $unit; $peer): "| \($question) | \(figures($what; $unit; $peer; judged)) | " +
		"\(spreads($what; $unit; $peer)) | \(bound($what; $unit; $peer)) | \(growth($what; $unit; $peer)) |";
	"# What a VIP delete costs, measured",
	"",
	"`make bench-page` has measured and written this: medians, with their quartiles, of at least five rounds on",
	"\(.cpus) × \(.cpu), Linux \(.kernel), \(.date[0:10]), commit \(.commit). The load was \(.load | short), and others",
	"had the processors for \(.others_percent | round) % of the wall time" +
		(if .others_percent > 10 or .load > .cpus then ": **this machine was busy, take wall times with care**." else "." end),
	"Sizes: \([.results[] | select(.what == "del pin") | .entries] | unique | map(tostring) | join(", ")) entries; figures are in that order.",
	"**Bold** misses its goal; *noise* means that the median misses it and a quarter of the rounds does not.",
	"",
	"![Gap and total time against the size of the table](bench.svg)",
	"",
	"| question | figure | quartiles | goal | grows as |",
	"|---|---|---|---|---|",
	ask("How many of 200 live flows die? (pinned)"; "killed"; "of 200: pin"; null),
	ask("… by `conntrack -L`, `ip addr del`, `--load-file`?"; "killed"; "of 200: peers"; null),
	ask("How long is an entry missing while it is pinned? µs"; "pin gap"; "us, median"; null),
	ask("… and 99 of 100 of them?"; "pin gap"; "us, p99"; null),
	ask("How long until the address is gone, without a daemon? ms"; "del pin"; "ms: gone"; null),
	ask("How long does the whole delete take, beside those tools? ×"; "del pin"; "ms"; "save, ip addr del, load"),
	ask("… of it the look afterwards, ms"; "del pin"; "ms: verify"; null),
	ask("How much slower than a bare dump is the snapshot? ×"; "snapshot"; "ns/entry"; null),
	ask("How fast are pins, beside a bare loop, with a listener? ×"; "pin"; "ns/entry"; null),
	ask("… and without one?"; "pin, deaf"; "ns/entry"; null),
	ask("How fast is a restore, beside a bare loop? ×"; "restore"; "ns/entry"; "bare loop, same messages"),
	ask("How much memory does a snapshot take? bytes/entry"; "memory"; "bytes/entry"; null),
	"",
	"All rounds of all rows are in [bench.json](bench.json); `tests/bench/table.sh docs/bench.json` prints them.",
	""' "$1" || exit
cat "$(dirname "$0")/how.md"
