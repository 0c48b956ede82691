"""Keys that somebody else holds: in a PKCS #11 token (a smart card, an HSM) or in OpenBao's transit engine.

``NAME.held.json`` beside ``NAME.pub.json`` says where the private key is, and where the PIN or token for it is to be
found (``env:NAME``, ``file:PATH``): never the key, PIN or token itself. What comes back is checked with the public key
that was noted when the key was added, so that a device with another key in its place signs nothing.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from shipworthy.core.credentials import is_reference, resolve
from shipworthy.core.errors import StoreError, TargetError, UsageError
from shipworthy.core.extras import require

SUFFIX = ".held.json"
_WAIT_S = 20.0


class KeyHolder(Protocol):
    """Who holds one ed25519 key and signs with it."""

    def public(self) -> bytes:
        """Return the 32 raw bytes of the public key.

        Raises:
            StoreError: it cannot be had, or is no ed25519 key.
        """
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature.

        Raises:
            StoreError: it did not sign.
        """
        ...

    def place(self) -> dict[str, Any]:
        """Return where the key is, as ``NAME.held.json`` has it."""
        ...


class Pkcs11Place(NamedTuple):
    """Where a key is in a PKCS #11 token.

    Attributes:
        module: the driver's shared library; `token` the token's label, `label` the key's.
        pin: a reference to the user PIN.
    """

    module: str
    token: str
    label: str
    pin: str


class TransitPlace(NamedTuple):
    """Where a key is in OpenBao (or a server that speaks as it does).

    Attributes:
        address: of the server; `mount` of the transit engine, `key` its name there.
        token: a reference to the token; `version` of the key, which is pinned.
        ca_file: PEM file of the authority that signed the server's certificate, beside the system's own.
    """

    address: str
    mount: str
    key: str
    token: str
    version: int = 0
    ca_file: str = ""


class Pkcs11Holder:
    """A PKCS #11 token. The PIN is read anew each time, and the session closed after each signature."""

    def __init__(self, at: Pkcs11Place) -> None:
        self._at = at

    def place(self) -> dict[str, Any]:
        """Return where the key is."""
        return {"pkcs11": self._at._asdict()}

    def public(self) -> bytes:
        """Return the public key; see `KeyHolder`."""
        p = require("pkcs11", extra="pkcs11", package="python-pkcs11")

        def read(session: Any) -> bytes:
            key = session.get_key(object_class=p.ObjectClass.PUBLIC_KEY, label=self._at.label)
            if key.key_type != p.KeyType.EC_EDWARDS:
                raise StoreError(f"{self._told}: it is no ed25519 key")
            point = bytes(key[p.Attribute.EC_POINT])
            # An OCTET STRING in DER around the point; some tokens leave it out.
            return point[2:] if len(point) == 34 and point[:2] == b"\x04\x20" else point

        return bytes(self._asked(read))

    def sign(self, data: bytes) -> bytes:
        """Return a signature; see `KeyHolder`."""
        p = require("pkcs11", extra="pkcs11", package="python-pkcs11")

        def signed(session: Any) -> bytes:
            key = session.get_key(object_class=p.ObjectClass.PRIVATE_KEY, label=self._at.label)
            return bytes(key.sign(data, mechanism=p.Mechanism.EDDSA))

        return bytes(self._asked(signed))

    @property
    def _told(self) -> str:
        return f"the key {self._at.label!r} of the PKCS #11 token {self._at.token!r}"

    def _asked(self, what: Any) -> Any:
        p = require("pkcs11", extra="pkcs11", package="python-pkcs11")
        try:
            token = p.lib(self._at.module).get_token(token_label=self._at.token)
            with token.open(user_pin=resolve(self._at.pin)) as session:
                return what(session)
        except (p.PKCS11Error, RuntimeError, OSError) as error:
            # The name of the error alone: a driver's words may hold anything.
            raise StoreError(f"{self._told} (driver {self._at.module}): {type(error).__name__}") from None


class TransitHolder:
    """OpenBao's transit engine, asked over HTTP."""

    def __init__(self, at: TransitPlace) -> None:
        self._at = at

    def place(self) -> dict[str, Any]:
        """Return where the key is."""
        return {"openbao": self._at._asdict()}

    def pinned(self) -> TransitHolder:
        """Return the same key in the version that is its newest one now.

        Raises:
            StoreError: the server does not say, or the key is no ed25519 key.
        """
        return TransitHolder(self._at._replace(version=self._latest()))

    def public(self) -> bytes:
        """Return the public key of the pinned version; see `KeyHolder`."""
        try:
            return base64.b64decode(self._about()["keys"][str(self._at.version)]["public_key"], validate=True)
        except (KeyError, TypeError, ValueError):
            raise StoreError(f"{self._told}: it has no version {self._at.version}") from None

    def sign(self, data: bytes) -> bytes:
        """Return a signature; see `KeyHolder`."""
        body = {"input": base64.b64encode(data).decode(), "key_version": self._at.version}
        said = self._asked("POST", "sign", body)
        try:
            name, version, signature = said["signature"].split(":")
            if (name, version) != ("vault", f"v{self._at.version}"):
                raise ValueError
            return base64.b64decode(signature, validate=True)
        except (KeyError, TypeError, AttributeError, ValueError, binascii.Error):
            raise StoreError(f"{self._told}: the server answered with something that is no signature by it") from None

    def _latest(self) -> int:
        about = self._about()
        if about.get("type") != "ed25519" or type(about.get("latest_version")) is not int:
            raise StoreError(f"{self._told}: it is no ed25519 key")
        return int(about["latest_version"])

    def _about(self) -> Mapping[str, Any]:
        return self._asked("GET", "keys", None)

    @property
    def _told(self) -> str:
        return f"the key {self._at.key!r} of {self._at.address}"

    def _asked(self, method: str, verb: str, body: Any) -> Mapping[str, Any]:
        from shipworthy.net.answer import HttpAnswer
        from shipworthy.net.endpoint import Endpoint
        from shipworthy.net.options import HttpOptions

        try:
            mount, key = quote(self._at.mount.strip("/")), quote(self._at.key, safe="")
        except UnicodeEncodeError:
            raise UsageError(
                f"no key of OpenBao has the name {self._at.key!r}, or none lies in {self._at.mount!r}"
            ) from None
        url = f"{self._at.address.rstrip('/')}/v1/{mount}/{verb}/{key}"

        async def ask() -> HttpAnswer:
            options = HttpOptions(timeout=_WAIT_S, retries=2, longest_wait=5.0, ca_file=self._at.ca_file)
            endpoint = Endpoint(url, options, credentials={"X-Vault-Token": (self._at.token, "")})
            try:
                return await endpoint.ask(body, method=method)
            finally:
                await endpoint.close()

        try:
            with ThreadPoolExecutor(1) as pool:  # a loop of its own: the caller's may be running
                answer = pool.submit(lambda: asyncio.run(ask())).result()
        except TargetError as error:
            raise StoreError(f"{self._told}: {error}") from None
        said = answer.body.get("data") if answer.is_json and isinstance(answer.body, Mapping) else None
        if answer.status != 200 or not isinstance(said, Mapping):
            hint = {403: " (the token may not do this)", 404: " (there is no such key or engine)"}.get(
                answer.status, ""
            )
            raise StoreError(f"{self._told}: the server answered with status {answer.status}{hint}")
        return said


def holder_of(value: Any, where: str) -> KeyHolder:
    """Return who holds a key, from what a ``NAME.held.json`` says.

    Raises:
        UsageError: it says no such thing.
    """
    wrong = f'{where} does not say where a key is: {{"pkcs11": {{…}}}} or {{"openbao": {{…}}}}'
    if not isinstance(value, dict) or len(value) != 1 or not isinstance(at := next(iter(value.values())), dict):
        raise UsageError(wrong)
    kinds: dict[str, tuple[Any, Any]] = {
        "pkcs11": (Pkcs11Place, Pkcs11Holder), "openbao": (TransitPlace, TransitHolder),
    }  # fmt: skip
    kind = next(iter(value))
    if kind not in kinds:
        raise UsageError(wrong)
    place, holder = kinds[kind]
    needed = set(place._fields) - set(place._field_defaults)
    if needed - set(at) or set(at) - set(place._fields):
        raise UsageError(f"{where}: `{kind}` needs {', '.join(sorted(needed))}, and knows no {_odd(at, place)}")
    made = place(**at)
    for name, said in made._asdict().items():
        if type(said) is not (int if name == "version" else str):
            raise UsageError(f"{where}: `{kind}.{name}` cannot be {said!r}")
    secret = made.pin if kind == "pkcs11" else made.token
    if not is_reference(secret):
        raise UsageError(
            f"{where}: a PIN or token is named by where it is, env:NAME or file:PATH, and not written down"
        )
    found: KeyHolder = holder(made)
    return found


def check_reference(text: str, where: str) -> None:
    """Refuse a PIN or token that is written down instead of named; it is not repeated.

    Raises:
        UsageError: it is no reference.
    """
    if not is_reference(text):
        raise UsageError(f"{where}: a PIN or token is named by where it is, env:NAME or file:PATH, not written down")


def _odd(at: Mapping[str, Any], place: Any) -> str:
    return ", ".join(sorted(set(at) - set(place._fields))) or "other fields"


def read_held(path: Path) -> KeyHolder:
    """Read a ``NAME.held.json``.

    Raises:
        UsageError: it cannot be read, others may write it, or it says no such thing: a driver that it names is run.
    """
    try:
        if path.stat().st_mode & 0o022:
            raise UsageError(f"others may write {path}, which names a program to run: chmod go-w {path}")
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    return holder_of(value, str(path))
