#!/usr/bin/env bash
# Unpacks the previous release, whose commit dev/previous_release names, with its modules, once, outside the checkout.
# Prints the folder with its main.ts. Takes some seconds.
source "$(dirname "$0")/../lib.sh"

ensure_deno >&2
hash=$(cat "$ROOT/dev/previous_release")
folder=$CACHE/release-$hash

if [ ! -d "$folder" ]; then
  has_commit() { git -C "$ROOT" cat-file -e "$hash^{commit}" 2>/dev/null; }
  # A clone for CI may have the newest commits only.
  has_commit || git -C "$ROOT" fetch --quiet --unshallow >&2 || true
  has_commit ||
    die "commit $hash of dev/previous_release is not in this clone: fetch the whole history (git fetch --unshallow)"
  say "previous release: unpacking $hash"
  new=$(mktemp -d "$CACHE/.release-XXXXXX")
  trap 'rm -rf "$new"' EXIT
  git -C "$ROOT" archive "$hash" | tar -x -C "$new"
  (cd "$new" && deno install --frozen --quiet) >&2
  mv -T "$new" "$folder" 2>/dev/null || [ -d "$folder" ] # another run may have been first
fi
echo "$folder"
