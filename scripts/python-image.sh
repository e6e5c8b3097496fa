#!/usr/bin/env bash
# python-image.sh OUT: writes an OCI archive of docker.io/library/python:latest, made from the machine's own Python
# (Debian's python3-minimal and libpython3-stdlib, installed if absent) and busybox, for machines without access to a
# registry. Needs root, umoci, skopeo, busybox-static.
set -euo pipefail
out=$(realpath -m "${1:?the archive to write}")
[ -s "$out" ] && exit 0
"$(dirname "$0")/packages.sh" python3-minimal libpython3-stdlib
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
version=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
mkdir -p rootfs/{bin,etc,tmp,root,usr/bin,usr/lib}
chmod 1777 rootfs/tmp
cp /bin/busybox rootfs/bin/busybox
for applet in $(/bin/busybox --list | grep -vx busybox); do ln -sf busybox "rootfs/bin/$applet"; done
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >rootfs/etc/passwd
printf 'root:x:0:\nnogroup:x:65534:\n' >rootfs/etc/group
cp "/usr/bin/python$version" rootfs/usr/bin/python3
cp -r "/usr/lib/python$version" rootfs/usr/lib/
rm -rf rootfs/usr/lib/python"$version"/{test,idlelib,lib2to3,tkinter,ensurepip,config-*}
# shared libraries of the interpreter and of compiled modules, loader included
find rootfs/usr/bin/python3 rootfs/usr/lib -type f \( -name python3 -o -name '*.so' \) -exec ldd {} + 2>/dev/null |
  sed -nE 's,^\s+(\S+ => )?(/\S+) .*,\2,p' | sort -u | while read -r library; do
  mkdir -p "rootfs$(dirname "$library")"
  cp -L "$library" "rootfs$library"
done
umoci init --layout oci
umoci new --image oci:latest
umoci insert --image oci:latest rootfs / 2>/dev/null
umoci config --image oci:latest --config.env PATH=/usr/bin:/bin --config.cmd /usr/bin/python3 --config.workingdir /
mkdir -p "$(dirname "$out")"
skopeo copy -q --insecure-policy oci:oci:latest "oci-archive:$out.part-$$:docker.io/library/python:latest"
mv "$out.part-$$" "$out"
