#!/usr/bin/env bash
# Everything that is measured, in one run: Rust, C, Python and Node.js, tables and charts. What `make bench` calls.
#
# Builds first, so that nothing is compiled while something is measured. A part that fails is said at the end, and the others are kept; then the
# exit status is 1. TIDEGATE_BENCH_QUICK=1 shows that everything works, with figures that are worth little.
set -uo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target TIDEGATE_BENCH_OUT=$target/bench
quick=${TIDEGATE_BENCH_QUICK:-}
venv=$target/bench-python
log=$TIDEGATE_BENCH_OUT/log
mkdir -p "$TIDEGATE_BENCH_OUT"
rm -rf "$TIDEGATE_BENCH_OUT"/*.json "$log" "$target/criterion"

failed=
step() {
  local name=$1 began=$SECONDS
  shift
  if "$@" >>"$log" 2>&1; then
    printf '%-28s %4d s\n' "$name" $((SECONDS - began))
  else
    failed="$failed $name,"
    printf '%-28s %4d s, FAILED\n' "$name" $((SECONDS - began))
    tail -n 15 "$log"
  fi
}
bin() { "$target/release/$1" "${@:2}"; }
rust() { cargo build --release -p tidegate-benches --bins && cargo bench --no-run -p tidegate-benches; }
python() {
  { test -x "$venv/bin/python" || python3 -m venv "$venv"; } &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r bindings-python/bench/requirements.txt &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps ./bindings-python
}
addon() { make --no-print-directory bindings-node/node_modules/installed && (cd bindings-node && npm run --silent build); }
# A benchmark that leaves no figures yet still has its say in the log.
leaves() { grep -q -- --json "$1" && echo --json "$TIDEGATE_BENCH_OUT/$2.json"; }
compare() {
  local readme=(--readme bindings-python/README.md)
  [ -z "$quick" ] || readme=(--quick)
  "$venv/bin/python" bindings-python/bench/compare.py "${readme[@]}" $(leaves bindings-python/bench/compare.py python)
}
peers() { (cd bindings-node && node bench/peers.mjs ${quick:+--rounds 2} $(leaves bench/peers.mjs node)); }
criterion() {
  # A few of its figures are enough to see that it works.
  cargo bench -p tidegate-benches ${quick:+-- 'tidegate gcra: try_acquire' --measurement-time 0.1}
}

step "build: Rust" rust
step "build: C" make --no-print-directory -C bindings-c lib
step "build: Python" python
step "build: Node.js" addon
step "one limiter" bin table
step "many keys" bin keys
step "how a cost grows" bin scaling
step "bursts, in virtual time" bin burst
step "C" make --no-print-directory -C bindings-c bench JSON="$TIDEGATE_BENCH_OUT/c.json"
step "Python" compare
step "Node.js" peers
step "criterion" criterion
if command -v valgrind >/dev/null; then step "instructions" benches/instructions.sh --print; else echo "instructions: no valgrind"; fi
if [ -z "$quick" ]; then
  step "waiting" bin waiting
  step "verdicts of policies" bin verdict
  step "tables and charts" bin page --collect
else
  step "tables and charts, a draft" bin page --collect --draft
fi
echo "$((SECONDS / 60)) min $((SECONDS % 60)) s; what was printed: $log"
[ -z "$failed" ] || { echo "failed:${failed%,}"; exit 1; }
