#!/usr/bin/env bash
# Instructions a call, counted by valgrind's callgrind: the same on every run of one binary, however busy the machine is.
# Prints a Markdown table and writes it into docs/benchmarks.md (with --print, only prints).
set -euo pipefail
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "instructions.sh needs valgrind" >&2; exit 1; }

cargo build --quiet --release -p tidegate-benches --bin count
target=${CARGO_TARGET_DIR:-target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Each entry of `mark` ends a part: callgrind.out.1, .2, ... in order.
valgrind --tool=callgrind --callgrind-out-file="$work/out" --dump-before='count::mark*' \
  "$target/release/count" >"$work/names" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }

total() { awk '/^(totals|summary):/ { print $2; exit }' "$work/out.$1"; }

{
  calls=$(awk -F'\t' '$1 == "calls" { print $2 }' "$work/names")
  echo "| | instructions a call |"
  echo "|---|---:|"
  part=1 group=
  while IFS=$'\t' read -r next name; do
    if [ "$next" != "$group" ]; then
      group=$next
      echo "| **$group** | |"
    fi
    # Three parts a candidate: the first calls, some calls, and CALLS more than those.
    short=$(total $((part + 2))) long=$(total $((part + 3)))
    part=$((part + 3))
    echo "| $name | $(((long - short + calls / 2) / calls)) |"
  done < <(grep -v $'^calls\t' "$work/names")
} >"$work/table"

cat "$work/table"
if [ "${1:-}" != --print ]; then
  page=docs/benchmarks.md
  awk -v table="$work/table" '
    /^<!-- instructions: begin -->$/ { print; while ((getline line < table) > 0) print line; skip = 1; next }
    /^<!-- instructions: end -->$/ { skip = 0 }
    !skip' "$page" >"$work/page"
  cat "$work/page" >"$page"
fi
