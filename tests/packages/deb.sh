#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian packages as files: built without a network, the same bytes each
# time, nothing for lintian to say, and what is in them.
# shellcheck source=tests/packages/lib/packages.sh
. "$(dirname "$0")/lib/packages.sh"
need dpkg-buildpackage dh lintian
built deb new
built_again deb
deb=$(echo "$P/new/vipsafe_$VERSION"-*.deb)
dbg=$(echo "$P/new/vipsafe-dbgsym_$VERSION"-*.deb)

for file in "$deb" "$dbg" "$P/new/vipsafe_$VERSION"-*.dsc "$P/new/vipsafe_$VERSION"-*.debian.tar.xz \
	"$P/new/vipsafe_$VERSION".orig.tar.gz; do
	name=${file##*/}
	check "built twice, the same bytes: $name" cmp "$file" "$P/again/$name"
done

# of the debug symbols no override can be given; see vipsafe.lintian-overrides
nothing "$(lintian --allow-root -I --tag-display-limit 0 --suppress-tags bogus-mail-host \
	"$P/new/vipsafe_$VERSION"-*.dsc "$deb" "$dbg" 2>&1)" "lintian has nothing to say"

contents() { dpkg-deb -c "$deb" | awk '{ print $1, $2, $6 }'; }
nothing "$(contents | awk '$2 != "root/root"')" "everything is root's"
nothing "$(contents | awk '$1 !~ /^l/ && substr($1, 6, 1) $1 ~ /^w/ || $1 !~ /^l/ && substr($1, 9, 1) == "w"')" \
	"nothing can be written by others"
nothing "$(contents | awk '/usr\/libexec\/vipsafe\/./ && $1 !~ /^-rwxr-xr-x/')" "hooks can be run"
for path in usr/sbin/vipsafe usr/sbin/vipsafed etc/vipsafe/vipsafe.conf etc/vipsafe/conf.d/ \
	etc/init.d/vipsafed etc/apparmor.d/usr.sbin.vipsafed usr/lib/tmpfiles.d/vipsafe.conf \
	lib/systemd/system/vipsafed.service lib/systemd/system/vipsafed.socket; do
	check "it has /$path" grep -qE "/(usr/)?${path#/}\$" <(contents)
done
is "$(dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./conffiles | sort | tr '\n' ' ')" \
	"/etc/apparmor.d/usr.sbin.vipsafed /etc/init.d/vipsafed /etc/vipsafe/vipsafe.conf " \
	"what an administrator may change are conffiles"

dpkg-deb -x "$deb" "$T/new"
dpkg-deb -x "$dbg" "$T/debug"
for program in vipsafe vipsafed; do
	id=$(readelf -n "$T/new/usr/sbin/$program" | sed -n 's/.*Build ID: //p')
	check "the symbols of $program are in the other package" \
		test -s "$T/debug/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug"
done
is "$("$T/new/usr/sbin/vipsafe" --version)" "vipsafe $VERSION" "the program has the version of configure.ac"
is "$(sed -n 's/^AC_INIT(\[vipsafe\], \[\([^]]*\)\].*/\1/p' "$SRC/configure.ac")" "$VERSION" "as everything else has"
check "the daemon takes the configuration it ships" \
	"$T/new/usr/sbin/vipsafed" --config "$T/new/etc/vipsafe/vipsafe.conf" --check
check "dashboard and rules are there as they are, to be read by programs" \
	cmp "$SRC/packaging/grafana/vipsafe.json" "$T/new/usr/share/vipsafe/grafana/vipsafe.json"
check "and the schema of --json" test -s "$T/new/usr/share/vipsafe/report.schema.json"
check "and the rules" cmp "$SRC/packaging/prometheus/vipsafe.rules.yml" "$T/new/usr/share/vipsafe/prometheus/vipsafe.rules.yml"
done_testing
