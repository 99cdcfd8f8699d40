#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every example of the manuals and of README: a command that is shown works,
# a configuration that is shown is valid. An example nobody knows how to try is
# a failure, so that a new one is not passed over.
# shellcheck source=tests/netns/lib/pair.sh
. "$(dirname "$0")/lib/pair.sh"; netns_main "$@"
need_vipsafe

topo_pod
masquerade
ip addr add 192.168.11.100/32 dev br-mgmt
mkdir -p "$T/bin" "$T/etc/conf.d" /run/etc
ln -s "$VIPSAFE" "$T/bin/vipsafe"
ln -s "$BUILD/vipsafed" "$T/bin/vipsafed"
# The unit's own line for a reload; the rest of systemd is in tests/packages/boot.
cat >"$T/bin/systemctl" <<S
#!/bin/sh
[ "\$*" = "reload vipsafed" ] || exit 64
MAINPID=\$(cat $T/pid)
$(sed -n 's/^ExecReload=//p' "$SRC/packaging/systemd/vipsafed.service.in")
S
chmod 755 "$T/bin/systemctl"
PATH=$T/bin:$PATH guard=

# The files the examples name, in place of the node's own.
cat >"$T/keepalived.conf" <<'K'
vrrp_instance VI_1 {
    state BACKUP
    interface br-mgmt
    virtual_router_id 51
    priority 100
    advert_int 1
    virtual_ipaddress {
        192.168.11.100/32 dev br-mgmt
    }
}
K
cat >"$T/director.rules" <<'D'
-A -t 10.141.16.0:3306 -s rr
-a -t 10.141.16.0:3306 -r 10.112.61.163:3269 -m -w 1
D
cp "$T/keepalived.conf" "$T/keepalived.conf.first"
printf '[device br-mgmt]\npin = continuous\n[instance VI_1]\naddress = 192.168.11.100/32\ndevice = br-mgmt\n' >"$T/etc/vipsafe.conf"

# The examples of a manual, one per line: "dl COMMAND" or "file BLOCK" with \n as \001.
of_manual() {
	awk '
		/^\.Dl / { sub(/^\.Dl /, ""); print "line " $0; next }
		/^\.Bd -literal/ { block = ""; inside = 1; next }
		/^\.Ed/ { print "block " block; inside = 0; next }
		inside { block = block $0 "\001" }
	' "$1"
}

# The indented blocks of a Markdown file; what is fenced is output.
of_markdown() {
	awk '
		/^```/ { fenced = !fenced }
		fenced { next }
		/^    / { sub(/^    /, ""); block = block $0 "\001"; next }
		/^$/ && block != "" { next }
		block != "" { print "block " block; block = "" }
		END { if (block != "") print "block " block }
	' "$1"
}

# What the words stand for here.
localize() {
	sed -e "s,/etc/vipsafe/director.rules,$T/director.rules,g" \
		-e "s,/etc/vipsafe/,$T/etc/,g" \
		-e "s,/etc/keepalived/keepalived.conf,$T/keepalived.conf,g" \
		-e 's,^sudo ,,' -e 's,build/vipsafe,vipsafe,g' -e 's,\\-,-,g' \
		-e 's,-d VIP --dport PORT,-d 10.141.16.0 --dport 3306,' \
		-e 's,-d RS --dport PORT,-d 10.112.61.163 --dport 3269,' -e 's,\\&,,g' \
		-e 's,SOURCE,192.168.11.7,g' -e 's,-d VIP -p tcp --dport PORT,-d 10.141.16.0 -p tcp --dport 3306,' \
		-e 's,-d RS -p tcp --dport PORT,-d 10.112.61.163 -p tcp --dport 3269,'
}

# try COMMAND: 0 if it does what it should
try() {
	local command=$1 r

	case $command in
	vipsafed" &" | vipsafed\ --config\ *" &")
		vipsafed --config "$T/etc/vipsafe.conf" >"$T/log" 2>&1 &
		guard=$!
		wait_for 20 test -S /run/vipsafe/control.sock
		return
		;;
	*--watch* | "vipsafe watch"*)
		# shellcheck disable=SC2086
		timeout -s INT 2 $command >"$T/out" 2>&1
		r=$?
		[[ $r =~ ^(0|10|11|124)$ ]]
		return
		;;
	esac
	bash -c "$command" >"$T/out" 2>&1 </dev/null
	r=$?
	case $command in
	*doctor* | *"lvs check"*) [[ $r =~ ^(0|4|10|11)$ ]] ;;
	*explain*) [[ $r =~ ^(0|4)$ ]] ;;
	*) [ "$r" = 0 ] ;;
	esac
}

# What of a file is not a comment.
bare() { sed 's/^[[:space:]]*//; /^[!#]/d; /^$/d'; }

example() { # WHERE TEXT
	local line text

	text=$(tr '\001' '\n' <<<"$2" | localize)
	case $text in
	# tests of keepalived run the file in hooks
	"! keepalived.conf of "* | "# conntrackd.conf of "*)
		text=${text#* of }
		check "$1: ${text%%$'\n'*} is that of hooks" \
			diff <(bare <<<"${text#*$'\n'}") <(bare <"$SRC/hooks/${text%%$'\n'*}.conf")
		;;
	\[* | \#\ /* | "# "*\[*)
		printf '%s\n' "$text" >"$T/example.conf"
		check "$1: configuration ${text%%$'\n'*}" vipsafed --check --config "$T/example.conf"
		;;
	"pcs "* | "crm "*) # needs a cluster; what the agent is given, it takes
		local words=()
		for line in $text; do
			case $line in
			interval=* | timeout=*) ;; # Pacemaker's own
			*=*)
				check "$1: the agent has ${line%%=*}" \
					grep -q "<parameter name=\"${line%%=*}\"" "$SRC/packaging/ocf/VIP"
				words+=("OCF_RESKEY_$line")
				;;
			esac
		done
		[ ! -e "${OCF_ROOT:-/usr/lib/ocf}/lib/heartbeat/ocf-shellfuncs" ] || # tests/netns/pacemaker.sh says without
			check "$1: the agent takes ${words[*]}" env "${words[@]}" sh "$SRC/packaging/ocf/VIP" validate-all
		;;
	"deleted "* | "ERROR "* | "WARNING "* | op=*) ;; # what is printed
	*)
		while IFS= read -r line; do
			[ -n "$line" ] || continue
			case $line in
			./bootstrap* | "autoreconf "*) ;; # this very run
			"dnf install "*) ;; # tests/packages/rpm.sh installs it
			vipsafe* | iptables* | sysctl* | "printf "* | "systemctl reload vipsafed") check "$1: $line" try "${line%%  *}" ;;
			"apt install "* | "journalctl "* | "systemctl "*) # needs a node that has them
				check "$1: tests/packages/boot runs: ${line%%  *}" \
					grep -qF "as_shown '${line%%  *}'" "$SRC/tests/packages/boot/t/run"
				;;
			*) not_ok "$1: nobody knows how to try: $line" ;;
			esac
		done <<<"$text"
		;;
	esac
}

for page in "$SRC"/packaging/man/*.[578]; do
	while read -r _ text; do
		example "$(basename "$page")" "${text#"${text%%[! ]*}"}"
	done < <(of_manual "$page")
done
# The README begins with what a package installs.
[ -z "$guard" ] || kill "$guard"
wait
cp "$SRC/packaging/conf/vipsafe.conf" "$T/etc/vipsafe.conf"
cp "$T/keepalived.conf.first" "$T/keepalived.conf"
vipsafed --config "$T/etc/vipsafe.conf" >"$T/log" 2>&1 &
guard=$!
echo $guard >"$T/pid"
wait_for 20 "$VIPSAFE" status >/dev/null 2>&1
while read -r _ text; do
	example README "$text"
done < <(of_markdown "$SRC/README.md")
guarded() { jsons status | jq -e '(.devices[] | select(.device == "br-mgmt").state == "live") and (.instances | length) == 1'; }
check "README: after that the device is guarded and the instance known" wait_for 20 guarded
check "README: and keepalived has the decoy" grep -q '169.254.77.51/32 dev lo' "$T/keepalived.conf"
# keepalived.conf has the decoy now, of which nothing can be imported
again=$(grep -F 'vipsafe import /etc/keepalived/keepalived.conf --output' "$SRC/README.md" | sed 's/^ *//' | localize)
sum=$(sha256sum "$T/etc/conf.d/keepalived.conf")
bash -c "$again" 2>"$T/again"
is $? 10 "README: pasted once more, import has nothing to say but what is imported already"
like "$(cat "$T/again")" 'nothing to import' "README: which it does"
is "$(sha256sum "$T/etc/conf.d/keepalived.conf")" "$sum" "README: and the instance stays"
check "README: one screen or two" test "$(wc -l <"$SRC/README.md")" -le 120
kill "$guard"
done_testing
