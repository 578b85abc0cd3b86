#!/bin/sh
# Builds Docker Compose, a plugin of Docker's command line, once per version, outside the checkout. Prints the path of the
# binary. Takes about three minutes the first time.
set -eu

# The newest that Go 1.26.6 builds, which is what PyPI has of the series; 5.6 and later need a newer patch of it.
version=5.5.1
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/compose-$version"

if [ ! -x "$binary" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.compose-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "compose $version: building" >&2
  # `go install` refuses a module with exclude or replace directives, so a module of our own requires it. Without `go mod
  # tidy` the modules that only its tests need are not downloaded.
  export GOFLAGS="${GOFLAGS:-} -mod=mod"
  cd "$build"
  "$go" mod init testbed/compose >&2
  "$go" get "github.com/docker/compose/v5/cmd@v$version" >&2
  CGO_ENABLED=0 "$go" build -trimpath \
    -ldflags "-s -w -X github.com/docker/compose/v5/internal.Version=v$version" \
    -o compose github.com/docker/compose/v5/cmd
  # The rename is atomic, so two of these at once end with one whole binary.
  mv compose "$binary"
fi
echo "$binary"
