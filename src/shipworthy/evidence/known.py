"""Whether a pack's decision, manifests and records hold what our own types hold, and nothing else, at every level.

The verifier's shapes know the fields of each member, and not those of every message and event inside a record. A field
that nobody here reads is one that somebody else may read. It takes all of shipworthy, as rendering does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from shipworthy.core.errors import IntegrityError
from shipworthy.core.records import Attempt, Decision, RunManifest
from shipworthy.evidence.verification import Check
from shipworthy.store.line import leaf

_TYPES: Mapping[re.Pattern[str], Any] = {
    re.compile(r"decision\.json"): Decision,
    re.compile(r"runs/[^/]+/manifest\.json"): RunManifest,
}
_decoders = {kind: msgspec.json.Decoder(kind) for kind in (Attempt, Decision, RunManifest)}
_LOG = re.compile(r"runs/[^/]+/attempts[^/]*\.jsonl")


def check_known(members: Mapping[str, bytes]) -> Check:
    """Read decision, manifests and records as what they are and compare what comes out.

    Args:
        members: of a pack that holds together otherwise.
    """
    count = 0
    try:
        for where, data, kind in _values(members):
            count += 1
            # Not strictly: the verifier has read every byte of it strictly before. What we write is the same again to
            # the byte; only what was written otherwise has to be compared by its values.
            typed = _decoders[kind].decode(data)
            made = msgspec.json.encode(typed)
            if made != data and msgspec.json.decode(made) != msgspec.json.decode(data):
                raise IntegrityError(f"{where}: holds what no {kind.__name__.lower()} of shipworthy does")
    except msgspec.MsgspecError as error:
        return Check("fields", False, f"{where}: {error}")
    except (IntegrityError, ValueError, RecursionError) as error:
        return Check("fields", False, str(error))
    return Check("fields", True, f"{count:,} decisions, manifests and records hold what they can, and nothing else")


def _values(members: Mapping[str, bytes]) -> Iterator[tuple[str, bytes, Any]]:
    for name, data in sorted(members.items()):
        for pattern, kind in _TYPES.items():
            if pattern.fullmatch(name):
                yield name, data, kind
        if _LOG.fullmatch(name):
            for number, line in enumerate(data.splitlines(), 1):
                yield f"{name}:{number}", leaf(line[75:]), Attempt
