"""Whom a pulled lever is for: everybody, a share of the traffic, a ring of clients, or a share of a ring.

The gateway and the OpenFeature provider ask the functions here, so that they never differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from shipworthy.gateway.config import STOP
from shipworthy.gateway.levers import Pulled

MOST_PARTIAL = 6
"""Levers that may be pulled for a part of the traffic at one time: each set of them is a pipeline of its own."""


def whole(pulled: Pulled) -> bool:
    """Say whether a lever is pulled for everybody. The kill switch always is."""
    return pulled.lever == STOP or (pulled.share >= 1 and not pulled.ring)


def place(lever: str, client: str, session: str) -> float:
    """Return where a client's session stands among all, in [0, 1): a lever is pulled for those below its share.

    It is SHA-256 of the three, so it is the same in every process; another lever draws another order. A larger share
    holds all of a smaller one.
    """
    # Lengths, so that no two pairs are written alike.
    written = "".join(f"{len(part)}:{part}" for part in (lever, client, session))
    return int.from_bytes(sha256(written.encode("utf-8", "surrogatepass")).digest()[:6]) / 2**48


def applies(pulled: Pulled, client: str, session: str, rings: Mapping[str, Sequence[str]]) -> bool:
    """Say whether a lever is pulled for one request. A ring that nobody knows (any more) holds everybody."""
    if whole(pulled):
        return True
    if pulled.ring and client not in rings.get(pulled.ring, (client,)):
        return False
    return pulled.share >= 1 or place(pulled.lever, client, session) < pulled.share


def in_force(
    pulled: Sequence[Pulled], client: str, session: str, rings: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return the names of the levers that are pulled for one request, in the given order.

    With more than `MOST_PARTIAL` pulled for a part each, all of them count for everybody.
    """
    if sum(not whole(one) for one in pulled) > MOST_PARTIAL:
        return tuple(one.lever for one in pulled)
    return tuple(one.lever for one in pulled if applies(one, client, session, rings))
