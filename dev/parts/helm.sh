#!/bin/sh
# Builds Helm, which installs the chart of the platform, once per version, outside the checkout. Prints the path of the
# binary. Takes about two minutes the first time.
set -eu

version=4.3.1
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/helm-$version"

if [ ! -x "$binary" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.helm-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "helm $version: building" >&2
  GOBIN="$build" CGO_ENABLED=0 "$go" install -trimpath -ldflags "-s -w" "helm.sh/helm/v4/cmd/helm@v$version"
  # The rename is atomic, so two of these at once end with one whole binary.
  mv "$build/helm" "$binary"
fi
echo "$binary"
