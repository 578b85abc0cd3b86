#!/bin/sh
# Gets the newest Deno of the supported line, which users may run the bundle with, once, outside the checkout. Prints its path.
# From PyPI: npm may have it later.
set -eu

version=2.9.8
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/deno-$version"

if [ ! -x "$binary" ]; then
  python3 -m pip --version >/dev/null 2>&1 || { echo "deno $version: needs Python 3 with pip" >&2; exit 1; }
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/.deno-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' INT TERM
  echo "deno $version: downloading" >&2
  python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$work" "deno==$version" >&2
  python3 - "$work" <<'PYTHON'
import pathlib, sys, zipfile

folder = pathlib.Path(sys.argv[1])
(wheel,) = folder.glob("deno-*.whl")
with zipfile.ZipFile(wheel) as archive:
    largest = max(archive.infolist(), key=lambda entry: entry.file_size)
    (folder / "deno").write_bytes(archive.read(largest))
PYTHON
  chmod +x "$work/deno"
  "$work/deno" --version | grep -q "^deno $version " || { echo "deno: not the version that was asked for" >&2; exit 1; }
  # The rename is atomic, so two of these at once end with one whole binary.
  mv "$work/deno" "$binary"
fi
echo "$binary"
