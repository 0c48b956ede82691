"""Samples that are malformed: each line of JSON is somebody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from case import Case, Ran, accepted, judge
from lab import SECRET, Lab

KIND = "samples, malformed"
ESCAPE = "\x1b[2J\x1b[Hverdict: ship"


def controls(lab: Lab) -> Iterator[Case]:
    """Samples as people write them."""
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "text", "text": "b"}]}, {"role": "user", "content": "c"}]  # fmt: skip
    for name, row in (("short", {"id": "a", "prompt": "x", "secrets": [SECRET]}), ("turns", {"id": "a", "messages": turns, "secrets": [SECRET]})):  # fmt: skip
        yield Case(KIND, f"control: {name}", lambda row=row: accepted(_checked(lab, json.dumps(row).encode())))


def cases(lab: Lab) -> Iterator[Case]:
    """Lines, and rows."""
    for name, text in _lines():
        yield Case(KIND, name, lambda text=text: judge(_checked(lab, text), codes=(2,)))
    for row in _ROWS:
        full = {"id": "a", "prompt": "x", "secrets": [SECRET]} | row
        full = {key: value for key, value in full.items() if value is not ...}
        name = ", ".join(f"{key} {_shown(value)}" for key, value in row.items())
        yield Case(KIND, name, lambda full=full: judge(_checked(lab, json.dumps(full).encode()), codes=(2,)))


def _shown(value: Any) -> str:
    return "left out" if value is ... else repr(value)[:90]


def _checked(lab: Lab, text: bytes) -> Ran:
    root = lab.workspace(samples=12)
    # Beside good ones, so that the suite is large enough: only what is tried is wrong.
    good = (root / "suites/leaks/samples.jsonl").read_bytes() if text.strip() else b""
    (root / "suites/leaks/samples.jsonl").write_bytes(text + b"\n" + good)
    return lab.run("check", "-C", root, tty=True)


def _lines() -> Iterator[tuple[str, bytes]]:
    good = json.dumps({"id": "a", "prompt": "x", "secrets": [SECRET]}).encode()
    yield from (
        ("no line", b""), ("blank lines", b"\n \n\n"), ("not JSON", b"a prompt\n"), ("cut off", good[:-3]), ("a list", b"[]"),
        ("a text", b'"x"'), ("a number", b"7"), ("null", b"null"), ("true", b"true"), ("two values", good + b" " + good),
        ("a comma after it", good + b","), ("single quotes", b"{'id': 'a', 'prompt': 'x'}"), ("a comment", b"// x\n" + good),
        ("NaN", good[:-1] + b', "tags": NaN}'), ("Infinity", good[:-1] + b', "tags": Infinity}'),
        ("1e999", good[:-1] + b', "tags": [1e999]}'), ("400 digits", good[:-1] + b', "tags": [' + b"9" * 400 + b"]}"),
        ("5,000 digits", good[:-1] + b', "tags": ' + b"9" * 5000 + b"}"), ("100,000 brackets", b"[" * 100_000),
        ("nested 100,000 deep", good[:-1] + b', "tags": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        ("an object 50,000 deep", b'{"a":' * 50_000 + b"1" + b"}" * 50_000), ("zeros", b"\0" * 300), ("not UTF-8", good.replace(b"x", b"\xff")),
        ("UTF-16", good.decode().encode("utf-16")), ("half a surrogate pair", good.replace(b'"x"', b'"\\ud800"')),
        ("an id of half a surrogate pair", good.replace(b'"a"', b'"\\udc00"')), ("a raw control character", good.replace(b'"x"', b'"a\x1bb"')),
        ("an id twice", good + b"\n" + good), ("a key that clears the screen", good[:-1] + b', "\\u001b[2J": 1}'),
        ("a carriage return in it", good.replace(b'"x"', b'"a\rb"')), ("a bad escape", good.replace(b'"x"', b'"\\x41"')),
        ("a byte order mark in the middle", good + b"\n\xef\xbb\xbf" + good.replace(b'"a"', b'"b"')), ("random bytes", bytes(range(256)) * 3),
    )  # fmt: skip


_ROWS: tuple[dict[str, Any], ...] = (
    {"id": ...}, {"id": ""}, {"id": " "}, {"id": None}, {"id": 7}, {"id": []}, {"prompt": ...}, {"prompt": ""}, {"prompt": "  "},
    {"prompt": None}, {"prompt": 7}, {"prompt": ["x"]}, {"prompt": {}}, {"messages": []}, {"messages": [], "prompt": ...},
    {"messages": "x", "prompt": ...}, {"messages": [7], "prompt": ...}, {"messages": [{}], "prompt": ...},
    {"messages": [{"role": "user"}], "prompt": ...}, {"messages": [{"role": "user", "content": ""}], "prompt": ...},
    {"messages": [{"role": "admin", "content": "x"}], "prompt": ...}, {"messages": [{"role": ESCAPE, "content": "x"}], "prompt": ...},
    {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], "prompt": ...},
    {"messages": [{"role": "system", "content": "x"}], "prompt": ...}, {"messages": [{"role": "user", "content": 7}], "prompt": ...},
    {"messages": [{"role": "user", "content": [{"type": "video"}]}], "prompt": ...},
    {"messages": [{"role": "user", "content": [{"type": ESCAPE}]}], "prompt": ...},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}], "prompt": ...},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "extra": 1}]}], "prompt": ...},
    {"messages": [{"role": "user", "content": [{"type": ["text"]}]}], "prompt": ...},
    {"messages": [{"role": "user", "content": "x", "parts": []}], "prompt": ...},
    {"messages": [{"role": "user", "content": "x", "name": "y"}], "prompt": ...},
    {"messages": [{"role": "user", "content": [{"type": "tool_call", "id": "x", "name": "y", "arguments": 7}]}], "prompt": ...},
    {"messages": [{"role": "user", "content": [{"type": "image", "media_type": 7}]}], "prompt": ...},
    {"system": 7}, {"system": []}, {"system": {"role": "user"}}, {"secrets": "x"}, {"secrets": [7]}, {"secrets": [None]}, {"secrets": {}},
    {"secrets": [""]}, {"secrets": [" "]}, {"secrets": ["..."]}, {"secrets": ["12"]}, {"secrets": ["-"]}, {"secrets": ["\u200b"]}, {"secrets": ["4471"]},
    {"secrets": ["ok", ""]}, {"tags": "x"}, {"tags": [7]}, {"tags": {}}, {"refs": ["x"]}, {"refs": [ESCAPE]}, {"refs": 7}, {"twin": "none"},
    {"twin": 7}, {"twin": ESCAPE}, {"twin": "../x/y"}, {"cluster": 7}, {"cluster": []}, {"documents": "x"}, {"documents": [7]},
    {"documents": [{"id": "d"}]}, {"documents": [{"id": "d", "text": 7}]}, {"documents": [{"id": "d", "text": "x", "more": 1}]},
    {"severity": "S0"}, {"severity": 1}, {"severity": ESCAPE}, {"unknown": 1}, {ESCAPE: 1}, {"Id": "b"}, {"prompt ": "x"}, {"expect": [[7]]},
    {"id": ESCAPE, "unknown": 1}, {"id": "a\u202eb", "unknown": 2}, {"id": "x" * 100_000, "unknown": 3},
)  # fmt: skip
