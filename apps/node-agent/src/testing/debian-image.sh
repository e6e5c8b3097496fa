#!/usr/bin/env bash
# debian-image.sh OUT: makes an OCI archive of docker.io/library/debian-test:latest, a minimal Debian with two packages
# in /debs that are not installed: one with a setuid program, one with a group, a setgid program and a library (a trigger).
# Needs root, debootstrap, umoci, skopeo and a Debian mirror. Does nothing where OUT exists.
set -euo pipefail
out=$(realpath -m "${1:?the archive to write}")
[ -s "$out" ] && exit 0
work=$(mktemp -d /var/tmp/fsb-debian-XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq debootstrap; } >/dev/null
debootstrap --variant=minbase bookworm rootfs "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >debootstrap.log 2>&1
in_root() { DEBIAN_FRONTEND=noninteractive chroot rootfs "$@" >>chroot.log 2>&1; }
in_root apt-get clean
in_root apt-get update
in_root apt-get install -y --no-install-recommends --download-only sudo plocate
mkdir rootfs/debs
mv rootfs/var/cache/apt/archives/*.deb rootfs/debs/
rm -rf rootfs/var/lib/apt/lists/* rootfs/var/cache/apt/*.bin rootfs/usr/share/{doc,man,locale}/* rootfs/dev/* rootfs/proc/*
umoci init --layout oci
umoci new --image oci:latest
umoci insert --image oci:latest rootfs / 2>/dev/null
umoci config --image oci:latest --config.env PATH=/usr/sbin:/usr/bin:/sbin:/bin --config.cmd /bin/bash
mkdir -p "$(dirname "$out")"
skopeo copy -q --insecure-policy oci:oci:latest "oci-archive:$out.part:docker.io/library/debian-test:latest"
mv "$out.part" "$out"
