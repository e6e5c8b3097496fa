#!/usr/bin/env bash
# fuzz.sh: the Jest project `fuzz`, then how many cases each target had, and all together. A whole run that had fewer than
# 20,000 has failed; RUNS= asks for another number, SEED= repeats a run.
set -uo pipefail
cd "$(dirname "$0")/.."
least=20000
[ -z "${RUNS:-}" ] || least=0
FSB_FUZZ_COUNTS=$(mktemp)
export FSB_FUZZ_COUNTS
trap 'rm -f "$FSB_FUZZ_COUNTS"' EXIT
status=0
scripts/tests.sh --selectProjects fuzz --passWithNoTests=false --runInBand || status=$?
awk -F '\t' -v least="$least" '
  { cases[$2] += $1; sum += $1 }
  END {
    print ""
    for (target in cases) printf "%7d  %s\n", cases[target], target | "sort -k2"
    close("sort -k2")
    printf "%7d  cases\n", sum
    if (sum < least) { printf "fewer than %d\n", least; exit 1 }
  }' "$FSB_FUZZ_COUNTS" || status=1
exit $status
