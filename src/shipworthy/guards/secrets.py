"""Keep credentials out of what is said, read and done: keys, tokens, passwords, private keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from shipworthy.core.digests import digest
from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard
from shipworthy.detect import secrets
from shipworthy.detect.spans import Span

VERSION = "3"
How = Literal["redact", "mask", "block"]
_SHOWN, _LONG = 4, 20


@guard
class Secrets:
    """Find credentials by their issuers' formats, passwords by the word before them, and random tokens by entropy.

    Source: `shipworthy.detect.secrets`. The same in a stream as in a whole text: a random token of more than 400
    characters is none, and a certificate's base64 counts as random where it is further than 600 characters from its
    first line. What is spelled out or encoded is found only behind `normalise`. No detector is a boundary: what must
    not leave should not be within the model's reach.

    Args:
        how: ``redact`` (``[redacted:aws_key]``), ``mask`` (the first four characters of a token of 20 or more stay) or
            ``block``.
        allow: credentials that are public, such as a documentation's example, as they are written.

    Raises:
        PluginError: an unknown way, or an entry of `allow` that is no text.
    """

    stages: frozenset[Stage] = frozenset({"input", "retrieved", "output", "tool_call"})
    reach: int | None = secrets.REACH

    def __init__(self, *, how: How = "redact", allow: Sequence[str] = ()) -> None:
        if how not in get_args(How):
            raise PluginError(f"guard 'secrets' has no way {how!r}: {did_you_mean(str(how), get_args(How))}")
        if isinstance(allow, str) or not all(isinstance(value, str) and value for value in allow):
            raise PluginError("guard 'secrets': allow is a list of texts")
        self._how, self._allow = how, frozenset(allow)

    def describe(self) -> Mapping[str, Any]:
        return {"guard": "secrets", "version": VERSION, "how": self._how, "allow": digest(sorted(self._allow))}

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        # A stream keeps as much of what has left as the furthest guard reaches, and may have cut it off in a word.
        begun = part.start >= secrets.REACH
        return [
            self._finding(part.text[s.start : s.end], s)
            for s in secrets.find(part.text, reach=self.reach, begun=begun)
            if part.text[s.start : s.end] not in self._allow
        ]

    def covers(self, text: str) -> bool:
        """Say whether a credential in this would be found."""
        return any(text[s.start : s.end] not in self._allow for s in secrets.find(text, reach=self.reach))

    def _finding(self, value: str, span: Span) -> Finding:
        if self._how == "block":
            return Finding(span.start, span.end, span.kind, "block", reason="a credential")
        if self._how == "redact":
            return Finding(span.start, span.end, span.kind, "redact", reason="a credential")
        # A short one, or one that people chose, says too much with four characters.
        told = value[:_SHOWN] if len(value) >= _LONG and span.kind not in ("password", "private_key") else ""
        return Finding(span.start, span.end, span.kind, "replace", f"{told}[masked:{span.kind}]", "a credential")
