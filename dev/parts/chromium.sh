#!/usr/bin/env bash
# Installs Debian's Chromium, in which the dashboard is tested. Prints its path. Takes about a minute the first time.
source "$(dirname "$0")/../lib.sh"

command -v chromium >/dev/null || apt_install chromium
command -v chromium
