# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of the packages share: TAP, and the packages themselves, which
# are made once in $BUILD/packages however many tests ask for them.
#   new/  of this tree       old/  the same, called 0.0.9: what to upgrade from
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

make_tarball() {
	local new

	make -s -C "$BUILD" dist-gzip || return 1
	new=$(echo "$BUILD"/vipsafe-*.tar.gz)
	VERSION=${new##*/vipsafe-}
	VERSION=${VERSION%.tar.gz}
	echo "$VERSION" >"$P/version"
	mv "$new" "$P/"
}

tarball() {
	make_once tarball make_tarball
	VERSION=$(cat "$P/version")
}

# built KIND WHICH: packages of KIND deb or rpm in $P/WHICH
built() {
	tarball
	make_once "$1-new" env DEB_BUILD_OPTIONS='nocheck parallel=2' \
		sh "$SRC/packaging/$1/build" "$P/vipsafe-$VERSION.tar.gz" "$P/new"
	[ "$2" != old ] || make_once "$1-old" "old_$1"
}

# What is installed before an upgrade: the new package, whose programs and words say 0.0.9.
# A version in a program can be replaced by one of the same length only.
OLD=0.0.9
renamed() { # FOLDER
	[ ${#OLD} = ${#VERSION} ] || {
		echo "OLD of packages.sh must be as long as $VERSION, and older"
		return 1
	}
	grep -rlF -- "$VERSION" "$1" | tr '\n' '\0' | xargs -0 -r env LC_ALL=C sed -i "s/${VERSION//./\\.}/$OLD/g" || return 1
	[ "$("$1/usr/sbin/vipsafe" --version)" = "vipsafe $OLD" ]
}

old_deb() {
	local root=$P/deb.root new

	new=$(echo "$P/new/vipsafe_$VERSION"-*.deb)
	rm -rf "$root" && mkdir -p "$P/old" && dpkg-deb -R "$new" "$root" && renamed "$root" || return 1
	(cd "$root" && find ./* -type f ! -path './DEBIAN/*' -exec md5sum {} + | sed 's,\./,,' >DEBIAN/md5sums) || return 1
	new=${new##*/}
	dpkg-deb --root-owner-group -b "$root" "$P/old/${new/$VERSION/$OLD}" && rm -rf "$root"
}

# rpmbuild with the spec of the new one, which finds everything built.
old_rpm() {
	local root=$P/rpm.root top=$P/rpm.top spec=$P/rpm.top/vipsafe.spec

	rm -rf "$root" "$top" && mkdir -p "$root" "$P/old" "$top/BUILD" || return 1
	(cd "$root" && rpm2cpio "$P/new/vipsafe-$VERSION-1.$(rpm --eval '%_arch').rpm" | cpio -idm --quiet) &&
		renamed "$root" || return 1
	# rpmbuild makes links of its own, and takes the licence from where it builds
	rm -rf "$root/usr/lib/.build-id"
	find "$root" -name COPYING -exec mv {} "$top/" \; || return 1
	awk -v root="$root" -v licence="$top/COPYING" '
		/^%prep/ { print "%prep\ncp " licence " .\n%build"; off = 1 }
		/^%install/ { print "%install\nmkdir -p %{buildroot} && cp -a " root "/. %{buildroot}/"; off = 1 }
		/^find %\{buildroot\}%\{_mandir\}/ { off = 0 }
		!off' "$P/new/vipsafe.spec" | sed "s/^Version: .*/Version: $OLD/" >"$spec"
	rpmbuild -bb --nodeps --define "_topdir $top" --define 'debug_package %{nil}' "$spec" &&
		find "$top/RPMS" -name '*.rpm' -exec mv {} "$P/old/" \; && rm -rf "$root" "$top"
}

# built_on SUITE: the new Debian package, built on that Debian with its own libraries, in $P/SUITE
built_on() {
	tarball
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
