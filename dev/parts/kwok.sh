#!/bin/sh
# Builds what simulates nodes and pods against a real apiserver, once per version, outside the checkout.
# Prints the path of the binary. Takes about two minutes the first time.
set -eu

version=0.8.0
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/kwok-$version"

if [ ! -x "$binary" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.kwok-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "kwok $version: building" >&2
  GOBIN="$build" "$go" install -ldflags "-s -w" "sigs.k8s.io/kwok/cmd/kwok@v$version"
  # The rename is atomic, so two of these at once end with one whole binary.
  mv "$build/kwok" "$binary"
fi
echo "$binary"
