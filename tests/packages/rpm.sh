#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The RPMs: built without a network, the same bytes each time, nothing for
# rpmlint to say; then installed, upgraded and erased, with scriptlets, in a
# root whose rpm database is empty.
# What is mounted there is seen here only, and cannot be left behind.
[ "$(id -u)" != 0 ] || [ -n "${RPM_INSIDE:-}" ] ||
	RPM_INSIDE=1 exec unshare --mount --propagation private bash "$0" "$@"
# shellcheck source=tests/packages/lib/packages.sh
. "$(dirname "$0")/lib/packages.sh"
need rpmbuild rpm rpmlint eu-strip debugedit
[ "$(id -u)" = 0 ] || cannot_test "rpm --root needs root"
built rpm new
built_again rpm
built rpm old
arch=$(rpm --eval '%_arch')
new=$P/new/vipsafe-$VERSION-1.$arch.rpm old=$P/old/vipsafe-0.0.9-1.$arch.rpm

for name in "vipsafe-$VERSION-1.src.rpm" "${new##*/}" "vipsafe-debuginfo-$VERSION-1.$arch.rpm"; do
	check "built twice, the same bytes: $name" cmp "$P/new/$name" "$P/again/$name"
done
rpmlint -r "$SRC/packaging/rpm/vipsafe.rpmlintrc" "$P/new"/*.rpm "$P/new/vipsafe.spec" >"$T/rpmlint" 2>&1
nothing "$(grep -E ': [EW]: ' "$T/rpmlint")" "rpmlint has nothing to say"
check "and looked" grep -q '0 errors, 0 warnings' "$T/rpmlint"

list() { rpm -qp --qf "[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES}\n]" "$1"; }
nothing "$(list "$new" | awk '$2 != "root:root"')" "everything is root's"
nothing "$(list "$new" | grep -vE '^l' | grep -E '^.....w|^........w')" "nothing can be written by others"
for path in /usr/sbin/vipsafe /usr/sbin/vipsafed /etc/vipsafe/vipsafe.conf /etc/vipsafe/conf.d \
	/usr/lib/systemd/system/vipsafed.service /usr/lib/systemd/system/vipsafed.socket \
	/usr/lib/tmpfiles.d/vipsafe.conf /usr/share/selinux/packages/vipsafe.cil \
	/usr/share/vipsafe/grafana/vipsafe.json /usr/share/vipsafe/prometheus/vipsafe.rules.yml; do
	check "it has $path" grep -qx "$path" <(rpm -qpl "$new")
done
is "$(rpm -qpc "$new")" /etc/vipsafe/vipsafe.conf "its configuration is marked as such"
check "debug symbols are apart" grep -q '/usr/lib/debug/.*vipsafed.*\.debug' \
	<(rpm -qpl "$P/new/vipsafe-debuginfo-$VERSION-1.$arch.rpm")

# ---- an empty root ---------------------------------------------------------------
mkdir "$T/empty"
# the packages there are not rpm's; Debian's rpm has its database in a home
r() { rpm --root "$ROOT" --dbpath /var/lib/rpm --nodeps "$@"; }
ROOT=$T/empty
check "files go into an empty root" r -i --noscripts "$new"
nothing "$(r -V vipsafe 2>&1)" "empty root: rpm -V finds nothing changed"

# ---- a system ----------------------------------------------------------------------
debian_tree
ROOT=$T/system
mkdir "$ROOT"
(cd "$ROOT" && cpio -idm --quiet <"$TREE")
trap 'umount "$ROOT/proc" "$ROOT/dev"; rm -rf --one-file-system "$T"' EXIT
mount -t proc proc "$ROOT/proc" || bail_out "cannot mount /proc"
mount -t tmpfs none "$ROOT/dev" || bail_out "cannot mount /dev"
mknod -m 666 "$ROOT/dev/null" c 1 3
# directories that others share belong to a package of the distribution, and the
# lock that tmpfiles.d makes to iptables
files() {
	(cd "$ROOT" && find . -path ./var/lib/rpm -prune -o -path ./proc -prune -o -path ./dev -prune -o \
		-path ./run/xtables.lock -prune -o \
		! -type d -print -o -path '*vipsafe*' -print | sort)
}
files >"$T/before"
check "scriptlets run" r -i "$old"
nothing "$(r -V vipsafe 2>&1)" "rpm -V finds nothing changed"
check "user and group are there" chroot "$ROOT" getent passwd vipsafe
is "$(stat -c '%U %G %a' "$ROOT/run/vipsafe")" "root root 755" "so is the run directory"
is "$(chroot "$ROOT" vipsafe --version)" "vipsafe 0.0.9" "the command runs there"
check "the daemon does" chroot "$ROOT" vipsafed --check
check "a preset enables it" test -L "$ROOT/etc/systemd/system/multi-user.target.wants/vipsafed.service"

echo '# mine' >>"$ROOT/etc/vipsafe/vipsafe.conf"
echo x >"$ROOT/run/vipsafe/pins"
check "it can be upgraded" r -U "$new"
is "$(chroot "$ROOT" vipsafe --version)" "vipsafe $VERSION" "upgraded"
is "$(tail -n 1 "$ROOT/etc/vipsafe/vipsafe.conf")" "# mine" "upgraded: the configuration stays"
check "upgraded: what the guard remembers stays" test -e "$ROOT/run/vipsafe/pins"
is "$(r -V vipsafe 2>&1 | grep -v '/run/vipsafe$')" "S.5....T.  c /etc/vipsafe/vipsafe.conf" "rpm -V names the changed file only"
check "it can be downgraded" r -U --oldpackage "$old"
is "$(chroot "$ROOT" vipsafe --version)" "vipsafe 0.0.9" "downgraded"
is "$(tail -n 1 "$ROOT/etc/vipsafe/vipsafe.conf")" "# mine" "downgraded: the configuration stays"
check "it can be erased" r -e vipsafe
files >"$T/after"
# rpm keeps a changed configuration, and does not unmake users
is "$(diff "$T/before" "$T/after" | sed -n 's/^> //p' | grep -vE '^./etc/(passwd|group|g?shadow|subuid|subgid)-?$')" \
	$'./etc/vipsafe\n./etc/vipsafe/vipsafe.conf.rpmsave' "erased: only the changed configuration is left"
done_testing
