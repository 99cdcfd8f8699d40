#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# table.sh BENCH.JSON: the table of docs/bench.md
exec jq -r '
	def short: if . >= 100 then round elif . >= 10 then . * 10 | round / 10 else . * 100 | round / 100 end;
	"Measured \(.date[0:10]) on \(.cpus) × \(.cpu), Linux \(.kernel); others had the machine for " +
		"\(.others_percent // 0 | round) % of the wall time.",
	"",
	"| what | entries | unit | vipsafe | the other | the other is | bound | |",
	"|---|---:|---|---:|---:|---|---|---|",
	(.results[] | [.what, .entries, .unit, (.vipsafe | short),
		(if .other then .other | short else "" end), .peer // "",
		(if .bound then "\(.bound.is) \(.bound.limit)\(if .peer then " ×" else "" end)" else "" end),
		(if .verdict == "fails" then "**fails**" else .verdict // "" end)]
		| "| " + (map(tostring) | join(" | ")) + " |")' "$1"
