# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The flush that is real on every kernel, with and without vipsafe.
#
# 192.168.11.7, which everything is masqueraded to, is on br-mgmt twice: as /24
# and as /32. Deleting the /32 makes the kernel, a fixed one too, flush every
# flow behind 192.168.11.7 although the address is still there. `leave bare`
# is `ip addr del`, and the flows must be lost; `leave vipsafe` is the same
# change by vipsafe, and they must live. IPv6 has no such twin on one device:
# there the address goes from br-mgmt while lo keeps it.
#
# PROTECT is how vipsafe is to protect them: pin-NAME.sh are the cases NAME.sh
# with the entries pinned instead of restored.

. "$(dirname "${BASH_SOURCE[0]}")/netns.sh"

TWIN=192.168.11.7/32
TWIN6=fd00:11::7/64
PROTECT=${PROTECT:---strategy restore}

twin_up() { ip addr add $TWIN dev br-mgmt || bail_out "cannot add $TWIN"; }

# The twin goes, and nothing of it is left for later: a flush that comes late would take the flows of the next
# half.
twin_down() {
	probe_sent
	ip addr del "$TWIN" dev br-mgmt
	# the kernel leaves a flush out when too many are queued: then there is none to wait for
	! wait_for 5 probe_taken || flushes_over
}

# Flows leave as fd00:11::7 (::77 is deprecated, so never chosen); when it
# moves from br-mgmt to lo alone, the route to node2 stays with ::77, and
# node2 needs no neighbour discovery to answer.
twin6_up() {
	ip -batch - <<-. || bail_out "cannot add $TWIN6"
		addr add fd00:11::7/128 dev lo nodad
		addr add fd00:11::77/64 dev br-mgmt nodad preferred_lft 0
	.
	ip -n node2 -6 neigh replace fd00:11::7 dev br-mgmt nud permanent \
		lladdr "$(ip -j link show br-mgmt | jq -r ".[0].address")"
}

# leave bare|vipsafe [conntrack -L words for what must get flushed]
leave() {
	local how=$1

	shift
	[ $# -gt 0 ] || set -- --reply-src 10.232.3.28 --reply-dst 192.168.11.7
	leave_address "$how" $TWIN "$@"
}

leave6() {
	local how=$1

	shift
	[ $# -gt 0 ] || set -- --reply-src fd00:3::28 --reply-dst fd00:11::7
	leave_address "$how" $TWIN6 -f ipv6 "$@"
}

leave_address() {
	local how=$1 address=$2

	shift 2
	[ "$(entries "$@")" -gt 0 ] || bail_out "nothing to flush: no entry with $* (was it flushed before?)"
	case $how in
	bare)
		# The flush runs from a work queue, which takes no more than 16 at once of all
		# namespaces together (masq_refcnt in nf_nat_masquerade.c); without it the half
		# that must lose its flows would prove nothing.
		for _ in 1 2 3 4 5 6 7 8; do
			ip addr del "$address" dev br-mgmt
			! wait_for 4 no_entries "$@" || break
			ip addr add "$address" dev br-mgmt nodad
		done
		no_entries "$@" || bail_out "the kernel flushed nothing"
		;;
	vipsafe)
		# the kernel may leave out this flush, too: then there was nothing to restore
		for _ in 1 2 3 4 5 6 7 8; do
			# shellcheck disable=SC2086
			run --json $PROTECT del "$address" dev br-mgmt
			[ "$RC $(json '[.strategy, .entries.flushed] | @text')" = '0 ["restore",0]' ] || break
			ip addr add "$address" dev br-mgmt nodad
		done
		is "$RC" 0 "vipsafe del $address: exit code"
		is "$(json '[.result, .changed, .entries.lost] | @text')" '["ok",true,0]' \
			"vipsafe del $address: nothing lost"
		check "vipsafe del $address: the counts add up" adds_up "$T/out"
		# else the kernel had nothing to be protected from, or the pin did nothing
		case $(json .strategy) in
		restore)
			is "$(json '.entries | .flushed > 0 and .flushed == .restored')" true \
				"vipsafe del $address: what was flushed is restored"
			;;
		pin)
			# an IGMP report of the node itself may come in between, and needs no pin
			is "$(json '.entries | .pinned > 0 and .untouched <= 2 and
				.kept == .candidates')" \
				true "vipsafe del $address: what could be flushed is pinned"
			;;
		*) not_ok "vipsafe del $address: strategy $(json .strategy)" ;;
		esac
		diag "entries: $(json '.entries | del(.reasons) | tojson')"
		check "vipsafe del $address: the address is gone" not has_addr "$address" br-mgmt
		;;
	esac
}

# A kernel with much else to flush leaves one out now and then: until it has.
leave_unguarded() {
	once() {
		twin_up
		ip addr del "$TWIN" dev br-mgmt
		wait_for 3 no_entries --reply-src 10.232.3.28 --reply-dst 192.168.11.7
	}
	wait_for 120 once || bail_out "the kernel flushed nothing"
}

# adds_up FILE: in every report there, each entry is counted once
adds_up() {
	jq -se 'map(select(.op == "del").entries) | length > 0 and all(
		.candidates == .untouched + .pinned + .restored + .superseded + .lost and
		.snapshot == .candidates + .skipped and
		.skipped == ([.reasons[]] | add) and
		.flushed == .restored + .superseded + .lost)' "$1" >/dev/null && return
	jq -c .entries "$1"
	return 1
}

# judge HOW LOSS SERVER FLOWS WHAT
# LOSS is what the bare half must see:
#   reset    TCP with another source port: the far end resets it
#   changed  the far end sees another source port
#   stalled  nothing passes any more
#   deaf     protocols without ports: what the far end sends first arrives no more
# A random port is now and then the old one, or one the far end still knows
# from another flow: of those that must be lost one, and a tenth, may differ.
judge() {
	local how=$1 loss=$2 server=$3 flows=$4 what=$5 n=${FLOWS[$4]}

	case $how/$loss in
	bare/deaf)
		ask "$server" push
		ask "$flows" heard
		is "$REPLY" "heard 0 of $n" "$what: without vipsafe the far end is not heard"
		;;
	bare/*)
		ask "$flows" ping
		[[ $REPLY =~ $loss=([0-9]+) ]]
		check "$what: without vipsafe $loss (${REPLY#ping })" \
			test "${BASH_REMATCH[1]:-0}" -ge $((n - 1 - n / 10))
		;;
	vipsafe/*)
		ask "$server" push
		ask "$flows" heard
		is "$REPLY" "heard $n of $n" "$what: with vipsafe the far end is heard"
		ask "$flows" ping
		is "$REPLY" "ping alive=$n reset=0 stalled=0 changed=0" \
			"$what: with vipsafe alive, same source port"
		;;
	esac
}

# Between two halves of a case.
fresh() {
	jobs_end
	forget_all
}
