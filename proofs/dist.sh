#!/usr/bin/env bash
# What `make dist` has made, used as by whoever downloads it: the wheel in a new environment, the npm package in an empty folder, the C archive
# unpacked somewhere, with a program that pkg-config finds it for, shared and static. Each limits once, comes from where it was put, and has the licences with it.
# Usage: proofs/dist.sh FOLDER
set -euo pipefail
dist=$(cd "$1" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml" | head -n 1)
system=$(node -p 'process.platform + "-" + process.arch')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
licences() { # WHERE
  test "$(find "$1" -name 'LICENSE-*' -size +0 | wc -l)" = 2 || { echo "the licences are not in $1" >&2; exit 1; }
}

python3 -m venv python
python=python/bin/python
if [[ -d python/Scripts ]]; then python=python/Scripts/python; fi
"$python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$dist"/tidegate-"$version"-*.whl
licences "$(find python -name "tidegate-$version.dist-info")"
"$python" - "$version" <<'PYTHON'
import pathlib, sys
import tidegate
assert tidegate.__version__ == sys.argv[1], tidegate.__version__
assert pathlib.Path(tidegate.__file__).is_relative_to(sys.prefix), tidegate.__file__
limiter = tidegate.Limiter("2/day")
assert [limiter.try_acquire() for _ in range(3)] == [True, True, False]
print(f"wheel: tidegate {tidegate.__version__} limits under Python {sys.version.split()[0]}")
PYTHON

mkdir npm
cat > npm/package.json <<< '{ "private": true }'
(cd npm && npm install --silent --no-audit --no-fund --offline --ignore-scripts "$dist/tidegate-$version-$system.tgz")
cat > npm/use.cjs <<'JS'
const assert = require('node:assert');
const { Limiter } = require('tidegate');
assert.ok(require.resolve('tidegate').startsWith(__dirname));
assert.strictEqual(require('tidegate/package.json').version, process.argv[2]);
const limiter = new Limiter('2/day');
assert.deepStrictEqual([1, 2, 3].map(() => limiter.tryAcquire()), [true, true, false]);
import('tidegate').then((module) => {
  assert.strictEqual(module.Limiter, Limiter);
  console.log(`npm package: tidegate ${process.argv[2]} limits under Node.js ${process.versions.node}, required and imported`);
});
JS
licences npm/node_modules/tidegate
node npm/use.cjs "$version"

archive=libtidegate-$version-$system
if [[ ! -e $dist/$archive.tar.gz ]]; then
  echo "no C archive for $system"
  exit
fi
mkdir c
tar -C c -xzf "$dist/$archive.tar.gz"
root=$work/c/$archive
licences "$root"
cat > use.c <<'C'
#include <stdio.h>
#include <string.h>
#include <tidegate.h>

int main(void) {
  tidegate_quota quota;
  tidegate_limiter *limiter;
  int passed = 0;
  if (tidegate_quota_parse("2/day", &quota, NULL) != TIDEGATE_OK) return 1;
  if (tidegate_limiter_new(TIDEGATE_GCRA, &quota, &limiter) != TIDEGATE_OK) return 1;
  for (int call = 0; call < 3; call++) passed += tidegate_limiter_try_acquire(limiter, 1) ? 1 : 0;
  tidegate_limiter_free(limiter);
  return passed == 2 ? 0 : 1;
}
C
printf '#include <tidegate.hpp>\nint main() { tidegate::Limiter limiter(TIDEGATE_GCRA, "2/day"); return limiter.try_acquire() ? 0 : 1; }\n' > use.cpp
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/local/lib/pkgconfig
test "$(pkg-config --modversion tidegate)" = "$version"
read -ra flags <<< "$(pkg-config --cflags --libs tidegate)"
"${CC:-cc}" -std=c99 -Wall -Werror use.c "${flags[@]}" -Wl,-rpath,"$root/usr/local/lib" -o shared
./shared
"${CXX:-c++}" -std=c++17 -Wall -Werror use.cpp "${flags[@]}" -Wl,-rpath,"$root/usr/local/lib" -o plusplus
./plusplus
# The archive alone, with what it needs of the system.
read -ra flags <<< "$(pkg-config --cflags tidegate)"
read -ra needed <<< "$(pkg-config --libs-only-l --static tidegate | sed 's/-ltidegate//')"
"${CC:-cc}" -std=c99 -Wall -Werror use.c "${flags[@]}" "$root/usr/local/lib/libtidegate.a" "${needed[@]}" -o static
./static
echo "C archive: libtidegate $version limits a program of C, shared and static, and one of C++, found by pkg-config"
