#!/bin/sh
# Builds Docker's command line, once per version, outside the checkout: Debian's cannot speak to Docker Engine 29. Prints the
# path of the binary. Takes about a minute the first time.
set -eu

version=29.2.0
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/docker-cli-$version"

if [ ! -x "$binary" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.docker-cli-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "docker command line $version: building" >&2
  export GOFLAGS="${GOFLAGS:-} -mod=mod"
  cd "$build"
  "$go" mod init testbed/docker-cli >&2
  # Its dependencies are not those of a module: two of them must be named, at versions that fit.
  "$go" get "github.com/tonistiigi/go-rosetta@v0.0.0-20200727161949-f79598599c5d" >&2
  "$go" get "google.golang.org/genproto@v0.0.0-20261026165753-2ffab32bce7e" >&2
  "$go" get "github.com/docker/cli/cmd/docker@v$version+incompatible" >&2
  CGO_ENABLED=0 "$go" build -trimpath -ldflags "-s -w -X github.com/docker/cli/cli/version.Version=$version" \
    -o docker github.com/docker/cli/cmd/docker
  # The rename is atomic, so two of these at once end with one whole binary.
  mv docker "$binary"
fi
echo "$binary"
