#!/bin/sh
# Gets Debian's OCI registry, once, outside the checkout. Prints the path of the program.
# Only unpacked, never installed: an installed one would start as a service.
set -eu

cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"

if command -v docker-registry >/dev/null 2>&1; then
  command -v docker-registry
  exit 0
fi
found=$(ls -d "$cache"/docker-registry-*/docker-registry 2>/dev/null | tail -n 1)
if [ -z "$found" ]; then
  command -v apt-get >/dev/null 2>&1 || { echo "registry: needs docker-registry on PATH, or apt-get to get it" >&2; exit 1; }
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/.docker-registry-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' INT TERM
  echo "registry: getting Debian's docker-registry" >&2
  get() { (cd "$work" && apt-get download docker-registry >>apt.log 2>&1); }
  # A new machine knows no packages yet.
  get || { apt-get update >>"$work/apt.log" 2>&1 && get; } || {
    cat "$work/apt.log" >&2
    echo "registry: apt-get cannot get docker-registry, see above" >&2
    exit 1
  }
  folder="$cache/docker-registry-$(dpkg-deb -f "$work"/docker-registry_*.deb Version)"
  dpkg-deb -x "$work"/docker-registry_*.deb "$work/files"
  mv -T "$work/files/usr/bin" "$folder" 2>/dev/null || [ -d "$folder" ] # another run may have been first
  found="$folder/docker-registry"
fi
echo "$found"
