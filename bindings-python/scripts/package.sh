#!/usr/bin/env bash
# Builds the source distribution and from it a wheel, installs that in an environment of its own, and uses it from an empty folder: neither
# may need anything of the repository. Usage: package.sh PYTHON [profile]; PYTHON has maturin. The profile "dev" is for a quick check.
set -eu -o pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
profile=${2:-release}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/../target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$here" && "$python" -m maturin sdist --out "$work/dist") >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
tar tzf "$work"/dist/*.tar.gz > "$work/files"
for file in LICENSE-MIT LICENSE-APACHE bindings-python/README.md python/tidegate/py.typed core/Cargo.toml policy/Cargo.toml; do
  grep -q "/$file$" "$work/files" || { echo "the source distribution lacks $file"; exit 1; }
done

# From the source distribution, as any tool would: unpacked far from the repository.
tar xzf "$work"/dist/*.tar.gz -C "$work"
(cd "$work"/tidegate-*/ && "$python" -m maturin build --profile "$profile" --out "$work/dist") >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$python" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$work"/dist/*.whl
cp "$here/README.md" "$work/README.md"
mkdir "$work/empty"
cd "$work/empty"
"$work/venv/bin/python" - "$work/README.md" <<'PYTHON'
import doctest, pathlib, sys
import tidegate, tidegate.asgi, tidegate.wsgi

home = pathlib.Path(tidegate.__file__).parent
assert home.is_relative_to(sys.prefix), home
assert (home / "py.typed").exists() and (home / "_tidegate.pyi").exists()
failed, attempted = doctest.testfile(sys.argv[1], module_relative=False)
assert attempted > 0 and failed == 0
print(f"tidegate {tidegate.__version__} from its source distribution: {attempted} examples of the README hold")
PYTHON
