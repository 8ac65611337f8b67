#!/bin/sh
# Builds and runs the programs without the standard library, and shows that each of them can fail.
#
#   no-std-bare    neither std nor a heap      must not link with either
#   no-std-alloc   a heap of its own, no std   must not link with std
set -eu
cd "$(dirname "$0")"
target="${CARGO_TARGET_DIR:-$PWD/target}/no-std-proofs"
log="$target/expected-to-fail.log"
mkdir -p "$target"

# build PROGRAM [OPTIONS]
build() {
    manifest="$1/Cargo.toml"
    shift
    CARGO_TARGET_DIR="$target" cargo build --quiet --manifest-path "$manifest" "$@"
}

# runs PROGRAM PROFILE-DIRECTORY
runs() {
    if "$target/$2/$1"; then
        echo "$1 ($2): linked, ran, every answer right"
    else
        echo "$1 ($2): exit code $? (the number of the first wrong answer)" >&2
        exit 1
    fi
}

# fails PROGRAM FEATURE WORDS: the build with FEATURE fails, and says WORDS
fails() {
    if build "$1" --features "$2" 2>"$log"; then
        echo "$1 linked with $2: it would not notice" >&2
        exit 1
    fi
    if ! grep -q "$3" "$log"; then
        echo "$1 with $2 failed for another reason:" >&2
        cat "$log" >&2
        exit 1
    fi
    echo "$1 with $2: refused ($(grep -m1 "$3" "$log" | sed 's/^error[^:]*: //'))"
}

for program in no-std-bare no-std-alloc; do
    build "$program"
    runs "$program" debug
    build "$program" --release
    runs "$program" release
    fails "$program" needs-std 'found duplicate lang item `panic_impl`'
    # A wrong answer is an exit code.
    build "$program" --features wrong-answer
    if "$target/debug/$program"; then
        echo "$program does not notice a wrong answer" >&2
        exit 1
    fi
    echo "$program with a wrong answer: noticed"
done
fails no-std-bare needs-alloc 'no global memory allocator found'
