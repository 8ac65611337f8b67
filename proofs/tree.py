"""The files of this tree: what git tracks or would, and all but what tools make where there is no git."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MADE = {".git", ".venv", "node_modules", "target"}


def files(root=ROOT):
    """Paths relative to the root, with slashes; not what git ignores or what is deleted."""
    try:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [str(path.relative_to(root).as_posix()) for path in root.rglob("*") if not MADE & set(path.relative_to(root).parts)]
    return sorted({name for name in listed if name and (root / name).is_file()})
