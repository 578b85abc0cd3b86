#!/bin/sh
# A bare Debian 12 with systemd as a folder, once per version, outside the checkout: what a rented server has.
# Prints the folder. Needs root and debootstrap; takes about a minute.
set -eu

cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"
folder="$cache/debian-12-root-1"

if [ ! -d "$folder" ]; then
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.debian-root-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "debian root: installing" >&2
  packages=systemd,systemd-sysv,dbus,libnss-systemd,ca-certificates,iproute2,iptables
  debootstrap --variant=minbase --include="$packages" bookworm "$build/out" >"$build/log" 2>&1 || {
    tail -n 20 "$build/log" >&2
    exit 1
  }
  rm -rf "$build/out/var/cache/apt/archives"
  mv -T "$build/out" "$folder" 2>/dev/null || [ -d "$folder" ] # another run may have been first
fi
echo "$folder"
