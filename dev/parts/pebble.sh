#!/bin/sh
# Builds the ACME test CA and the DNS server that its tests change, once per version, outside the checkout.
# Prints the folder with `pebble` and `pebble-challtestsrv`. Takes about ten seconds.
set -eu

version=2.10.1
# Raised with each change of the patch.
patched=2
parts=$(cd "$(dirname "$0")" && pwd)
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"
folder="$cache/pebble-$version-$patched"

if [ ! -d "$folder" ]; then
  go=$("$parts/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.pebble-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "pebble $version: building" >&2
  module=$(GOFLAGS=-mod=mod "$go" mod download -json "github.com/letsencrypt/pebble/v2@v$version" |
    sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  cp -R "$module" "$build/source"
  chmod -R u+w "$build/source"
  cd "$build/source"
  # Its locks are taken in different orders, and some are never given back: with concurrent orders it stops to answer.
  git apply "$parts/pebble.patch"
  mkdir "$build/out"
  "$go" build -o "$build/out" ./cmd/pebble ./cmd/pebble-challtestsrv
  mv -T "$build/out" "$folder" 2>/dev/null || [ -d "$folder" ] # another run may have been first
fi
echo "$folder"
