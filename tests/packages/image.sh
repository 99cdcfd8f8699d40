#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The container image and its manifests: the file tree that the Containerfile
# describes is built and run in a plain chroot, with what the DaemonSet gives it
# and no more. There is neither engine nor cluster here.
here=$(dirname "$(realpath "$0")")
if [ -z "${NETNS_INSIDE:-}" ]; then
	bash "$here/lib/prepare"
	[ $? = 10 ] || exit 0
	bash "$here/lib/prepare" types
	[ $? = 10 ] || exit 0
fi
# shellcheck source=tests/netns/lib/pair.sh
. "$here/../netns/lib/pair.sh"; netns_main "$@"
# shellcheck source=/dev/null
. "$BUILD/packages/env" # TREE, NEW, OLD, VERSION
# shellcheck source=/dev/null
. "$BUILD/packages/types.env" # TYPES
K=$SRC/packaging/kubernetes
python3 -c 'import yaml' 2>/dev/null || bail_out "python3 has no yaml"
command -v kubectl >/dev/null || skip_all "no program kubectl"

# ---- the tree ------------------------------------------------------------------------
# Stages are trees beside each other; what a Containerfile may say besides is unknown here.
mkdir "$T/context" "$T/stages"
cp "$NEW" "$K/root" "$T/context/"
stage() { # NAME: an empty tree
	R=$T/stages/$1
	mkdir "$R" && mount -t tmpfs -o mode=755 none "$R"
}
build_image() {
	local word rest args=(OFFLINE=yes DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin)

	while read -r word rest; do
		case "$word $rest" in
		'FROM debian:12'*' AS build')
			stage build && (cd "$R" && cpio -idm --quiet <"$TREE") || return 1
			mount -t proc proc "$R/proc" && mount -t tmpfs none "$R/dev" || return 1
			mknod -m 666 "$R/dev/null" c 1 3
			mknod -m 666 "$R/dev/urandom" c 1 9
			;;
		'FROM scratch') stage final || return 1 ;;
		'COPY --from=build '*)
			rest=${rest#* }
			cp -a "$T/stages/build${rest% *}." "$R${rest##* }" || return 1
			;;
		COPY*)
			# shellcheck disable=SC2086 # a pattern
			(cd "$T/context" && cp ${rest% *} "$R${rest##* }") || return 1
			;;
		RUN*) env -i "${args[@]}" chroot "$R" sh -c "$rest" || return 1 ;;
		ENTRYPOINT*) ENTRYPOINT=$(jq -r 'join(" ")' <<<"$rest") ;;
		ENV*) IMAGE_ENV=$rest ;;
		ARG* | STOPSIGNAL* | '#'* | ' ') ;;
		*)
			echo "unknown: $word $rest"
			return 1
			;;
		esac
	done <"$K/Containerfile"
}
check "the image's tree can be built" build_image
# As a container runtime starts it: in the tree, with the two capabilities and no way to another.
cat >"$T/contain" <<'.'
import ctypes, os, sys
tree, env, argv = sys.argv[1], sys.argv[2], sys.argv[3:]
prctl = ctypes.CDLL(None, use_errno=True).prctl
os.chroot(tree)
os.chdir("/")
for capability in range(64):
    if capability not in (12, 13): # CAP_NET_ADMIN, CAP_NET_RAW
        prctl(24, capability, 0, 0, 0) # PR_CAPBSET_DROP
prctl(38, 1, 0, 0, 0) # PR_SET_NO_NEW_PRIVS
os.execvpe(argv[0], argv, dict([env.split("=", 1)]))
.
IN_IMAGE=(python3 "$T/contain" "$R" "$IMAGE_ENV")
in_image() { "${IN_IMAGE[@]}" "$@"; }
is "$ENTRYPOINT" /usr/sbin/vipsafed "what it starts is the guard"
is "$(in_image vipsafe --version)" "vipsafe $VERSION" "of this version"
is "$(sed -n 's/.*-t vipsafe:\([^ ]*\).*/\1/p' "$K/Containerfile")" "$VERSION" "which the text names"
size=$(du -s --apparent-size -k "$R" | cut -f1)
check "the image, $size KiB, has at most 20 MB" test "$size" -le 19531
nothing "$(for p in nft ipset {ip,ip6}tables{,-nft,-legacy}; do in_image "$p" --version >"$T/said" 2>&1 || cat "$T/said"; done)" \
	"each program in it finds its libraries"
nothing "$(cd "$R" && find . -name '*sh' -type f -perm /111)" "no shell is in it"

# ---- the manifests ---------------------------------------------------------------------
# What a cluster gets is what kubectl makes of the directories.
manifest() { # NAME
	kubectl kustomize "$K/$1" >"$T/$1.yaml" &&
		python3 -c 'import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))' \
			<"$T/$1.yaml" >"$T/$1.json"
}
check "the base can be built" manifest base
check "the overlay with keepalived can be built" manifest keepalived
m() { jq -c "$1" "$T/base.json"; }
pod='.[] | select(.kind == "DaemonSet").spec.template.spec'
container="$pod | .containers[0]"
is "$(m "[$container | .securityContext.capabilities.drop, .securityContext.capabilities.add]")" \
	'[["ALL"],["NET_ADMIN","NET_RAW"]]' "two capabilities"
is "$(m "[$pod | .hostNetwork, .hostPID, (.containers[0].securityContext | .privileged, .allowPrivilegeEscalation, .readOnlyRootFilesystem)]")" \
	'[true,null,null,false,true]' "the node's network, and nothing else of it"
is "$(m "$container | .image")" "\"vipsafe:$VERSION\"" "the image has this version"
for what in base keepalived; do
	nothing "$(jq -r '.[] | select(.kind == "DaemonSet").spec.template.spec |
		([.containers[].volumeMounts[].name] - [.volumes[].name])[]' "$T/$what.json")" "$what: every mount has its volume"
	nothing "$(jq -r '[.[] | select(.kind == "ConfigMap").metadata.name] as $maps | .[] | select(.kind == "DaemonSet") |
		.spec.template.spec.volumes[].configMap.name // empty | select(IN($maps[]) | not)' "$T/$what.json")" \
		"$what: every ConfigMap that is mounted is there"
done
volume() { # FILE DAEMONSET VOLUME
	jq -r --arg d "$2" --arg v "$3" '.[] | select(.kind == "DaemonSet" and .metadata.name == $d) |
		.spec.template.spec.volumes[] | select(.name == $v).hostPath.path' "$T/$1.json"
}
is "$(volume keepalived vipsafe run) $(volume keepalived keepalived vipsafe)" "/run/vipsafe /run/vipsafe" \
	"keepalived has the guard's directory of the node"
textfile=$(jq -r '.[] | select(.kind == "ConfigMap").data["vipsafe.conf"]' "$T/base.json" | sed -n 's/^textfile = //p')
is "${textfile%/*}" "$(volume base vipsafe textfile)" "the metrics' file is in the node's directory"

# Kubernetes' own types, from npm: a name or a value that they do not know is an error.
types_check() { # FILE
	{
		echo 'import type { ConfigMap } from "kubernetes-types/core/v1"'
		echo 'import type { DaemonSet } from "kubernetes-types/apps/v1"'
		jq -r 'to_entries[] | "export const d\(.key): \(.value.kind) = \(.value)"' "$1"
	} >"$TYPES/manifest.ts" && (cd "$TYPES" && node_modules/.bin/tsc --noEmit --strict --skipLibCheck manifest.ts)
}
if [ -n "$TYPES" ]; then
	for what in base keepalived; do
		check "$what: Kubernetes' types know every key" types_check "$T/$what.json"
	done
	sed 's/"hostNetwork"/"hostNetworks"/' "$T/base.json" >"$T/wrong.json"
	check "and would not know a wrong one" not types_check "$T/wrong.json"
else
	skip "Kubernetes' types know every key" "npm has no kubernetes-types here"
fi

# ---- keepalived's file ------------------------------------------------------------------
jq -r '.[] | select(.kind == "ConfigMap").data["keepalived.conf"] // empty' "$T/keepalived.json" >"$T/keepalived.conf"
if command -v keepalived >/dev/null; then
	ip link add br-mgmt type bridge
	check "keepalived can read its file" keepalived -t -f "$T/keepalived.conf"
	ip link del br-mgmt
fi

# ---- a node ------------------------------------------------------------------------------
# The volumes as a kubelet makes them; a ConfigMap is links to a directory.
mkdir -p /run/vipsafe "$T/configmap/..1"
: >/run/xtables.lock
jq -r '.[] | select(.kind == "ConfigMap").data["vipsafe.conf"] // empty' "$T/keepalived.json" \
	>"$T/configmap/..1/vipsafe.conf"
ln -s ..1 "$T/configmap/..data"
ln -s ..data/vipsafe.conf "$T/configmap/vipsafe.conf"
mkdir -p "$R/run/vipsafe"
: >"$R/run/xtables.lock"
mount --bind /run/vipsafe "$R/run/vipsafe"
mount --bind /run/xtables.lock "$R/run/xtables.lock"
mount --bind "$T/configmap" "$R/etc/vipsafe"
mkdir -p "$T/textfile" "$R${textfile%/*}"
mount --bind "$T/textfile" "$R${textfile%/*}"
mount -t proc proc "$R/proc"
mount -t sysfs -o ro sysfs "$R/sys"
mount -t tmpfs none "$R/dev"
mknod -m 666 "$R/dev/null" c 1 3
mknod -m 666 "$R/dev/urandom" c 1 9
mount -o remount,ro "$R"
# another pod has the directory and nothing of ours
mkdir -p "$T/pod/run/vipsafe"
mount --bind /run/vipsafe "$T/pod/run/vipsafe"

check "the tree is read-only" not touch "$R/usr/x"

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
nothing "$(sed -n 's/^CapEff:\t0*3000$//; /^CapEff/p' "/proc/$guard/status")" "with two capabilities and no other"
metrics() { grep -q '^vipsafe_up 1' "$T/textfile/vipsafe.prom"; }
check "its metrics are where node_exporter reads them" wait_for 60 metrics
check "its log is on stderr" test -s "$T/log"
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
