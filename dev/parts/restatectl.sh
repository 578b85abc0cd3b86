#!/bin/sh
# Gets the tool that makes a cluster of Restate's servers, of the version of the server, once, outside the checkout. It is in
# Restate's own image. Prints the path of the binary.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's/^export const RESTATE_VERSION = "\(.*\)";$/\1/p' "$here/../../pkg/restate_server/release.ts")
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/restatectl-$version"

if [ ! -x "$binary" ]; then
  case $(uname -m) in
    x86_64) machine=x64 ;;
    aarch64) machine=arm64 ;;
    *) echo "restatectl: not to be had for $(uname -m)" >&2; exit 1 ;;
  esac
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/.restatectl-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' INT TERM
  echo "restatectl $version: downloading" >&2
  npm pack --silent --pack-destination "$work" "@restatedev/restatectl-linux-$machine@$version" >&2
  tar -xzf "$work"/*.tgz -C "$work"
  # The rename is atomic, so two of these at once end with one whole binary.
  mv "$work/package/bin/restatectl" "$binary"
fi
echo "$binary"
