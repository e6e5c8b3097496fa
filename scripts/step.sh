#!/usr/bin/env bash
# step.sh WHAT COMMAND...: runs a command with its output hidden, and shows progress and duration instead. Prints the
# output when the command fails.
set -uo pipefail
what=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
started=$EPOCHREALTIME
elapsed() { awk -v from="$started" -v to="$EPOCHREALTIME" 'BEGIN { printf "%5.1f s", to - from }'; }

"$@" >"$log" 2>&1 &
pid=$!
ticks=0
next=100 # ticks until the first line without a terminal: 10 s, then 30 s, 90 s and so on
while kill -0 "$pid" 2>/dev/null; do
  sleep 0.1
  ticks=$((ticks + 1))
  if [ -t 1 ] && [ $((ticks % 10)) = 0 ]; then
    printf '\r\033[K%s  %s: %s' "$(elapsed)" "$what" "$(tail -n 1 "$log" | tr -cd '[:print:]' | cut -c1-60)"
  elif [ ! -t 1 ] && [ "$ticks" -ge "$next" ]; then
    next=$((next * 3))
    printf '%s  %s ...\n' "$(elapsed)" "$what"
  fi
done
wait "$pid"
code=$?
[ -t 1 ] && printf '\r\033[K'
if [ "$code" = 0 ]; then
  printf '%s  %s\n' "$(elapsed)" "$what"
else
  cat "$log"
  printf '%s  %s: FAILED (%s)\n' "$(elapsed)" "$what" "$code"
fi
exit "$code"
