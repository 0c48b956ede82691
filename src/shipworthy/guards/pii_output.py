"""Redact personal data in answers that is neither the asker's own nor on the allowlist: `pii` as it was first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.records import Stage
from shipworthy.core.registry import guard, told
from shipworthy.detect import pii
from shipworthy.guards.pii import Pii

VERSION = "5"


@guard
@told("allow", "may_say")
class PiiOutput(Pii):
    """Find personal data of other people in what the system says and does, and redact it.

    The guard `pii` at its last two stages and with its first way, under the name that pipelines know it by. A new
    pipeline takes `pii`.

    Args:
        kinds, allow, names, own, also: as for `pii`.

    Raises:
        PluginError: an unknown kind.
    """

    id = "pii_output"
    stages: frozenset[Stage] = frozenset({"output", "tool_call"})

    def __init__(
        self,
        *,
        kinds: Sequence[str] = pii.KINDS,
        allow: Sequence[str] = (),
        names: Sequence[str] = (),
        own: bool = True,
        also: Sequence[str] = (),
    ) -> None:
        super().__init__(kinds=kinds, allow=allow, names=names, own=own, also=also)

    def describe(self) -> Mapping[str, Any]:
        return {k: v for k, v in super().describe().items() if k != "how"} | {"version": VERSION}
