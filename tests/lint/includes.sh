#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may include whom. The direction of dependence is the architecture:
#   core -> kernel -> (nothing above)   core -> steps   core -> front   all -> cli
# base, what is asked of the operating system, serves all but the pure core.
# Libraries stay where they are wrapped: netlink in kernel, JSON and INI in
# front, systemd in front, cli and daemon.
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

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

only include 'vipsafe/(base|protocol|kernel)\.h|core/(addr|conn|flow|ipvs|ports|report)\.h'
only agent/base 'vipsafe/base\.h|base/[^/]*'
only agent/core 'vipsafe/(base|protocol)\.h|core/[^/]*'
only agent/kernel 'base/[^/]*|vipsafe/(base|kernel)\.h|core/[^/]*|kernel/[^/]*'
only agent/steps 'base/[^/]*|vipsafe/(base|kernel)\.h|core/[^/]*|steps/[^/]*'
only agent/front 'base/[^/]*|vipsafe/(base|protocol)\.h|core/[^/]*|front/[^/]*'
only agent/daemon 'vipsafe/[^/]*|(base|core|kernel|steps|front|daemon)/[^/]*'
only agent/cli 'vipsafe/[^/]*|(base|core|kernel|steps|front|cli)/[^/]*'
# Units need no kernel; of its layer only what writes and reads messages is pure.
only tests/unit 'vipsafe/(base|protocol)\.h|(base|core|front|cli|daemon)/[^/]*|kernel/(ct(codec|attr)|hold_(text|nftmsg)|ipvs(codec|conn)|nft(attr|batch)|probe_choice|socklist)\.h|steps/(again|lock|rundir)\.h|[^/]*'
only tests/sim 'vipsafe/[^/]*|(base|core|steps)/[^/]*|[^/]*'

# Nothing but a layer's own headers pulls in a library.
library() {
	verdict "$1 only in $3" \
		"$(c_files '^(agent|include)/' | grep -vE "^($3)/" |
			xargs -r grep -nE "^#[[:space:]]*include[[:space:]]+<($2)" /dev/null)"
}

library 'netlink and kernel headers' 'netlink/|libnetfilter|libmnl|linux/|net/if_arp|netpacket/' \
	'agent/kernel'
library jansson 'jansson' 'agent/(front|cli)'
library inih 'ini\.h' 'agent/front'
library systemd 'systemd/' 'agent/(front|cli|daemon)'

# A pure core has no use for these.
verdict 'core includes no header of the operating system' \
	"$(c_files '^agent/core/' |
		xargs -r grep -nE '<(time|unistd|fcntl|signal|syslog|dirent|poll|pthread|sys/(stat|time|ioctl|epoll|types|un)|net/if)\.h>' /dev/null)"

verdict 'conditional compilation only in kernel and daemon/service' \
	"$(c_files '^agent/' | grep -vE '^agent/(kernel/|daemon/service)' |
		xargs -r grep -nE '^#[[:space:]]*(if|ifdef|ifndef|elif)' /dev/null)"

# A header that does not stand alone is found by its own .c file.
own_header_first() {
	c_files '^agent/' | grep '\.c$' | while IFS= read -r f; do
		own=${f%.c}.h
		[ -f "$own" ] || continue
		first=$(sed -nE 's/^#[[:space:]]*include[[:space:]]+["<]([^">]*)[">].*/\1/p' "$f" | head -n 1)
		[ "agent/$first" = "$own" ] || echo "$f: first include is $first"
	done
}
verdict 'a source includes its own header first' "$(own_header_first)"

# The linker knows better than any list of headers.
if [ -f "$BUILD/libcore.a" ]; then
	verdict 'libcore.a calls nothing of the operating system' \
		"$(nm -A -u "$BUILD/libcore.a" 2>/dev/null |
			grep -E ' U _*(open|openat|read|write|close|socket|send|recv|ioctl|f?printf|puts|fopen|perror|clock_gettime|time|gettimeofday|sleep|usleep|nanosleep|syslog|exit|_exit|abort|getenv|rand|random|if_nametoindex|getaddrinfo)(@.*)?$')"
else
	skip 'libcore.a calls nothing of the operating system' 'libcore.a is not built'
fi
finish
