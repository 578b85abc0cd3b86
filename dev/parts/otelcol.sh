#!/bin/sh
# Builds an OpenTelemetry collector with the parts that the tests use, once per version, outside the checkout: it takes spans
# by OTLP and sends them on by OTLP. Prints the path of the binary. Takes about a minute the first time.
set -eu

version=0.165.0
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/otelcol-$version"

if [ ! -x "$binary" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.otelcol-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "otelcol $version: building" >&2
  export GOFLAGS="${GOFLAGS:-} -mod=mod -tags=netgo" CGO_ENABLED=0
  cd "$build"
  "$go" mod init testbed/otelcol >&2
  for module in otelcol receiver/otlpreceiver exporter/otlphttpexporter; do
    "$go" mod edit "-require=go.opentelemetry.io/collector/$module@v$version"
  done
  cat >main.go <<'MAIN'
package main

import (
	"log"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

func factories() (otelcol.Factories, error) {
	receivers, err := otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory())
	if err != nil {
		return otelcol.Factories{}, err
	}
	exporters, err := otelcol.MakeFactoryMap[exporter.Factory](otlphttpexporter.NewFactory())
	telemetry := otelconftelemetry.NewFactory()
	return otelcol.Factories{Receivers: receivers, Exporters: exporters, Telemetry: telemetry}, err
}

func main() {
	settings := otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "otelcol", Version: "testbed"},
		Factories: factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory()},
			DefaultScheme:     "file",
		}},
	}
	if err := otelcol.NewCommand(settings).Execute(); err != nil {
		log.Fatal(err)
	}
}
MAIN
  "$go" build -ldflags "-s -w" -o otelcol .
  # The rename is atomic, so two of these at once end with one whole binary.
  mv otelcol "$binary"
fi
echo "$binary"
