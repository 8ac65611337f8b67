#!/bin/sh
# Fuzzes every target, or those named, for so many seconds each, FUZZ_JOBS at once: as many as there are cores.
#
#   fuzz/run.sh SECONDS [TARGET...]
#
# Starts from the committed corpus; what is new goes to fuzz/found/TARGET, what breaks a promise to fuzz/artifacts/TARGET. cargo-fuzz is installed
# into the target folder if it is missing. A nightly compiler if there is one; otherwise this one, allowed to use what cargo-fuzz asks of it.
set -eu
cd "$(dirname "$0")"
seconds="$1"
shift
target="${CARGO_TARGET_DIR:-$(cd .. && pwd)/target}"
PATH="$target/tools/bin:$HOME/.cargo/bin:$PATH"
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked --root "$target/tools" cargo-fuzz
if cargo +nightly --version >/dev/null 2>&1; then nightly=+nightly; else nightly=; export RUSTC_BOOTSTRAP=1; fi
export CARGO_TARGET_DIR="$target/fuzz"
[ $# -gt 0 ] || set -- $(sed -n 's|^path = "fuzz_targets/\(.*\)\.rs"$|\1|p' Cargo.toml)

# one TARGET: a line with its figures, or the end of its log and what broke.
one() {
    mkdir -p "found/$1" "corpus/$1" "regressions/$1"
    log="$target/fuzz.$1.log"
    if cargo $nightly fuzz run "$1" "found/$1" "corpus/$1" "regressions/$1" -- \
        -max_total_time="$seconds" -print_final_stats=1 -timeout=20 -max_len=4096 >"$log" 2>&1; then
        runs="$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
        edges="$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)"
        echo "$1: $runs runs in $seconds s, $edges edges"
    else
        tail -n 40 "$log" >&2
        echo "$1: failed, see fuzz/artifacts/$1 and $log" >&2
        return 1
    fi
}

if [ "${FUZZ_ONE:-}" = 1 ]; then
    one "$1"
    exit
fi
cargo $nightly fuzz build >"$target/fuzz.build.log" 2>&1 || { cat "$target/fuzz.build.log" >&2; exit 1; }
printf '%s\n' "$@" | FUZZ_ONE=1 CARGO_TARGET_DIR="$target" xargs -n 1 -P "${FUZZ_JOBS:-$(getconf _NPROCESSORS_ONLN)}" "./$(basename "$0")" "$seconds"
