#!/bin/sh
# Builds the program that holds a pod's network open: it waits to be ended. Prints its path.
set -eu

version=1
cache="${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}/bin"
binary="$cache/pause-$version"

if [ ! -x "$binary" ]; then
  mkdir -p "$cache"
  build=$(mktemp -d "$cache/.pause-XXXXXX")
  trap 'rm -rf "$build"' EXIT
  trap 'exit 1' INT TERM
  cat >"$build/pause.c" <<'C'
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal) { (void)signal; _exit(0); }
static void reap(int signal) { (void)signal; while (waitpid(-1, NULL, WNOHANG) > 0); }

int main(void) {
  signal(SIGINT, end);
  signal(SIGTERM, end);
  signal(SIGCHLD, reap);
  for (;;) pause();
}
C
  gcc -static -Os -s -o "$build/pause" "$build/pause.c"
  mv "$build/pause" "$binary"
fi
echo "$binary"
