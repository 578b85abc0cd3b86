#!/bin/sh
# Builds CoreDNS with the plugins that answer for the names of a cluster, once per version, outside the checkout.
# Prints the path of the binary. Takes about a minute behind the build of Kubernetes, whose modules it shares.
set -eu

version=1.15.0
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/coredns-$version"

if [ ! -x "$binary" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.coredns-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "coredns $version: building" >&2
  cd "$build"
  # Its own main has some fifty plugins, with the libraries of several clouds.
  cat >main.go <<'GO'
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() {
	dnsserver.Directives = []string{"errors", "ready", "kubernetes"}
	coremain.Run()
}
GO
  export GOFLAGS="${GOFLAGS:-} -mod=mod"
  "$go" mod init testbed/coredns >&2
  "$go" get "github.com/coredns/coredns@v$version" >&2
  CGO_ENABLED=0 "$go" build -trimpath -ldflags "-s -w" -o coredns .
  # The rename is atomic, so two of these at once end with one whole binary.
  mv coredns "$binary"
fi
echo "$binary"
