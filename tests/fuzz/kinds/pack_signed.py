"""A pack signed again after edits: JSON lines of [member, path, value]. It is verified without a crash.

What must be refused is what `bench/hostile.py` lists; here a verifier may let pass what means the same.
"""

import json
from pathlib import Path
from typing import Any

from shipworthy.evidence.verification import report
from shipworthy.evidence.verify import verify_bytes
from shipworthy.store.trust import load_trust


def prepare(folder: Path) -> Any:
    from lab import Lab

    lab = Lab(folder)
    return lab, load_trust(lab.trust), lab.held_back


def feed(data: bytes, ready: Any) -> str:
    from forge import Forged

    lab, trust, decided = ready
    forged = Forged(lab, decided)
    for line in data.split(b"\n"):
        try:
            member, path, value = json.loads(line)
            _edit(forged, member, list(path), value)
        except (ValueError, TypeError, KeyError, IndexError, RecursionError, AttributeError):
            continue
    try:
        pack = forged.write()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "refused"  # not even the forger could write it
    content = pack.read_bytes()
    pack.unlink()
    pack.parent.rmdir()
    found = verify_bytes(content, trust)
    said = report(found)
    assert not any(c in said for c in "\x1b\x9b\x07\x08\r\u202e"), "a terminal would obey it"
    if not found.ok:
        return "refused"
    assert found.decision["verdict"] == "no-ship", "a system that leaks was said to ship"
    return "accepted"


def _edit(forged: Any, member: str, path: list[Any], value: Any) -> None:
    places = {
        "predicate": forged.predicate,
        "statement": forged.statement,
        "audit": forged.entries,
        "manifest": forged.manifest,
    }
    member = member.replace("RUN", forged.run)
    parent = places[member] if member in places else forged.files[member]
    if not path:
        if member in forged.files:
            forged.files[member] = value
        return
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
