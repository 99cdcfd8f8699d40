# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A daemon that is killed at one of its system calls (killat.c).

need_killat() { "$BUILD/killat" 1 true >"$T/out" 2>"$T/err" || skip_all "$(cat "$T/err")"; }

bail_out() { # also from where the output is kept
	echo "Bail out! $*" >&3
	exit 99
}
exec 3>&1

# kill_daemon_at N: SIGKILL before its Nth call from now on that changes something
kill_daemon_at() {
	: >"$T/attached"
	"$BUILD/killat" "$1" -p "$DAEMON" >"$T/attached" 2>&1 &
	KILLER=$!
	wait_for 20 grep -q ready "$T/attached" || bail_out "killat: $(cat "$T/attached")"
}

# A child that was killed is there until its parent has looked.
is_dead() { ! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$DAEMON/status" 2>/dev/null; }
is_settled() { is_dead || answers; }

# The daemon is gone, or gets rid of who watches it; KILLED tells.
after_kill() {
	kill -TERM "$KILLER" 2>/dev/null
	wait "$KILLER" 2>/dev/null
	wait_for 60 is_settled || bail_out "the daemon neither answers nor ends"
	KILLED=
	! is_dead || KILLED=yes
	[ -z "$KILLED" ] || wait "$DAEMON" 2>/dev/null
}
need_it() { is_dead && daemon_start; }
