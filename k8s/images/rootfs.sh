#!/usr/bin/env bash
# rootfs.sh OUT: the root filesystem that all images share: files of the Debian packages in rootfs.txt, the Node that runs
# this (its version is the one that the tests ran on), and the production node_modules of package-lock.json.
# Runs as root on Debian 12 with Node and npm: this machine's, or that of the Dockerfile's first stage.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
out=$(realpath -m "${1:?the folder to make}")
product=$out/opt/fast-sandbox
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$out"/{etc,proc,sys,dev,run,tmp,var/lib,var/log,bin} "$product"
chmod 1777 "$out/tmp"
packages=$(grep -v '^#' "$here/rootfs.txt")
cd "$work"
# shellcheck disable=SC2046
apt-get -qq -o APT::Sandbox::User=root download $(cut -d' ' -f1 <<<"$packages") >&2
while read -r package paths; do
  # shellcheck disable=SC2086
  dpkg-deb --fsys-tarfile "${package}"_*.deb | tar -x -C "$out" $paths
done < <(sed -E "s| ([a-z])| ./\1|g" <<<"$packages")
rm -rf "$out"/usr/share/{doc,man,locale,lintian,bug} "$out"/usr/lib/*/{gconv,audit}

for applet in sh sleep cat ls mkfifo mkdir mv chmod mount ps wget nc; do ln -sf busybox "$out/bin/$applet"; done
printf 'root:x:0:0:root:/:/bin/sh\nfast-sandbox:x:65532:65532::/:/bin/false\n' >"$out/etc/passwd"
printf 'root:x:0:\nfast-sandbox:x:65532:\n' >"$out/etc/group"

install -D "$(node -p process.execPath)" "$out/usr/bin/node"
cp "$project/package.json" "$project/package-lock.json" "$product/"
(cd "$product" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
# what only compilers and people read, and the database of the one-machine API server
find "$product/node_modules" \( -name '*.ts' -o -name '*.map' -o -name '*.md' -o -name '*.flow' \) -type f -delete
rm -rf "$product"/node_modules/{@types,classic-level,.bin,.package-lock.json} "$product/package-lock.json"
find "$product/node_modules" -depth -type d -empty -delete
chroot "$out" /usr/bin/node --version >/dev/null # every library is there
