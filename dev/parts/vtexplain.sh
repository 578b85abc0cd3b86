#!/bin/sh
# Builds vtexplain, Vitess's planner without servers: it says which shards a statement reaches. Once per version, outside the
# checkout. Prints the path of the binary. Takes about three minutes the first time.
set -eu

version=0.24.4
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/vtexplain-$version"

if [ ! -x "$binary" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.vtexplain-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "vtexplain $version: building" >&2
  # A module of our own requires it, so that modules that only its tests need are not downloaded.
  export GOFLAGS="${GOFLAGS:-} -mod=mod" CGO_ENABLED=0
  cd "$build"
  "$go" mod init testbed/vtexplain >&2
  "$go" get "vitess.io/vitess/go/cmd/vtexplain@v$version" >&2
  "$go" build -ldflags "-s -w" -o vtexplain vitess.io/vitess/go/cmd/vtexplain
  # The rename is atomic, so two of these at once end with one whole binary.
  mv vtexplain "$binary"
fi
echo "$binary"
