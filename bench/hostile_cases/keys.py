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
    for said, marks in (("asked", _ASKED), ("answered", _ANSWERED)):
        for name, mark in marks.items():
            for where in ("files", "output", "pack"):
                yield Case(PRIVATE, f"{name} that is {said}, in {where}", lambda mark=mark, where=where: _kept_private(lab, mark, where))  # fmt: skip
    yield Case(PRIVATE, "an answer, in the cache", lambda: _kept_private(lab, _WORDS, "cache"))


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
    "base32 of the whole header": lambda k: base64.b32encode(f"Bearer {k}".encode()).decode(), "base32 in small letters": lambda k: base64.b32encode(k.encode()).decode().lower(), "base32, the other alphabet": lambda k: base64.b32hexencode(k.encode()).decode(),
    "base64 twice, of the whole header": lambda k: base64.b64encode(base64.b64encode(f"Bearer {k}".encode())).decode(), "hexadecimal in base64": lambda k: base64.b64encode(k.encode().hex().encode()).decode(), "base64 in base32": lambda k: base64.b32encode(base64.b64encode(k.encode())).decode(),
    "hexadecimal twice": lambda k: k.encode().hex().encode().hex(), "percent form in base64": lambda k: base64.b64encode(_percent(k).encode()).decode(), "ascii85": lambda k: base64.a85encode(k.encode()).decode(), "base85": lambda k: base64.b85encode(k.encode()).decode(),
    "numbers": lambda k: " ".join(str(b) for b in k.encode()), "octal numbers": lambda k: " ".join(f"{b:o}" for b in k.encode()), "bits": lambda k: " ".join(f"{b:08b}" for b in k.encode()), "bytes of C": lambda k: ", ".join(f"0x{b:02x}" for b in k.encode()),
    "shifted by three": lambda k: "".join(chr(97 + (ord(c) - 94) % 26) if c.islower() else c for c in k.lower()), "rot47": lambda k: "".join(chr(33 + (ord(c) + 14) % 94) for c in k), "quoted-printable": lambda k: "".join(f"={b:02X}" for b in k.encode()),
    "octal escapes": lambda k: "".join(f"\\{b:03o}" for b in k.encode()), "code points": lambda k: " ".join(f"U+{ord(c):04X}" for c in k), "base64 in percent form": lambda k: _percent(base64.b64encode(k.encode()).decode()),
}  # fmt: skip

_SPLIT: dict[str, Form] = {
    "with spaces": " ".join, "with hyphens": "-".join, "with line feeds": "\n".join, "with invisible characters": "\u200b".join, "with stars": lambda k: "**".join((k[:8], k[8:])), "in wide letters": lambda k: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in k),
    "with strokes": "|".join, "with stars between all letters": "*".join, "with dots": " . ".join, "with quotes and commas": '", "'.join, "in letters of mathematics": lambda k: "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in k), "in circles": lambda k: "".join(chr(0x24D0 + ord(c) - 97) if "a" <= c <= "z" else c for c in k),
    "in Cyrillic letters": lambda k: k.translate(str.maketrans("ores", "\u043e\u0433\u0435\u0455")), "with accents": "\u0301".join, "base64 with hyphens": lambda k: "-".join(base64.b64encode(k.encode()).decode()), "in tags": lambda k: "".join(chr(0xE0000 + ord(c)) for c in k),
    "with a soft hyphen": lambda k: f"{k[:9]}\u00ad{k[9:]}", "in two lines": lambda k: f"{k[:10]}\n{k[10:]}", "twice, one in the other": lambda k: k[:5] + k + k[5:], "in a list": lambda k: json.dumps({"key": k, "again": [k]}),
}  # fmt: skip

_MARKS = {"a sample's id": "zq-patient-7731", "a cluster": "zq-ward-8842", "a tag": "zq-diagnosis-9953"}
"""What is replaced by a pseudonym, wherever it stands."""

_ASKED = {
    "an address of mail": "mira.vance@zq-clinic.org", "a telephone number": "+41 44 668 18 01", "an account": "DE89 3704 0044 0532 0130 00", "a card": "5105 1051 0510 5100",
    "a social security number": "536-90-4399", "a key": "ghp_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1cD2", "a network address": "81.14.201.77",
}  # fmt: skip
_ANSWERED = {
    "an address of mail": "otto.lind@zq-ward.net", "a telephone number": "+44 20 7946 0018", "an account": "GB29 NWBK 6016 1331 9268 19", "a card": "4012 8888 8888 1881",
    "a social security number": "212-09-7694", "a key": "AKIA" + "Z7Q2M4X6B8N1V3C5", "a network address": "62.12.129.5",
}  # fmt: skip
_WORDS = "zq said of nobody"
"""What text is recognised in, which is kept but for that (`SECURITY.md`); of a private suite, no reply is cached."""


def _private(lab: Lab) -> Path:
    """Return a workspace with a run, a decision and a pack of a private suite; made once."""
    found = getattr(lab, "private_root", None)
    if found is not None:
        return Path(found)
    lab.chat.answers["private"] = lambda prompt, headers: f"{_WORDS}: {'; '.join(_ANSWERED.values())}."
    root = lab.workspace("private", samples=40)
    id, cluster, tag = _MARKS.values()
    for name in ("leaks", "helps"):
        suite = root / f"suites/{name}/suite.yaml"
        suite.write_text(suite.read_text().replace("synthetic", "private"))
        path = root / f"suites/{name}/samples.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for number, row in enumerate(rows):
            row |= {"id": f"{id}-{number}", "cluster": f"{cluster}-{number}", "tags": [tag]}
            row |= {"prompt": f"Question {number}, of: {'; '.join(_ASKED.values())}."}
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
        "cache": [*(root / ".shipworthy").rglob("*.sqlite*")],
    }
    if where in ("files", "pack") and not any(_WORDS.encode() in path.read_bytes() for path in places[where]):
        return Outcome("traceback", "the laboratory kept no answer at all, so that nothing is shown")
    found = [path for path in places[where] if mark.encode() in path.read_bytes()]
    harm = f"it is in {', '.join(path.name for path in found[:3])}" if found else ""
    return judge(Ran(0, "", ""), harm=harm, codes=(0,))
