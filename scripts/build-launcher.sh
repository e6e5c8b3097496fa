#!/usr/bin/env bash
# build-launcher.sh: builds bin/fsb-launcher, the first process of every sandbox's container, and bin/fsb-logger, which
# writes its log.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
for name in launcher logger; do
  sources=(apps/node-agent/$name/*.[ch])
  program=bin/fsb-$name
  newest=$(ls -t "${sources[@]}" | head -1)
  [ "$newest" -nt "$program" ] || continue
  if ! command -v gcc >/dev/null; then
    echo "build-launcher.sh: gcc is missing and builds the $name; run apt-get install gcc libc6-dev" >&2
    exit 1
  fi
  gcc -std=gnu11 -Wall -Wextra -Werror -Os -static -s -o "$program.$$" apps/node-agent/$name/*.c
  mv "$program.$$" "$program"
done
