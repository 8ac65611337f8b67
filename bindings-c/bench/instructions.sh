#!/usr/bin/env bash
# Instructions a call of every contestant of calls.cpp (its path is the argument), counted by valgrind's callgrind: the same on every run of one
# build, however busy the machine is. Fails if a call into the library costs much more than the Rust that it makes.
set -euo pipefail
command -v valgrind >/dev/null || { echo "instructions.sh needs valgrind" >&2; exit 1; }
# What a call across the border may cost besides: the call, the checks of its pointers and of the handle; of a long call three tenths.
BORDER=40

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
valgrind --tool=callgrind --callgrind-out-file="$work/out" --dump-before=tidegate_bench_mark "$1" --count >"$work/names" 2>"$work/log" ||
  { cat "$work/log" >&2; exit 1; }
total() { awk '/^(totals|summary):/ { print $2; exit }' "$work/out.$1"; }

part=1 group= first=0 failed=0
while IFS=$'\t' read -r next name calls; do
  # Three parts a contestant: what comes before, some calls, so many more than those.
  short=$(total $((part + 1))) long=$(total $((part + 2))) part=$((part + 3))
  count=$(((long - short + calls / 2) / calls))
  if [ "$next" != "$group" ]; then
    group=$next first=$count
    echo "$group"
  fi
  printf '  %-62s %6d\n' "$name" "$count"
  case $name in
    "C: tidegate_limiter_"*)
      if [ "$count" -gt $((first + BORDER)) ] && [ $((count * 10)) -gt $((first * 13)) ]; then
        echo "  too far above Rust's $first" >&2
        failed=1
      fi ;;
  esac
done <"$work/names"
exit $failed
