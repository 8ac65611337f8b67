#!/usr/bin/env bash
# What is public in the published crates, as cargo-public-api lists it, is what docs/api/ says: nothing is added, changed or lost unseen.
# `--record` writes those files after a change; `--check-itself` shows that a lost line is seen. The list is made of rustdoc's JSON, for which
# cargo-public-api takes a nightly compiler (NIGHTLY=nightly-2026-05-20); without one nothing is compared, and it says so.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never
nightly=${NIGHTLY:-nightly}

list() { # PACKAGE FEATURES
  cargo "+$nightly" public-api --package "$1" --features "$2" --omit blanket-impls,auto-trait-impls < /dev/null
}

# An item that only stands elsewhere in its file is no other item.
differs() { # FILE PACKAGE, its list on stdin
  if ! diff -U0 --label "$1" --label "$2" <(LC_ALL=C sort "$1") <(LC_ALL=C sort); then
    echo "The public API of $2 is not what $1 says. If it should not be: make api-record."
    return 1
  fi
}

compare() {
  local listed
  while read -r package features; do
    listed=$(list "$package" "$features")
    if [[ $1 == --record ]]; then
      mkdir -p docs/api
      printf '%s\n' "$listed" > "docs/api/$package.txt"
    fi
    printf '%s\n' "$listed" | differs "docs/api/$package.txt" "$package" || exit 1
    echo "$package: $(wc -l <<< "$listed") public items, as recorded"
  done <<< "$published"
}

published="tidegate serde,tokio,smol,calendar
tidegate-policy simulate"

case ${1-} in
  --check-itself)
    for recorded in docs/api/*.txt; do
      sort -r "$recorded" | differs "$recorded" same > /dev/null
      if sed 7d "$recorded" | differs "$recorded" less > /dev/null; then echo "api.sh: a lost line passed"; exit 1; fi
      if { cat "$recorded"; echo "pub fn x::y()"; } | differs "$recorded" more > /dev/null; then echo "api.sh: a new line passed"; exit 1; fi
    done
    echo "api.sh refuses what it must"
    exit ;;
  "" | --record) ;;
  *) echo "usage: proofs/api.sh [--record | --check-itself]" >&2; exit 2 ;;
esac
if ! cargo "+$nightly" --version > /dev/null 2>&1; then
  echo "skipped: no nightly compiler, whose rustdoc lists what is public"
  exit
fi
compare "${1-}"
