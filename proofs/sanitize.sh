#!/bin/sh
# Memory and threads, watched where Rust's own checks end: under interpreters, and in what the core builds on.
#
#   proofs/sanitize.sh address     the Python and the Node.js suites on addons built with the address sanitizer
#   proofs/sanitize.sh valgrind    every class of the Python package, and the Node.js package, on the machine that valgrind makes up
#   proofs/sanitize.sh threads     the tests of the core that share a limiter between threads, with the thread sanitizer
#
# Each is first shown a fault (proofs/faults, tidegate-ordered), which it must see. What cannot be asked here ends with `skipped: WHY`. PYTHON and
# node_modules must be ready (`make sanitize` sees to it). The sanitizers are switches of the compiler that are not stable; they serve these runs alone.
set -eu
root="$(cd "$(dirname "$0")/.." && pwd)"
cd "$root"
target="${CARGO_TARGET_DIR:-$root/target}"
out="$target/watched/${1:-}"
python="${PYTHON:-$root/.venv/bin/python}"
host="$(rustc -vV | sed -n 's/^host: //p')"
mkdir -p "$out"
# By class of the packages, for valgrind.
PYTHON_TESTS="quota limiter keyed keyed_group group decision settle backoff concurrency headers policy"
NODE_TESTS="limiter keyed group concurrency backoff policy errors"

skip() {
    echo "skipped: $1"
    exit 0
}

# must_see WORDS COMMAND...: it fails, and says WORDS.
must_see() {
    words="$1"
    shift
    if "$@" >"$out/fault.log" 2>&1 || ! grep -q "$words" "$out/fault.log"; then
        tail -n 40 "$out/fault.log" >&2
        echo "a fault was not seen ($words): $*" >&2
        exit 1
    fi
    echo "seen: $(grep -m 1 -o "$words.*" "$out/fault.log" | cut -c 1-100)"
}

# How many tests of Node.js passed: some, or it is an error.
passed() {
    count="$(sed -n 's/^# pass //p' "$1")"
    [ "${count:-0}" -gt 0 ] || { echo "no test of Node.js ran: $1" >&2; exit 1; }
}

# The Node.js package with another addon, between links to all else.
node_tree() {
    rm -rf "$out/tree"
    mkdir -p "$out/tree/bindings-node"
    for name in "$root"/*; do [ "${name##*/}" = bindings-node ] || ln -s "$name" "$out/tree/"; done
    for name in "$root"/bindings-node/*; do
        case "${name##*/}" in
        node_modules | tidegate.node) ;;
        *) cp -R "$name" "$out/tree/bindings-node/" ;;
        esac
    done
    ln -s "$root/bindings-node/node_modules" "$out/tree/bindings-node/node_modules"
    cp proofs/faults/output.cjs "$out/tree/bindings-node/"
    cp "$1" "$out/tree/bindings-node/tidegate.node"
}

address() {
    [ "$(uname -s)" = Linux ] || skip "the address sanitizer is put under an interpreter on Linux alone"
    runtime="$(${CC:-cc} -print-file-name=libasan.so)"
    [ -f "$runtime" ] || skip "no libasan.so, which comes with gcc"
    # The host is named, so that build scripts and macros are left alone.
    PYO3_BUILD_EXTENSION_MODULE=1 PYO3_PYTHON="$python" RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" \
        cargo build --quiet -p tidegate-python -p tidegate-node --target "$host" --target-dir "$target/sanitize"
    built="$target/sanitize/$host/debug"
    rm -rf "$out/python" "$out"/report.*
    cp -R bindings-python/python "$out/python"
    cp "$built/lib_tidegate.so" "$out/python/tidegate/_tidegate.abi3.so"
    node_tree "$built/libtidegate_node.so"
    # Interpreters leave memory to the system when they end. The reports of processes that are started by tests are read, too.
    export ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc PYTHONPATH="$out/python"

    must_see "heap-buffer-overflow" env LD_PRELOAD="$runtime" "$python" proofs/faults/key.py
    (cd "$out/tree/bindings-node" && must_see "heap-use-after-free" env LD_PRELOAD="$runtime" node --expose-gc --single-threaded output.cjs)

    ASAN_OPTIONS="$ASAN_OPTIONS:log_path=$out/report"
    # What is left out asks the installed package for its version and its types.
    env LD_PRELOAD="$runtime" "$python" -m pytest -p no:cacheprovider -c bindings-python/pyproject.toml bindings-python/tests \
        --ignore bindings-python/tests/test_package.py >"$out/python.log" 2>&1 || { tail -n 40 "$out/python.log"; exit 1; }
    echo "python: $(grep -o '[0-9]* passed.*' "$out/python.log")"
    (cd "$out/tree/bindings-node" && env LD_PRELOAD="$runtime" node --test --test-reporter=tap $(ls test/*.test.* | grep -v package.test)) >"$out/node.log" 2>&1 ||
        { grep -A 20 "^not ok" "$out/node.log"; exit 1; }
    passed "$out/node.log"
    echo "node: $count passed"
    if ls "$out"/report.* >/dev/null 2>&1; then
        cat "$out"/report.*
        exit 1
    fi
    # The suites ran on these addons.
    nm -D "$out/python/tidegate/_tidegate.abi3.so" | grep -q __asan_report_store
    nm -D "$out/tree/bindings-node/tidegate.node" | grep -q __asan_report_store
}

memory() {
    command -v valgrind >/dev/null || skip "no valgrind"
    CARGO_TARGET_DIR="$target" cargo build --quiet -p tidegate-node
    node_tree "$target/debug/libtidegate_node.so"
    export PYTHONMALLOC=malloc
    watch="valgrind -q --error-exitcode=99 --leak-check=no --suppressions=$root/proofs/faults/node.supp"
    # CPython makes the small integers out of memory that it has not written, so that valgrind doubts every pointer to one of them: whether a value was
    # ever written is not asked there.
    watch_python="$watch --undef-value-errors=no"

    must_see "Invalid read" $watch_python "$python" proofs/faults/key.py
    (cd "$out/tree/bindings-node" && must_see "Invalid write" $watch node --jitless --expose-gc --single-threaded output.cjs)

    # Files that go through every class of the package, and are not slow: what runs here takes fifty times as long.
    (cd bindings-python && timeout 900 $watch_python "$python" -m pytest -p no:cacheprovider $(printf 'tests/test_%s.py ' $PYTHON_TESTS)) \
        >"$out/valgrind.log" 2>&1 || { tail -n 60 "$out/valgrind.log"; exit 1; }
    echo "python: $(grep -o '[0-9]* passed.*' "$out/valgrind.log")"
    # Without the compiler of JavaScript, whose code valgrind would have to follow; so without WebAssembly, which fetch needs.
    for name in $NODE_TESTS; do
        (cd "$out/tree/bindings-node" && timeout 900 $watch node --jitless --test-reporter=tap "test/$name.test.mjs") >"$out/valgrind.log" 2>&1 ||
            { tail -n 60 "$out/valgrind.log"; exit 1; }
        passed "$out/valgrind.log"
        echo "node, $name: $count passed"
    done
}

# Makes RUSTC a compiler that has the sources of std: this one (rustup component add rust-src), or Debian's, unpacked into the target folder. Where std is not
# built anew, the sanitizer does not see what it orders, and takes the end of every Arc for a race.
sources() {
    sysroot="$(rustc --print sysroot)"
    [ -d "$sysroot/lib/rustlib/src/rust/library" ] && return
    runtime="$sysroot/lib/rustlib/$host/lib/librustc-stable_rt.tsan.a"
    [ "$host" = x86_64-unknown-linux-gnu ] && [ -f "$runtime" ] ||
        skip "the sources of std are missing: rustup component add rust-src"
    proofs/debian.py "$out/debian" >"$out/found" 2>"$out/debian.log" ||
        skip "the sources of std are missing: rustup component add rust-src, or Debian's rustc-web ($(tail -n 1 "$out/debian.log"))"
    { read -r debian && read -r libraries; } <"$out/found"
    # Debian's compiler comes without the runtime.
    ln -sf "$runtime" "$debian/usr/lib/rustlib/$host/lib/"
    export RUSTC="$debian/usr/bin/rustc" LD_LIBRARY_PATH="$libraries"
}

threads() {
    [ "$(uname -s)" = Linux ] || skip "the thread sanitizer is asked on Linux alone"
    sources
    tested() {
        RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=thread --cfg tidegate_seeded" TIDEGATE_CALLS="${TIDEGATE_CALLS:-20000}" \
            cargo test --quiet -Zbuild-std --target "$host" --target-dir "$target/threads" "$@"
    }
    tested -p tidegate-ordered --test ordered
    export TIDEGATE_UNORDERED=1
    must_see "data race" tested -p tidegate-ordered --test ordered
    unset TIDEGATE_UNORDERED
    tested -p tidegate --test stress --test group --test lease --test wait --test pacing
}

case "${1:-}" in
address | threads) "$1" ;;
valgrind) memory ;;
*)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
