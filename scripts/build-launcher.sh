#!/usr/bin/env bash
# build-launcher.sh: bin/fsb-launcher, the first process of waiting containers, from launcher.c. Without a C compiler there
# are no waiting containers, and everything else works.
set -euo pipefail
cd "$(dirname "$0")/.."
source=apps/node-agent/launcher/launcher.c
program=bin/fsb-launcher
[ "$source" -nt "$program" ] || exit 0
if ! command -v gcc >/dev/null; then
  echo 'build-launcher.sh: no gcc (apt-get install gcc libc6-dev): no container will wait for its sandbox' >&2
  exit 0
fi
mkdir -p bin
gcc -std=gnu11 -Wall -Wextra -Werror -Os -static -s -o "$program.$$" "$source"
mv "$program.$$" "$program"
