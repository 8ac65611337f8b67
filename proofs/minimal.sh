#!/usr/bin/env bash
# The published crates build with the lowest versions that their Cargo.toml allow: a requirement below what the code uses would break whoever
# has an old lock file. Direct dependencies only; what those need in turn is theirs to say. In a copy without what only tests need.
# `--check-itself` lowers a requirement and expects to be told.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
copy=$target/minimal
packages=(-p tidegate -p tidegate-policy)
# `-Z direct-minimal-versions` is for nightly compilers, or for those that are told to be one; it only chooses versions.
export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$copy/target

lay() {
  mkdir -p "$copy"
  find "$copy" -mindepth 1 -maxdepth 1 ! -name target -exec rm -rf {} +
  cp -r core reference policy policies "$copy"
  awk '/^members = /, /^\]/ { if (/^members/) print "members = [\"core\", \"reference\", \"policy\"]"; next } /^default-members/ { next } 1' \
    Cargo.toml > "$copy/Cargo.toml"
  for manifest in "$copy"/*/Cargo.toml; do
    awk '/^\[/ { skip = /^\[dev-dependencies/ } !skip' "$manifest" > "$copy/manifest"
    mv "$copy/manifest" "$manifest"
  done
}

check() {
  (cd "$copy" && cargo update --quiet -Z direct-minimal-versions && RUSTFLAGS="-A warnings" cargo check --quiet "${packages[@]}" --all-features)
}

lay
if [[ ${1-} == --check-itself ]]; then
  # Before 1.1 its errors had no position.
  sed -i 's/^csv = { version = "[0-9.]*"/csv = { version = "=1.0.0"/' "$copy/policy/Cargo.toml"
  grep -q '^csv = .*=1.0.0' "$copy/policy/Cargo.toml"
  check 2> "$copy/said" && { echo "minimal.sh: a version that is too low passed"; exit 1; }
  grep -q 'no method named `position`' "$copy/said" || { cat "$copy/said"; exit 1; }
  echo "minimal.sh refuses what it must"
  exit
fi
check
chosen=$(cd "$copy" && cargo tree "${packages[@]}" --all-features --depth 1 --prefix none -e normal,build | sed 's/ (.*//' | sort -u | grep -cv ^tidegate)
echo "builds with the lowest versions of $chosen direct dependencies"
