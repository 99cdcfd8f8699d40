# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A program that is killed at one of its system calls (killat.c).

# At which: from FIRST on, further apart the later they are.
STEP=${STEP:-12} # STEP=1 is every call, and takes long
SEED=${SEED:-$(date +%N | sed 's/^0*//')}
FIRST=${FIRST:-$((1 + SEED % STEP))}
# shellcheck disable=SC2034 # read by the cases
POINTS_MAX=5000 # one that makes more calls does not end; on a busy machine it looks around more often
diag "STEP=$STEP SEED=$SEED"
next_point() { REPLY=$(($1 + STEP + (STEP > 1 ? $1 / 6 : 0))); } # CALL

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

# ---- connections that a delete flushes, and a daemon that is killed meanwhile ---------------
# N of the pod's to the server of node2, of which $T/before has the ids.

ours() { conntrack -L -p tcp --reply-dst 192.168.11.7 --dport 8899 -o id 2>/dev/null; }
ids() { ours | grep -o 'id=[0-9]*' | sort; }
there() { ours | wc -l; }
# None is there any more that was before the delete: a new one may have the id of an old one.
flushed() { [ "$(comm -12 "$T/before" <(ids) | wc -l)" -lt $((N / 2)) ]; }
known() { guard_live && [ "$(guard .unpinned)" -ge "$N" ]; }
# The kernel flushes from a work queue, which goes on after the kill.
at_rest() {
	local was

	was=$(ids)
	sleep 0.5
	[ "$was" = "$(ids)" ]
}

# What a slow guard has not read the end of yet would count as known, and be put back.
forgotten() { guard_live && [ "$(guard '.unpinned + .pinned')" -le 5 ]; }
flows_anew() {
	[ -z "${FLOWS[pod]:-}" ] || job_end pod
	forget_all
	wait_for 60 forgotten || bail_out "the guard knows connections that are gone: $(guard '"\(.unpinned) \(.pinned)"')"
	open pod pod "$N" 10.232.3.28 8899
}

# see_alive [COMMAND...]: ALIVE is how many of them are, after the next daemon has begun, and COMMAND
see_alive() {
	daemon_start
	wait_for 60 guard_live
	"$@"
	ask pod ping 60
	[[ $REPLY =~ alive=([0-9]+) ]]
	# shellcheck disable=SC2034 # read by the cases
	ALIVE=${BASH_REMATCH[1]:-0}
}
