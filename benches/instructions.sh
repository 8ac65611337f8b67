#!/usr/bin/env bash
# Instructions a call, counted by valgrind's callgrind: the same on every run of one binary, however busy the machine is.
#
#   instructions.sh            prints the counts and leaves them for the page (docs/benchmarks.md)
#   instructions.sh --record   also writes ours into benches/instructions/, in the file of this compiler
#   instructions.sh --check    fails if one of ours takes 3 % more than recorded; then find out why, or record it and say why
#   instructions.sh --test     shows that --check finds what is 5 % slower, and lets pass what is 2 % slower
#
# --check and --test pass, and say so, where there is nothing to compare with: no valgrind, a compiler that is not recorded, other flags.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:---print}
case $mode in --print | --record | --check | --test) ;; *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac

version=$(rustc --version | awk '{ print $2 }')
host=$(rustc -vV | sed -n 's/^host: //p')
record=benches/instructions/rustc-$version-${host%%-*}.txt

# Nothing to compare with is not a failure, but it is said.
skip() { echo "instructions not checked: $1"; exit 0; }
if [ "$mode" = --check ] || [ "$mode" = --test ]; then
  command -v valgrind >/dev/null || skip "there is no valgrind"
  [ -z "${RUSTFLAGS:-}${CARGO_ENCODED_RUSTFLAGS:-}" ] || skip "RUSTFLAGS are set"
  [ -e "$record" ] || skip "$record does not exist; --record would write it"
fi
command -v valgrind >/dev/null || { echo "instructions.sh needs valgrind" >&2; exit 1; }

cargo build --quiet --release -p tidegate-benches --bin count
target=${CARGO_TARGET_DIR:-target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A line for each of `count`'s candidates: instructions a call, group, name.
count() {
  rm -f "$work"/out*
  # Each entry of `mark` ends a part: callgrind.out.1, .2, ... in order.
  valgrind --tool=callgrind --callgrind-out-file="$work/out" --dump-before='count::mark*' \
    "$target/release/count" "$@" >"$work/names" 2>"$work/log" || { cat "$work/log" >&2; return 1; }
  local calls part=1 group name short long
  calls=$(awk -F'\t' '$1 == "calls" { print $2 }' "$work/names")
  while IFS=$'\t' read -r group name; do
    # Three parts a candidate: the first calls, some calls, and `calls` more than those.
    short=$(total $((part + 2))) long=$(total $((part + 3)))
    part=$((part + 3))
    awk -v more=$((long - short)) -v calls="$calls" -v group="$group" -v name="$name" \
      'BEGIN { printf "%.2f\t%s\t%s\n", more / calls, group, name }'
  done < <(grep -v $'^calls\t' "$work/names")
}
total() { awk '/^(totals|summary):/ { print $2; exit }' "$work/out.$1"; }

# What is recorded: ours, and what they stand on.
ours() { grep -E $'\t(tidegate|compare-and-swap|load and compare|empty loop)' "$1"; }

# Says which counts of the second file are not those of the first; fails if one is 3 % more, is new, or is gone.
compare() {
  awk -F'\t' '
    /^#/ { next }
    { key = $2 ": " $3 }
    FNR == NR { recorded[key] = $1; next }
    { seen[key] = 1 }
    !(key in recorded) { print "not recorded: " key; bad = 1; next }
    $1 * 100 > recorded[key] * 103 { print "slower: " key ": " recorded[key] " instructions are now " $1; bad = 1; next }
    $1 * 103 < recorded[key] * 100 { print "faster (record it): " key ": " recorded[key] " instructions are now " $1 }
    END {
      for (key in recorded) if (!(key in seen)) { print "recorded, but no longer counted: " key; bad = 1 }
      exit bad
    }' "$1" "$2"
}

case $mode in
--print | --record)
  count >"$work/counts"
  column -t -s $'\t' "$work/counts"
  parts=${TIDEGATE_BENCH_OUT:-$target/bench}
  mkdir -p "$parts"
  awk -F'\t' '
    { lines[NR] = sprintf("{\"group\":\"%s\",\"name\":\"%s\",\"median\":%s}", $2, $3, $1) }
    END { print "["; for (n = 1; n <= NR; n++) print lines[n] (n < NR ? "," : ""); print "]" }' "$work/counts" >"$parts/instructions.json"
  if [ "$mode" = --record ]; then
    mkdir -p "$(dirname "$record")"
    { echo "# Instructions a call, group, name: benches/instructions.sh --record"; ours "$work/counts"; } >"$record"
    echo "recorded in $record"
  fi
  ;;
--check)
  count >"$work/counts"
  ours "$work/counts" >"$work/ours"
  if compare "$record" "$work/ours"; then
    echo "no call takes 3 % more instructions than in $record"
  else
    echo "compared with $record; if this is meant, run benches/instructions.sh --record and say why" >&2
    exit 1
  fi
  ;;
--test)
  name="tidegate gcra: try_acquire"
  count "$name" >"$work/before"
  [ "$(wc -l <"$work/before")" = 2 ] || { echo "two counts of $name were expected" >&2; exit 1; }
  count --slower 2 "$name" >"$work/2"
  compare "$work/before" "$work/2" || { echo "2 % more failed the check" >&2; exit 1; }
  count --slower 5 "$name" >"$work/5"
  if compare "$work/before" "$work/5" >"$work/said"; then echo "5 % more passed the check" >&2; exit 1; fi
  grep -q "^slower: grant, now given: $name" "$work/said"
  head -1 "$work/5" >"$work/one"
  if compare "$work/before" "$work/one" >"$work/said"; then echo "a missing count passed the check" >&2; exit 1; fi
  if compare "$work/one" "$work/before" >"$work/said"; then echo "a count that is not recorded passed the check" >&2; exit 1; fi
  echo "the check finds what is slower, new or gone"
  ;;
esac
