#!/bin/sh
# Installs schemathesis, which sends an API what its OpenAPI document allows and what it forbids, into a virtual
# environment of its own outside the checkout, once per list of packages. Prints the path of the program. Takes about
# thirty seconds. Every package has its version and its hashes in `schemathesis.txt`, made by
#   echo "schemathesis==4.32.5" | pip-compile --generate-hashes --strip-extras --no-annotate --no-header -o schemathesis.txt -
set -eu

list="$(cd "$(dirname "$0")" && pwd)/schemathesis.txt"
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"
folder="$cache/schemathesis-$(sha256sum "$list" | cut -c1-12)"

if [ ! -d "$folder" ]; then
  mkdir -p "$cache"
  # Its programs name the folder that they are in, so it is made where it stays, and the mark says that it is whole.
  build=$(mktemp -d "$cache/.schemathesis-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "schemathesis: installing" >&2
  python3 -m venv "$build/venv" >&2
  "$build/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$list" >&2
  mv -T "$build" "$folder" 2>/dev/null || [ -d "$folder" ] # another run may have been first
fi
# The venv's own scripts name the folder that it was made in; the module does not.
printf '%s\n' "$folder/venv/bin/python"
