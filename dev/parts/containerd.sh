#!/bin/sh
# Builds containerd, its shim and ctr from their Go module, once per version, outside the checkout.
# Prints the folder with the binaries. About two minutes the first time on two cores; needs gcc.
set -eu

version=2.4.2
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"
out="$cache/containerd-$version"
commands="containerd containerd-shim-runc-v2 ctr"

[ -f "$out/complete" ] && { echo "$out"; exit 0; }
mkdir -p "$out"
# Two parts need it and are built at the same time: the second waits for the first.
exec 9>"$out/lock"
flock 9
[ -f "$out/complete" ] && { echo "$out"; exit 0; }
go=$("$(dirname "$0")/go.sh")
work=$(mktemp -d "$cache/.containerd-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
echo "containerd $version: building" >&2
for name in $commands; do
  [ -x "$out/$name" ] && continue
  GOBIN="$work" "$go" install -ldflags "-s -w" "github.com/containerd/containerd/v2/cmd/$name@v$version"
  mv "$work/$name" "$out/$name"
done
touch "$out/complete"
echo "$out"
