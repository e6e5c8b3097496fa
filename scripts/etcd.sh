#!/usr/bin/env bash
# etcd.sh FOLDER: unpacks Debian's etcd into a folder, unless it is there already. It is not installed, because the
# package would start an etcd service on this machine.
set -euo pipefail
folder=$(realpath -m "$1")
[ ! -x "$folder/etcd" ] || exit 0
scripts=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fetch=(apt-get download -q -o APT::Sandbox::User=root etcd-server)
"$scripts/step.sh" 'fetches etcd' "${fetch[@]}" || {
  "$scripts/step.sh" 'reads the package lists' apt-get update -q
  "$scripts/step.sh" 'fetches etcd' "${fetch[@]}"
}
dpkg-deb -x etcd-server_*.deb .
mkdir -p "$folder"
install usr/bin/etcd "$folder/etcd"
