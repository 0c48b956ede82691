"""The gateway's levers as feature flags: product code reads what the gateway heeds, by OpenFeature.

    from openfeature import api
    from shipworthy.gateway.openfeature import ShipworthyProvider

    api.set_provider(ShipworthyProvider("gateway.yaml"))
    flags = api.get_client()
    flags.get_boolean_value("stop", True, EvaluationContext(attributes={"client": "web", "session": "s-17"}))

Flags: ``stop`` and each lever of the gateway's file (boolean: pulled for this client and session), each rule of the
guard file and, under ``policy``, the tool policy (string: ``enforce``, ``shadow`` or ``off``, as it is in force for
them).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from shipworthy.core.errors import ShipworthyError
from shipworthy.core.extras import require
from shipworthy.gateway.active import stamp
from shipworthy.gateway.config import POLICY, STOP, Config, read_levers
from shipworthy.gateway.levers import UNKNOWN, Levers
from shipworthy.gateway.rollout import in_force

require("openfeature.provider", extra="openfeature", package="openfeature-sdk")

from openfeature.evaluation_context import EvaluationContext  # noqa: E402
from openfeature.exception import ErrorCode  # noqa: E402
from openfeature.flag_evaluation import FlagResolutionDetails, Reason  # noqa: E402
from openfeature.provider import AbstractProvider, Metadata  # noqa: E402

T = TypeVar("T")


class _Seen(NamedTuple):
    """What a flag is read from.

    Attributes:
        levers: in force for whoever asks; `split` whether somebody else may see others.
        error: why the levers could not be read; every one of them counts as pulled then.
    """

    config: Config
    levers: tuple[str, ...]
    split: bool
    error: str


class ShipworthyProvider(AbstractProvider):
    """Reads the file and the levers of a gateway anew whenever they have changed, at each question.

    A lever that is pulled for a part of the traffic is evaluated as the gateway does: by the attributes ``client``
    (as the gateway's file names it) and ``session`` (the header ``x-shipworthy-session``; the targeting key if left
    out) of the evaluation context. Levers that cannot be read count as pulled, ``stop`` among them: the reason is then
    ``ERROR`` with a message, but without an error code, for which the SDK would put the caller's default in place of
    the safe value. A changed gateway's file that is wrong changes nothing, here as in the gateway, which says so in
    ``/health``; one that the gateway alone refuses, for a key or a decision, is taken here already.

    Args:
        path: the gateway's file. Keys and grants in it are not looked at.

    Raises:
        WorkspaceError: it cannot be read, with file and line.
        MissingExtra: the OpenFeature SDK is not installed.
    """

    def __init__(self, path: Path | str) -> None:
        super().__init__()
        self._path, self._lock = Path(path), threading.Lock()
        self._config = read_levers(self._path)
        self._stamp = stamp(self._config.files)
        self._levers = Levers(self._config.state)

    def get_metadata(self) -> Metadata:
        return Metadata(name="shipworthy")

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        seen = self._seen(evaluation_context)
        if flag_key != STOP and flag_key not in seen.config.spec.levers:
            return _none(seen, flag_key, default_value)
        stopped = seen.config.stopped(seen.levers)
        return _found(seen, stopped if flag_key == STOP else flag_key in seen.levers)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        seen = self._seen(evaluation_context)
        known = seen.config.known(seen.levers)
        modes = {rule.id: rule.mode for rule in seen.config.under(known).rules}
        if seen.config.policy is not None:
            modes[POLICY] = seen.config.policy_mode(known)
        if flag_key not in modes:
            return _none(seen, flag_key, default_value)
        return _found(seen, str(modes[flag_key]))

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        return _none(self._seen(None), flag_key, default_value)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        return _none(self._seen(None), flag_key, default_value)

    def resolve_object_details(
        self, flag_key: str, default_value: Any, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[Any]:
        return _none(self._seen(None), flag_key, default_value)

    def _seen(self, context: EvaluationContext | None) -> _Seen:
        attributes: Mapping[str, Any] = context.attributes if context is not None else {}
        client, session = str(attributes.get("client", "")), attributes.get("session")
        if session is None:
            session = (context.targeting_key if context is not None else None) or ""
        with self._lock:
            config, pulled = self._read(), self._levers.pulled
        if pulled == UNKNOWN:
            return _Seen(config, (STOP, *config.spec.levers), False, "the gateway's levers cannot be read")
        found = in_force(pulled, client, str(session), config.spec.rings)
        return _Seen(config, found, any(one.share < 1 or one.ring for one in pulled), "")

    def _read(self) -> Config:
        if (seen := stamp(self._config.files)) != self._stamp:
            self._stamp = seen
            try:
                config = read_levers(self._path)
            except ShipworthyError:
                return self._config
            if config.state != self._config.state:  # as the gateway itself: it takes a restart
                return self._config
            self._config, self._stamp = config, stamp(config.files)
        return self._config


def _found(seen: _Seen, value: T) -> FlagResolutionDetails[T]:
    if seen.error:
        return FlagResolutionDetails(value, reason=Reason.ERROR, error_message=seen.error)
    return FlagResolutionDetails(
        value, reason=Reason.SPLIT if seen.split else Reason.STATIC, variant=str(value).lower()
    )


def _none(seen: _Seen, flag: str, default: T) -> FlagResolutionDetails[T]:
    config = seen.config
    kinds: tuple[tuple[str, Sequence[str]], ...] = (
        ("boolean", [STOP, *config.spec.levers]),
        ("string", [*(rule.id for rule in config.guards.rules), *([POLICY] if config.policy is not None else [])]),
    )
    for kind, names in kinds:
        if flag in names:
            said = f"{flag!r} is a {kind} flag"
            return FlagResolutionDetails(
                default, reason=Reason.ERROR, error_code=ErrorCode.TYPE_MISMATCH, error_message=said
            )
    said = f"{config.path} names no lever and no rule {flag!r}"
    return FlagResolutionDetails(default, reason=Reason.ERROR, error_code=ErrorCode.FLAG_NOT_FOUND, error_message=said)
