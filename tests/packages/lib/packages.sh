# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of the packages share: TAP, and the packages themselves, which
# are made once in $BUILD/packages however many tests ask for them.
#   new/  of this tree       old/  of the same, called 0.0.9: what to upgrade from
#   again/  of this tree, built elsewhere a second time

set -u -o pipefail
SRC=${VIPSAFE_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)}
BUILD=${VIPSAFE_BUILD:?the build directory}
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C.UTF-8
P=$BUILD/packages
mkdir -p "$P"
T=$(mktemp -d)
trap 'rm -rf --one-file-system "$T"' EXIT
trap 'exit 143' TERM INT HUP

# shellcheck source=tests/lib/tap.sh
. "$SRC/tests/lib/tap.sh"

# Loud; where everything is supposed to be there, a failure.
cannot_test() {
	[ "${CI:-}" != true ] || bail_out "$*"
	skip_all "$*"
}

need() {
	local tool

	for tool; do
		command -v "$tool" >/dev/null || cannot_test "$tool is not installed"
	done
}

cache_dir() {
	if [ -n "${PACKAGES_CACHE:-}" ]; then
		echo "$PACKAGES_CACHE"
	elif mkdir -p /var/cache/vipsafe-packages 2>/dev/null && [ -w /var/cache/vipsafe-packages ]; then
		echo /var/cache/vipsafe-packages
	else
		echo "$P/cache"
	fi
}

# debian_tree: $TREE is an archive of a Debian system without the package
debian_tree() {
	local modroot

	# shellcheck disable=SC2034 # for who asked
	if ! modroot=$("$SRC/tests/vm/lib/mkkernel" "${VM_CACHE:-/var/cache/vipsafe-vm}" 2>"$T/why") ||
		! TREE=$("$SRC/tests/packages/lib/mktree" "$(cache_dir)" "$modroot" 2>"$T/why"); then
		cannot_test "no Debian tree: $(tail -n 1 "$T/why")"
	fi
}

# Our caller is a make: nothing of it must leak into those that are called.
plain_make() { env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s "$@"; }

make_once() { # WHAT COMMAND...: unless it has been done; its log is $P/WHAT.log
	local what=$1

	shift
	(
		flock 9
		[ ! -e "$P/$what.done" ] || exit 0
		unset MAKEFLAGS MAKELEVEL MFLAGS # its jobs' pipe may be another file here
		"$@" >"$P/$what.log" 2>&1 </dev/null 9>&- || exit 1
		touch "$P/$what.done"
	) 9>"$P/$what.lock" || {
		tail -n 15 "$P/$what.log" | sed 's/^/# /'
		bail_out "cannot make $what: $P/$what.log"
	}
}

make_tarballs() {
	local new

	rm -rf "$P/old.tree" && mkdir -p "$P/old.tree"
	make -s -C "$BUILD" dist-gzip || return 1
	new=$(echo "$BUILD"/vipsafe-*.tar.gz)
	VERSION=${new##*/vipsafe-}
	VERSION=${VERSION%.tar.gz}
	echo "$VERSION" >"$P/version"
	mv "$new" "$P/" || return 1
	tar -xzf "$P/vipsafe-$VERSION.tar.gz" -C "$P/old.tree" || return 1
	cd "$P/old.tree" || return 1
	mv "vipsafe-$VERSION" vipsafe-0.0.9 || return 1
	sed -i "s/${VERSION//./\\.}/0.0.9/g" vipsafe-0.0.9/configure vipsafe-0.0.9/configure.ac
	# equally old, or make would want to make configure again
	find vipsafe-0.0.9 -exec touch -h -r "vipsafe-0.0.9/NEWS" {} +
	tar -czf "$P/vipsafe-0.0.9.tar.gz" vipsafe-0.0.9 && rm -rf "$P/old.tree"
}

tarballs() {
	make_once tarballs make_tarballs
	VERSION=$(cat "$P/version")
}

# built KIND WHICH: packages of KIND deb or rpm in $P/WHICH
built() {
	local version options='nocheck parallel=2' quick=()

	tarballs
	version=$VERSION
	# of the old one only that it runs is asked: it is compiled without optimization, in half the time
	[ "$2" != old ] || { version=0.0.9 options="$options noopt" quick=(CFLAGS='-g -O0'); }
	[ "$1" = rpm ] || quick=() # dpkg-buildpackage has words of its own
	make_once "$1-$2" env DEB_BUILD_OPTIONS="$options" "${quick[@]}" \
		sh "$SRC/packaging/$1/build" "$P/vipsafe-$version.tar.gz" "$P/$2"
}

# built_on SUITE: the new Debian package, built on that Debian with its own libraries, in $P/SUITE
built_on() {
	tarballs
	make_once "deb-$1" make_on "$1"
}

make_on() { # SUITE
	local builder root=$P/root-$1

	builder=$(SUITE=$1 "$SRC/tests/packages/lib/mkbuilder" "$(cache_dir)") || return 1
	rm -rf --one-file-system "$root" && mkdir -p "$root/src" && tar -xf "$builder" -C "$root" || return 1
	cp "$P/vipsafe-$VERSION.tar.gz" "$SRC/packaging/deb/build" "$root/src/" &&
		cp -r "$SRC/tests/lib/flow" "$root/src/flow" || return 1
	mknod -m 666 "$root/dev/null" c 1 3
	# what judges there is of that Debian, too
	# shellcheck disable=SC2016 # the inner shell's
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ DEB_BUILD_OPTIONS='nocheck parallel=2' DEB_BUILD_PROFILES=nocheck \
		unshare --net --mount sh -c 'mount -t proc proc "$1/proc" &&
			exec chroot "$1" sh -c "sh /src/build /src/*.tar.gz /src/out && gcc -std=gnu99 -D_GNU_SOURCE -O1 -o /src/out/flow /src/flow/*.c"' \
		sh "$root" || return 1
	rm -rf "${P:?}/$1" && mv "$root/src/out" "$P/$1" && rm -rf --one-file-system "$root"
}

# built_again KIND: the new ones once more, where and when and as another would: 40 days from
# now, with another umask and time zone, and with no network at all; Debian's in another
# directory, which rpm would write into the packages
built_again() {
	local alone=()

	need faketime
	[ "$(id -u)" != 0 ] || alone=(unshare --net)
	# shellcheck disable=SC2016 # the inner shell's
	make_once "$1-again" env DEB_BUILD_OPTIONS="nocheck parallel=1" TZ=Asia/Tokyo LC_ALL=C \
		NO_FAKE_STAT=1 TODAY="$(date +%s)" "${alone[@]}" faketime -f +40d sh -c \
		'umask 077 && [ "$(date +%s)" -gt $((TODAY + 39 * 86400)) ] && exec sh "$@"' sh \
		"$SRC/packaging/$1/build" "$P/vipsafe-$VERSION.tar.gz" "$P/again"
}
