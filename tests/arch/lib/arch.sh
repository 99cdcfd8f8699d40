# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of other machines share: a build for one, and its unit and sim programs, each one
# result. A few of them as part of a check; with ARCH_ALL=yes (./bootstrap check-arch) all.
# shellcheck source=tests/packages/lib/packages.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../packages/lib/packages.sh"

# What other byte orders, sizes and C libraries have shown, or could, to be wrong: messages of the
# kernel, files, numbers in text, the hash; and the pipeline and the guard.
FEW="unit/test_ctcodec unit/test_ctcodec_odd unit/test_hash unit/test_heard unit/test_hold unit/test_ipvs
unit/test_keepalived_conf unit/test_os unit/test_wire unit/test_end sim/test_marks sim/test_ends sim/test_move sim/test_guard"
KERNELS="3.10 6.18"
# By emulation, and at the lowest priority, one can take long; one that hangs is ended all the same.
PATIENCE=1200

# sysroot KIND: $ROOT
sysroot() {
	if ! ROOT=$("$SRC/tests/arch/lib/mksysroot" "$(cache_dir)" "$1" 2>"$T/why"); then
		cannot_test "no libraries for $1: $(tail -n 1 "$T/why")"
	fi
}

# configured NAME WORDS...: $DIR is configured with these; without optimization, as little runs
configured() {
	DIR=$BUILD/arch/$1
	shift
	[ "${CI:-}" != true ] || set -- --disable-dependency-tracking "$@" # it is built once
	mkdir -p "$DIR"
	(cd "$DIR" && { [ -e Makefile ] || "$SRC/configure" -q --enable-werror CFLAGS=-O0 "$@"; }) \
		>"$T/configure.log" 2>&1 || {
		tail -n 5 "$T/configure.log" | sed 's/^/# /'
		bail_out "configure failed, see $DIR/config.log"
	}
}

# compiles DESCRIPTION TARGET...
compiles() {
	local what=$1

	shift
	plain_make -k -j2 -C "$DIR" "$@" >"$T/make.log" 2>&1
	report $? "$what" "$(grep -E 'error|warning|undefined' "$T/make.log" | head -n 20)"
}

# programs PATTERN: $PROGRAMS to run, but for those whose libraries match PATTERN of egrep
programs() {
	local all

	all=$(awk -v pattern="${1:-^$}" '
		/^tests_(unit|sim)_test_[a-z0-9_]*_LDADD = / {
			name = $1
			sub(/^tests_/, "", name)
			sub(/_test_.*/, "", name)
			file = $1
			sub(/^tests_(unit|sim)_/, "", file)
			sub(/_LDADD$/, "", file)
			text = ""
			on = 1
		}
		on {
			text = text $0
			on = /\\$/
			if (!on && text !~ pattern)
				print name "/" file
		}' "$DIR/Makefile" | sort)
	PROGRAMS=$all
	[ "${ARCH_ALL:-}" = yes ] || PROGRAMS=$(tr ' ' '\n' <<<"$FEW" | sort | comm -12 - <(echo "$all"))
	[ -n "$PROGRAMS" ] || bail_out "no programs to run"
}

# is_for WORDS: $PROGRAMS are for the machine that readelf describes by WORDS
is_for() {
	readelf -hl "$DIR/tests/${PROGRAMS%%[[:space:]]*}" >"$T/elf" 2>&1
	check "the programs are for the machine: $1" grep "$1" "$T/elf"
}

# What runs is emulated.
emulated() {
	KERNELS=6.18
	CANNOT='unit/test_nlask unit/test_control unit/test_lvs_read unit/test_forecast'
	CANNOT_WHY='the emulation has no such sockets, or takes longer than anybody waits'
}

# runs_all COMMAND...: each of $PROGRAMS, but those in $CANNOT, by COMMAND
runs_all() {
	local program kernel as r

	for program in $PROGRAMS; do
		case " ${CANNOT:-} " in
		*" $program "*)
			diag "not run, $CANNOT_WHY: $program"
			continue
			;;
		esac
		for kernel in $KERNELS; do
			ORDERS_DEPTH=4 ORDERS_DEPTH_3=3 VIPSAFE_SIM_KERNEL=$kernel VIPSAFE_BUILD=$DIR \
				VIPSAFE_SRC=$SRC timeout "$PATIENCE" "$@" "$DIR/tests/$program" \
				>"$T/out" 2>&1 </dev/null
			r=$?
			as=" as Linux $kernel"
			[ "${program%%/*}" = sim ] || as=
			report $r "$program$as" \
				"status $r; $(grep -E 'error|ERROR|LINE|FAILED|not ok' "$T/out" | head -n 10)"
			[ -n "$as" ] || break
		done
	done
}

# to_build: the targets of $PROGRAMS
to_build() {
	local program

	for program in $PROGRAMS; do
		echo "tests/$program"
	done
}

# cross NAME TRIPLET LIBRARIES [WORDS...]: what has to be built, for the machine whose libraries Debian keeps in
# LIBRARIES, configured with these
cross() {
	local libs="$ROOT/usr/lib/$3"

	PKG_CONFIG_LIBDIR=$libs/pkgconfig:$ROOT/usr/lib/pkgconfig:$ROOT/usr/share/pkgconfig \
		PKG_CONFIG_SYSROOT_DIR=$ROOT PKG_CONFIG_PATH='' \
		configured "$1" --host="$2" --with-systemd CC="$2-gcc --sysroot=$ROOT" "${@:4}"
	programs ''
	# shellcheck disable=SC2046 # words
	if [ "${ARCH_ALL:-}" = yes ]; then
		compiles 'all of it compiles without a warning' all $(to_build)
	else
		compiles 'what a few tests need compiles without a warning' $(to_build)
	fi
}
