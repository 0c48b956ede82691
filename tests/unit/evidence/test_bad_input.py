"""What is handed over in bad faith or by mistake: each is refused by both verifiers, and the record is named."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.evidence import alone, forging

from shipworthy.cli import run as shipworthy
from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.evidence import archive
from shipworthy.store.trust import public_json

Change = Callable[[Any], bytes]


def first_log(members: dict[str, Any]) -> str:
    return min(name for name in members if re.fullmatch(r"runs/.+/attempts-.+\.jsonl", name))


def edited(case: Any) -> bytes:
    members = archive.read(case.pack)
    name = first_log(members)
    return archive.write(members | {name: members[name].replace(b'"hit":true', b'"hit":false', 1)})


def edited_and_signed(case: Any) -> bytes:
    def edit(files: dict[str, Any]) -> None:
        name = first_log(files)
        files[name] = files[name].replace(b'"hit":true', b'"hit":false', 1)

    return forging.resigned(case, edit)


def reordered(case: Any) -> bytes:
    def edit(files: dict[str, Any]) -> None:
        first, second, *rest = files[first_log(files)].splitlines(keepends=True)
        files[first_log(files)] = b"".join((second, first, *rest))

    return forging.resigned(case, edit)


def reordered_audit(case: Any) -> bytes:
    def swap(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        entries[0], entries[1] = entries[1], entries[0]

    return forging.relogged(case, swap)


def replaced(case: Any) -> bytes:
    return archive.write(archive.read(case.pack) | {"report.html": b"<p>ship</p>"})


def added(case: Any) -> bytes:
    return archive.write(archive.read(case.pack) | {"notes.txt": b"believe me"})


def duplicated(case: Any) -> bytes:
    start = case.pack.index(b"PK\3\4", 1)  # the second member; the first one is there again before it
    return bytes(case.pack[:start] + case.pack)


def bomb(case: Any) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in archive.read(case.pack).items():
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
        file.writestr("zeros.json", bytes(64 << 20), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def escape(case: Any) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as file:
        for name, data in {"../evil.sh": b"echo", **archive.read(case.pack)}.items():
            file.writestr(name, data)
    return packed.getvalue()


def clock_set_back(case: Any) -> bytes:
    def earlier(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        entries[-1]["at"] = "2025-06-01T00:00:00Z"

    return forging.relogged(case, earlier)


def another_subject(case: Any) -> bytes:
    """The decision on the guarded desk, signed over the run without guards."""

    def swap(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        files["decision.json"]["subject_digest"] = files[f"runs/{case.baseline.id}/manifest.json"]["subject_digest"]
        entries[-1]["body"]["digest"] = bytes_digest(canonical(files["decision.json"]))

    return forging.relogged(case, swap)


def as_it_is(case: Any) -> bytes:
    return bytes(case.pack)


@pytest.mark.parametrize(
    ("change", "key", "options", "code", "named"),
    [
        (as_it_is, {}, (), 0, r"Its verdict: no-ship"),
        (edited, {}, (), 4, r"runs/\S+/attempts-\S+\.jsonl: its content was changed"),
        (edited_and_signed, {}, (), 4, r"runs/\S+/attempts-\S+\.jsonl:\d+: "),
        (reordered, {}, (), 4, r"runs/\S+/attempts-\S+\.jsonl:1: "),
        (reordered_audit, {}, (), 4, r"audit-log\.jsonl:1: "),
        (replaced, {}, (), 4, r"report\.html: its content was changed"),
        (added, {}, (), 4, r"notes\.txt: added"),
        (duplicated, {}, (), 4, r"there twice, or out of order"),
        (bomb, {}, (), 4, r"has a name that no pack has|compressed"),
        (escape, {}, (), 4, r"name that no pack has: b'\.\./evil\.sh"),
        (clock_set_back, {}, (), 4, r"audit-log\.jsonl:\d+: entered before the entry that it follows"),
        (another_subject, {}, (), 4, r"the run RUN-\S+ measured another subject"),
        (as_it_is, {"roles": ["incident"]}, (), 4, r"ada \(\w{12}\) does not count: the key may sign as incident"),
        (as_it_is, {"not_after": "2026-01-31"}, (), 4, r"ada \(\w{12}\) does not count: the key was valid until"),
        (as_it_is, {}, ("--subject", "sha256:" + "0" * 64), 5, r"NO   subject .*asked for 'sha256:000"),
        # A workspace that was rolled back has not the head that somebody kept of it.
        (as_it_is, {}, ("--audit-head", "sha256:" + "1" * 64), 5, r"NO   audit head .*never had the one that you hold"),
    ],
)  # fmt: skip
def test_it_is_refused_by_both_verifiers_with_the_record_named(
    case: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    change: Change, key: dict[str, Any], options: tuple[str, ...], code: int, named: str,
) -> None:  # fmt: skip
    pack, trust = tmp_path / "pack.zip", tmp_path / "trust.json"
    pack.write_bytes(change(case))
    trust.write_text(json.dumps({"keys": [public_json(case.key.public) | key]}))
    arguments = [str(pack), "--trust", str(trust), "--require", "any", *options]
    mine = shipworthy(["evidence", "verify", *arguments])
    said = capsys.readouterr().out
    theirs = alone.run(*arguments)
    assert (mine, theirs.returncode) == (code, code), (said, theirs.stderr)
    for told in (said, theirs.stdout):
        assert re.search(named, told), told
        assert len(told.splitlines()) < 40
