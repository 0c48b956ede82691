"""A gateway's certificate signed again after edits: JSON lines of [path, value]. It is held without a crash.

What is let pass adds up: the word in it is the one that follows from its cells.
"""

import json
from pathlib import Path
from typing import Any

from shipworthy.conformance.certificate import predicate, signed
from shipworthy.conformance.kit import Examined
from shipworthy.conformance.plan import Matrix, told
from shipworthy.conformance.tally import verdict
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence.certified import read_certificate
from shipworthy.store.signing import new_key
from shipworthy.store.trust import Trust


def prepare(folder: Path) -> Any:
    matrix = Matrix(("chat",), ("email",), True, "failing", "1")
    more = {"outcome": "stopped", "how": "withheld", "bytes": 0, "channel": "", "reason": "", "simplest": ""}
    rows = [told(cell) | more for cell in matrix.cells()]
    said = predicate(matrix, "a gateway", "http://127.0.0.1:4000", Examined(rows, []))
    return new_key(folder, "ada"), json.dumps(said)


def feed(data: bytes, ready: Any) -> str:
    key, text = ready
    said = json.loads(text)
    for line in data.split(b"\n"):
        try:
            path, value = json.loads(line)
            parent = said
            for step in path[:-1]:
                parent = parent[step]
            parent[path[-1]] = value
        except (ValueError, TypeError, KeyError, IndexError, RecursionError, AttributeError):
            continue
    try:
        envelope = signed(said, [key])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "refused"  # not even the signer could write it
    try:
        found = read_certificate(envelope, "c.dsse.json", Trust((key.public,)))
    except IntegrityError as error:
        assert str(error)
        return "refused"
    assert found.verdict == verdict(found.said["cells"], []), "a word that does not follow"
    return "accepted"
