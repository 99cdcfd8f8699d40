#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A netlink message that somebody else sends to the daemon is no answer of the
# kernel: nothing that is listed or changed ends by it.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"
# shellcheck source=tests/netns/lib/guarded.sh
. "$(dirname "$0")/lib/guarded.sh"; netns_main "$@"
need_daemon

topo_pod
masquerade
know_verdict affected
serve srv node2 10.232.3.28 8899
open pod pod 20 10.232.3.28 8899
config '[agent]' 'announce_again = 0' '[device br-mgmt]' 'pin = continuous' 'pin_after = 100ms'
daemon_start
check "connections are pinned" wait_for 60 pinned_at_least 20
relists=$(guard .relists)
stray() { like "$("$BUILD/stray" "$DAEMON")" '^[1-9]' "strays are sent to $1"; }

stray "an idle daemon"
run --json add 192.168.11.100/32 dev br-mgmt
is "$RC$(json .result)" 0ok "an address is added"
stray "it"
run --json del 192.168.11.100/32 dev br-mgmt
is "$RC$(json .result)" 0ok "and deleted, with protection"
twin_up
stray "it"
ip addr del $TWIN dev br-mgmt
stray "it"
unharmed pod "what somebody else deletes harms nothing"
is "$(guard .state)" live "the guard is live"
stray "it"
"$VIPSAFE" --strategy restore --json del 192.168.11.100/32 dev br-mgmt >/dev/null
run --json status
is "$RC" 0 "status answers"
is "$(guard .relists)" "$relists" "the table was not read anew"
check "nothing went wrong" not logged 'Protocol error'
daemon_end

# ---- a device without a guard: each move lists what is there -----------------------------
config '[agent]' 'announce_again = 0'
daemon_start
twin_up
run --json --strategy restore del $TWIN dev br-mgmt # opens what it needs
twin_up
stray "a daemon that has listed before"
run --json --strategy restore del $TWIN dev br-mgmt
is "$RC$(json .result)" 0ok "a listing goes on behind it"
unharmed pod "and protects"
twin_up
stray "it"
run --json plan del $TWIN dev br-mgmt
is "$(json .result)$(json '.entries.snapshot > 0')" oktrue "so does a plan's"
daemon_end
done_testing
