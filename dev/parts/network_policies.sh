#!/bin/sh
# Builds what enforces NetworkPolicies, once per version, outside the checkout. Prints the path of the binary.
# It is the controller of sigs.k8s.io/kube-network-policies with a `main` that takes a kubeconfig: its own wants a pod.
# The kernel passes the first packet of each connection to it and does what it answers.
set -eu

version=0.8.0
# The same as in kubernetes.sh, so that most of it is compiled already.
client=0.36.3
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/network-policies-$version"

if [ ! -x "$binary" ]; then
  go=$("$(dirname "$0")/go.sh")
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.network-policies-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  echo "network policies $version: building" >&2
  cat >"$build/main.go" <<'GO'
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

// The controller learns pods' addresses from containerd, before anything in a pod runs. Of the socket it knows only
// the standard path, or the descriptor that containerd passes to a plugin that it starts itself.
func passContainerd(path string) *os.File {
	connection, err := net.Dial("unix", path)
	if err != nil {
		klog.Fatal(err)
	}
	file, err := connection.(*net.UnixConn).File()
	if err != nil {
		klog.Fatal(err)
	}
	os.Setenv("NRI_PLUGIN_SOCKET", fmt.Sprint(file.Fd()))
	return file
}

func main() {
	containerd := flag.String("containerd", "", "containerd's socket for plugins")
	kubeconfig := flag.String("kubeconfig", "", "how to reach the apiserver")
	node := flag.String("node", "", "name of this node")
	queue := flag.Int("queue", 100, "number of the netfilter queue")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	plugins := passContainerd(*containerd)
	defer plugins.Close()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		klog.Fatal(err)
	}
	client := kubernetes.NewForConfigOrDie(config)
	factory := informers.NewSharedInformerFactory(client, 0)
	controller, err := networkpolicy.NewController(
		client,
		factory.Networking().V1().NetworkPolicies(),
		factory.Core().V1().Namespaces(),
		factory.Core().V1().Pods(),
		nil, nil, nil, nil,
		networkpolicy.Config{QueueID: *queue, NodeName: *node},
	)
	if err != nil {
		klog.Fatal(err)
	}
	factory.Start(ctx.Done())
	if err := controller.Run(ctx); err != nil {
		klog.Fatal(err)
	}
}
GO
  (
    cd "$build"
    "$go" mod init testbed/policies
    "$go" get "sigs.k8s.io/kube-network-policies@v$version" \
      "k8s.io/api@v$client" "k8s.io/apimachinery@v$client" "k8s.io/client-go@v$client"
    "$go" mod tidy
    "$go" build -ldflags "-s -w" -o program .
  ) >&2
  # The rename is atomic, so two of these at once end with one whole binary.
  mv "$build/program" "$binary"
fi
echo "$binary"
