#!/bin/sh
# Builds Prometheus and promtool, which judge the metrics, alerts and dashboard of the platform, once per version, outside
# the checkout. Prints the folder with both. Takes about three minutes the first time.
set -eu

version=3.16.0
# The module keeps the version numbers of a library.
module=0.316.0
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"
folder="$cache/prometheus-$version"

if [ ! -x "$folder/promtool" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.prometheus-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "prometheus $version: building" >&2
  # A module of our own requires it, since the module path has no package to install by version. `go get` would fetch the
  # clients of all clouds with any build tags; a build fetches what it needs. Its pages are not built in.
  export GOFLAGS="${GOFLAGS:-} -mod=mod -tags=remove_all_sd,netgo" CGO_ENABLED=0
  cd "$build"
  "$go" mod init testbed/prometheus >&2
  "$go" mod edit "-require=github.com/prometheus/prometheus@v$module"
  mkdir bin
  "$go" build -ldflags "-s -w" -o bin/ github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool
  # The rename is atomic, so two of these at once end with one whole folder.
  mv bin "$folder" 2>/dev/null || [ -x "$folder/promtool" ]
fi
echo "$folder"
