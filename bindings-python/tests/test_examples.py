"""The examples run, against the real frameworks."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import fastapi.testclient
import pytest

HERE = Path(__file__).parents[1]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", HERE / "examples" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_flask() -> None:
    client = load("flask_app").app.test_client()
    assert client.get("/").headers["RateLimit"].startswith('"default";r=49')
    answers = [client.get("/report") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].headers["Retry-After"] and '"reports"' in str(answers[-1].headers.getlist("RateLimit"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fastapi() -> None:
    with fastapi.testclient.TestClient(load("fastapi_app").app) as client:
        answers = [client.post("/send", headers={"x-api-key": "k"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[0].headers["x-ratelimit-limit"] == "300" and answers[2].headers["retry-after"]


def test_programs() -> None:
    sent = said("send.py")
    assert len(sent.splitlines()) == 10 and sent.splitlines()[-1].endswith("from a task")
    assert "X-RateLimit-Limit" in said("policy.py", str(HERE.parent / "policies" / "mailiam.toml"))
    assert said("fetch.py") == ""


def said(program: str, *arguments: str) -> str:
    command = [sys.executable, str(HERE / "examples" / program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
