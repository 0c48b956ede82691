"""Endpoints that echo the key they were sent, and suites that are private: nothing of either is left anywhere."""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from case import Case, Outcome, Ran, accepted, judge
from lab import KEY, Lab

ECHO, PRIVATE = "key, echoed", "private suite"


def controls(lab: Lab) -> Iterator[Case]:
    """The endpoint is asked with the key, and what it echoes reaches us."""

    def kept() -> Outcome:
        ran, root = _echoed(lab, lambda key: "it begins with s")
        found = [path for path in _files(root) if b"it begins with s" in path.read_bytes()]
        return accepted(ran) if found else Outcome("refused", "nothing of the answer was kept")

    yield Case(ECHO, "control: what is no key is kept", kept)


def cases(lab: Lab) -> Iterator[Case]:
    """Forms of a key, and what a private suite holds."""
    for name, form in _FORMS.items():
        yield Case(ECHO, name, lambda form=form: _left(lab, form, form))
    for name, form in _SPLIT.items():
        yield Case(ECHO, name, lambda form=form: _left(lab, form, form))
    for name, mark in _MARKS.items():
        for where in ("files", "output", "pack"):
            yield Case(PRIVATE, f"{name}, in {where}", lambda mark=mark, where=where: _kept_private(lab, mark, where))


Form = Callable[[str], str]


def _echoed(lab: Lab, form: Form) -> tuple[Ran, Path]:
    def say(prompt: str, headers: Mapping[str, str]) -> str:
        key = next((v for k, v in headers.items() if k.lower() == "authorization"), "").removeprefix("Bearer ")
        return f"Sure, you sent {form(key)} to me." if key else "no key"

    lab.chat.answers["echo"] = say
    root = lab.workspace(samples=2)
    lab.target(root, use="openai_compatible", base_url=lab.chat.url, model="echo", key="env:RUNNER_SECRET", retries=0)
    with lab.allowed({"keys": {"env:RUNNER_SECRET": [lab.chat.place]}}):
        return lab.run("eval", "-C", root, "--no-guards"), root


def _files(root: Path) -> list[Path]:
    return [path for path in root.parent.rglob("*") if path.is_file()]


def _left(lab: Lab, form: Form, looked_for: Form) -> Outcome:
    ran, root = _echoed(lab, form)
    with lab.allowed({"keys": {"env:RUNNER_SECRET": [lab.chat.place]}}):
        shown = "".join(
            lab.run(*words, "-C", root).said
            for words in (("runs", "samples", "latest"), ("gate",), ("report", "--format", "html:-"), ("report",))
        )
    echo = looked_for(KEY).encode("utf-8", "replace")
    spellings = {echo, json.dumps(echo.decode())[1:-1].encode()}
    found = [path for path in _files(root) if any(one in path.read_bytes() for one in spellings)]
    harm = f"it is in {', '.join(str(p.relative_to(root)) for p in found[:3])}" if found else ""
    if not harm and any(one.decode() in shown + ran.said for one in spellings):
        harm = "it was shown"
    return judge(ran, harm=harm, codes=(0, 2, 4))


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


_FORMS: dict[str, Form] = {
    "as it is": lambda k: k, "in capitals": str.upper, "in small letters": str.lower, "reversed": lambda k: k[::-1], "base64": lambda k: base64.b64encode(k.encode()).decode(),
    "base64 without padding": lambda k: base64.b64encode(k.encode()).decode().rstrip("="), "base64 for addresses": lambda k: base64.urlsafe_b64encode(k.encode()).decode(),
    "base64 of the whole header": lambda k: base64.b64encode(f"Bearer {k}".encode()).decode(), "base64 of a word before it": lambda k: base64.b64encode(f"x{k}".encode()).decode(),
    "base64 twice": lambda k: base64.b64encode(base64.b64encode(k.encode())).decode(), "base64 reversed": lambda k: base64.b64encode(k.encode()).decode()[::-1], "base64 of it reversed": lambda k: base64.b64encode(k[::-1].encode()).decode(),
    "base32": lambda k: base64.b32encode(k.encode()).decode(), "hexadecimal": lambda k: k.encode().hex(), "hexadecimal in capitals": lambda k: k.encode().hex().upper(), "percent form": _percent,
    "percent form of what must be": lambda k: urllib.parse.quote(k.replace("-", "%2D")), "percent form in small letters": lambda k: _percent(k).lower(), "percent form twice": lambda k: _percent(_percent(k)), "rot13": lambda k: codecs.encode(k, "rot13"),
    "escapes of JSON": lambda k: "".join(f"\\u{ord(c):04x}" for c in k), "escapes of HTML": lambda k: "".join(f"&#{ord(c)};" for c in k), "escapes of HTML, hexadecimal": lambda k: "".join(f"&#x{ord(c):x};" for c in k),
    "in quotes": lambda k: f'"{k}"', "behind a word": lambda k: f"key{k}", "before a word": lambda k: f"{k}key", "binary of uuencode": lambda k: binascii.b2a_uu(k.encode()).decode().strip(),
}  # fmt: skip

_SPLIT: dict[str, Form] = {
    "with spaces": " ".join, "with hyphens": "-".join, "with line feeds": "\n".join, "with invisible characters": "\u200b".join, "with stars": lambda k: "**".join((k[:8], k[8:])), "in wide letters": lambda k: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in k),
    "with a soft hyphen": lambda k: f"{k[:9]}\u00ad{k[9:]}", "in two lines": lambda k: f"{k[:10]}\n{k[10:]}", "twice, one in the other": lambda k: k[:5] + k + k[5:], "in a list": lambda k: json.dumps({"key": k, "again": [k]}),
}  # fmt: skip

_MARKS = {"a sample's id": "zq-patient-7731", "a cluster": "zq-ward-8842", "a tag": "zq-diagnosis-9953", "a prompt": "zq prompt of Mira Vance", "an answer": "zq answer of Mira Vance"}  # fmt: skip


def _private(lab: Lab) -> Path:
    """Return a workspace with a run, a decision and a pack of a private suite; made once."""
    found = getattr(lab, "private_root", None)
    if found is not None:
        return Path(found)
    lab.chat.answers["private"] = lambda prompt, headers: _MARKS["an answer"]
    root = lab.workspace("private", samples=40)
    suite = root / "suites/leaks/suite.yaml"
    suite.write_text(suite.read_text().replace("synthetic", "private"))
    path = root / "suites/leaks/samples.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for number, row in enumerate(rows):
        row |= {
            "id": f"{_MARKS[chr(97) + ' sample' + chr(39) + 's id']}-{number}",
            "cluster": f"{_MARKS['a cluster']}-{number}",
        }
        row |= {"tags": [_MARKS["a tag"]], "prompt": f"{_MARKS['a prompt']} {number}"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    lab.key  # noqa: B018
    said = lab.run("eval", "-C", root).said + lab.run("gate", "-C", root).said
    lab.run("evidence", "build", "-C", root, "-o", root.parent / "pack.zip")
    for words in (("runs", "show"), ("runs", "samples", "latest"), ("report",), ("report", "--format", "html:-"), ("report", "--format", "json:-"), ("decisions", "show")):  # fmt: skip
        said += lab.run(*words, "-C", root).said
    (root.parent / "said.txt").write_text(said)
    lab.private_root = root  # type: ignore[attr-defined]
    return root


def _kept_private(lab: Lab, mark: str, where: str) -> Outcome:
    root = _private(lab)
    text, pack = (root.parent / "said.txt").read_text(), root.parent / "pack.zip"
    if not pack.exists():
        return Outcome("traceback", f"the laboratory has no pack: {text[-200:]}")
    places = {
        "files": [path for path in (root / ".shipworthy").rglob("*") if path.is_file()],
        "output": [root.parent / "said.txt"],
        "pack": [pack],
    }
    found = [path for path in places[where] if mark.encode() in path.read_bytes()]
    harm = f"it is in {', '.join(path.name for path in found[:3])}" if found else ""
    return judge(Ran(0, "", ""), harm=harm, codes=(0,))
