# Shared by the scripts in dev/: finds or installs what they need. Sourced, never run.

set -euo pipefail

DENO_VERSION=2.9.6
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# What is slow to get or build lives outside the checkout, keyed by version.
CACHE=${UNKEY_DEV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/unkey-dev}
DATA=$ROOT/.unkey
mkdir -p "$CACHE"

# Deno takes the machine's certificates too, or downloads fail behind a company's CA.
export DENO_TLS_CA_STORE=${DENO_TLS_CA_STORE:-system,mozilla}
export DENO_NO_UPDATE_CHECK=1

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }

# Installs Debian packages, when that is possible here; otherwise says what to install.
apt_install() {
  command -v apt-get >/dev/null || die "please install: $*"
  is_root || die "please install these packages, or run this as root: sudo apt-get install $*"
  say "installing $*"
  {
    if [ ! -f "$CACHE/apt-updated" ] || [ -n "$(find "$CACHE/apt-updated" -mmin +720)" ]; then
      apt-get update && touch "$CACHE/apt-updated"
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
  } >"$CACHE/apt.log" 2>&1 || { tail -n 20 "$CACHE/apt.log" >&2; die "apt-get failed, see $CACHE/apt.log"; }
}

# Puts this project's version of Deno on PATH. Comes from npm.
ensure_deno() {
  if command -v deno >/dev/null && [ "$(deno --version | sed -n 's/^deno \([0-9.]*\).*/\1/p')" = "$DENO_VERSION" ]; then
    return
  fi
  local home=$CACHE/deno-$DENO_VERSION
  if [ ! -x "$home/bin/deno" ]; then
    command -v npm >/dev/null || die "npm is needed to get Deno $DENO_VERSION: install Node.js and npm, or Deno $DENO_VERSION itself"
    say "getting Deno $DENO_VERSION from npm"
    rm -rf "$home.new" && mkdir -p "$home.new/bin"
    npm install --silent --no-fund --no-audit --prefix "$home.new" "deno@$DENO_VERSION" >"$CACHE/deno.log" 2>&1 ||
      { tail -n 20 "$CACHE/deno.log" >&2; die "npm could not install deno@$DENO_VERSION, see $CACHE/deno.log"; }
    # The package's own launcher starts Node first; the program itself is in the platform's package.
    local program
    program=$(find "$home.new/node_modules/@deno" -maxdepth 2 -type f -name deno | head -n 1)
    [ -n "$program" ] || die "npm has no Deno $DENO_VERSION for this platform ($(uname -sm))"
    chmod +x "$program"
    ln -sf "${program/$home.new/$home}" "$home.new/bin/deno"
    rm -rf "$home" && mv "$home.new" "$home"
  fi
  export PATH="$home/bin:$PATH"
}

ensure_modules() {
  (cd "$ROOT" && deno install --frozen --quiet) || die "deno install failed"
}

docker_answers() { docker version >/dev/null 2>&1; }

# A running Docker Engine: the one that is there, or Debian's.
ensure_docker() {
  docker_answers && return
  if ! command -v dockerd >/dev/null; then
    if [ "$(uname -s)" != Linux ]; then die "Docker does not answer: install and start Docker Desktop, then try again"; fi
    apt_install docker.io iptables
  fi
  docker_answers && return
  is_root || die "Docker does not answer: start it, or add yourself to the group \"docker\""
  say "starting Docker, log: $CACHE/dockerd.log"
  if [ -d /run/systemd/system ]; then
    systemctl start docker
  else
    rm -f /var/run/docker.pid
    setsid nohup dockerd </dev/null >"$CACHE/dockerd.log" 2>&1 &
  fi
  local tries
  for tries in $(seq 1 120); do
    docker_answers && return
    sleep 0.5
  done
  tail -n 20 "$CACHE/dockerd.log" >&2 2>/dev/null || true
  die "Docker did not start within 60 s"
}

# Whether Debian's busybox-static is there. A plain busybox, or none, serves no pages.
has_httpd() { [ -x /bin/busybox ] && [ -n "$(/bin/busybox --list | grep -x httpd)" ]; }

# The base image of examples/hello. Its build pulls it; where that is not possible, it is made from Debian's
# busybox-static beforehand. Needs ensure_modules.
ensure_base_image() {
  local image=busybox:stable
  docker image inspect "$image" >/dev/null 2>&1 && return
  deno run -A --quiet "$ROOT/dev/can_pull.ts" "$image" && return
  # Docker 20.10 asks its mirrors only when it pulls.
  timeout 60 docker pull --quiet "$image" >/dev/null 2>&1 && return
  has_httpd || apt_install busybox-static
  say "the image $image cannot be pulled here: importing it from busybox-static"
  local root applet
  root=$(mktemp -d)
  mkdir -p "$root/bin" "$root/tmp" "$root/etc"
  cp /bin/busybox "$root/bin/busybox"
  for applet in $(/bin/busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
  done
  echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
  tar -C "$root" --owner=0 --group=0 -c . | docker import --change 'CMD ["sh"]' --change 'ENV PATH=/bin' - "$image" >/dev/null
  rm -rf "$root"
}

# Installs the missing packages that the parts of the test bed need, to be built and to run.
ensure_part_packages() {
  local missing=() path package
  while read -r path package; do
    [ -e "$path" ] || missing+=("$package")
  done <<'PACKAGES'
/usr/sbin/runc runc
/usr/lib/cni/bridge containernetworking-plugins
/usr/sbin/iptables iptables
/usr/sbin/conntrack conntrack
/sbin/ip iproute2
/sbin/sysctl procps
/usr/bin/jq jq
/usr/bin/curl curl
/usr/bin/openssl openssl
/usr/sbin/mariadbd mariadb-server-core
/usr/sbin/knotd knot
/usr/bin/strace strace
/usr/sbin/debootstrap debootstrap
/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1 libfaketime
/usr/bin/gcc gcc
/usr/include/stdio.h libc6-dev
/usr/include/seccomp.h libseccomp-dev
/usr/bin/pkg-config pkg-config
PACKAGES
  has_httpd || missing+=(busybox-static)
  command -v go >/dev/null || python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip python3-venv)
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}
