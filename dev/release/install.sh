#!/bin/sh
# Installs unkey for this user, or for all with root's rights: downloads the archive for this system, compares its hash with
# the release's list, checks that the program starts, and puts it to its place at once.
#
#   UNKEY_VERSION      a version such as 0.2.0; default: the newest
#   UNKEY_INSTALL_DIR  default: /usr/local/bin for root, else ~/.local/bin
#   UNKEY_RELEASE_URL  a mirror
set -eu

url=${UNKEY_RELEASE_URL:-@URL@}
public_key=@PUBLIC_KEY@

fail() {
  echo "error: $1" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

fetch() { # URL FILE
  if has curl; then
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --output "$2" "$1"
  elif has wget; then
    wget --quiet --tries=3 --timeout=20 --output-document="$2" "$1"
  else
    fail "curl or wget is needed, and neither is there."
  fi || fail "$1 cannot be downloaded. Check the network, a proxy (HTTPS_PROXY) and UNKEY_RELEASE_URL."
}

hash_of() { # FILE
  if has sha256sum; then
    sha256sum "$1"
  elif has shasum; then
    shasum -a 256 "$1"
  else
    fail "sha256sum or shasum is needed to check the download, and neither is there."
  fi | cut -d ' ' -f 1
}

# OpenSSL 3 can check the signature; without it the list is trusted as its server sent it, over HTTPS only.
check_signature() {
  has openssl && openssl pkeyutl -help 2>&1 | grep -q -- -rawin || {
    case "$url" in
      https://*) echo "note: without OpenSSL 3 the signature of the release is not checked" >&2 ;;
      *) fail "OpenSSL 3 is needed to check a release that does not come over https://, and it is not there." ;;
    esac
    return 0
  }
  fetch "$from/SHA256SUMS.sig" "$work/sig"
  printf '%s' "$public_key" | openssl base64 -d -A >"$work/key"
  openssl base64 -d -A -in "$work/sig" -out "$work/sig.bin"
  openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key" -rawin -in "$work/SHA256SUMS" \
    -sigfile "$work/sig.bin" >/dev/null 2>&1 ||
    fail "the signature of the release is not the publisher's. Nothing was installed; check $url."
}

case "$(uname -s)" in
  Linux) os=linux ;;
  Darwin) os=darwin ;;
  *) fail "there is no executable for $(uname -s) here; \"npx unkey\" runs wherever Deno does." ;;
esac
case "$(uname -m)" in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) fail "there is no executable for $(uname -m)." ;;
esac
if [ "$os" = linux ] && has ldd && ldd --version 2>&1 | grep -qi musl; then
  fail "the executable needs glibc, and this system has musl. Run it in an image of Debian, for instance."
fi

if [ -n "${UNKEY_VERSION:-}" ]; then from="$url/download/v$UNKEY_VERSION"; else from="$url/latest/download"; fi
if [ "$(id -u)" = 0 ]; then folder=/usr/local/bin; else folder="$HOME/.local/bin"; fi
folder=${UNKEY_INSTALL_DIR:-$folder}

work=$(mktemp -d)
trap 'rm -rf "$work"; [ -z "${next:-}" ] || rm -f "$next"' EXIT
trap 'exit 1' INT TERM

fetch "$from/SHA256SUMS" "$work/SHA256SUMS"
check_signature
line=$(grep -E "^[0-9a-f]{64} [ *]unkey-[0-9.]+-$os-$arch\.tar\.gz\$" "$work/SHA256SUMS") ||
  fail "the release has no executable for $os $arch; \"npx unkey\" runs wherever Deno does."
hash=${line%% *}
name=${line##*[ *]}
case "$name" in
  unkey-${UNKEY_VERSION:-*}-*) ;;
  *) fail "$url has $name in the place of version $UNKEY_VERSION. Nothing was installed." ;;
esac
fetch "$from/$name" "$work/archive"
[ "$(hash_of "$work/archive")" = "$hash" ] ||
  fail "$name is not the file that the release lists. Nothing was installed; check $url."

tar -xzf "$work/archive" -C "$work" unkey
mkdir -p "$folder" || fail "$folder cannot be made: run as root, or choose another with UNKEY_INSTALL_DIR."
next="$folder/.unkey.$$"
cp "$work/unkey" "$next" || fail "$folder cannot be written to: run as root, or choose another with UNKEY_INSTALL_DIR."
chmod 755 "$next"
version=$("$next" version) || fail "the program does not start on this system. Nothing was installed."
mv "$next" "$folder/unkey"
next=

echo "installed: $folder/unkey, $version"
case ":$PATH:" in
  *":$folder:"*) ;;
  *) echo "  not in your PATH yet: export PATH=\"$folder:\$PATH\"" ;;
esac
echo "  next    unkey login <URL of your control plane>, or \"unkey up\" on this machine"
