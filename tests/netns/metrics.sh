#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Metrics: promtool has nothing to say against them, those that are documented
# are there and the other way round, and each moves when what it counts happens.
# The textfile is always whole, and the alert rules tell what they should.
# shellcheck disable=SC2317,SC2016 # functions given to wait_for; what looks like $ is jq's and sed's
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
VIPSAFED=$BUILD/vipsafed
[ -x "$VIPSAFED" ] || bail_out "no $VIPSAFED"

topo_nodes
know_verdict fixed
# shellcheck disable=SC2119
masquerade
CONF=$T/vipsafe.conf
PROM=$T/vipsafe.prom
printf '%s\n' '[agent]' "textfile = $PROM" '[device br-mgmt]' 'pin_after = 100ms' \
	'[device eth9]' '[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.150/32' >"$CONF"

run metrics
is "$RC" 75 "without the daemon: 75"
is "$(grep '^vipsafe_up ' <<<"$OUT")" "vipsafe_up 0" "and vipsafe_up is 0"

"$VIPSAFED" --config "$CONF" 2>"$T/log" &
daemon=$!
live() { [ "$(jsons status 2>/dev/null | jq -r '.devices[0].state')" = live ]; }
wait_for 60 live || bail_out "vipsafed is not live: $(tail -n 3 "$T/log")"

take() { "$VIPSAFE" metrics >"$T/$1"; }
# value FILE 'name{labels}': 0 when it is not there
value() { awk -v m="$2" '$1 == m { v = $2 } END { print v == "" ? 0 : v }' "$T/$1"; }
# names FILE: of metrics that have samples
names() { sed -nE 's/^(vipsafe_[a-z_]+).*/\1/p' "$T/$1" | sed -E 's/_(bucket|sum|count)$//' | sort -u; }
# moved METRIC WHAT: it is more in "after" than in "before"
moved() {
	check "$1 moves" awk -v a="$(value before "$1")" -v b="$(value after "$1")" \
		'BEGIN { exit !(b > a) }'
}

# ---- what they look like -------------------------------------------------------------
take before
if command -v promtool >/dev/null; then
	is "$(promtool check metrics <"$T/before" 2>&1)" "" "promtool finds nothing wrong"
else
	[ "${CI:-}" != true ] || not_ok "promtool is not here"
	[ "${CI:-}" = true ] || skip "promtool finds nothing wrong" "promtool is not here"
fi

# ---- each moves -------------------------------------------------------------------------
serve server node2 10.232.3.28 8899
open flows node1 5 10.232.3.28 8899
pinned() { [ "$("$VIPSAFE" metrics | awk '$1 ~ /entries.*kind="pinned"/ { s += $2 } END { print s + 0 }')" -ge 5 ]; }
check "entries get pinned" wait_for 60 pinned
take with
check "the table has entries" test "$(value with vipsafe_conntrack_entries)" -ge 5
check "and a limit" test "$(value with vipsafe_conntrack_entries_limit)" -gt 5
run add 192.168.11.100/32 dev br-mgmt
run --strategy pin del 192.168.11.100/32 dev br-mgmt
run del 192.168.11.100/32 dev nosuch
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
chmod 666 /run/vipsafe/control.sock
nobody "$VIPSAFE" status >/dev/null 2>&1
job watcher "$VIPSAFE" watch
hear watcher
# keepalived says something
run notify INSTANCE VI_1 MASTER 100
run notify INSTANCE VI_1 MASTER 100
run notify INSTANCE VI_2 MASTER 100
run notify INSTANCE VI_1 SLEEPING 100
wait_for 60 has_addr 192.168.11.150/32 br-mgmt
printf 'INSTANCE "VI_1" MASTER_PRIORITY 100\n' 1<>/run/vipsafe/keepalived.fifo >&1
ip addr del 192.168.11.150/32 dev br-mgmt
back() { take after && [ "$(value after 'vipsafe_instance_operations_total{vrrp_instance="VI_1"}')" -ge 2 ]; }
check "an instance's address that somebody took comes back" wait_for 60 back
# an address with pinned entries goes for good
put /proc/sys/net/ipv4/conf/all/promote_secondaries 1
ip addr add 192.168.11.20/24 dev br-mgmt
ip addr del 192.168.11.7/24 dev br-mgmt
removed() { take after && [ "$(value after 'vipsafe_device_removed_total{device="br-mgmt"}')" -ge 5 ]; }
check "entries of a lost address are removed" wait_for 60 removed
ip addr add 192.168.11.7/24 dev br-mgmt
echo 'nonsense = 1' >>"$CONF"
kill -HUP $daemon
refused() { take after && [ "$(value after vipsafe_config_error)" = 1 ]; }
check "a refused configuration shows" wait_for 60 refused

moved 'vipsafe_operations_total{op="add",result="ok"}'
moved 'vipsafe_operations_total{op="del",result="ok"}'
moved 'vipsafe_operations_total{op="del",result="failed"}'
moved 'vipsafe_operation_duration_seconds_count{op="del"}'
moved 'vipsafe_operation_duration_seconds_sum{op="add"}'
moved 'vipsafe_device_pins_total{device="br-mgmt"}'
moved 'vipsafe_device_removed_total{device="br-mgmt"}'
moved 'vipsafe_device_foreign_deletes_total{device="br-mgmt"}'
moved 'vipsafe_instance_events_total{vrrp_instance="VI_1",kind="change"}'
moved 'vipsafe_instance_events_total{vrrp_instance="VI_1",kind="duplicate"}'
moved 'vipsafe_instance_events_total{vrrp_instance="VI_1",kind="no_state"}'
moved 'vipsafe_instance_operations_total{vrrp_instance="VI_1"}'
moved 'vipsafe_instance_foreign_deletes_total{vrrp_instance="VI_1"}'
moved 'vipsafe_notify_total{by="hook"}'
moved 'vipsafe_notify_total{by="fifo"}'
moved 'vipsafe_notify_ignored_total{reason="bad"}'
moved 'vipsafe_notify_ignored_total{reason="unknown_instance"}'
is "$(value before 'vipsafe_instance_state{vrrp_instance="VI_1",state="unknown"}')" 1 "an instance nobody spoke of"
is "$(value after 'vipsafe_instance_state{vrrp_instance="VI_1",state="MASTER"}')" 1 "one that is MASTER"
is "$(value after 'vipsafe_instance_in_place{vrrp_instance="VI_1"}')" 1 "and in place"
moved vipsafe_clients_refused_total
moved vipsafe_watchers
moved vipsafe_config_error
instant() { awk -v v="$(value after "$1")" -v now="$(date +%s)" 'BEGIN { exit !(v > now - 600 && v < now + 2) }'; }
check "the start is an instant" instant vipsafe_start_timestamp_seconds
check "and so is the last operation" instant vipsafe_last_operation_timestamp_seconds
nothing "$(grep -E '^[^#]*([{,](id|instance)=|_age_seconds|uptime)' "$T/after")" "no label id or instance, no age"
take again
check "which stays the same" awk -v a="$(value after vipsafe_start_timestamp_seconds)" \
	-v b="$(value again vipsafe_start_timestamp_seconds)" 'BEGIN { exit !(a > b - 0.1 && a < b + 0.1) }'
is "$(value after 'vipsafe_device_in_force{device="br-mgmt",protection="continuous"}')" 1 "in force"
is "$(value after 'vipsafe_device_in_force{device="eth9",protection="continuous"}')" 0 "and not"
is "$(value after 'vipsafe_device_state{device="eth9",state="absent"}')" 1 "the state is a label"
# the newest change is the last of its bucket; what others did is in the history, too
jsons history | jq -r 'map(select(.op == "add" or .op == "del"))[0].id' >"$T/id"
run --json metrics
check "a bucket names its operation, as the history does" \
	jq -e --arg id "$(cat "$T/id")" 'map(select(.name == "vipsafe_operation_duration_seconds"))
		| any(.[].samples[]; .id == $id)' "$T/out"

# What cannot be brought about here in short time is: in the unit test.
documented=$(sed -nE 's/^\| `(vipsafe_[a-z_]+)`.*/\1/p' "$SRC/docs/metrics.md" | sort)
is "$documented" "$(sed -nE 's/^# TYPE ([a-z_]+) .*/\1/p' "$T/after" | sort)" \
	"docs/metrics.md has exactly what is there"
is "$(comm -23 <(echo "$documented") <(names after))" "" "each has samples"

# ---- the textfile --------------------------------------------------------------------------
check "the textfile appears" wait_for 60 test -s "$PROM"
is "$(grep -c '^vipsafe_up 1$' "$PROM")$(stat -c %a "$PROM")" 1644 "whole, and readable by anybody"
is "$(tail -c 1 "$PROM" | od -An -c | tr -d ' ')" '\n' "to its last line"
is "$(find "$T" -name 'vipsafe.prom?*')" "" "nothing half written is left"
job_end watcher INT
sed -i "/^nonsense/d; s,$PROM,$T/other.prom," "$CONF"
kill -HUP $daemon
check "it moves with the configuration" wait_for 60 test -s "$T/other.prom"
check "and nothing is left where it was" test ! -e "$PROM"
"$VIPSAFED" --config "$CONF" 2>"$T/second"
is "$? $(grep -c '^vipsafe_up 1$' "$T/other.prom")" "5 1" "a second daemon, which is refused, leaves it alone"
kill -TERM $daemon
wait $daemon
is "$(grep '^vipsafe_[^b]' "$T/other.prom")" "vipsafe_up 0" "a clean stop leaves vipsafe_up 0, and nothing that was true before"
# node_exporter reads no other file
sed -i "s,^textfile.*,textfile = $T/vipsafe.txt," "$CONF"
"$VIPSAFED" --config "$CONF" --check 2>"$T/refused"
is "$? $(cat "$T/refused")" "78 vipsafed: $CONF:2: textfile: \"$T/vipsafe.txt\" does not end with .prom" \
	"a textfile that nobody would read is refused"

# ---- alert rules ------------------------------------------------------------------------------
RULES=$SRC/packaging/prometheus
if command -v promtool >/dev/null; then
	check "the alert rules are valid" promtool check rules "$RULES/vipsafe.rules.yml"
	check "and say what they should" promtool test rules "$RULES/vipsafe.rules.test.yml"
else
	skip "the alert rules" "promtool is not here"
fi
if command -v promtool >/dev/null; then
	# the dashboard's queries, as rules: each has to be PromQL
	jq '{groups: [{name: "dashboard", rules: ([.panels[].targets[].expr | gsub("[$]__rate_interval"; "5m")]
		| unique | to_entries | map({record: "x\(.key)", expr: .value}))}]}' \
		"$SRC/packaging/grafana/vipsafe.json" >"$T/dashboard.yml"
	check "each query of the dashboard is PromQL" promtool check rules "$T/dashboard.yml"
fi
DASHBOARD=$SRC/packaging/grafana/vipsafe.json
# what Grafana makes of the model: every panel has a place of its own, and something to show
nothing "$(jq -r '
	([.panels[].id] | select(length != (unique | length)) | "an id is given twice"),
	(.panels[] | select(.gridPos | .x < 0 or .w < 1 or .h < 1 or .x + .w > 24) | "\(.title): beyond 24 columns"),
	([.panels[] | . as $p | range(.gridPos.x; .gridPos.x + .gridPos.w) as $x
		| range(.gridPos.y; .gridPos.y + .gridPos.h) as $y | "\($x),\($y)"]
		| select(length != (unique | length)) | "panels overlap"),
	(.panels[] | select(.type | IN("stat", "timeseries", "table") | not) | "\(.title): type \(.type)"),
	(.panels[] | select(.targets | length == 0 or ([.[].refId] | length != (unique | length))) | "\(.title): targets"),
	(.panels[] | select([.datasource, .targets[].datasource] | all(.uid == "${datasource}") | not) | "\(.title): data source"),
	(.panels[].targets[] | select(.expr | test("instance=~\"[$]instance\"") | not) | "\(.expr): of all nodes"),
	(["datasource", "instance"] - [.templating.list[].name] | .[] | "no variable \(.)")' "$DASHBOARD" 2>&1)" \
	"the dashboard's model is sound"
for subject in instance lvs linger ends_total; do
	check "the dashboard has panels of $subject" jq -e --arg s "$subject" \
		'[.panels[].targets[].expr | test("vipsafe_[a-z_]*" + $s)] | any' "$DASHBOARD"
done
if command -v promtool >/dev/null; then
	# each expression has an answer, from what vipsafed has really said
	jq -n --slurpfile d "$DASHBOARD" '[$d[0].panels[].targets[].expr | gsub("[$]__rate_interval"; "5m")
		| gsub("[$]instance"; ".*")] | unique | to_entries' >"$T/expressions"
	jq '{groups: [{name: "dashboard", rules: map({record: "x\(.key)", expr: "count(\(.value))"})}]}' \
		"$T/expressions" >"$T/answers.rules.yml"
	grep -v '^#' "$T/after" | jq -R 'capture("^(?<n>[a-z_]+)([{](?<l>.*)[}])? (?<v>[^ ]+)$")
		| {series: (.n + "{" + (if .l then .l + "," else "" end) + "instance=\"n\"}"), values: (.v + "+0x60")}' |
		jq -s --slurpfile e "$T/expressions" '{rule_files: ["answers.rules.yml"], tests: [{interval: "30s", input_series: .,
			promql_expr_test: ($e[0] | map({expr: "x\(.key) > bool 0", eval_time: "20m",
				exp_samples: [{labels: "{}", value: 1}]}))}]}' >"$T/answers.yml"
	check "each of its expressions has an answer" promtool test rules "$T/answers.yml"
fi
check "what the dashboard calls lost counts what guards have lost" \
	jq -e '[.panels[] | select(.title | test("lost")).targets[].expr | test("vipsafe_device_lost_total")] | any' \
	"$SRC/packaging/grafana/vipsafe.json"
used() { grep -oE 'vipsafe_[a-z_]+' "$@" | sed -E 's/.*://; s/_(bucket|sum|count)$//' | sort -u; }
is "$(comm -23 <(used -h "$RULES/vipsafe.rules.yml" "$SRC/packaging/grafana/vipsafe.json") \
	<(echo "$documented"))" "" "rules and dashboard use documented metrics only"
check "the dashboard is JSON with panels" \
	jq -e '.panels | length > 5 and all(.title != "")' "$SRC/packaging/grafana/vipsafe.json"
jobs_end
done_testing
