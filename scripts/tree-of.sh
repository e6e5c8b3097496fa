#!/usr/bin/env bash
# tree-of.sh COMMIT FOLDER: checks out and builds the sources of a commit in a folder. Reuses this tree's npm packages
# if the lock files are equal.
set -euo pipefail
cd "$(dirname "$0")/.."
commit=$1 folder=$2
git rev-parse --verify --quiet "$commit^{commit}" >/dev/null || { echo "FROM=$commit is not a commit of this repository" >&2; exit 64; }
mkdir -p "$folder"
git archive "$commit" | tar -x -C "$folder"
if cmp -s package-lock.json "$folder/package-lock.json"; then
  cp -a node_modules "$folder/node_modules"
  touch "$folder/node_modules/.installed"
fi
make -s -C "$folder" build
