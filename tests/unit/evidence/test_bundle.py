"""The stand-alone verifier: made of the library's own modules, the same every time, and in need of nothing else."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.evidence import alone

import shipworthy
from shipworthy.cli import run as shipworthy_cli
from shipworthy.core.errors import StoreError
from shipworthy.evidence import archive, bundle
from shipworthy.evidence.bundle import MAIN, VERIFIER, modules
from shipworthy.store.trust import trust_json

SOURCES = Path(shipworthy.__file__).parents[1]


def sections() -> dict[str, str]:
    """Return the sources that the file holds, read as Python reads them."""
    found = {}
    for node in ast.parse(bundle.bundle()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            found[ast.literal_eval(node.targets[0].slice)] = ast.literal_eval(node.value)
    return found


def imported(source: str) -> set[str]:
    """Return every module that a source imports, wherever it does."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_every_section_is_a_module_of_the_library_to_the_byte() -> None:
    held = sections()
    assert MAIN in held and list(held) == [one.name for one in modules()]
    for name, source in held.items():
        path = SOURCES / Path(*name.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        assert source.encode() == path.read_bytes(), name


def test_a_module_stands_behind_what_it_imports_at_its_head() -> None:
    held = list(sections())
    assert held[0] == "shipworthy"
    for later in (
        "core.digests",
        "store.trust",
        "store.dsse",
        "evidence.words",
        "evidence.bounds",
        "evidence.criteria",
    ):
        assert held.index(f"shipworthy.{later}") < held.index(MAIN)


def test_nothing_is_imported_but_python_cryptography_and_what_is_inside() -> None:
    held = sections()
    loader = bundle.bundle().decode().partition("\nSOURCES[")[0]
    for name in imported(loader) | {name for source in held.values() for name in imported(source)}:
        top = name.partition(".")[0]
        # Canonical JSON (rfc8785) is written by who signs, in a function that no verifier calls.
        assert top in sys.stdlib_module_names or top in {"cryptography", "shipworthy", "rfc8785"}, name
    # What of shipworthy is not inside is imported where its absence is caught.
    wanted = {name for source in held.values() for name in imported(source) if name.startswith("shipworthy")}
    assert {name.rpartition(".")[2] for name in wanted - set(held)} <= {
        "known", "rendered", "ruled", "written", "customer_pack", "packed", "api", "results", "decide", "load",
    }  # fmt: skip


def test_another_process_makes_the_same_bytes() -> None:
    program = (
        "import hashlib; from shipworthy.evidence.bundle import bundle; print(hashlib.sha256(bundle()).hexdigest())"
    )
    environment = dict(os.environ) | {"PYTHONHASHSEED": "77"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == hashlib.sha256(bundle.bundle()).hexdigest()


def test_the_verb_prints_the_digest_of_what_it_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shipworthy_cli(["evidence", "verifier", "--out", str(tmp_path / VERIFIER)]) == 0
    digest = f"sha256:{hashlib.sha256((tmp_path / VERIFIER).read_bytes()).hexdigest()}"
    assert capsys.readouterr().out.split() == [digest, str(tmp_path / VERIFIER)]
    assert shipworthy_cli(["evidence", "verifier"]) == 0
    assert capsys.readouterr().out == f"{digest}\n"
    assert shipworthy_cli(["evidence", "verifier", "--out", str(tmp_path / "none" / VERIFIER)]) == 2


def test_every_pack_holds_it(case: Any) -> None:
    assert archive.read(case.pack)[VERIFIER] == bundle.bundle()


def test_a_shipworthy_that_is_installed_is_not_used(case: Any, tmp_path: Path) -> None:
    folder = tmp_path / "site" / "shipworthy"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('the installed one was imported')\n")
    # Nor is a module that lies beside the file, as in an unpacked pack.
    (tmp_path / VERIFIER).write_bytes(bundle.bundle())
    (tmp_path / "json.py").write_text("raise SystemExit('a file of the pack was imported')\n")
    (tmp_path / "pack.zip").write_bytes(case.pack)
    (tmp_path / "trust.json").write_text(trust_json([case.key.public]))
    command = [sys.executable, VERIFIER, "pack.zip", "--trust", "trust.json", "--require", "no-ship"]
    environment = dict(os.environ) | {"PYTHONPATH": str(tmp_path / "site")}
    environment.pop("PYTHONSAFEPATH", None)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "that takes all of shipworthy" in done.stdout


def test_without_cryptography_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / VERIFIER).write_bytes(bundle.bundle())
    command = [sys.executable, "-I", "-S", str(tmp_path / VERIFIER), "pack.zip", "--trust", "trust.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2, "error: the verifier needs the package `cryptography`: pip install cryptography\n",
    )  # fmt: skip


def test_an_option_that_there_is_not_is_a_usage_error() -> None:
    done = alone.run("pack.zip", "--trust", "trust.json", "--requires", "any")
    assert done.returncode == 2
    assert done.stderr.startswith("usage: verify.py")


def test_sources_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_path", lambda name: None)
    with pytest.raises(StoreError, match=r"the source of shipworthy.* is not installed"):
        modules()
