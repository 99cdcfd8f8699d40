# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of vipsafe for bash. What can stand next, vipsafe itself says.

_vipsafe() {
	local line=${COMP_LINE:0:COMP_POINT} last list
	local -a words

	# bash's own words end at ":", which IPv6 addresses hold
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=("")
	last=${words[${#words[@]} - 1]}
	COMPREPLY=()
	list=$("$1" __complete "${words[@]:1}" 2>/dev/null)
	if [[ $list == :files ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$last")
		return
	fi
	[[ -z $list ]] || mapfile -t COMPREPLY <<<"$list"
	# what stands before the last ":" is on the line already
	if [[ $last == *:* && $COMP_WORDBREAKS == *:* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${last%"${last##*:}"}"}")
	fi
}
complete -F _vipsafe vipsafe
