"""What a user allowed: a file that is damaged allows nothing, and leave is for what it names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from case import Case, Outcome, accepted, judge
from lab import KEY, Lab

FILE, LEAVE, WORDS = "grants file, malformed", "leave for something else", "leave asked in odd words"
START = "a command started without leave"


def controls(lab: Lab) -> Iterator[Case]:
    """Leave that was given works."""

    def given() -> Outcome:
        root = _asking(lab, "env:RUNNER_SECRET", lab.chat.url)
        with lab.allowed({"keys": {"env:RUNNER_SECRET": [lab.chat.place]}}):
            return accepted(lab.run("eval", "-C", root))

    for kind in (FILE, LEAVE):
        yield Case(kind, "control: leave for the very place", given)

    def started() -> Outcome:
        path = _server(lab)
        with lab.allowed({"commands": [_leave(path)]}):
            ran = lab.run("gateway", "--config", path, "--check")
        return accepted(ran)

    yield Case(START, "control: leave for the very command in the very folder", started)


def cases(lab: Lab) -> Iterator[Case]:
    """Files, places and words."""
    for name, text in _files(lab):
        yield Case(FILE, name, lambda text=text: _kept(lab, text))
    for name, grants in _others(lab):
        yield Case(LEAVE, name, lambda grants=grants: _sent(lab, grants))
    for name, change in _STARTS:
        yield Case(START, name, lambda change=change: _started(lab, change))
    for words in _WORDS:
        name = " ".join(words)[:60]
        yield Case(WORDS, repr(name), lambda words=words: judge(lab.run("allow", *words, tty=True), harm=_saved(lab), codes=(2,)))  # fmt: skip


def _asking(lab: Lab, key: str, base: str):  # type: ignore[no-untyped-def]
    root = lab.workspace(samples=2)
    lab.target(root, use="openai_compatible", base_url=base, model="good", key=key, retries=0)
    return root


def _kept(lab: Lab, text: str) -> Outcome:
    root = _asking(lab, "env:RUNNER_SECRET", lab.chat.url)
    before = len(lab.chat.seen)
    with lab.allowed(text):
        ran = lab.run("eval", "-C", root, tty=True)
    return judge(ran, harm="the key was sent" if len(lab.chat.seen) > before else "", codes=(2,))


def _files(lab: Lab) -> Iterator[tuple[str, str]]:
    place = lab.chat.place
    good = {"code": [], "keys": {"env:RUNNER_SECRET": [place]}}
    for name, text in (
        ("empty", ""), ("not JSON", "allow all"), ("a list", "[]"), ("null", "null"), ("a text", '"*"'), ("a number", "7"), ("true", "true"),
        ("100,000 brackets", "[" * 100_000), ("100,000 levels", '{"a":' * 100_000), ("5,000 digits", "9" * 5000), ("NaN", "NaN"),
        ("cut off", json.dumps(good)[:-4]), ("two values", json.dumps(good) * 2), ("a byte order mark", "\ufeff" + json.dumps(good)),
        ("keys there twice", json.dumps(good)[:-1] + f', "keys": {{"env:RUNNER_SECRET": ["{place}"]}}}}'),
        ("the credential there twice", f'{{"keys":{{"env:RUNNER_SECRET":["a.org"],"env:RUNNER_SECRET":["{place}"]}}}}'),
    ):  # fmt: skip
        yield name, text
    for name, value in (
        ("an unknown section", {**good, "more": 1}), ("code that is a text", {**good, "code": "yaml"}), ("code that is a number", {**good, "code": [7]}),
        ("code that is everything", {**good, "code": ["*"]}), ("keys that are a list", {"keys": [place]}), ("places that are a text", {"keys": {"env:RUNNER_SECRET": place}}),
        ("a place that is everything", {"keys": {"env:RUNNER_SECRET": ["*"]}}), ("a place that is an address", {"keys": {"env:RUNNER_SECRET": [f"http://{place}"]}}),
        ("a place that is null", {"keys": {"env:RUNNER_SECRET": [None]}}), ("a credential that is a value", {"keys": {"sk-1234": [place]}}),
        ("a credential of no name", {"keys": {"env:": [place]}}), ("a place that clears the screen", {"keys": {"env:RUNNER_SECRET": ["\x1b[2J"]}}),
        ("a section that clears the screen", {"\x1b[2J": 1}), ("keys that are null", {"keys": None}), ("places that are an object", {"keys": {"env:RUNNER_SECRET": {place: 1}}}),
    ):  # fmt: skip
        yield name, json.dumps(value)


def _sent(lab: Lab, grants: dict[str, Any]) -> Outcome:
    root = _asking(lab, "env:RUNNER_SECRET", lab.chat.url)
    before = len(lab.chat.seen)
    with lab.allowed(grants):
        ran = lab.run("eval", "-C", root, tty=True)
    sent = [headers for headers, _ in lab.chat.seen[before:] if KEY in str(headers)]
    return judge(ran, harm="the key was sent" if sent else "", codes=(2,))


def _others(lab: Lab) -> Iterator[tuple[str, dict[str, Any]]]:
    host, _, port = lab.chat.place.partition(":")
    for place in (
        "localhost", f"localhost:{port}", "127.0.0.2", f"{host}:1", f"{host}:{port}0", "facts", "openai", "127.0.0", "0.0.0.0",
        f"{host}.", f"x{host}", "api.openai.com", "[::1]",
    ):  # fmt: skip
        yield f"a key for {place.replace(port, 'PORT')}", {"keys": {"env:RUNNER_SECRET": [place]}}
    for key in (
        "env:OPENAI_API_KEY",
        "env:runner_secret",
        "env:RUNNER_SECRET2",
        "file:RUNNER_SECRET",
        "env:RUNNER_SECRE",
    ):
        yield f"the place for {key}", {"keys": {key: [lab.chat.place]}}
    yield "code alone", {"code": ["shipworthy", "os", "yaml"]}


def _server(lab: Lab) -> Path:
    """Write a gateway's file with an MCP server whose command leaves a mark."""
    folder = lab.place()
    (folder / "guards.yaml").write_text("rules: []\n")
    server = {"command": ["touch", "started"], "env": {"KEY": "env:RUNNER_SECRET"}, "start_s": 2}
    (folder / "gateway.yaml").write_text(json.dumps({"guards": "guards.yaml", "mcp": {"it": server}}))
    return folder / "gateway.yaml"


def _leave(path: Path) -> str:
    return f"{path.parent.resolve()}$ KEY=env:RUNNER_SECRET touch started"


_STARTS: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("no leave at all", lambda whole: {}),
    ("leave in another folder", lambda whole: {"commands": ["/elsewhere$ " + whole.partition("$ ")[2]]}),
    ("leave in the folder above", lambda whole: {"commands": [str(Path(whole.partition("$ ")[0]).parent) + "$ " + whole.partition("$ ")[2]]}),
    ("leave for another argument", lambda whole: {"commands": [whole + " more"]}),
    ("leave for the program alone", lambda whole: {"commands": [whole.removesuffix(" started")]}),
    ("leave without its credential", lambda whole: {"commands": [whole.replace("KEY=env:RUNNER_SECRET ", "")]}),
    ("leave with another credential", lambda whole: {"commands": [whole.replace("RUNNER_SECRET", "OTHER")]}),
    ("leave for a pattern", lambda whole: {"commands": [whole.partition("$ ")[0] + "$ *"]}),
    ("leave for code of its name", lambda whole: {"code": ["touch"]}),
    ("commands that are a text", lambda whole: {"commands": whole}),
    ("a command without its folder", lambda whole: {"commands": [whole, "touch started"]}),
    ("a command of two lines", lambda whole: {"commands": [whole, "/a$ b\nc"]}),
    ("commands there twice", lambda whole: json.dumps({"commands": [whole]})[:-1] + ', "commands": []}'),
)  # fmt: skip


def _started(lab: Lab, change: Callable[[str], Any]) -> Outcome:
    path = _server(lab)
    with lab.allowed(change(_leave(path))):
        ran = lab.run("gateway", "pin", "--config", path, "--server", "it", tty=True)
    return judge(ran, harm="it was started" if (path.parent / "started").exists() else "", codes=(2,))


def _saved(lab: Lab) -> str:
    if lab.grants.exists():
        lab.grants.unlink()
        return "it was allowed"
    return ""


_WORDS: tuple[tuple[str, ...], ...] = (
    ("code", ""), ("code", "*"), ("code", "a/b"), ("code", "../x"), ("code", "a:b:c"), ("code", "a b"), ("code", "a:"), ("code", ":b"),
    ("code", "\x1b[2Jx"), ("code", "a..b"), ("code", "1a"), ("code", "a\nb"), ("key", "sk-4711-abc", "a.org"), ("key", "env:", "a.org"),
    ("key", "file:", "a.org"), ("key", "env:A", ""), ("key", "env:A", "*"), ("key", "env:A", "http://a.org"), ("key", "env:A", "a.org/x"),
    ("key", "env:A", "u@a.org"), ("key", "env:A", "a b"), ("key", "env:A", "\x1b[2J"), ("key", "env:A", "a\u202eb"), ("key", "ENV:A", "a.org"),
    ("key", "env:A", "a?.org"), ("remove", "env:NONE"), ("remove", "\x1b[2J"), ("remove", ""), ("nothing",), ("key", "env:A"),
    ("command", "--in", ".", "--"), ("command", "--in", "/nowhere", "--", "a"), ("command", "--in", ".", "--", "a\nb"), ("command", "--in", ".", "--", "\x1b[2J"),
    ("command", "a"),
)  # fmt: skip
