#!/bin/sh
# Installs what the tests of the C library use besides a compiler, where that can be done without asking: as root, with apt.
#
#   valgrind, pkg-config, cmake, uthash-dev (a peer in the benchmark)
#
# Elsewhere it says what is missing; the tests that need it then say that they were not run, or, with TIDEGATE_C_ALL=1, fail.
set -eu
missing=
for tool in valgrind pkg-config cmake; do
  command -v "$tool" >/dev/null || missing="$missing $tool"
done
if ! echo '#include <uthash.h>' | ${CC:-cc} -E - >/dev/null 2>&1; then
  missing="$missing uthash-dev"
fi
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 ||
    { apt-get update -qq >/dev/null 2>&1 &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1; } ||
    echo "bindings-c: could not install$missing" >&2
else
  echo "bindings-c: missing:$missing" >&2
fi
