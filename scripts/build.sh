#!/usr/bin/env bash
# build.sh: what the processes are started from: dist/, bin/fsb-ctl, the launcher and the logs' writer, of the sources as they are now.
# `npm run build` makes the same with nest build, which checks all types first.
set -euo pipefail
cd "$(dirname "$0")/.."
node scripts/compile.mjs
node scripts/bundle-cli.mjs
scripts/build-launcher.sh
