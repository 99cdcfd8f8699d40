#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What must not be in the tree: paths of somebody's machine, functions that
# cannot be used safely, clocks that jump.
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

self='^tests/lint/forbidden\.sh$'

# grep -n for PATTERN in the files matching FILES, except those matching EXCEPT.
find_in() {
	files "$2" | grep -vE "$self${3:+|$3}" | xargs -r grep -nIE "$1" /dev/null
}

verdict 'no path of a developer machine' \
	"$(find_in '/work/|/home/[a-z]|/Users/|/root/|/tmp/b-' '.')"
verdict 'no package registry or mirror host' \
	"$(find_in 'artifactory|nexus\.|jfrog|pypi\.|proxy\.golang|registry\.(npm|[a-z]+\.io)|index-url' '.')"
verdict 'no key or token' \
	"$(find_in 'BEGIN [A-Z ]*PRIVATE KEY|ghp_[A-Za-z0-9]{20}|AKIA[A-Z0-9]{16}' '.')"
verdict 'no file that a merge or an editor left behind' "$(files '\.(orig|rej|swp|bak)$|~$')"

# A call, not a word in a comment or part of a longer name.
call() {
	find_in "(^|[^A-Za-z0-9_>.])($1)[[:space:]]*\\(" "$2" "${3-}" |
		grep -vE '^[^:]*:[0-9]+:[[:space:]]*(\*|/\*|//)'
}

verdict 'no shell is started from C' "$(call 'system|popen|execlp|execvp|execvpe' '^agent/.*\.[ch]$')"
verdict 'no unbounded or silent string function' \
	"$(call 'sprintf|vsprintf|strcpy|strcat|stpcpy|strncpy|strncat|gets|strtok|alloca' '^agent/.*\.[ch]$')"
verdict 'no parser that cannot report an error' \
	"$(call 'atoi|atol|atoll|sscanf|strtod' '^agent/.*\.[ch]$')"
verdict 'no name resolution where an address is meant' \
	"$(call 'gethostbyname|getaddrinfo|inet_addr|inet_aton|inet_ntoa' '^agent/.*\.[ch]$')"
# The uses of the wall clock: xt_time's --datestop knows no other, and os_wall() shows instants.
verdict 'no wall clock' \
	"$(find_in 'CLOCK_REALTIME' '^agent/.*\.[ch]$' '^agent/(kernel/reset_iptables|base/os\.)')
$(call 'gettimeofday|time|ftime' '^agent/.*\.[ch]$' '^agent/kernel/reset_iptables')"
# _exit() is how a forked child of the probe ends, and only itself.
verdict 'lower layers neither print nor end the process' \
	"$(call 'printf|vprintf|puts|perror|fprintf|syslog|exit|abort|assert' '^agent/(base|kernel|lvs|move|guard)/.*\.[ch]$')"
# Kernels before 4.11 say 0 where events were lost (os_received()).
verdict 'recvmmsg() is called in one place' "$(call 'recvmmsg' '^agent/.*\.[ch]$' '^agent/kernel/nlsock\.c')"
verdict 'tests wait for conditions' \
	"$(find_in '^[^#]*(^|[^a-z_-])sleep [0-9]*[1-9]' '^tests/(netns|vm|flow)/.*\.sh$' |
		grep -v 'poll interval')"
verdict 'nobody is killed by name' "$(find_in '\b(pkill|killall)\b' '\.sh$|^bootstrap$|^\.ci/')"
done_testing
