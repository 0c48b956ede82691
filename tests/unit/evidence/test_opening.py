"""Nothing of a pack is parsed before somebody trusted has signed its manifest, and an unsigned one costs little."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipworthy.core import strict_json
from shipworthy.core.errors import UsageError
from shipworthy.evidence import archive, verify
from shipworthy.evidence.verification import report
from shipworthy.evidence.verify import ATTESTATION, MANIFEST, verify_bytes, verify_pack
from shipworthy.store.dsse import encode
from shipworthy.store.signing import new_key, sign
from shipworthy.store.trust import Trust, trust_json

MANY = b"[" + b"[]," * 5_500_000 + b"[]]"
FORGED = "\x1b[2J\x1b[Hok   signature\nverdict: ship \u202e"

MEASURED = """
import sys, time
from pathlib import Path
from shipworthy.evidence.verify import main
began = time.process_time()
code = main(sys.argv[1:])
# Not ru_maxrss: a child begins with its parent's.
peak = next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(code, peak, time.process_time() - began, file=sys.stderr)
"""


@pytest.fixture
def unparsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("parsed before the signature was checked")

    monkeypatch.setattr(strict_json, "loads", refuse)
    monkeypatch.setattr(json, "loads", refuse)
    monkeypatch.setattr(archive, "read", refuse)


def test_an_unsigned_pack_is_not_parsed(case: Any, tmp_path: Path, unparsed: None) -> None:
    members = archive.find(__import__("io").BytesIO(case.pack), (MANIFEST, ATTESTATION), 1 << 24)
    stranger = new_key(tmp_path, "eve")
    assert not verify_bytes(case.pack, Trust((stranger.public,))).ok
    for envelope in (b"", b"{}", b"[" * 100_000, members[ATTESTATION][:-1], sign(b"{}", [stranger]), b"\xff" * 100):
        found = verify_bytes(archive.write({MANIFEST: members[MANIFEST], ATTESTATION: envelope}), case.trust)
        assert [check.ok for check in found.checks] == [False]
        assert found.checks[0].what == "signature"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", MANY * 4),
        (MANIFEST, MANY),
        (ATTESTATION, b'{"payload":' + MANY + b"}"),
        (ATTESTATION, encode(b"A" * 12_000_000, "application/vnd.in-toto+json", [("0" * 64, b"s" * 64)])),
        (ATTESTATION, b'{"payload":"' + b"A" * 16_000_000),
    ],
    # An id that holds the content would be too long for the environment of a process.
    ids=["a member", "the manifest", "no envelope", "a long payload", "a payload without end"],
)
def test_a_large_unsigned_pack_costs_little(case: Any, tmp_path: Path, name: str, content: bytes) -> None:
    members = archive.read(case.pack) | {name: content}
    signed = json.loads(members[MANIFEST]) if name != MANIFEST else {"files": {}}
    if name == "a.json":  # the manifest lists it, so that only the signature is wrong
        members[MANIFEST] = json.dumps(signed | {"version": 9}).encode()
    members["z.bin"] = bytes(max(0, (65 << 20) - sum(map(len, members.values()))))
    pack, trust = tmp_path / "pack.zip", tmp_path / "trust.json"
    pack.write_bytes(archive.write(members))
    assert pack.stat().st_size >= 65 << 20
    trust.write_text(trust_json([case.key.public]))
    command = [sys.executable, "-c", MEASURED, str(pack), "--trust", str(trust)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    code, peak, seconds = done.stderr.split()
    assert code == "4", done.stdout
    assert "cannot be believed" in done.stdout
    assert int(peak) < 200, "MB"
    assert float(seconds) < 3


Change = Callable[[dict[str, bytes]], Any]


def test_an_unsigned_pack_prints_nothing_of_its_own(case: Any, tmp_path: Path) -> None:
    members = archive.read(case.pack)
    key = new_key(tmp_path, "eve")
    listed = {"files": {FORGED: "x"}, "version": FORGED}
    for manifest in (listed, {"files": listed, "version": 5}, FORGED):
        members[MANIFEST] = json.dumps(manifest).encode()
        for envelope in (members[ATTESTATION], sign(json.dumps({"_type": FORGED}).encode(), [key])):
            text = report(verify_bytes(archive.write(members | {ATTESTATION: envelope}), case.trust))
            assert "verdict" not in text.lower()
            assert text.count("\n") == 1 and all(line.isprintable() for line in text.splitlines())


def test_a_name_in_the_archive_is_shown_as_bytes(case: Any) -> None:
    data = bytearray(case.pack)
    data[30:40] = b"\x1b[2Jship\n\r\x07"[:10]
    assert all(line.isprintable() for line in report(verify_bytes(bytes(data), case.trust)).splitlines())


def test_what_is_no_file_is_a_mistake_of_the_user(case: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, Path(os.devnull), tmp_path / "none.zip"):
        with pytest.raises(UsageError, match="cannot read the pack"):
            verify_pack(path, case.trust)


def test_a_file_that_changes_between_two_looks_is_refused(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    members = archive.read(case.pack)
    other = archive.write(members | {MANIFEST: b"{}"})
    real = archive.read
    monkeypatch.setattr(verify.archive, "read", lambda data: real(other))
    # Only the library's own: the process of the stand-alone verifier has another `archive`.
    assert "changed while it was read" in verify.verify_bytes(case.pack, case.trust).problems[0]
