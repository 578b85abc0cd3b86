#!/bin/sh
# Builds the BuildKit daemon that the tests of builds run against, its client and its Dockerfile frontend, once per version,
# outside the checkout. Prints the path of the daemon. Takes about three minutes the first time; running it needs runc and root.
set -eu

version=0.34.0
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"

programs="cmd/buildctl frontend/dockerfile/cmd/dockerfile-frontend cmd/buildkitd"
complete=true
for program in $programs; do
  [ -x "$cache/${program##*/}-$version" ] || complete=false
done
if ! $complete; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.buildkit-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "buildkit $version: building" >&2
  # `go install` refuses a module with exclude directives, so a module of our own requires it. Without `go mod tidy` the
  # modules that only its tests need are not downloaded.
  export GOFLAGS="${GOFLAGS:-} -mod=mod"
  cd "$build"
  "$go" mod init testbed/buildkit >&2
  "$go" get "github.com/moby/buildkit/cmd/buildkitd@v$version" >&2
  for program in $programs; do
    name=${program##*/}
    [ ! -x "$cache/$name-$version" ] || continue
    # An image holds nothing but the frontend, so that has to be static.
    case $name in dockerfile-frontend) cgo=0 ;; *) cgo=${CGO_ENABLED:-1} ;; esac
    CGO_ENABLED=$cgo "$go" build -ldflags "-s -w" -o "$name" "github.com/moby/buildkit/$program"
    # The rename is atomic, so two of these at once end with one whole binary.
    mv "$name" "$cache/$name-$version"
  done
fi
echo "$cache/buildkitd-$version"
