#!/usr/bin/env bash
# demo-image.sh OUT: writes an OCI archive of docker.io/library/busybox:latest, made from Debian's busybox-static, for
# machines without access to a registry. Needs umoci, skopeo, busybox-static.
set -euo pipefail
out=$(realpath -m "${1:?the archive to write}")
[ -s "$out" ] && exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p rootfs/{bin,etc,tmp,root,var/log,home/app}
chmod 1777 rootfs/tmp
cp /bin/busybox rootfs/bin/busybox
for applet in $(/bin/busybox --list | grep -vx busybox); do ln -sf busybox "rootfs/bin/$applet"; done
printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >rootfs/etc/passwd
printf 'root:x:0:\napp:x:1000:\nextra:x:2000:app\nnogroup:x:65534:\n' >rootfs/etc/group
umoci init --layout oci
umoci new --image oci:latest
for folder in bin etc tmp root var home; do umoci insert --image oci:latest "rootfs/$folder" "/$folder"; done 2>/dev/null
umoci config --image oci:latest --config.env PATH=/bin --config.cmd /bin/sh --config.workingdir /
mkdir -p "$(dirname "$out")"
skopeo copy -q --insecure-policy oci:oci:latest "oci-archive:$out.part-$$:docker.io/library/busybox:latest"
mv "$out.part-$$" "$out" # atomic: concurrent runs each write a complete archive
