#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The C library musl, and no systemd. Debian has none of our libraries for it: all of agent is
# compiled, but only what needs neither libnl, libnetfilter_conntrack nor inih is linked and run.
# shellcheck source=tests/arch/lib/arch.sh
. "$(dirname "$0")/lib/arch.sh"

need musl-gcc
sysroot musl
configured musl --host=x86_64-linux-musl --without-systemd CC=musl-gcc CPPFLAGS="-isystem $ROOT/include" \
	LDFLAGS="-L$ROOT/lib" CMOCKA_CFLAGS=' ' CMOCKA_LIBS=-lcmocka JANSSON_CFLAGS=' ' \
	JANSSON_LIBS=-ljansson LIBNL_CFLAGS="-isystem $ROOT/include/libnl3" LIBNL_LIBS=-lnl-3 \
	NFCT_CFLAGS=' ' NFCT_LIBS=-lnetfilter_conntrack INIH_CFLAGS=' ' INIH_LIBS=-linih
# of agent
libraries() { sed -n '/^noinst_LIBRARIES = /{:a;/\\$/{N;ba};s/.*= //;s/\\\n//g;p}' "$DIR/Makefile"; }
programs 'LIBNL|NFCT|INIH'
diag "not linked, for want of libraries: vipsafe, vipsafed, what tests libnl, libnetfilter_conntrack or inih"
# shellcheck disable=SC2046 # words
compiles 'all of agent compiles without a warning' $(libraries) agent/cli/main.o agent/daemon/main.o $(to_build)
is_for ld-musl
runs_all env
done_testing
