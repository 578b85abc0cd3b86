#!/bin/sh
# Builds Docker Engine 29 from Go modules, with its proxy of ports and a runc and a containerd of the same age, once per
# versions, outside the checkout. Prints the folder with the binaries. Needs gcc, pkg-config and libseccomp-dev.
set -eu

engine=29.2.0
# The Go module has version numbers of its own.
module=2.0.0-beta.24
runc=1.4.0
here=$(cd "$(dirname "$0")" && pwd)
containerd=$(sed -n 's/^version=//p' "$here/containerd.sh")
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"
out="$cache/docker-engine-$engine-runc-$runc-containerd-$containerd"

[ -f "$out/complete" ] && { echo "$out"; exit 0; }
go=$("$here/go.sh")
mkdir -p "$out"
work=$(mktemp -d "$cache/.docker-engine-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

say() { printf '%s\n' "$*" >&2; }
# Without `go mod tidy` the modules that only tests need are not downloaded.
export GOFLAGS="${GOFLAGS:-} -mod=mod"

# `go install` refuses a module with replace or exclude directives, so a module of our own requires it.
module_of() {
  mkdir -p "$work/$1"
  cd "$work/$1"
  "$go" mod init "testbed/$1" >&2
  "$go" get "$2" >&2
}

build_engine() {
  [ -x "$out/dockerd" ] && [ -x "$out/docker-proxy" ] && return
  say "docker engine $engine: building"
  module_of engine "github.com/moby/moby/v2/cmd/dockerd@v$module"
  for name in docker-proxy dockerd; do
    # btrfs needs a C library. Debian's docker-proxy of another version is refused by dockerd.
    CGO_ENABLED=0 "$go" build -tags "exclude_graphdriver_btrfs netgo osusergo" \
      -ldflags "-s -w -X github.com/moby/moby/v2/dockerversion.Version=$engine" \
      -o "$work/$name" "github.com/moby/moby/v2/cmd/$name"
    mv "$work/$name" "$out/$name"
  done
}

# Debian's runc 1.1 knows no time namespace, which this engine asks for; and it asks for seccomp.
build_runc() {
  [ -x "$out/runc" ] && return
  say "docker engine $engine: building runc $runc"
  module_of runc "github.com/opencontainers/runc@v$runc"
  "$go" build -tags seccomp -ldflags "-s -w -X main.version=$runc" -o "$work/runc-program" github.com/opencontainers/runc
  mv "$work/runc-program" "$out/runc"
}

build_engine
build_runc
from=$("$here/containerd.sh")
for name in containerd containerd-shim-runc-v2 ctr; do cp -lf "$from/$name" "$out/$name"; done
touch "$out/complete"
echo "$out"
