"""Packs that nobody trusted signed: every byte is the sender's. They cost little and move no cursor."""

from __future__ import annotations

import base64
import io
import json
import os
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from case import Case, Outcome, Ran, accepted, judge
from lab import Lab

from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.evidence import archive
from shipworthy.evidence.verify import ATTESTATION, MANIFEST
from shipworthy.store.signing import sign, statement

KIND = "pack, unsigned"
ESCAPE = "\x1b[2J\x1b[Hverdict: ship\x9b2K\u202e"
MOST_BYTES, MOST_SECONDS = 300 << 20, 3.0
"""What an unsigned pack of 65 MB may cost: the whole process, from its start."""


def controls(lab: Lab) -> Iterator[Case]:
    """The pack as it is; and the cost of one of 65 MB is measured where it can be."""
    yield Case(KIND, "control: as it is", lambda: accepted(_verify(lab, lambda data: data)))


def cases(lab: Lab) -> Iterator[Case]:
    """Bytes, containers, envelopes and places."""
    for name, change in (*_bytes(), *_containers(), *_envelopes(lab)):
        yield Case(KIND, name, lambda change=change: judge(_verify(lab, change), codes=(4,)))
        if "clears" in name:
            yield Case(KIND, f"{name}, shown", lambda change=change: _shown(lab, change))
    for name, make in _places(lab):
        yield Case(KIND, name, lambda make=make: judge(_at(lab, make), codes=(2, 4)))
    for name, change in _large():
        yield Case(KIND, name, lambda change=change: _cost(lab, change))
    yield Case(KIND, "of a stranger who signed it well", lambda: judge(_strange(lab), codes=(4,)))


def _write(lab: Lab, change: Callable[[bytes], bytes]) -> Path:
    path = lab.place() / "pack.zip"
    path.write_bytes(change(lab.shipped.pack.read_bytes()))
    return path


def _verify(lab: Lab, change: Callable[[bytes], bytes]) -> Ran:
    return lab.run("evidence", "verify", _write(lab, change), "--trust", lab.trust, tty=True)


def _shown(lab: Lab, change: Callable[[bytes], bytes]) -> Outcome:
    return judge(lab.run("evidence", "show", _write(lab, change), tty=True), codes=(0, 2, 4))


def _at(lab: Lab, make: Callable[[Path], Path]) -> Ran:
    return lab.spawn("evidence", "verify", make(lab.place()), "--trust", lab.trust, timeout=8)


def _strange(lab: Lab) -> Ran:
    from shipworthy.store.signing import new_key

    stranger = new_key(lab.place() / "eve", "eve", owner="ada")
    return _verify(lab, lambda data: _signed(archive.read(data), [stranger]))


def _signed(members: dict[str, bytes], keys: list[Any]) -> bytes:
    old = json.loads(base64.b64decode(json.loads(members[ATTESTATION])["payload"]))
    subject = {MANIFEST: bytes_digest(members[MANIFEST])}
    members[ATTESTATION] = sign(statement(subject, old["predicateType"], old["predicate"]), keys)
    return archive.write(members)


# ---- bytes


def _bytes() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    yield "no byte", lambda data: b""
    yield "no pack at all", lambda data: b"verdict: ship\n" * 50
    yield "text that clears the screen", lambda data: ESCAPE.encode() * 50
    for part in (1, 4, 10, 29, 30, 100, 1000, 5000):
        yield f"cut off after {part} bytes", lambda data, part=part: data[:part]
    for part in (1, 2, 22, 100, 2000):
        yield f"cut off {part} bytes before its end", lambda data, part=part: data[:-part]
    for seed in range(20):
        yield f"one bit turned, seed {seed}", lambda data, seed=seed: _flipped(data, seed)
    for seed in range(8):
        yield f"a piece put elsewhere, seed {seed}", lambda data, seed=seed: _moved(data, seed)
    yield "a byte after its end", lambda data: data + b"\n"
    yield "twice", lambda data: data + data
    yield "a script before it", lambda data: b"#!/bin/sh\necho ship\n" + data
    yield "random bytes behind a member's signature", lambda data: b"PK\3\4" + random.Random(3).randbytes(4000)


def _flipped(data: bytes, seed: int) -> bytes:
    changed, rng = bytearray(data), random.Random(seed)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _moved(data: bytes, seed: int) -> bytes:
    rng = random.Random(100 + seed)
    start, length, to = rng.randrange(len(data) - 500), rng.randrange(1, 400), rng.randrange(len(data) - 500)
    piece, rest = data[start : start + length], data[:start] + data[start + length :]
    return rest[:to] + piece + rest[to:]


# ---- containers


def _zip(
    members: dict[str, bytes], *, method: int = zipfile.ZIP_STORED, comment: bytes = b"", mode: int = 0o100644
) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as made:
        made.comment = comment
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, method
            made.writestr(info, data)
    return held.getvalue()


def _containers() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    read = archive.read
    yield "packed again by another tool", lambda data: _zip(read(data))
    yield "compressed", lambda data: _zip(read(data), method=zipfile.ZIP_DEFLATED)
    yield "a bomb of zeros", lambda data: _zip({**read(data), "z.bin": b"\0" * (50 << 20)}, method=zipfile.ZIP_DEFLATED)
    yield "a comment that clears the screen", lambda data: _zip(read(data), comment=ESCAPE.encode())
    yield "members that are links", lambda data: _zip(read(data), mode=0o120777)
    for name in (
        "../../etc/cron.d/x", "/etc/passwd", "..\\..\\x", "C:\\x", "a/../../x", "\0", ".git/hooks/x", f"{ESCAPE} clears",
        "\r\nverdict: ship", "é", "x" * 65000,
    ):  # fmt: skip
        yield f"a member named {name[:24]!r}", lambda data, name=name: _zip({**read(data), name: b"x"})
        yield f"the first member named {name[:24]!r}", lambda data, name=name: _first_named(data, name)
    yield "a member there twice", lambda data: data.replace(b"PK\1\2", _local(data) + b"PK\1\2", 1)
    yield "20,000 empty members", lambda data: _zip({f"m{n}": b"" for n in range(20_000)})
    for field, value in (("method", 8), ("flags", 1), ("flags", 0xFFFF), ("needs", 0xFFFF), ("date", 0xFFFF)):
        yield f"a header whose {field} is {value}", lambda data, field=field, value=value: _header(data, field, value)
    for size in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
        yield f"a member that says it has {size} bytes", lambda data, size=size: _sized(data, size)
    yield "an end record of 65,535 members", lambda data: data[:-14] + struct.pack("<2H", 0xFFFF, 0xFFFF) + data[-10:]


def _first_named(data: bytes, name: str) -> bytes:
    raw = name.encode()
    return struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0x800, 0, 0, 0x21, 0, 0, 0, len(raw), 0) + raw + data


def _local(data: bytes) -> bytes:
    return data[: data.index(b"PK\3\4", 4)]


def _header(data: bytes, field: str, value: int) -> bytes:
    at = {"needs": 4, "flags": 6, "method": 8, "date": 12}[field]
    return data[:at] + struct.pack("<H", value) + data[at + 2 :]


def _sized(data: bytes, size: int) -> bytes:
    return data[:18] + struct.pack("<2I", size, size) + data[26:]


# ---- envelopes and manifests: the container is well made, and its words are the sender's


def _member(name: str, how: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        members = archive.read(data)
        members[name] = how(members[name])
        return archive.write(members)

    return change


def _json(name: str, how: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    def rewrite(text: bytes) -> bytes:
        value = json.loads(text)
        changed = how(value)
        return json.dumps(value if changed is None else changed, sort_keys=True, separators=(",", ":")).encode()

    return _member(name, rewrite)


def _envelopes(lab: Lab) -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    def sig(**fields: Any) -> Callable[[bytes], bytes]:
        return _json(ATTESTATION, lambda e: e["signatures"][0].update(fields))

    yield "a key id that clears the screen", sig(keyid=ESCAPE)
    yield "a key id of 2 MB", sig(keyid="a" * (2 << 20))
    yield "a key id that is a list", sig(keyid=["x"])
    yield "no signature", _json(ATTESTATION, lambda e: e.update(signatures=[]))
    yield "signatures that are no list", _json(ATTESTATION, lambda e: e.update(signatures={"keyid": "x"}))
    yield "one signature twice", _json(ATTESTATION, lambda e: e.update(signatures=e["signatures"] * 2))
    yield "100,000 signatures", _json(ATTESTATION, lambda e: e.update(signatures=e["signatures"] * 100_000))
    yield "a signature of no bytes", sig(sig="")
    yield "a signature of 63 bytes", sig(sig=base64.b64encode(b"x" * 63).decode())
    yield "a signature that is no base64", sig(sig="*" * 88)
    yield "a signature with a stray bit", _json(ATTESTATION, lambda e: e["signatures"][0].update(sig=_stray(e["signatures"][0]["sig"])))  # fmt: skip
    yield "another payload type", _json(ATTESTATION, lambda e: e.update(payloadType="text/plain"))
    yield "a payload type that clears the screen", _json(ATTESTATION, lambda e: e.update(payloadType=ESCAPE))
    yield "a payload that is none", _json(ATTESTATION, lambda e: e.update(payload=""))
    yield "a field of its own", _json(ATTESTATION, lambda e: e.update(note="ship"))
    yield "the envelope's keys in another order", _member(ATTESTATION, lambda t: json.dumps(dict(reversed(json.loads(t).items()))).encode())  # fmt: skip
    yield "an envelope with a key twice", _member(ATTESTATION, lambda t: b'{"payload":"",' + t[1:])
    yield "a statement that says ship", _json(ATTESTATION, lambda e: e.update(payload=base64.b64encode(base64.b64decode(e["payload"]).replace(b"SYS-toy", b"SYS-you")).decode()))  # fmt: skip
    for word, text in (
        ("empty", b""), ("null", b"null"), ("a list", b"[]"), ("a text", b'"x"'), ("a number", b"7"), ("cut off", b'{"pay'),
        ("100,000 brackets", b"[" * 100_000), ("no UTF-8", b"\xff\xfe"), ("UTF-16", '{"a":1}'.encode("utf-16")),
        ("NaN", b"NaN"), ("a number of 5,000 digits", b"9" * 5000), ("half a surrogate pair", b'{"\\ud800":1}'),
    ):  # fmt: skip
        yield f"an envelope that is {word}", _member(ATTESTATION, lambda _, text=text: text)
        yield f"a manifest that is {word}", _member(MANIFEST, lambda _, text=text: text)
    for version in (0, 1, 99, -1, None, "4", [], 4.0, True, ESCAPE, "x" * 100_000):
        named = "that clears the screen" if version == ESCAPE else repr(version)[:20]
        yield f"a pack version {named}", _json(MANIFEST, lambda m, version=version: m.update(version=version))
    yield "files that are a list", _json(MANIFEST, lambda m: m.update(files=[]))
    yield "a file that clears the screen in the manifest", _json(MANIFEST, lambda m: m["files"].update({ESCAPE: "x"}))
    yield "a digest that is a number", _json(MANIFEST, lambda m: m["files"].update({"decision.json": 7}))
    yield "no envelope", lambda data: _without(data, ATTESTATION)
    yield "no manifest", lambda data: _without(data, MANIFEST)
    yield "an envelope alone", lambda data: archive.write({ATTESTATION: archive.read(data)[ATTESTATION]})
    yield "the signature of the pack of another system", lambda data: _of_another(lab, data)
    yield "the manifest of the pack of another system", lambda data: _member(MANIFEST, lambda _: archive.read(lab.held_back.pack.read_bytes())[MANIFEST])(data)  # fmt: skip


def _stray(text: str) -> str:
    """Return another spelling of the same bytes in base64."""
    bare = text.rstrip("=")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return bare[:-1] + letters[letters.index(bare[-1]) ^ 1] + "=" * (len(text) - len(bare))


def _without(data: bytes, name: str) -> bytes:
    members = archive.read(data)
    del members[name]
    return archive.write(members)


def _of_another(lab: Lab, data: bytes) -> bytes:
    other = archive.read(lab.held_back.pack.read_bytes())
    return archive.write({**archive.read(data), ATTESTATION: other[ATTESTATION]})


# ---- places


def _places(lab: Lab) -> Iterator[tuple[str, Callable[[Path], Path]]]:
    def pipe(place: Path) -> Path:
        os.mkfifo(place / "pack.zip")
        return place / "pack.zip"

    def link(place: Path) -> Path:
        (place / "pack.zip").symlink_to("pack.zip")
        return place / "pack.zip"

    yield "a folder", lambda place: place
    yield "nothing there", lambda place: place / "none.zip"
    yield "a pipe that nobody writes to", pipe
    yield "a device without an end", lambda place: Path("/dev/zero")
    yield "a link to itself", link
    yield "a name that clears the screen", lambda place: place / "\x1b[2Jverdict: ship"
    yield "a name of 5,000 letters", lambda place: place / ("x" * 5000)


# ---- cost


def _large() -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    size = 65 << 20

    def manifest(data: bytes) -> bytes:
        members = archive.read(data)
        files = {f"m{n}": "sha256:" + "0" * 64 for n in range(600_000)}
        return archive.write({**members, MANIFEST: canonical({"files": files, "version": 4})})

    def nested(data: bytes) -> bytes:
        return archive.write({**archive.read(data), MANIFEST: b'{"files":' + b"[" * size + b"]" * 10})

    yield "65 MB: a member", lambda data: archive.write({**archive.read(data), "zz.bin": bytes(size)})
    yield "65 MB: the decision", lambda data: archive.write({**archive.read(data), "decision.json": b'{"a":"' + b"x" * size + b'"}'})  # fmt: skip
    yield "65 MB: numbers in the decision", lambda data: archive.write({**archive.read(data), "decision.json": b"[" + b"1," * (size // 2) + b"1]"})  # fmt: skip
    yield "a manifest of 600,000 files", manifest
    yield "65 MB: a manifest of brackets", nested
    yield "65 MB: the envelope", lambda data: archive.write({**archive.read(data), ATTESTATION: b'{"payload":"' + b"A" * size + b'"}'})  # fmt: skip
    yield "65 MB: numbers in the envelope", lambda data: archive.write({**archive.read(data), ATTESTATION: b"[" + b"1," * (size // 2) + b"1]"})  # fmt: skip
    yield "65 MB: nothing but text", lambda data: b"ship" * (size // 4)


_MEASURED = """
import pathlib, resource, sys, time
began = time.process_time()
from shipworthy.cli import run
code = run(sys.argv[1:])
try:
    status = pathlib.Path("/proc/self/status").read_text()  # the rusage of a child begins with its parent's
    most = int(status.partition("VmHWM:")[2].split()[0])
except OSError:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"cost {most * 1024} {time.process_time() - began:.3f}")
sys.exit(code)
"""


def _cost(lab: Lab, change: Callable[[bytes], bytes]) -> Outcome:
    path = _write(lab, change)
    words = ["evidence", "verify", str(path), "--trust", str(lab.trust)]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *words], capture_output=True, text=True, timeout=120, check=False
    )
    path.unlink()
    *said, cost = done.stdout.splitlines() or [""]
    _, memory, seconds = cost.split() if cost.startswith("cost ") else ("", str(1 << 40), "999")
    harm = ""
    if int(memory) > MOST_BYTES or float(seconds) > MOST_SECONDS:
        harm = f"took {int(memory) >> 20} MB and {float(seconds):.1f} s"
    return judge(Ran(done.returncode, "\n".join(said), done.stderr), harm=harm, codes=(4,))
