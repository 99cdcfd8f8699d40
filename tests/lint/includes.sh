#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may include whom. The direction of dependence is the architecture:
#   base <- kernel, lvs, keepalived <- move <- guard <- show <- daemon, cli
# Libraries stay where they are wrapped: netlink in kernel, JSON and INI in
# show, systemd in show, cli and daemon.
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

# Lines "file:line:header" of the includes in quotes and of <vipsafe/…>.
ours() {
	c_files "^$1/" | xargs -r grep -nE '^#[[:space:]]*include[[:space:]]+("|<vipsafe/)' /dev/null |
		sed -E 's/^([^:]*:[0-9]*:).*["<]([^">]*)[">].*/\1\2/'
}

# FOLDER may include of ours only what PATTERN matches (its own folder in tests
# by plain name).
only() {
	verdict "$1 includes only its own and lower layers" \
		"$(ours "$1" | grep -vE ":($2)\$")"
}

only include 'vipsafe/(base|protocol)\.h'
only agent/base 'vipsafe/(base|protocol)\.h|base/[^/]*'
only agent/kernel 'vipsafe/base\.h|(base|kernel)/[^/]*'
only agent/keepalived 'vipsafe/(base|protocol)\.h|(base|keepalived)/[^/]*'
only agent/lvs 'vipsafe/(base|protocol)\.h|(base|lvs)/[^/]*|keepalived/conf\.h'
only agent/move 'vipsafe/(base|protocol)\.h|(base|lvs|keepalived|move)/[^/]*'
only agent/guard 'vipsafe/(base|protocol)\.h|(base|lvs|keepalived|move|guard)/[^/]*'
only agent/show 'vipsafe/(base|protocol)\.h|(base|lvs|keepalived|move|guard|show)/[^/]*'
only agent/daemon 'vipsafe/[^/]*|(base|kernel|lvs|keepalived|move|guard|show|daemon)/[^/]*'
only agent/cli 'vipsafe/[^/]*|(base|kernel|lvs|keepalived|move|guard|show|cli)/[^/]*'
# what the cases share
shared='((\.\./){0,2}lib/)?[^/]*'
# Units need no kernel; of kernel only what reads and writes messages, and asks lib/fake_netlink.c there.
only tests/unit 'vipsafe/(base|protocol)\.h|(base|lvs|keepalived|move|show|cli|daemon)/[^/]*|kernel/(abi_(ct|nft)|attr|ct(codec|stats|text)?|heard|hold_(ipset|nft|text)|ifaddr|ipvs(conn)?|link(_own)?|nft|nl(ask|sock)|probe(_choice)?|sock(ends|ets|reset)|xtables)\.h|'"$shared"
only tests/sim 'vipsafe/[^/]*|(base|lvs|keepalived|move|guard)/[^/]*|'"$shared"

# Nothing but a layer's own headers pulls in a library.
library() {
	verdict "$1 only in $3" \
		"$(c_files '^(agent|include)/' | grep -vE "^($3)" |
			xargs -r grep -nE "^#[[:space:]]*include[[:space:]]+<($2)" /dev/null)"
}

library 'netlink and kernel headers' 'netlink/|libnetfilter|libmnl|linux/|net/if_arp|netpacket/' \
	'agent/kernel/'
library jansson 'jansson' 'agent/(show/|cli/|lvs/message_line)'
library inih 'ini\.h' 'agent/show/'
library systemd 'systemd/' 'agent/(show|cli|daemon)/'

# What decides knows neither kernel, clock nor files. These do not decide:
deciding() {
	c_files '^agent/(base|lvs|keepalived)/' | grep '\.c$' | sed 's/\.c$//' | grep -vE \
		-e '^agent/base/(background|netns|os|program|rundir|thread|when)$' \
		-e '^agent/lvs/source_file$' \
		-e '^agent/keepalived/(conf|import(_.*)?|instance_file|lint_(scripts|unit)|script_(file|walk))$'
}
verdict 'what decides includes no header of the operating system' \
	"$(deciding | sed 's/$/.c/' |
		xargs -r grep -nE '<(time|unistd|fcntl|signal|syslog|dirent|poll|pthread|sys/(stat|time|ioctl|epoll|types|un)|net/if)\.h>' /dev/null)"

verdict 'conditional compilation only in kernel and daemon/service' \
	"$(c_files '^agent/' | grep -vE '^agent/(kernel/|daemon/service)' |
		xargs -r grep -nE '^#[[:space:]]*(if|ifdef|ifndef|elif)' /dev/null)"

# A header that does not stand alone is found by its own .c file.
# shellcheck disable=SC2016 # what looks like $0 belongs to awk
own_header_first() {
	c_files '^agent/' | grep '\.c$' | xargs -r awk '
		function judge() { if (name != "" && "agent/" first != own) print own " " name ": first include is " first }
		FNR == 1 {
			judge()
			name = own = FILENAME
			sub(/\.c$/, ".h", own)
			first = ""
		}
		/^#[[:space:]]*include[[:space:]]+["<]/ && first == "" {
			first = $0
			sub(/^[^"<]*["<]/, "", first)
			sub(/[">].*/, "", first)
		}
		END { judge() }' | while read -r own said; do
		[ ! -f "$own" ] || echo "$said"
	done
}
verdict 'a source includes its own header first' "$(own_header_first)"

# The linker knows better than any list of headers.
if [ -f "$BUILD/libbase.a" ]; then
	verdict 'what decides calls nothing of the operating system' \
		"$(deciding | sed "s|^|$BUILD/|; s|\$|.o|" | xargs nm -A -u |
			grep -E ' U _*(os_[a-z_]*|open|openat|read|write|close|socket|send|recv|ioctl|f?printf|puts|fopen|perror|clock_gettime|time|gettimeofday|sleep|usleep|nanosleep|syslog|exit|_exit|abort|getenv|rand|random|if_nametoindex|getaddrinfo)(@.*)?$')"
else
	skip 'what decides calls nothing of the operating system' 'nothing is built'
fi
done_testing
