#!/bin/sh
# Builds the S3 server that the object store's tests run against, once per version, outside the checkout.
# Prints the path of the binary. Takes about two minutes the first time.
set -eu

version=1.8.0
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/versitygw-$version"

if [ ! -x "$binary" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.versitygw-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "versitygw $version: building" >&2
  GOBIN="$build" "$go" install "github.com/versity/versitygw/cmd/versitygw@v$version"
  # The rename is atomic, so two of these at once end with one whole binary.
  mv "$build/versitygw" "$binary"
fi
echo "$binary"
