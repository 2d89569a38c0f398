#!/usr/bin/env bash
# Debian packages that the fuller tests need: a browser for the report, a MariaDB server for exact database scores,
# bubblewrap and what problems on a Linux machine are about for the operating system environment, curl for a server.
# Installs what is missing where that is possible; otherwise says what was skipped. Always ends with status 0.
set -u
export DEBIAN_FRONTEND=noninteractive

missing=()
command -v chromium >/dev/null || missing+=(chromium)
[[ -x /usr/sbin/mariadbd ]] || command -v mariadbd >/dev/null || missing+=(mariadb-server)
command -v bwrap >/dev/null || missing+=(bubblewrap)
[[ -x /usr/bin/python3 ]] || missing+=(python3-minimal)
for program in curl git lsof tree unzip zip; do
  [[ -x /usr/bin/$program ]] || missing+=("$program")
done
[[ -x /usr/bin/netstat || -x /bin/netstat ]] || missing+=(net-tools)
[[ -x /usr/bin/ss || -x /bin/ss ]] || missing+=(iproute2)
[[ -x /usr/bin/pgrep ]] || missing+=(procps)

skip() {
  echo "install-debian: skipped ${missing[*]}: $1; the tests that need them are skipped too" >&2
  exit 0
}

[[ ${#missing[@]} -gt 0 ]] || exit 0
command -v apt-get >/dev/null || skip "no apt-get here"
[[ "$(id -u)" -eq 0 ]] || skip "not root; run: sudo apt-get install --no-install-recommends ${missing[*]}"
timeout 120 apt-get update -qq >/dev/null 2>&1 || skip "apt-get update failed"

failed=()
for package in "${missing[@]}"; do
  timeout 600 apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 || failed+=("$package")
done
missing=("${failed[@]}")
[[ ${#missing[@]} -eq 0 ]] || skip "apt-get could not install them"
