#!/usr/bin/env bash
# tests.sh ARGUMENTS...: runs Jest with these arguments. A failed suite of real processes runs once more, alone, because it
# shares the machine: a suite that fails twice has failed; one that fails once is printed as flaky. A suite that starts
# nothing runs once. The last line is `N passed, N failed`, after the flaky suites. With $FSB_TEST_COUNTS and $FSB_TEST_FLAKY, files get these
# parts instead, for one run of several.
set -uo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
counts=${FSB_TEST_COUNTS:-} flaky=${FSB_TEST_FLAKY:-}
export FSB_TEST_COUNTS=${counts:-$work/counts} FSB_TEST_FAILED=$work/failed
touch "$FSB_TEST_COUNTS" "$work/flaky"
status=0
FSB_TEST_AGAIN=1 npx jest "$@" || status=$?
if [ -s "$work/failed" ]; then
  mv "$work/failed" "$work/first"
  # of suites that have no second run
  final=$(tail -1 "$FSB_TEST_COUNTS" | cut -d' ' -f3)
  mapfile -t suites <"$work/first"
  printf '\n%s\n' "failed; running once more: ${suites[*]#"$PWD"/}"
  status=0
  npx jest "$@" --runInBand --runTestsByPath "${suites[@]}" || status=$?
  [ "$final" = 0 ] || status=1
  [ ! -e "$work/failed" ] || grep -vxFf "$work/failed" "$work/first" | sed "s|^$PWD/||" >"$work/flaky"
fi
# Jest failed before it ran any suite
[ $status = 0 ] || [ -e "$work/failed" ] || echo '0 passed, 1 failed' >>"$FSB_TEST_COUNTS"
if [ -n "$flaky" ]; then
  cat "$work/flaky" >>"$flaky"
else
  [ ! -s "$work/flaky" ] || { echo; sed 's/^/flaky: /' "$work/flaky"; }
fi
[ -n "$counts" ] || awk '{ passed += $1; failed += $3 } END { printf "\n%d passed, %d failed\n", passed, failed }' "$FSB_TEST_COUNTS"
exit $status
