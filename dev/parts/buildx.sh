#!/bin/sh
# Builds buildx, the `docker build` of new Docker installations and the reference of the tests of builds, once per version,
# outside the checkout. Prints the path of the binary. Takes about three minutes the first time.
set -eu

version=0.38.2
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/buildx-$version"

if [ ! -x "$binary" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.buildx-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "buildx $version: building" >&2
  # `go install` refuses a module with exclude directives, so a module of our own requires it. Without `go mod tidy` the
  # modules that only its tests need are not downloaded.
  export GOFLAGS="${GOFLAGS:-} -mod=mod"
  cd "$build"
  "$go" mod init testbed/buildx >&2
  "$go" get "github.com/docker/buildx/cmd/buildx@v$version" >&2
  "$go" build -ldflags "-s -w" -o buildx github.com/docker/buildx/cmd/buildx
  # The rename is atomic, so two of these at once end with one whole binary.
  mv buildx "$binary"
fi
echo "$binary"
