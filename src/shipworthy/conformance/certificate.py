"""The certificate of an examination: a signed in-toto statement of what was asked of a gateway, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import shipworthy
from shipworthy.conformance.kit import Examined
from shipworthy.conformance.plan import Matrix, cells_digest, kit_digest
from shipworthy.conformance.tally import summary
from shipworthy.core.errors import UsageError
from shipworthy.store.signing import SigningKey, sign, statement
from shipworthy.store.trust import time_text

PREDICATE_TYPE = "https://shipworthy.example/attestation/gateway-coverage/v1"


def address(url: str) -> str:
    """Return a gateway's address without a name, a password, a path or a query: what may be written down.

    Raises:
        UsageError: it is no HTTP address.

    >>> address("http://me:secret@127.0.0.1:4000/v1?key=x")
    'http://127.0.0.1:4000'
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not host.isascii() or not host.isprintable():
        raise UsageError("--base-url must be an address such as http://127.0.0.1:4000")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")


def predicate(matrix: Matrix, name: str, url: str, found: Examined, at: datetime | None = None) -> dict[str, Any]:
    """Return what a certificate says.

    Args:
        name: of the gateway, as its owner tells it: product, version, configuration.
        url: its address; only scheme, host and port are written.
        at: when it was made; now if left out.
    """
    guards = found.guards[0] if len(found.guards) == 1 else ""
    return {
        "created": time_text(at or datetime.now(UTC).replace(microsecond=0)),
        "kit": {"version": shipworthy.__version__, "digest": kit_digest()},
        "gateway": {"name": name, "address": address(url), "guards": guards, "declared": len(found.guards)},
        "matrix": {
            "routes": list(matrix.routes),
            "entities": list(matrix.entities),
            "quick": matrix.quick,
            "mode": matrix.mode,
            "seed": matrix.seed,
            "claims": list(matrix.claims),
            "digest": cells_digest(found.rows),
        },
        "cells": found.rows,
        "summary": summary(found.rows, matrix.mode, found.guards, matrix.claims),
    }


def signed(said: dict[str, Any], keys: Sequence[SigningKey]) -> bytes:
    """Return the certificate: a DSSE envelope around a statement about the gateway, and its guards where it named them.

    Args:
        said: see `predicate`.
        keys: at least one.
    """
    gateway = said["gateway"]
    told = json.dumps([gateway["name"], gateway["address"]], separators=(",", ":"), ensure_ascii=True)
    subjects = {"gateway": "sha256:" + sha256(told.encode()).hexdigest()}
    subjects |= {"guards": gateway["guards"]} if gateway["guards"] else {}
    return sign(statement(subjects, PREDICATE_TYPE, said), keys)
