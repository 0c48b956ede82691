"""Trust files: whom a verifier believes, when, and for what. Standard library only: the stand-alone verifier uses it.

Whether the signers of a pack fulfil what a trust file asks is said by `store.authority`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.errors import UsageError, did_you_mean

RELEASE = "release"
"""The role of a key that may sign a release decision; that of every key for which a trust file names none."""

_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})Z)?")
_ROLE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}|RO-[A-Za-z0-9][A-Za-z0-9_.-]{0,76}")
_OF_WORKSPACE = "RO-"


class Revoked(NamedTuple):
    """That a key no longer counts.

    Attributes:
        at: from when on.
        compromised: whether somebody else may have it: then none of its signatures counts, whatever time it states.
    """

    at: datetime
    compromised: bool = False
    why: str = ""


class PublicKey(NamedTuple):
    """A verification key.

    Attributes:
        keyid: SHA-256 of the 32 raw bytes, 64 hex digits.
        public: the 32 raw bytes, 64 hex digits.
        owner: who signs with it; two keys of one owner count as one signer.
        not_before, not_after: the first and the last moment at which it may sign; None where there is no limit.
        roles: what it may sign as: `release` and other words for packs, ``RO-…`` for the roles of a workspace.
    """

    keyid: str
    public: str
    owner: str
    not_before: datetime | None = None
    not_after: datetime | None = None
    roles: tuple[str, ...] = (RELEASE,)
    revoked: Revoked | None = None


class Trust(NamedTuple):
    """Whom a verifier trusts, and how many of them must have signed.

    Attributes:
        threshold: how many different owners, in whatever role.
        roles: role -> how many different owners must have signed in it.
    """

    keys: tuple[PublicKey, ...]
    threshold: int = 1
    roles: Mapping[str, int] = {}


def owners(keys: Iterable[PublicKey]) -> int:
    """Return how many people some keys belong to. A name written in other case or with other spaces is no other one."""
    return len({" ".join(key.owner.split()).casefold() for key in keys})


def person_of(key: PublicKey, name: str) -> bool:
    """Say whether a name is that of a key's owner."""
    return owners((key, key._replace(owner=name))) == 1


def signs_off(role: str) -> bool:
    """Say whether a role is one of a workspace, in which people sign a release off, and not one of a pack's signers."""
    return role.startswith(_OF_WORKSPACE)


def public_json(key: PublicKey) -> dict[str, Any]:
    """Return a key as it stands in a trust file."""
    value: dict[str, Any] = {"keyid": key.keyid, "public": key.public, "owner": key.owner}
    value |= {name: time_text(at) for name in ("not_before", "not_after") if (at := getattr(key, name)) is not None}
    if key.roles != (RELEASE,):
        value["roles"] = list(key.roles)
    if key.revoked is not None:
        value["revoked"] = {"at": time_text(key.revoked.at), "compromised": key.revoked.compromised}
        value["revoked"] |= {"why": key.revoked.why} if key.revoked.why else {}
    return value


def load_public(path: Path) -> PublicKey:
    """Read a public key file, ``NAME.pub.json``.

    Raises:
        UsageError: it is not one.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_once)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a public key: {error}") from error
    return read_public(value, str(path))


def public_keys(directory: Path) -> list[PublicKey]:
    """Return the public keys in a folder, by file name.

    Raises:
        UsageError: a ``*.pub.json`` is not a public key.
    """
    return [load_public(path) for path in sorted(Path(directory).glob("*.pub.json"))]


def trust_json(keys: Sequence[PublicKey], threshold: int = 1, roles: Mapping[str, int] | None = None) -> str:
    """Return a trust file's text.

    Raises:
        UsageError: it would trust nobody, or ask for more signers than there are.
    """
    value: dict[str, Any] = {"keys": [public_json(key) for key in keys], "threshold": threshold}
    value |= {"roles": dict(roles)} if roles else {}
    _read_trust(value, "the trust file")
    return pretty(value).decode()


def load_trust(path: Path) -> Trust:
    """Read a trust file: ``{"keys": [{"keyid", "public", "owner"}], "threshold": 1}``.

    A key may have ``not_before``, ``not_after``, ``roles`` and ``revoked`` besides, and the file ``roles``.

    Raises:
        UsageError: it is not one; says what is wrong. A word that it does not know is an error, too: a limit that is
            written wrongly must not be no limit.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise UsageError(f"cannot read the trust file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a trust file in JSON: {error}") from error
    return _read_trust(value, str(path))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: JSON takes the last one, and a reader may well see the first."""
    if len({name for name, _ in pairs}) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} stands there twice")
    return dict(pairs)


def _read_trust(value: Any, where: str) -> Trust:
    if not isinstance(value, dict) or not isinstance(value.get("keys"), list):
        raise UsageError(f'{where} is not a trust file: it must be {{"keys": [...], "threshold": 1}}')
    _known(value, ("keys", "threshold", "roles"), f"{where} is not a trust file: it")
    keys = tuple(read_public(key, where) for key in value["keys"])
    if len({key.keyid for key in keys}) != len(keys):
        raise UsageError(f"{where}: a key is listed twice")
    if not keys:
        raise UsageError(f"{where}: it lists no key, so it trusts nobody (`shipworthy keys trust` writes one)")
    threshold, most = value.get("threshold", 1), owners(keys)
    if type(threshold) is not int or not 1 <= threshold <= most:
        raise UsageError(f"{where}: the threshold must be from 1 to {most}, the number of owners, not {threshold!r}")
    return Trust(keys, threshold, _read_demands(value.get("roles", {}), keys, where))


def _read_demands(value: Any, keys: Sequence[PublicKey], where: str) -> dict[str, int]:
    """Return how many owners must have signed in each role."""
    if not isinstance(value, dict):
        raise UsageError(f'{where}: `roles` must say how many must sign in each: {{"roles": {{"release": 1}}}}')
    for role, number in value.items():
        most = owners(key for key in keys if role in key.roles)
        if type(number) is not int or not 1 <= number <= most:
            raise UsageError(
                f"{where}: the role {role!r} must be asked of 1 to {most} signers, the owners of keys that have it, "
                f"not of {number!r}"
            )
    return dict(value)


def _known(value: Mapping[str, Any], names: Sequence[str], what: str) -> None:
    if odd := sorted(set(value) - set(names)):
        raise UsageError(f"{what} has {odd[0]!r}, which means nothing here ({did_you_mean(odd[0], names)})")


def read_public(value: Any, where: str) -> PublicKey:
    """Check one key of a trust file.

    Raises:
        UsageError: it is not one, its keyid is not that of its public key, or a limit on it cannot be read.
    """
    if not isinstance(value, dict) or {"keyid", "public", "owner"} - set(value):
        raise UsageError(f"{where}: a key needs keyid, public and owner")
    _known(value, PublicKey._fields, f"{where}: a key")
    keyid, public, owner = value["keyid"], value["public"], value["owner"]
    if not isinstance(public, str) or not re.fullmatch(r"[0-9a-f]{64}", public):
        raise UsageError(f"{where}: `public` must be 64 hex digits")
    if keyid != sha256(bytes.fromhex(public)).hexdigest():
        raise UsageError(f"{where}: the keyid {keyid!r} is not the SHA-256 of its public key")
    if not isinstance(owner, str) or not owner:
        raise UsageError(f"{where}: `owner` must name who signs with the key {keyid[:12]}")
    place = f"{where}: the key of {owner} ({keyid[:12]})"
    first, last = value.get("not_before"), value.get("not_after")
    not_before = None if first is None else read_time(first, f"{place}: `not_before`")
    not_after = None if last is None else read_time(last, f"{place}: `not_after`", end=True)
    if not_before and not_after and not_before > not_after:
        raise UsageError(f"{place}: it ends before it begins")
    roles = value.get("roles", [RELEASE])
    if not isinstance(roles, list) or not roles or not all(isinstance(r, str) and _ROLE.fullmatch(r) for r in roles):
        raise UsageError(
            f'{place}: `roles` must list what it may sign as: ["{RELEASE}"], or ids of roles such as RO-safety'
        )
    return PublicKey(keyid, public, owner, not_before, not_after, tuple(roles), _read_revoked(value, place))


def _read_revoked(key: Mapping[str, Any], place: str) -> Revoked | None:
    if "revoked" not in key:
        return None
    value = key["revoked"]
    if not isinstance(value, dict) or "at" not in value:
        raise UsageError(f'{place}: `revoked` must say since when: {{"at": "2026-01-31", "compromised": false}}')
    _known(value, Revoked._fields, f"{place}: `revoked`")
    compromised, why = value.get("compromised", False), value.get("why", "")
    if not isinstance(compromised, bool) or not isinstance(why, str):
        raise UsageError(f"{place}: `compromised` must be true or false, and `why` text")
    return Revoked(read_time(value["at"], f"{place}: `revoked`"), compromised, why)


def read_time(value: Any, where: str, *, end: bool = False) -> datetime:
    """Read ``2026-01-31`` or ``2026-01-31T12:00:00Z``.

    Args:
        end: whether a date alone means the last second of that day; otherwise it means the first.

    Raises:
        UsageError: it is neither.
    """
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    try:
        if found is None:
            raise ValueError
        at = datetime(*(int(part or 0) for part in found.groups()), tzinfo=UTC)  # type: ignore[arg-type, misc]
        return at + timedelta(hours=23, minutes=59, seconds=59) if end and found[4] is None else at
    except (ValueError, OverflowError):
        raise UsageError(
            f"{where} must be a date or a time in UTC, 2026-01-31 or 2026-01-31T12:00:00Z, not {value!r}"
        ) from None


def time_text(at: datetime) -> str:
    """Return a time as trust files and decisions write it.

    >>> time_text(datetime(2026, 1, 31, tzinfo=UTC))
    '2026-01-31T00:00:00Z'
    """
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def pretty(value: Any) -> bytes:
    """Return JSON for people to read, as bytes."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
