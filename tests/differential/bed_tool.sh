#!/bin/sh
# Stands for the tools of languages in images of tests: it writes how it was called and a digest of the files that it found,
# so that the same files give the same output.
set -eu
tool=${0##*/}

# The files of the folder but those that tools have written before.
seen() {
  find . -xdev -type f ! -path './node_modules/*' ! -path './target/*' ! -path './.venv/*' | LC_ALL=C sort |
    while IFS= read -r file; do sha256sum "$file"; done | sha256sum | cut -c1-16
}

# What follows an option, e.g. the file of `-o file`.
after() {
  option=$1
  shift
  while [ $# -gt 1 ]; do
    [ "$1" != "$option" ] || { echo "$2"; return; }
    shift
  done
}

# Debian's busybox has no tools for accounts.
add_account() {
  id=$(after --gid "$@")$(after --uid "$@")$(after -u "$@")
  for name in "$@"; do :; done
  group=${id:-1000}
  [ "$tool" = addgroup ] || echo "$name:x:${id:-1000}:$group::/home/$name:/bin/sh" >>/etc/passwd
  [ "$tool" = adduser ] && grep -q ":$group:" /etc/group || echo "$name:x:$group:" >>/etc/group
}

case "$tool $*" in
  add*) add_account "$@"; exit 0 ;;
  "npm ci"* | "npm install"* | "pnpm install"* | "yarn install"*) out=node_modules/package/index ;;
  "npm run"* | "pnpm run"* | "yarn build"*) out=dist/index ;;
  "pip install"*) out=/usr/local/lib/python/site-packages/package ;;
  "poetry install"*) out=.venv/lib/package ;;
  "python "*) out=static/collected ;;
  "go mod"*) out=/go/pkg/mod/package ;;
  "go build"*) out=$(after -o "$@") ;;
  "cargo chef prepare"*) out=recipe.json ;;
  "cargo chef"*) out=target/release/deps ;;
  "cargo build"*) out=target/release/shop ;;
  "mvn "*dependency*) out=/root/.m2/repository/package ;;
  "mvn "*) out=target/app.jar ;;
  "gradle "*) out=build/libs/app.jar ;;
  "bundle config"*) out=/usr/local/bundle/config ;;
  "bundle install"*) out=/usr/local/bundle/gems/package ;;
  "bundle "*) out=public/assets/manifest ;;
  "composer "*) out=vendor/autoload ;;
  "apt-get "* | "apk "*) out=/var/lib/bed/packages ;;
  *) echo "$tool: not known: $*" >&2; exit 127 ;;
esac
mkdir -p "$(dirname "$out")"
echo "$tool $* on $(seen)" >>"$out"
chmod 755 "$out"
