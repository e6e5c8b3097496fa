#!/usr/bin/env bash
# tests.sh ARGUMENTS...: runs Jest with them. A suite that failed runs once more, alone, for these are real processes on a
# machine that others use too: what fails twice has failed, and what did so once is named. The last line is
# `N passed, N failed` of all; with $FSB_TEST_COUNTS its parts go to that file instead.
set -uo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sums=${FSB_TEST_COUNTS:-}
export FSB_TEST_COUNTS=${FSB_TEST_COUNTS:-$work/counts}
touch "$FSB_TEST_COUNTS"
status=0
FSB_TEST_AGAIN=$work/again npx jest "$@" || status=$?
if [ -s "$work/again" ]; then
  mapfile -t suites <"$work/again"
  printf '\n%s\n' "failed, and run once more: ${suites[*]#"$PWD"/}"
  status=0
  npx jest "$@" --runTestsByPath "${suites[@]}" || status=$?
elif [ $status != 0 ] && [ ! -e "$work/again" ]; then
  echo '0 passed, 1 failed' >>"$FSB_TEST_COUNTS" # Jest ended before it had run them
fi
[ -n "$sums" ] || awk '{ passed += $1; failed += $3 } END { printf "\n%d passed, %d failed\n", passed, failed }' "$FSB_TEST_COUNTS"
exit $status
