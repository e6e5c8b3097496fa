#!/usr/bin/env bash
# build.sh: builds everything that processes are started from: dist/, bin/fsb-ctl, the launcher and the log writer.
# `npm run build` does the same with nest build, which checks all types first.
set -euo pipefail
cd "$(dirname "$0")/.."
node scripts/compile.mjs
node scripts/bundle-cli.mjs
scripts/build-launcher.sh
