#!/usr/bin/env bash
# build-launcher.sh: bin/fsb-launcher, the first process of every sandbox's container.
set -euo pipefail
cd "$(dirname "$0")/.."
sources=(apps/node-agent/launcher/*.[ch])
program=bin/fsb-launcher
newest=$(ls -t "${sources[@]}" | head -1)
[ "$newest" -nt "$program" ] || exit 0
if ! command -v gcc >/dev/null; then
  echo 'build-launcher.sh: no gcc (apt-get install gcc libc6-dev): agents need the launcher' >&2
  exit 1
fi
mkdir -p bin
gcc -std=gnu11 -Wall -Wextra -Werror -Os -static -s -o "$program.$$" apps/node-agent/launcher/*.c
mv "$program.$$" "$program"
