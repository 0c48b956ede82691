"""The command line as a whole: help without imports, exit codes, no traceback for a user's mistake."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import click
import pytest

from shipworthy import cli
from shipworthy.core.errors import IntegrityError, LimitReached, Problem, UsageError, WorkspaceError


def shipworthy(*argv):
    return subprocess.run([sys.executable, "-m", "shipworthy", *argv], capture_output=True, text=True, timeout=60)


def test_help_lists_every_verb_with_a_summary():
    done = shipworthy("--help")
    assert done.returncode == 0
    for verb in (
        "init",
        "check",
        "eval",
        "plan",
        "gate",
        "runs",
        "view",
        "repro",
        "scan",
        "evidence",
        "model",
        "demo",
        "report",
        "decisions",
    ):
        assert f"\n  {verb} " in done.stdout
    assert "Exit codes: 0 ship" in done.stdout


def test_help_imports_nothing_heavy():
    heavy = {"numpy", "scipy", "duckdb", "aiohttp", "pydantic", "sqlalchemy", "rich", "cryptography"}
    code = (
        "import sys; from shipworthy.cli import run; run(['--help']);"
        f"loaded = {heavy!r} & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("verb", cli.root.list_commands(click.Context(cli.root)))
def test_every_verb_has_help(verb):
    done = shipworthy(verb, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: shipworthy " + verb)


def test_an_unknown_verb_names_the_nearest_and_exits_2():
    done = shipworthy("evla")
    assert done.returncode == 2
    assert "did you mean 'eval'?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def verb(monkeypatch):
    """Put a verb that raises in place of every verb."""

    def install(error):
        @click.command()
        def command():
            raise error

        monkeypatch.setattr(cli.Verbs, "get_command", lambda *_: command)

    return install


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("wrong"), 2),
        (click.UsageError("wrong"), 2),
        (click.FileError("x", "gone"), 2),
        (IntegrityError("changed"), 4),
        (LimitReached("used up"), 4),
        (KeyboardInterrupt(), 4),
        (RuntimeError("crash"), 4),
    ],
)
def test_exit_codes_and_a_crash_is_never_1(verb, error, code, capsys):
    verb(error)
    assert cli.run(["any"]) == code
    assert ("Traceback" in capsys.readouterr().err) == (type(error) is RuntimeError)


def test_every_problem_is_printed(verb, capsys, tmp_path):
    verb(
        WorkspaceError(
            [Problem(tmp_path / "a.yaml", 3, "bad key", "did you mean 'id'?"), Problem(tmp_path / "b.yaml", 9, "worse")]
        )
    )
    assert cli.run(["any"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"error: {tmp_path}/a.yaml:3: bad key (did you mean 'id'?)",
        f"       {tmp_path}/b.yaml:9: worse",
    ]


def test_a_reader_that_leaves_is_no_failure():
    done = subprocess.run(
        f"{sys.executable} -m shipworthy --help | true", shell=True, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("code", [0, 1, None, "bye"])
def test_loaded_code_that_exits_is_a_failure_and_never_a_verdict(verb, capsys, code):
    verb(SystemExit(code))
    assert cli.run(["gate"]) == 4
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["nosuch"], ["gate", "-C", "nowhere"], ["runs", "list", "-C", "nowhere"]])
def test_an_error_that_nobody_can_read_keeps_its_exit_code(argv):
    """With the reader of standard error gone, Python's own way out would be 1: a no-ship."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([sys.executable, "-m", "shipworthy", *argv], stdout=writing, stderr=writing, timeout=60)
    finally:
        os.close(writing)
    assert done.returncode == 2
    for redirect in ("2>&-", ">&- 2>&-", "2>/dev/full"):
        command = f'exec "$0" -m shipworthy "$@" {redirect}'
        assert subprocess.run(["bash", "-c", command, sys.executable, *argv], timeout=60).returncode == 2


PATHS = {
    "zero": "a\0b", "bytes": "\udcff\udcfe", "half a pair": "\ud83d", "long": "x" * 5000, "deep": "x/" * 3000,
    "a file's child": "file/x", "a circle": "circle", "a folder": "folder", "a file": "file", "nothing": "",
    "a control character": "\x1b[2J", "missing": "none",
}  # fmt: skip


def _commands(command, words=()):
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            yield from _commands(command.get_command(click.Context(command), name), (*words, name))
    elif words[0] not in ("demo", "model"):  # which take no file, and run for long
        yield words, command


def _called(words, command, odd, value):
    """Return a command line in which one argument or option has a value."""
    line = list(words)
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            line += [value] if parameter is odd else ["x"] * parameter.required
        elif parameter is odd or parameter.required:
            line += [parameter.opts[-1], value if parameter is odd else "x"]
    if odd.name != "workspace" and any(parameter.name == "workspace" for parameter in command.params):
        line += ["-C", "w"]
    return line


@pytest.mark.parametrize("kind", PATHS)
def test_no_path_and_no_name_ends_in_a_traceback(kind, tmp_path, monkeypatch, capsys):
    """Every argument and option of every verb that takes a value, with every value that no file can have."""
    for name in ("SHIPWORTHY_KEYS_DIR", "SHIPWORTHY_GRANTS", "SHIPWORTHY_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "own" / name))
    place = tmp_path / "place"
    (place / "folder").mkdir(parents=True)
    (place / "circle").symlink_to("circle")
    (place / "file").write_text("x")
    (place / "w").mkdir()  # no workspace: what is wrong with the value is found before, or nothing is
    monkeypatch.chdir(place)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))  # what asks a person gets no word
    tried = 0
    for words, command in _commands(cli.root):
        for parameter in command.params:
            if isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count):
                continue
            code = cli.run(_called(words, command, parameter, PATHS[kind]))
            said = "".join(capsys.readouterr())
            assert code in (0, 1, 2, 3, 4), (words, parameter.name)
            assert "Traceback" not in said, (words, parameter.name, said[-500:])
            # `init` made a workspace of some of these, and what a catalogue has for one is long.
            assert len(said) < (60_000 if words == ("threat", "suggest") else 20_000), (words, parameter.name)
            tried += 1
    assert tried > 100
