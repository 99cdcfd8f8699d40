#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What each command prints with --json is as the installed schema says, also
# when it is refused, fails, or has no daemon to ask.
# shellcheck disable=SC2317 # functions given to check
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon
python3 -c 'import jsonschema' 2>/dev/null || {
	[ "${CI:-}" != true ] || bail_out "python3-jsonschema is not here"
	skip_all "python3-jsonschema is not here"
}
SCHEMA=$SRC/packaging/json/report.schema.json

topo_nodes
# shellcheck disable=SC2119
masquerade
know_verdict fixed
config '[device br-mgmt]' 'pin_after = 100ms' '[instance VI_1]' 'device = br-mgmt' 'address = 192.168.11.150/32' \
	'[lvs]' 'sources = ipvs' '[lvs-service m]' 'vip = 10.141.16.0:3306' 'real = 10.112.61.163:3269'
serve server node2 10.232.3.28 8899
open flows node1 3 10.232.3.28 8899

mkdir "$T/kinds"
# says CODES DEFINITION WORDS...: what the command prints, with one of these exit codes; judged at the end
says() {
	local codes=$1 definition=$2

	shift 2
	run --config "$CONF" --json "$@"
	like "$RC" "^($codes)\$" "$*: ends with $codes"
	check "$*: prints" test -s "$T/out"
	cat "$T/out" >>"$T/kinds/$definition"
}
everything() { # [--local]
	says 0 report "$@" plan add 192.168.11.100/32 dev br-mgmt
	is "$(json .would_change)" true "and it would change something"
	says 0 report "$@" add 192.168.11.100/32 dev br-mgmt
	is "$(json .changed)" true "and it has"
	says 0 report "$@" add 192.168.11.100/32 dev br-mgmt
	is "$(json .changed)" false "but not twice"
	says 0 report "$@" plan del 192.168.11.100/32 dev br-mgmt
	says 0 report "$@" --strategy pin del 192.168.11.100/32 dev br-mgmt
	says 5 report "$@" del 192.168.11.7/24 dev br-mgmt
	says 2 report "$@" del 192.168.11.9/24 dev nosuch
	says '0|2|5' isolate "$@" plan isolate 192.168.11.100/32 dev br-mgmt
	says 0 history "$@" history
	id=$(json '.[0].id')
	says 0 operation "$@" history "$id"
	is "$(json .id)" "$id" "of which each is known by its id"
	says 0 connection "$@" connections
	says '0|4' explain "$@" explain 10.232.3.28
	says '0|4|10|11' lvs_check "$@" lvs check
	says '0|10' lvs_map "$@" lvs map
	says 0 recover --local recover
}

everything --local
says 3 status status
says '0|4|10|11' doctor doctor
says '0|4' probe probe
says 75 reload reload
is "$(json '.reloaded')" false "a reload that nobody answers has its JSON"

# what is no command, or ends without its result
for words in 'nosuch' '--nosuch status' 'status --nosuch' 'add' 'add 192.168.11.100/99 dev br-mgmt' 'del 192.168.11.7 dev br-mgmt' \
	'plan' 'plan recover' 'history x y' 'history nosuch' 'explain' 'connections nosuch' 'lvs' 'isolate' 'recover x' \
	'reload x' 'probe x' 'doctor x' 'metrics x' 'watch x' 'version x' 'help nosuch' 'import' 'status x' 'notify' \
	'--strategy nosuch del 192.168.11.7/24 dev br-mgmt' '--local --socket /x status' ''; do
	# shellcheck disable=SC2086 # words
	says 1 error $words
	is "$(json .error)" "${ERR#vipsafe: }" "and says the same on both outputs"
	is "$(json .exit_code)" 1 "and the exit code"
done
run --config /nosuch --json status
is "$RC $(json '[.error, .exit_code] | @text')" '78 ["/nosuch: No such file or directory",78]' "no configuration: an object"
run nosuch --json
is "$RC $(json .exit_code)" '1 1' "a wrong word before --json: an object as well"
says 78 error import /nosuch
says 75 error watch
says 4 error connections dev nosuch
says 0 version version
is "$(json .version)" "$("$VIPSAFE" version | cut -d ' ' -f 2)" "which is that of the text"
says 0 help help
says 0 help help del
is "$(jq -r .help "$T/out")" "$("$VIPSAFE" help del)" "which is that of the text"
printf 'vrrp_instance VI_9 {\n interface br-mgmt\n virtual_ipaddress {\n 192.168.11.151/32\n }\n}\n' >"$T/keepalived.conf"
says '0|10' import import "$T/keepalived.conf"
is "$(jq -r .settings "$T/out")" "$("$VIPSAFE" --config "$CONF" import "$T/keepalived.conf" 2>/dev/null)" "which is that of the text"

daemon_start
wait_for 60 guard_live || bail_out "the guard is not live"
job watcher "$VIPSAFE" --config "$CONF" --json watch
watched() { [ "$(value=$(jsons metrics | jq '.[] | select(.name == "vipsafe_watchers").samples[0].value') && echo "$value")" = 1 ]; }
wait_for 60 watched || bail_out "nobody watches"
everything
hear watcher
echo "$REPLY" >"$T/kinds/event"
says 0 status status
says 0 check status --check
run --config "$CONF" notify INSTANCE VI_1 MASTER 100
wait_for 60 has_addr 192.168.11.150/32 br-mgmt
ip addr del 192.168.11.150/32 dev br-mgmt
back() { jsons history | jq -e 'any(.[]; .op == "foreign-delete")' >/dev/null; }
check "others' deletes are in the history" wait_for 60 back
says 0 history history
says 0 status status
says '0|4|10|11' doctor doctor
says 0 metrics metrics
says 0 reload reload
daemon_end
jobs_end

for file in "$T"/kinds/*; do
	check "${file##*/}: all of it is as the schema says" \
		python3 -W ignore "$SRC/tests/lib/json-valid" "$SCHEMA" "${file##*/}" <"$file"
done

# the control: the judge refuses what is wrong
run --json --local plan add 192.168.11.100/32 dev br-mgmt
refuses() { # WHAT FILTER
	jq -c "$2" "$T/out" >"$T/wrong"
	check "the schema refuses $1" not python3 -W ignore "$SRC/tests/lib/json-valid" "$SCHEMA" report <"$T/wrong"
}
refuses "an id that is none" '.id = "x"'
refuses "a word that no result is" '.result = "fine"'
refuses "a plan that does not tell whether it would change anything" 'del(.would_change)'
refuses "a key that it does not name" '.vip_flows.surprise = 1'
refuses "a number that is text" '.entries.lost = "0"'
refuses "an object without its id" 'del(.id)'
refuses "a time that is none" '.time = "now"'
refuses "an object without the version" 'del(.version)'
any() { python3 -W ignore "$SRC/tests/lib/json-valid" "$SCHEMA"; }
check "without a definition it judges by all" any <"$T/out"
jq -c 'del(.would_change)' "$T/out" >"$T/wrong"
check "and refuses what none of them allows" not any <"$T/wrong"
echo '[{"name":"vipsafe_up","id":"000000000000"}]' >"$T/wrong"
check "in a list as well" not any <"$T/wrong"
done_testing
