#!/usr/bin/env bash
# fuzz.sh: runs the Jest project `fuzz`, then prints the number of cases per target and in all. A full run with fewer
# than 20,000 cases fails; RUNS= asks for another number, SEED= repeats a run.
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
    if (sum < least) { printf "FAILED: fewer than %d cases\n", least; exit 1 }
  }' "$FSB_FUZZ_COUNTS" || status=1
exit $status
