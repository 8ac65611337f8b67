"""Sub-interpreters are refused, before the extension module is loaded.

Its classes are made once a process; one interpreter that makes them and ends would leave them dangling for the next. Interpreters with a GIL of
their own refuse by themselves; those that share one, such as mod_wsgi's, would not.
"""

from __future__ import annotations

import importlib


def check() -> None:
    """Raises ImportError outside the main interpreter."""
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            interpreters = importlib.import_module(name)
        except ImportError:
            continue
        if interpreters.get_current() != interpreters.get_main():
            raise ImportError(
                "tidegate works in the main interpreter of a process, and not in a sub-interpreter"
                " (under mod_wsgi: WSGIApplicationGroup %{GLOBAL})"
            )
        return
