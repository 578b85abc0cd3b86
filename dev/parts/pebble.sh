#!/bin/sh
# Builds the ACME test CA and the DNS server that its tests change, once per version, outside the checkout.
# Prints the folder with `pebble` and `pebble-challtestsrv`. Takes about ten seconds.
set -eu

version=2.10.1
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"
folder="$cache/pebble-$version"

if [ ! -d "$folder" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.pebble-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "pebble $version: building" >&2
  for name in pebble pebble-challtestsrv; do
    GOBIN="$build/out" "$go" install "github.com/letsencrypt/pebble/v2/cmd/$name@v$version"
  done
  mv -T "$build/out" "$folder" 2>/dev/null || [ -d "$folder" ] # another run may have been first
fi
echo "$folder"
