#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The container image and its manifests: the file tree that the Containerfile
# describes is built and run in a plain chroot, with what the DaemonSet gives it
# and no more. There is neither engine nor cluster here.
here=$(dirname "$(realpath "$0")")
if [ -z "${NETNS_INSIDE:-}" ]; then
	bash "$here/lib/prepare"
	[ $? = 10 ] || exit 0
fi
# shellcheck source=tests/netns/lib/pair.sh
. "$here/../netns/lib/pair.sh"; netns_main "$@"
# shellcheck source=/dev/null
. "$BUILD/packages/env" # TREE, NEW, OLD, VERSION
K=$SRC/packaging/kubernetes
python3 -c 'import yaml' 2>/dev/null || bail_out "python3 has no yaml"
documents() { python3 -c 'import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))' <"$1"; }

# ---- the tree ------------------------------------------------------------------------
R=$T/image
mkdir "$R" "$T/context"
mount -t tmpfs -o mode=755 none "$R" || bail_out "no room for a tree"
cp "$NEW" "$T/context/"
# FROM, ARG, COPY, RUN and ENTRYPOINT are what is used; anything else is unknown
build_image() {
	local word rest args=(OFFLINE=yes DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin)

	while read -r word rest; do
		case $word in
		FROM)
			[[ $rest == debian:12* ]] && (cd "$R" && cpio -idm --quiet <"$TREE") || return 1
			mount -t proc proc "$R/proc" && mount -t tmpfs none "$R/dev" || return 1
			mknod -m 666 "$R/dev/null" c 1 3
			mknod -m 666 "$R/dev/urandom" c 1 9
			;;
		COPY)
			# shellcheck disable=SC2086 # a pattern
			(cd "$T/context" && cp ${rest% *} "$R${rest##* }") || return 1
			;;
		RUN) env -i "${args[@]}" chroot "$R" sh -c "$rest" || return 1 ;;
		ENTRYPOINT) ENTRYPOINT=$(jq -r 'join(" ")' <<<"$rest") ;;
		ARG | STOPSIGNAL | '#'* | '') ;;
		*) return 1 ;;
		esac
	done <"$K/Containerfile"
}
check "the image's tree can be built" build_image
is "$ENTRYPOINT" /usr/sbin/vipsafed "what it starts is the guard"
is "$(chroot "$R" vipsafe --version)" "vipsafe $VERSION" "of this version"
is "$(sed -n 's/.*-t vipsafe:\([^ ]*\).*/\1/p' "$K/Containerfile")" "$VERSION" "which the text names"

# ---- the manifest ----------------------------------------------------------------------
documents "$K/daemonset.yaml" >"$T/manifest" || bail_out "daemonset.yaml is no YAML"
m() { jq -c "$1" "$T/manifest"; }
pod='.[] | select(.kind == "DaemonSet").spec.template.spec'
container="$pod | .containers[0]"
is "$(m "[$container | .securityContext.capabilities.drop, .securityContext.capabilities.add]")" \
	'[["ALL"],["NET_ADMIN","NET_RAW"]]' "two capabilities"
is "$(m "[$pod | .hostNetwork, .hostPID, (.containers[0].securityContext | .privileged, .allowPrivilegeEscalation, .readOnlyRootFilesystem)]")" \
	'[true,null,null,false,true]' "the node's network, and nothing else of it"
is "$(m "$container | .image")" "\"vipsafe:$VERSION\"" "the image has this version"
is "$(m "[$container | .volumeMounts[].name] - [$pod | .volumes[].name]")" '[]' "every mount has its volume"
run=$(m "$pod | .volumes[] | select(.name == \"run\").hostPath")
is "$run" "$(documents "$K/keepalived.yaml" | jq -c '.[0].spec.template.spec.volumes[0].hostPath')" \
	"keepalived has the same directory of the node"
is "$(jq -r .path <<<"$run")" /run/vipsafe "which is the guard's"

# ---- a node ------------------------------------------------------------------------------
# The volumes as a kubelet makes them; a ConfigMap is links to a directory.
mkdir -p /run/vipsafe "$T/configmap/..1"
: >/run/xtables.lock
jq -r '.[] | select(.kind == "ConfigMap").data["vipsafe.conf"]' "$T/manifest" >"$T/configmap/..1/vipsafe.conf"
ln -s ..1 "$T/configmap/..data"
ln -s ..data/vipsafe.conf "$T/configmap/vipsafe.conf"
mkdir -p "$R/run/vipsafe"
: >"$R/run/xtables.lock"
mount --bind /run/vipsafe "$R/run/vipsafe"
mount --bind /run/xtables.lock "$R/run/xtables.lock"
mount --bind "$T/configmap" "$R/etc/vipsafe"
mount -o remount,ro "$R"
# another pod has the directory and nothing of ours
mkdir -p "$T/pod/run/vipsafe"
mount --bind /run/vipsafe "$T/pod/run/vipsafe"

IN_IMAGE=(chroot "$R" setpriv --bounding-set "-all,+net_admin,+net_raw" --inh-caps=-all --no-new-privs)
in_image() { "${IN_IMAGE[@]}" "$@"; }
check "the tree is read-only" not touch "$R/usr/x"
is "$(in_image sed -n 's/^CapEff:\t0*//p' /proc/self/status)" 3000 "and no other capability is there"

topo_nodes
masquerade
serve server node2 10.232.3.28 8899
open bare node1 20 10.232.3.28 8899
leave_unguarded
judge bare reset server bare "no container"
fresh
serve server node2 10.232.3.28 8899

# shellcheck disable=SC2086 # words
"${IN_IMAGE[@]}" $ENTRYPOINT 2>"$T/log" &
guard=$!
answers() { in_image vipsafe status; }
pinned() { [ "$(in_image vipsafe --json status | jq '[.devices[].pinned] | add')" -ge "$1" ]; }
check "the guard runs, and its probe says so" wait_for 20 answers
open flows node1 100 10.232.3.28 8899
check "flows get pinned" wait_for 20 pinned 100
twin_up
ip addr del "$TWIN" dev br-mgmt
judge vipsafe reset server flows "the guard in its container, an address deleted by others"

# ---- keepalived's pod beside it --------------------------------------------------------------
# The decoy is what keepalived adds; the FIFO is where it writes.
fifo=$T/pod/run/vipsafe/keepalived.fifo
check "the FIFO is there" wait_for 10 test -p "$fifo"
ip addr add 169.254.77.1/32 dev lo
echo 'INSTANCE "VI_1" MASTER 100' >"$fifo"
check "MASTER: the guard adds the VIP" wait_for 10 has_addr 192.168.11.100/32 br-mgmt
ip addr del 169.254.77.1/32 dev lo
echo 'INSTANCE "VI_1" BACKUP 100' >"$fifo"
check "BACKUP: and deletes it" wait_for 10 not has_addr 192.168.11.100/32 br-mgmt
judge vipsafe reset server flows "moved for keepalived's pod"
check "a client elsewhere on the node finds the socket" \
	"$VIPSAFE" --socket "$T/pod/run/vipsafe/control.sock" status
kill "$guard"
wait "$guard"
is $? 0 "it ends when it is told to"
[ "$TAP_BAD" = 0 ] || diag "$(head -c 2000 "$T/log")"
jobs_end
done_testing
