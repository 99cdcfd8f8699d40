#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Tab in a real bash, and in a real zsh: devices, addresses, words of the
# tables. The keys go through a terminal; what the shell then runs is judged.
# shellcheck source=tests/netns/lib/netns.sh
. "$(dirname "$0")/lib/netns.sh"; netns_main "$@"
need_vipsafe
command -v script >/dev/null || skip_all "no program script"

ip link add vip-dev0 type bridge
ip link set vip-dev0 up
ip addr add 198.51.100.7/24 dev vip-dev0
ip addr add fd00:51::7/64 dev vip-dev0 nodad
printf '[instance VI_web]\naddress = 192.0.2.1/32\ndevice = vip-dev0\n' >"$T/conf"

"$VIPSAFE" --local add 203.0.113.8/32 dev vip-dev0 >/dev/null
id=$(jsons history | jq -r '.[0].id')
[ ${#id} = 12 ] || bail_out "no id in the history"

# The vipsafe the shells find: it completes like the real one, and prints what
# it is asked to do instead of doing it.
mkdir "$T/bin"
cat >"$T/bin/vipsafe" <<X
#!/bin/sh
[ "\$1" != __complete ] || exec $VIPSAFE "\$@"
printf '<'; printf '%s ' "\$@"; printf '>\n'
X
chmod 755 "$T/bin/vipsafe"
sed "s|^\[.*|[ \"\$1\" != --help ] \|\| exec $BUILD/vipsafed --help|" "$T/bin/vipsafe" >"$T/bin/vipsafed"
chmod 755 "$T/bin/vipsafed"
touch "$T/bin/some-file.conf"
ip netns add vip-space || bail_out "cannot make a network namespace"
ip -n vip-space link add far-dev0 type bridge

# typed SHELL KEYS: what a shell runs for these keys (\t is the tab) and Enter
typed() {
	local out=$T/typed start

	case $1 in
	bash)
		echo "PATH=$T/bin:\$PATH; PS1='READY '; . $SRC/packaging/completion/bash/vipsafe; . $SRC/packaging/completion/bash/vipsafed; cd $T/bin" >"$T/bashrc"
		start="bash --noprofile --rcfile $T/bashrc -i"
		;;
	zsh)
		mkdir -p "$T/zsh"
		cat >"$T/zsh/.zshrc" <<-Z
			PATH=$T/bin:\$PATH
			fpath=($SRC/packaging/completion/zsh \$fpath)
			autoload -Uz compinit && compinit -u -D
			unsetopt PROMPT_SP
			PS1='READY '
			cd $T/bin
		Z
		start="env ZDOTDIR=$T/zsh zsh -i"
		;;
	esac
	rm -f "$T/keys" "$out"
	mkfifo "$T/keys"
	TERM=dumb INPUTRC=/dev/null script -q -f -c "$start" "$out" <"$T/keys" >/dev/null 2>&1 &
	exec 7>"$T/keys"
	wait_for 20 grep -q READY "$out" || diag "the shell shows no prompt: $(cat "$out")"
	# shellcheck disable=SC2059 # the keys hold \t
	printf "$2" >&7
	printf '\n' >&7
	wait_for 20 grep -q '^<.*>' "$out" || diag "nothing was run: $(cat -v "$out")"
	printf 'exit\n' >&7
	exec 7>&-
	wait $!
	sed -n 's/^<\(.*\) >.*/\1/p' "$out" | head -n 1
}

cases() { # SHELL
	is "$(typed "$1" 'vipsafe pro\t')" "probe" "$1: a command"
	is "$(typed "$1" 'vipsafe add 192.0.2.9/32 dev vip-d\t')" "add 192.0.2.9/32 dev vip-dev0" "$1: a device"
	is "$(typed "$1" 'vipsafe del 198.\t')" "del 198.51.100.7/24" "$1: an address"
	is "$(typed "$1" 'vipsafe del fd00:51::\t')" "del fd00:51::7/64" "$1: an IPv6 address"
	is "$(typed "$1" 'vipsafe del 192.0.2.1/32 dev vip-dev0 --vip-\tk\t')" \
		"del 192.0.2.1/32 dev vip-dev0 --vip-flows keep" "$1: an option and its value"
	is "$(typed "$1" 'vipsafe status --config some-\t')" "status --config some-file.conf" "$1: a file"
	is "$(typed "$1" "vipsafe history ${id:0:5}\\t")" "history $id" "$1: the id of an operation"
	is "$(typed "$1" 'vipsafe history --si\tnow')" "history --since now" "$1: since when"
	is "$(typed "$1" "vipsafe --config $T/conf status --ch\tVI\t")" \
		"--config $T/conf status --check VI_web" "$1: an option, and an instance"
	is "$(typed "$1" 'vipsafe --netns vip-s\tadd 192.0.2.9/32 dev far\t')" \
		"--netns vip-space add 192.0.2.9/32 dev far-dev0" "$1: a network namespace, and a device in it"
	is "$(typed "$1" 'vipsafed --for\t')" "--foreground" "$1: an option of vipsafed"
	is "$(typed "$1" 'vipsafed --config some-\t')" "--config some-file.conf" "$1: its file"
	is "$(typed "$1" 'vipsafed --netns vip-\t')" "--netns vip-space" "$1: and its network namespace"
	is "$(typed "$1" "vipsafe --config $T/conf notify INST\\tVI\\t")" \
		"--config $T/conf notify INSTANCE VI_web" "$1: an instance"
}

cases bash
if command -v zsh >/dev/null; then
	cases zsh
else
	skip "zsh" "zsh is not installed"
fi
done_testing
