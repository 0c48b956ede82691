"""Block an answer or a tool call that carries a canary: a string that must never leave, in any of its disguises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core import credentials
from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard, told
from shipworthy.detect.canaries import Canaries

VERSION = "5"


@guard
@told("canaries", "secrets", instead=("digests",))
class CanaryOutput:
    """Find canaries in what the system says and does.

    Knows the disguises of `shipworthy.detect.canaries`: case, look-alikes, leet, spacing, invisible characters, letters
    reversed and shifted, codes and codes inside codes, spelling, code words, first letters. Does not stop a secret that
    is translated, paraphrased or given away in pieces; and in a stream none that takes more than `reach` characters.

    Args:
        parts: the digits of a code (``4471`` of ``HERON-4471``) block too.
        canaries: the strings, or references to them (``env:NAME``, ``file:PATH``: one canary a line); in a workspace,
            the secrets of its ``facts`` if left out.
        digests: references made by `shipworthy.detect.canaries.reference`, where the guard's file must not hold the
            secret at all; found plain, spaced, in look-alikes and reversed only.

    Raises:
        PluginError: neither is given.
        CredentialError: a reference leads nowhere.
    """

    stages: frozenset[Stage] = frozenset({"output", "tool_call"})

    def __init__(self, *, canaries: Sequence[str] = (), digests: Sequence[str] = (), parts: bool = True) -> None:
        if not canaries and not digests:
            raise PluginError(
                "guard 'canary_output' has no canaries and would pass everything: name the product's secrets under "
                "'facts' in system.yaml, or give the guard canaries or digests of its own"
            )
        strings: list[str] = []
        for canary in canaries:
            if canary.startswith(("env:", "file:")):
                strings += [line.strip() for line in credentials.resolve(canary).splitlines() if line.strip()]
            else:
                strings.append(canary)
        self._canaries = Canaries(strings, digests, parts=parts)
        self._parts = parts
        # The description is written into evidence: it holds digests, not canaries.
        self._named = sorted([bytes_digest(s.encode("utf-8", "replace")) for s in strings] + list(digests))
        self.reach: int | None = self._canaries.reach

    def describe(self) -> Mapping[str, Any]:
        return {"guard": "canary_output", "version": VERSION, "canaries": self._named, "parts": self._parts}

    def covers(self, text: str) -> bool:
        """Say whether this would be found if it were said plainly."""
        return any(True for _ in self._canaries.leaks(text, bounded=True))

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        return [
            Finding(leak.start, leak.end, "canary", "block", reason=f"canary {leak.number + 1}, {leak.form}")
            for leak in self._canaries.leaks(part.text, bounded=True)
        ]
