#!/usr/bin/env python3
"""Debian packages for one use: fetched by apt-get and unpacked in a folder, so that nothing of the system changes and nobody need be root.

    proofs/debian.py FOLDER      unpacks a compiler with the sources of std there, and says where it is and where its libraries are
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# A compiler that can build std anew, and of the sources only those of std.
COMPILER = ["rustc-web", "cargo-web", "rust-web-src"]
PARTS = {"rust-web-src": "./usr/*/library*"}


class Missing(Exception):
    """Why the packages are not to be had."""


def unpacked(folder, packages, parts={}):
    """The folder with the packages and what they depend on unpacked in it; of a package in `parts` only the paths that match there."""
    done = folder / "unpacked"
    root = folder / "root"
    if done.exists() and done.read_text() == f"{packages} {parts}":
        return root
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Missing("there is no apt-get")
    shutil.rmtree(root, ignore_errors=True)
    for part in ("root", "lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    own = [f"-oDir::State::lists={folder}/lists", f"-oDir::Cache={folder}/cache", "-oDebug::NoLocking=1", "-oAPT::Get::List-Cleanup=0"]
    if os.getuid() == 0:
        own.append("-oAPT::Sandbox::User=root")
    tell(["apt-get", "-qq", *own, "update"])
    tell(["apt-get", "-qq", "-y", *own, "--no-install-recommends", "--reinstall", "--download-only", "install", *packages])
    for archive in sorted((folder / "cache/archives").glob("*.deb")):
        some = parts.get(archive.name.split("_")[0])
        unpack = f"dpkg-deb --fsys-tarfile '{archive}' | tar -x -C '{root}' --wildcards '{some}'" if some else f"dpkg-deb -x '{archive}' '{root}'"
        tell(["bash", "-o", "pipefail", "-c", unpack])
    shutil.rmtree(folder / "cache")
    done.write_text(f"{packages} {parts}")
    return root


def environment(root):
    """What programs in the folder need to find their libraries there."""
    libraries = {str(path.parent) for path in root.glob("**/*.so*") if "rustlib" not in path.parts}
    return {"LD_LIBRARY_PATH": ":".join([*sorted(libraries), os.environ.get("LD_LIBRARY_PATH", "")]).rstrip(":")}


def tell(command):
    try:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
        raise Missing(f"{command[0]}: {said[-1] if said else error}") from None


def sources(root):
    """Puts the sources of std where the compiler looks for them."""
    place = root / "usr/lib/rustlib/src/rust"
    if not (place / "library").exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(next((root / "usr/src").glob("rustc-*")))


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    try:
        root = unpacked(folder, COMPILER, PARTS)
    except Missing as why:
        sys.exit(str(why))
    sources(root)
    print(root)
    print(environment(root)["LD_LIBRARY_PATH"])


if __name__ == "__main__":
    main()
