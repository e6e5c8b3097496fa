#!/usr/bin/env bash
# build-launcher.sh: bin/fsb-launcher, the first process of every sandbox's container, and bin/fsb-logger, which writes its log.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
for name in launcher logger; do
  sources=(apps/node-agent/$name/*.[ch])
  program=bin/fsb-$name
  newest=$(ls -t "${sources[@]}" | head -1)
  [ "$newest" -nt "$program" ] || continue
  if ! command -v gcc >/dev/null; then
    echo "build-launcher.sh: no gcc (apt-get install gcc libc6-dev): agents need the $name" >&2
    exit 1
  fi
  gcc -std=gnu11 -Wall -Wextra -Werror -Os -static -s -o "$program.$$" apps/node-agent/$name/*.c
  mv "$program.$$" "$program"
done
