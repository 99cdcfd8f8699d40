#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The affected nodes run old user space. What the built program asks of its
# libraries must have been there: glibc 2.17 and systemd 219 (RHEL 7),
# libnl 3.2.27, jansson 2.7 and libnetfilter_conntrack 1.0.5 (Ubuntu 16.04). The first three version
# their symbols; for the others the lists below are what those releases export.
# shellcheck disable=SC2016 # what looks like $1 belongs to awk
# shellcheck source=tests/lint/lib/lint.sh
. "$(dirname "$0")/lib/lint.sh"

# gcc 4.8 takes -std=gnu99 for it, too, and stops at what came later.
newer='_Generic|_Atomic|_Thread_local|__auto_type|__has_include|__has_attribute|__has_builtin'
newer="$newer|__builtin_(add|sub|mul|[su]addl?l?|[su]subl?l?|[su]mull?l?)_overflow|__attribute__\(\(fallthrough"
newer="$newer|<stdatomic\.h>|<threads\.h>|<stdbit\.h>|\[\[[a-z_]+\]\]|constexpr|nullptr"
verdict 'gcc 4.8 is enough' "$(c_files '^(agent|include)/' | xargs grep -nE "(^|[^a-zA-Z_\"])($newer)" /dev/null)"
verdict 'it is told to keep to -std=gnu99' "$(grep -q '^AM_CFLAGS = -std=gnu99 ' Makefile.am || echo Makefile.am)"

programs=
for name in vipsafe vipsafed; do
	for f in "$BUILD/$name" "$BUILD/.libs/$name"; do
		[ -f "$f" ] && head -c 4 "$f" | grep -qa ELF && programs="$programs $f"
	done
done
case $programs in
*vipsafe*vipsafed*) ;;
*)
	skip 'symbols of old platforms' "THE PROGRAMS ARE NOT BUILT in $BUILD"
	done_testing
	;;
esac

# What the programs are linked with themselves: a library in no list below has
# not been thought about, and could ask for anything.
# shellcheck disable=SC2086 # a list
verdict 'linked with known libraries only' "$(readelf -d $programs |
	sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u |
	grep -vE '^(libc|libm|libdl|librt|libpthread|ld-linux.*|libnl-(3|route-3|genl-3)|libsystemd|libjansson|libnetfilter_conntrack|libinih)\.so')"

# "name version" of everything the dynamic linker will be asked for.
# shellcheck disable=SC2086
wanted=$(nm -D --undefined-only --with-symbol-versions $programs |
	awk '$1 == "U" || $1 == "w" { n = split($2, p, /@+/); print p[1], (n > 1 ? p[2] : "-") }' | sort -u)

# A name that libc also offers in a version of 2.17 or before was there then: a
# build on an old system takes that one (fmemopen, pthread_create and all else
# that moved into libc in 2.34, __libc_start_main). Without such a version, but
# there under another name in the old headers:
# - stat and friends, 2.33: inline functions around __xstat before
# - fcntl64, 2.28: fcntl before
# - __isoc23_strtol and the like, 2.38: the plain names before
renamed='^(f|l)?stat(64)?$|^fstatat(64)?$|^mknod(at)?$|^fcntl64$|^__isoc23_[a-z]*$'

# shellcheck disable=SC2086
libc=$(ldd $programs | awk '/libc\.so/ { print $3; exit }')
old_names=$(nm -D --defined-only --with-symbol-versions "$libc" | awk '{
	n = split($NF, p, /@+/)
	split(substr(p[2], 7), v, ".")
	if (n > 1 && p[2] ~ /^GLIBC_2\./ && v[2] <= 17) print p[1]
}')
glibc=$(printf '%s\n' "$old_names" - "$wanted" | awk -v renamed="$renamed" '
	$0 == "-" { names_end = 1; next }
	!names_end { old[$1] = 1; next }
	$2 ~ /^GLIBC_[0-9]/ {
		split(substr($2, 7), v, ".")
		if (v[1] == 2 && v[2] <= 17 || $1 in old || $1 ~ renamed) next
		print $1 " needs " $2
	}')
verdict 'glibc 2.17 is enough' "$glibc"

# libnl tags: libnl_3, libnl_3_2_26 … libnl_3_2_29, libnl_3_5, libnl_3_6 …
verdict 'libnl 3.2.27 is enough' "$(printf '%s\n' "$wanted" | awk '
	$2 ~ /^libnl_/ {
		n = split($2, v, "_")
		if (n == 2 && v[2] == 3) next
		if (n == 4 && v[3] == 2 && v[4] <= 27) next
		print $1 " needs " $2
	}')"
verdict 'systemd 219 is enough' "$(printf '%s\n' "$wanted" | awk '
	$2 ~ /^LIBSYSTEMD_/ { if (substr($2, 12) + 0 > 219) print $1 " needs " $2 }')"

# json_* and nfct_* names that are not in the list of the old release.
unknown() {
	printf '%s\n' "$wanted" | awk -v prefix="$1" -v list="$2" '
		BEGIN { n = split(list, l); for (i = 1; i <= n; i++) known[l[i]] = 1 }
		$1 ~ prefix && !($1 in known) { print $1 " is not in the old release" }'
}

verdict 'jansson 2.7 is enough' "$(unknown '^json(p|_)' '
json_delete json_true json_false json_null
json_string json_stringn json_string_nocheck json_stringn_nocheck json_string_value
json_string_length json_string_set json_string_setn json_string_set_nocheck
json_string_setn_nocheck
json_integer json_integer_value json_integer_set json_real json_real_value json_real_set
json_number_value
json_array json_array_size json_array_get json_array_set_new json_array_append_new
json_array_insert_new json_array_remove json_array_clear json_array_extend
json_object json_object_size json_object_get json_object_set_new json_object_set_new_nocheck
json_object_del json_object_clear json_object_update json_object_update_existing
json_object_update_missing json_object_iter json_object_iter_at json_object_iter_next
json_object_iter_key json_object_iter_value json_object_iter_set_new json_object_key_to_iter
json_object_seed json_dumps json_dumpf json_dump_file
json_dump_callback json_loads json_loadb json_loadf json_load_file
json_load_callback json_equal json_copy json_deep_copy json_pack json_pack_ex json_vpack_ex
json_unpack json_unpack_ex json_vunpack_ex json_set_alloc_funcs')"

verdict 'inih 29 is enough' "$(unknown '^ini_' 'ini_parse ini_parse_file ini_parse_stream')"

verdict 'libnetfilter_conntrack 1.0.5 is enough' "$(unknown '^nf(ct|exp)_' '
nfct_new nfct_destroy nfct_sizeof nfct_maxsize nfct_clone nfct_open nfct_close nfct_fd
nfct_callback_register nfct_callback_unregister nfct_callback_register2
nfct_callback_unregister2 nfct_set_attr nfct_set_attr_u8 nfct_set_attr_u16 nfct_set_attr_u32
nfct_set_attr_u64 nfct_set_attr_l nfct_get_attr nfct_get_attr_u8 nfct_get_attr_u16
nfct_get_attr_u32 nfct_get_attr_u64 nfct_attr_is_set nfct_attr_is_set_array nfct_attr_unset
nfct_set_attr_grp nfct_get_attr_grp nfct_attr_grp_is_set nfct_attr_grp_unset nfct_snprintf
nfct_snprintf_labels nfct_compare nfct_cmp nfct_copy nfct_copy_attr nfct_build_conntrack
nfct_parse_conntrack nfct_build_query nfct_query nfct_send nfct_catch nfct_nlmsg_build
nfct_nlmsg_parse nfct_payload_parse nfct_setobjopt nfct_getobjopt nfct_filter_create
nfct_filter_destroy nfct_filter_add_attr nfct_filter_add_attr_u32 nfct_filter_set_logic
nfct_filter_attach nfct_filter_detach nfct_filter_dump_create nfct_filter_dump_destroy
nfct_filter_dump_set_attr nfct_filter_dump_set_attr_u8 nfct_labelmap_new
nfct_labelmap_destroy nfct_labelmap_get_bit nfct_labelmap_get_name nfct_bitmask_new
nfct_bitmask_clone nfct_bitmask_set_bit nfct_bitmask_test_bit nfct_bitmask_unset_bit
nfct_bitmask_destroy nfct_bitmask_maxbit nfct_nfnlh nfct_open_nfnl')"
done_testing
