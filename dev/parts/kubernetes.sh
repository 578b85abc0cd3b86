#!/bin/sh
# Builds the parts of a real one-node Kubernetes from their Go modules, once per version, outside the checkout.
# Prints the folder with the binaries. About fifteen minutes the first time on two cores; needs gcc for containerd.
set -eu

kubernetes=1.36.3
staging=0.36.3
etcd=3.6.6
here=$(cd "$(dirname "$0")" && pwd)
containerd=$(sed -n 's/^version=//p' "$here/containerd.sh")
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}"
out="$cache/kubernetes-$kubernetes-etcd-$etcd-containerd-$containerd"
commands="kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl"

[ -f "$out/complete" ] && { echo "$out"; exit 0; }
go=$("$here/go.sh")
mkdir -p "$out"
work=$(mktemp -d "$cache/.kubernetes-XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

say() { printf '%s\n' "$*" >&2; }

# `go install` refuses a module with replace directives, so a module of our own repeats them.
prepare_kubernetes() {
  [ -f "$work/kubernetes/go.mod" ] && return
  mkdir -p "$work/kubernetes"
  cd "$work/kubernetes"
  "$go" mod init testbed/kubernetes >&2
  source=$("$go" mod download -json "k8s.io/kubernetes@v$kubernetes" | sed -n 's/^\t"GoMod": "\(.*\)",*$/\1/p')
  sed -n 's#^\t*\(replace \)\{0,1\}\(k8s.io/[a-z0-9-]*\) => ./staging/.*#\2#p' "$source" | while read -r name; do
    "$go" mod edit -replace "$name=$name@v$staging"
  done
  "$go" mod edit -require "k8s.io/kubernetes@v$kubernetes"
  {
    printf '//go:build tools\n\npackage tools\n\nimport (\n'
    for each in $commands; do printf '\t_ "k8s.io/kubernetes/cmd/%s"\n' "$each"; done
    printf ')\n'
  } >tools.go
  "$go" mod tidy >&2
}

build_kubernetes() {
  flags="-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes -X k8s.io/client-go/pkg/version.gitVersion=v$kubernetes"
  for name in $commands; do
    [ -x "$out/$name" ] && continue
    prepare_kubernetes
    cd "$work/kubernetes"
    say "kubernetes: building $name"
    "$go" build -ldflags "$flags" -o "$work/$name" "k8s.io/kubernetes/cmd/$name"
    mv "$work/$name" "$out/$name"
  done
}

build_etcd() {
  [ -x "$out/etcd" ] && return
  say "kubernetes: building etcd"
  mkdir -p "$work/etcd"
  cd "$work/etcd"
  "$go" mod init testbed/etcd >&2
  cat >main.go <<'GO'
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
GO
  "$go" get "go.etcd.io/etcd/server/v3@v$etcd" >&2
  "$go" mod tidy >&2
  "$go" build -ldflags "-s -w" -o "$work/etcd-program" .
  mv "$work/etcd-program" "$out/etcd"
}

build_containerd() {
  [ -x "$out/containerd" ] && [ -x "$out/containerd-shim-runc-v2" ] && [ -x "$out/ctr" ] && return
  from=$("$here/containerd.sh")
  for name in containerd containerd-shim-runc-v2 ctr; do cp -lf "$from/$name" "$out/$name"; done
}

build_etcd
build_containerd
build_kubernetes
touch "$out/complete"
echo "$out"
