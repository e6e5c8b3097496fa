#!/usr/bin/env bash
# images.sh: builds an image for each service, without a daemon, as one OCI archive below .build/images.
# `ctr images import`, `kind load image-archive`, `k3s ctr images import` and `docker load` read it. All images share
# one layer with the root filesystem, Node and node_modules; it is cached in .cache and rebuilt when its inputs change.
# Needs umoci, and the requirements of k8s/images/rootfs.sh. Prints the archive's path.
set -euo pipefail
cd "$(dirname "$0")/.."
step=$PWD/scripts/step.sh
apps=(fastpath-gateway sandbox-controller pool-controller node-agent janitor)
version=$(node -p 'require("./package.json").version')
archive=$PWD/.build/images/fast-sandbox.tar
digest() { cat "$@" | sha256sum | cut -c1-16; }

code=$(find dist/apps dist/libs proto bin/fsb-launcher bin/fsb-logger -name '*.map' -prune -o -type f -print | sort | xargs sha256sum | digest)
base_digest=$( { cat k8s/images/rootfs.{sh,txt} package-lock.json; node --version; } | digest)
wanted="$version $code $base_digest $(digest scripts/images.sh)"
[ "$(cat "$archive.of" 2>/dev/null)" = "$wanted" ] && [ -s "$archive" ] && { echo "$archive"; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
base=.cache/image-base-$base_digest
if [ ! -f "$base/index.json" ]; then
  "$step" "makes the root filesystem of the images, Node $(node --version) in it" k8s/images/rootfs.sh "$work/rootfs" >&2
  umoci init --layout "$work/base"
  umoci new --image "$work/base:base"
  "$step" 'makes it a layer' umoci insert --image "$work/base:base" "$work/rootfs" / >&2
  rm -rf .cache/image-base-* "$work/rootfs"
  mkdir -p .cache
  mv "$work/base" "$base"
fi

layout=$work/images
cp -a "$base" "$layout"
umoci config --image "$layout:base" --config.env PATH=/usr/bin:/bin --config.env NODE_ENV=production --config.workingdir /opt/fast-sandbox \
  --author 'Fast Sandbox' --config.label "org.opencontainers.image.version=$version"
for app in "${apps[@]}"; do
  product=$work/$app
  mkdir -p "$product/dist/apps"
  cp -a "dist/apps/$app" "$product/dist/apps/"
  cp -a dist/libs "$product/dist/"
  cp -a proto package.json "$product/"
  user=65532:65532
  case $app in node-agent | janitor) user=0:0 ;; esac # containerd's socket belongs to root
  [ "$app" != node-agent ] || install -D -t "$product/bin" bin/fsb-launcher bin/fsb-logger
  find "$product" -name '*.map' -delete
  umoci insert --image "$layout:base" --tag "$app" "$product" /opt/fast-sandbox
  umoci config --image "$layout:$app" --config.user "$user" --config.entrypoint node --config.entrypoint --max-semi-space-size=32 \
    --config.entrypoint "/opt/fast-sandbox/dist/apps/$app/src/main.js" --config.label "org.opencontainers.image.title=$app"
done
umoci rm --image "$layout:base"
umoci gc --layout "$layout"
# containerd reads the full name from its own annotation; OCI's annotation holds the tag alone
node - "$layout/index.json" "$version" <<'END'
const { readFileSync, writeFileSync } = require('node:fs');
const [file, version] = process.argv.slice(2);
const index = JSON.parse(readFileSync(file, 'utf8'));
for (const manifest of index.manifests) {
  const app = manifest.annotations['org.opencontainers.image.ref.name'];
  manifest.annotations = {
    'io.containerd.image.name': `docker.io/fast-sandbox/${app}:${version}`,
    'org.opencontainers.image.ref.name': version,
  };
}
writeFileSync(file, JSON.stringify(index));
END
mkdir -p "$(dirname "$archive")"
tar -C "$layout" -cf "$archive.part" .
mv "$archive.part" "$archive"
echo "$wanted" >"$archive.of"
echo "$archive"
