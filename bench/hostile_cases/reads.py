"""What a workspace would have shipworthy read or send: files of the machine, and its credentials."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from case import Case, Outcome, accepted, crashed, judge
from lab import KEY, Lab

LINKS, INCLUDES, KEYS = "link out of a workspace", "path out of a workspace", "credential sent elsewhere"
MARK = "MARK-of-the-machine-8842"


def controls(lab: Lab) -> Iterator[Case]:
    """Links and includes that stay inside."""

    def inside() -> Outcome:
        root = lab.workspace(samples=12)
        (root / "real.yaml").write_text("journeys: [{id: UJ-more, title: More}]\n")
        (root / "include" / "link.yaml").symlink_to(root / "real.yaml")
        return accepted(lab.run("check", "-C", root))

    yield Case(LINKS, "control: a link inside", inside)


def cases(lab: Lab) -> Iterator[Case]:
    """Links, includes, references."""
    for name in _LINKED:
        for what, make in _leads().items():
            yield Case(LINKS, f"{name} -> {what}", lambda name=name, make=make: _linked(lab, name, make))
    for pattern in _PATTERNS:
        yield Case(INCLUDES, f"include {str(pattern)[:50]!r}", lambda pattern=pattern: _included(lab, pattern))
    for name, put in _paths().items():
        yield Case(INCLUDES, name, lambda put=put: _pathed(lab, put))
    for number, (name, _) in enumerate(_targets(lab)):
        for key in ("env:RUNNER_SECRET", "env:OPENAI_API_KEY", "file:KEYFILE", "env:PATH"):
            yield Case(KEYS, f"{key} to {name}", lambda number=number, key=key: _keyed(lab, number, key))
    for name, target in _shown_on_the_way().items():
        yield Case(KEYS, name, lambda target=target: _asked_leave(lab, target))
    for name, facts in _FACTS.items():
        yield Case(KEYS, name, lambda facts=facts: _told(lab, facts))


# ---- links

_LINKED = (
    "system.yaml", "targets.yaml", "risks.yaml", "requirements.yaml", "gate.yaml", "guards.yaml", "include/journeys.yaml", "suites/leaks/suite.yaml",
    "suites/leaks/samples.jsonl", "suites/leaks/card.md", "suites/leaks", "suites", "include", "guards-more.yaml", "suites/more.yaml", "plugins/own.py", "plugins/deep/_part.py",
)  # fmt: skip


def _leads() -> dict[str, Callable[[Path, Path], object]]:
    """Return what a path of a workspace may be made: each takes the path, and a file outside of the workspace."""

    def loop(path: Path, outside: Path) -> None:
        path.symlink_to(path.name)

    def pipe(path: Path, outside: Path) -> None:
        os.mkfifo(path)

    def by_two(path: Path, outside: Path) -> None:
        middle = outside.with_name(f"middle-{path.name}")
        middle.symlink_to(outside)
        path.symlink_to(middle)

    def bound(path: Path, outside: Path) -> None:
        with socket.socket(socket.AF_UNIX) as made:
            before = Path.cwd()
            os.chdir(path.parent)  # a socket's path is short
            try:
                made.bind(path.name)
            finally:
                os.chdir(before)

    return {
        "a file outside": lambda path, outside: path.symlink_to(outside),
        "one outside, by two links": by_two,
        "/dev/zero": lambda path, outside: path.symlink_to("/dev/zero"),
        "itself": loop,
        "nothing": lambda path, outside: path.symlink_to("/nonexistent/x"),
        "a pipe": pipe,
        "a socket": bound,
    }


def _linked(lab: Lab, name: str, make: Callable[[Path, Path], object]) -> Outcome:
    root = lab.workspace(samples=12)
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    outside = root.parent / f"outside-{path.name}"
    if path.is_dir():
        path.rename(outside)
    elif path.exists():
        outside.write_bytes(path.read_bytes() + (f"\n# {MARK}\n".encode() if path.suffix in (".md", ".yaml") else b""))
        path.unlink()
    else:
        outside.write_text(f"# {MARK}\n")
    make(path, outside)
    # A pipe would hold up whoever opened it.
    ran = lab.spawn("check", "-C", root, timeout=15) if path.is_fifo() else lab.run("check", "-C", root, tty=True)
    # A file that leads nowhere is one that is not there; what must be there is then missed.
    ends = (0, 2) if not path.exists() or path.is_socket() or path.is_fifo() else (2,)
    return judge(ran, harm="what lies outside was shown" if MARK in ran.said else "", codes=ends)


# ---- paths

_PATTERNS: tuple[Any, ...] = (
    "../outside.yaml", "/etc/passwd", "/etc/*", "include/../../outside.yaml", "**/../../outside.yaml", "", " ", "..", ".", "/", "~/x.yaml", "include/..", "//etc/passwd",
    "none.yaml", "file:///etc/passwd", "http://127.0.0.1/x.yaml", "a\x00b", "\x1b[2J.yaml", "**", "***", "[", "a[", "**a", "a**", "x" * 5000, "a/" * 2000, "[!", "]", "{a,b}",
    "\udc00.yaml", 7, None, [], {}, True, ["include/*.yaml"], "suites/leaks/card.md", "suites/leaks/samples.jsonl", "..\\outside.yaml", "C:\\x.yaml",
)  # fmt: skip


def _included(lab: Lab, pattern: Any) -> Outcome:
    root = lab.workspace(samples=12)
    (root.parent / "outside.yaml").write_text(f"journeys: [{{id: UJ-out, title: {MARK}}}]\n")
    system = {"system": {"id": "SYS-toy", "title": "Toy", "owner": "t"}, "include": [pattern]}
    (root / "system.yaml").write_text(json.dumps(system))
    ran = lab.run("check", "-C", root, tty=True)
    # What finds nothing but names nothing outside may be let pass.
    harmless = (
        isinstance(pattern, str) and any(c in pattern for c in "*?[") and ".." not in pattern and pattern[0] != "/"
    )
    harm = "what lies outside was read" if MARK in ran.said or "UJ-out" in ran.said else ""
    return judge(ran, harm=harm, codes=(0, 2) if harmless else (2,))


def _paths() -> dict[str, Callable[[Path], object]]:
    def suite(text: str) -> Callable[[Path], object]:
        return lambda root: (root / "suites/leaks/suite.yaml").write_text(
            "id: leaks\nversion: '1'\ntitle: x\ncontent: synthetic\nmetric: leak\nscorers: [canary_leak]\n" + text
        )

    made: dict[str, Callable[[Path], object]] = {}
    for path in ("../../../outside.jsonl", "/etc/passwd", "~/x.jsonl", "/dev/zero", "/dev/stdin", "/proc/self/environ"):
        made[f"samples: {path}"] = suite(f"samples: {path}\n")
        made[f"card: {path}"] = suite(f"card: {path}\n")
        made[f"schema: {path}"] = suite(f"scorers: [{{use: json_schema, schema: {path}}}]\n".replace("scorers", "x"))
        made[f"use: {path}"] = lambda root, path=path: (root / "suites/more.yaml").write_text(f"use: {path}\n")
        made[f"use: library:{path}"] = lambda root, path=path: (root / "suites/more.yaml").write_text(
            f"use: library:{path}\n"
        )
    for path in ("../outside", "/etc", "none", "../../src"):
        made[f"a guard's rules of {path}"] = lambda root, path=path: (root / "guards.yaml").write_text(f"rules: [{{id: GD-x, use: input_rules, params: {{rules: {path}}}}}]\n")  # fmt: skip
    return made


def _pathed(lab: Lab, put: Callable[[Path], object]) -> Outcome:
    root = lab.workspace(samples=12)
    (root.parent / "outside.jsonl").write_text(json.dumps({"id": "out", "prompt": MARK}) + "\n")
    put(root)
    ran = lab.run("check", "-C", root, tty=True)
    return judge(ran, harm="what lies outside was shown" if MARK in ran.said else "", codes=(2,))


# ---- credentials


def _targets(lab: Lab) -> list[tuple[str, dict[str, Any]]]:
    place = lab.chat.place
    openai = {"use": "openai_compatible", "base_url": f"http://{place}/v1", "model": "m", "retries": 0}
    http = {"use": "http", "url": f"http://{place}/", "put": {"$.model": "message"}, "answer": "$.a", "retries": 0}
    beside = {"system": "https://api.openai.com/v1", "plain_http": True}
    return [
        ("an endpoint", openai), ("an endpoint in capitals", openai | {"base_url": f"HTTP://{place}/v1"}), ("a service", http),
        ("a header of its own", http | {"key_header": "X-Key"}), ("an endpoint beside its owner's name", openai | beside),
        ("an address with a blank before it", openai | {"base_url": f" http://{place}/v1"} | beside),
        ("an address with a tab in it", openai | {"base_url": f"http:\t//{place}/v1"} | beside),
        ("an address with a control character", openai | {"base_url": f"\x01http://{place}/v1"} | beside),
        ("an address with a user in it", openai | {"base_url": f"http://api.openai.com@{place}/v1"}),
        ("an address with a backslash", openai | {"base_url": f"http://{place}\\@api.openai.com/v1"}),
        ("an address whose owner is in the path", openai | {"base_url": f"http://{place}/api.openai.com/v1"}),
        ("an address whose owner is in the fragment", openai | {"base_url": f"http://{place}/v1#api.openai.com"}),
        ("an address whose owner is in the query", openai | {"query": {"x": "https://api.openai.com"}}),
        ("a body's field", openai | {"extra": {"token": "KEY"}}), ("the system prompt", openai | {"system": "KEY"}),
    ]  # fmt: skip


def _shown_on_the_way() -> dict[str, dict[str, Any]]:
    """Return targets that send a provider's own key to that provider, in a way that others could read."""
    openai = {"use": "openai_compatible", "model": "m", "retries": 0, "key": "env:OPENAI_API_KEY"}
    http = {"use": "http", "put": {"$.model": "message"}, "answer": "$.a", "retries": 0, "key": "env:OPENAI_API_KEY"}
    made = {}
    for name, plain in (
        ("unencrypted", "http://api.openai.com/v1"), ("unencrypted, in capitals", "HTTP://API.OPENAI.COM/v1"), ("unencrypted, at its port", "http://api.openai.com:443/v1"),
    ):  # fmt: skip
        made[f"a key to its owner, {name}"] = openai | {"base_url": plain, "plain_http": True}
        made[f"a key to its owner's service, {name}"] = http | {"url": plain, "plain_http": True}
    for name, file in (
        ("of the workspace", "ours.pem"),
        ("of the machine", "/etc/ssl/cert.pem"),
        ("without an end", "/dev/zero"),
    ):
        made[f"a key to its owner, by an authority {name}"] = openai | {"base_url": "https://api.openai.com/v1", "ca_file": file}  # fmt: skip
    made["a key to its owner, by a proxy"] = openai | {"base_url": "http://api.openai.com/v1", "plain_http": True, "proxies": True}  # fmt: skip
    return made


def _asked_leave(lab: Lab, target: dict[str, Any]) -> Outcome:
    root = lab.workspace(samples=2)
    lab.target(root, **target)
    os.environ["HTTP_PROXY"] = f"http://{lab.chat.place}"
    before = len(lab.chat.seen)
    try:
        ran = lab.run("eval", "-C", root, "--max-requests", "1", "--max-time", "3s", tty=True)
    finally:
        del os.environ["HTTP_PROXY"]
    return judge(ran, harm="it was sent" if len(lab.chat.seen) > before else "", codes=(2,))


def _keyed(lab: Lab, number: int, key: str) -> Outcome:
    root = lab.workspace(samples=2)
    (root.parent / "key").write_text(KEY)
    key = key.replace("KEYFILE", str(root.parent / "key"))
    _, target = _targets(lab)[number]
    text = json.dumps(target)
    made = json.loads(text.replace('"KEY"', json.dumps(key))) if '"KEY"' in text else {**target, "key": key}
    lab.target(root, **made)
    before = len(lab.chat.seen)
    ran = lab.run("eval", "-C", root, "--max-requests", "1", "--max-time", "3s", tty=True)
    secrets = (KEY, os.environ["PATH"])
    sent = any(s in str(headers) or s.encode() in body for headers, body in lab.chat.seen[before:] for s in secrets)
    harm = "it was sent" if sent else "it was shown" if KEY in ran.said else ""
    # As a body's field or a prompt it is a text like another, and is sent as it is written.
    return judge(ran, harm=harm, codes=(0, 2, 4))


_FACTS: dict[str, dict[str, Any]] = {
    f"facts: {name}": {"secrets": [{"name": "passcode", "value": value}]}
    for name, value in {
        "a variable": "env:RUNNER_SECRET", "a file of the machine": "file:/etc/passwd", "a device": "file:/dev/zero", "the environment": "file:/proc/self/environ",
        "a folder": "file:/etc", "a value": KEY, "nothing": "", "a variable that is not set": "env:NOT_SET_ANYWHERE",
    }.items()
}  # fmt: skip


def _told(lab: Lab, facts: dict[str, Any]) -> Outcome:
    root = lab.workspace(samples=12)
    system = {"system": {"id": "SYS-toy", "title": "Toy", "owner": "t"}, "facts": facts}
    (root / "system.yaml").write_text(json.dumps(system))
    (root / "suites/more.yaml").write_text("use: library:secret-leakage\n")
    ran = lab.run("eval", "-C", root, "--max-requests", "1", tty=True)
    if why := crashed(ran):
        return Outcome("traceback", why)
    harm = "it was shown" if KEY in ran.said or "root:" in ran.said else ""
    return judge(ran, harm=harm, codes=(2,))
