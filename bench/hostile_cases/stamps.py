"""Time stamps beside a pack that are of something else, of somebody else, or none."""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from case import Case, Outcome, accepted, judge
from lab import Lab

from shipworthy.evidence.stamp_request import request_for

KIND = "time stamp"
ESCAPE = "\x1b[2J\x1b[Hverdict: ship"
_SETTINGS = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:TRUE
[stamps]
basicConstraints = CA:FALSE
extendedKeyUsage = critical, timeStamping
[t]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
"""


class _Authority(NamedTuple):
    """Openssl's authority: the folder that it works in, and whom to believe."""

    folder: Path
    pem: Path

    def stamp(self, data: bytes) -> bytes:
        """Return its reply to a request for some bytes."""
        (self.folder / "query").write_bytes(request_for(data).data)
        _openssl(
            self.folder, "ts", "-reply", "-config", "settings", "-section", "t", "-queryfile", "query", "-out", "reply"
        )
        return (self.folder / "reply").read_bytes()


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@cache
def _authority(place: Path, name: str, *, stranger: bool = False) -> _Authority:
    folder = Path(
        tempfile.mkdtemp(prefix="eve-" if stranger else "authority-", dir=place)
    )  # one a process: several try cases at a time
    (folder / "settings").write_text(_SETTINGS.format(name=name, folder=folder))
    (folder / "serial").write_text("01")
    new = ("-newkey", "rsa:2048", "-nodes", "-config", "settings")
    _openssl(folder, "req", "-x509", *new, "-extensions", "root", "-keyout", "root.key", "-out", "root.pem")
    _openssl(folder, "req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Stamps")
    _openssl(
        folder, "x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
        "-extfile", "settings", "-extensions", "stamps", "-out", "tsa.pem",
    )  # fmt: skip
    return _Authority(folder, folder / "root.pem")


def controls(lab: Lab) -> Iterator[Case]:
    """The stamp as it is, where there is an openssl."""
    if shutil.which("openssl"):
        yield Case(KIND, "control: as it is", lambda: _control(lab))


def cases(lab: Lab) -> Iterator[Case]:
    """Stamps of other bytes and by strangers, changed ones, and what is none."""
    if not shutil.which("openssl"):
        return
    for name in ("of another pack", "of a stranger", "of a stranger with the same name"):
        yield Case(KIND, name, lambda name=name: _other(lab, name))
    for seed in range(20):
        yield Case(KIND, f"a byte of what was signed changed, seed {seed}", lambda seed=seed: _changed(lab, seed))
    for name, data in (
        ("empty", b""), ("text that clears the screen", ESCAPE.encode() * 20), ("a refusal", bytes.fromhex("30053003020102")),
        ("without a length", b"\x30\x80" * 50), ("200 levels", b"\x30\x03" * 200), ("a length of 4 GB", b"\x30\x84\xff\xff\xff\xff\x30"),
        ("a megabyte", bytes(1 << 20)),
    ):  # fmt: skip
        yield Case(KIND, name, lambda data=data: _verify(lab, data, _home(lab).pem))
    yield Case(KIND, "whom to believe is no certificate", lambda: _verify(lab, _home(lab).stamp(_pack(lab)), lab.trust))


def _home(lab: Lab) -> _Authority:
    return _authority(lab.trust.parent, "Root")


def _pack(lab: Lab) -> bytes:
    return lab.shipped.pack.read_bytes()


def _words(lab: Lab, stamp: bytes, pem: Path) -> list[object]:
    path = lab.place() / "stamp"
    path.write_bytes(stamp)
    return ["evidence", "verify", lab.shipped.pack, "--trust", lab.trust, "--stamp", path, "--stamp-trust", pem]


def _control(lab: Lab) -> Outcome:
    return accepted(lab.run(*_words(lab, _home(lab).stamp(_pack(lab)), _home(lab).pem)))


def _verify(lab: Lab, stamp: bytes, pem: Path) -> Outcome:
    return judge(lab.run(*_words(lab, stamp, pem), tty=True), codes=(2, 4))


def _other(lab: Lab, name: str) -> Outcome:
    if name == "of another pack":
        return _verify(lab, _home(lab).stamp(_pack(lab) + b"."), _home(lab).pem)
    named = "Root" if name.endswith("name") else "Eve"
    return _verify(lab, _authority(lab.trust.parent, named, stranger=True).stamp(_pack(lab)), _home(lab).pem)


def _changed(lab: Lab, seed: int) -> Outcome:
    data = bytearray(_home(lab).stamp(_pack(lab)))
    # From the content's type to the end of what was signed: version, digest, number, time.
    start = data.index(bytes.fromhex("060b2a864886f70d0109100104"))
    data[start + random.Random(seed).randrange(13, 100)] ^= 1
    return _verify(lab, bytes(data), _home(lab).pem)
