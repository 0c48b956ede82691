"""Redact personal data in answers that is neither the asker's own nor on the allowlist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.digests import digest
from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard, told
from shipworthy.detect import pii
from shipworthy.detect.normalise import skeleton
from shipworthy.detect.spans import Span

VERSION = "3"


@guard
@told("allow", "may_say")
class PiiOutput:
    """Find personal data of other people in what the system says and does.

    What the asker wrote in this conversation is theirs to read back; what stands in a document or a tool result is not.
    By pattern and check digit (see `shipworthy.detect.pii`): a name is found only where it is given, a postal address
    where it is written as in English or `also` asks for it, a value that is spelled out or encoded not at all. No
    detector is a boundary: what must not leave should not be within the model's reach.

    Args:
        kinds: which kinds to look for; all of `shipworthy.detect.pii.KINDS` if left out.
        also: kinds to look for besides, of `shipworthy.detect.pii.OPTIONAL`: `street_address`, addresses of eight
            countries, which fires on more harmless text than the others.
        allow: values that are public (the help desk's own number), compared without spaces, punctuation and case; an
            entry that begins with ``@`` allows every e-mail address of that domain. In a workspace, what may be said by
            its ``facts`` if left out.
        names: names of people to redact.
        own: let the asker's own values through.

    Raises:
        PluginError: an unknown kind.
    """

    stages: frozenset[Stage] = frozenset({"output", "tool_call"})
    reach: int | None = pii.REACH

    def __init__(
        self,
        *,
        kinds: Sequence[str] = pii.KINDS,
        allow: Sequence[str] = (),
        names: Sequence[str] = (),
        own: bool = True,
        also: Sequence[str] = (),
    ) -> None:
        known = (*pii.KINDS, *pii.OPTIONAL)
        for kind in kinds:
            if kind not in known:
                raise PluginError(f"guard 'pii_output' knows no kind {kind!r}: {did_you_mean(kind, known)}")
        for kind in also:
            if kind not in pii.OPTIONAL:
                raise PluginError(
                    f"guard 'pii_output': {kind!r} is no kind to look for besides: {did_you_mean(kind, pii.OPTIONAL)}"
                )
        self._kinds, self._names, self._own = frozenset((*kinds, *also)), tuple(names), own
        self._also = self._kinds.intersection(pii.OPTIONAL)
        self._allow, self._text = frozenset(skeleton(a).text for a in allow if a[:1] != "@"), sorted(allow)
        self._domains = tuple(a.lower() for a in allow if a[:1] == "@")
        if any(len(name) > pii.REACH // 2 for name in names):
            raise PluginError(f"guard 'pii_output': a name is at most {pii.REACH // 2} characters long")

    def describe(self) -> Mapping[str, Any]:
        return {
            "guard": "pii_output",
            "version": VERSION,
            "kinds": sorted(self._kinds),
            "allow": digest(self._text),
            "names": digest(sorted(self._names)),
            "own": self._own,
        }

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        spans = self._find(part.text)
        if not spans:
            return ()
        own = self._asked(ctx) if self._own else ""
        found = []
        for start, end, kind in spans:
            value = part.text[start:end]
            bare = skeleton(value).text
            if not self._allowed(value, bare, kind) and not (bare and bare in own):
                found.append(Finding(start, end, kind, "redact", reason=f"{kind} of someone else"))
        return found

    def _find(self, text: str) -> list[Span]:
        found = pii.find(text, self._names, reach=self.reach, also=self._also)
        return [span for span in found if span.kind in self._kinds]

    def covers(self, text: str) -> bool:
        """Say whether personal data in this would be found, whoever asks."""
        spans = self._find(text)
        values = ((text[start:end], kind) for start, end, kind in spans)
        return any(not self._allowed(value, skeleton(value).text, kind) for value, kind in values)

    def _allowed(self, value: str, bare: str, kind: str) -> bool:
        return bare in self._allow or (kind == "email" and value.lower().endswith(self._domains))

    @staticmethod
    def _asked(ctx: GuardContext) -> str:
        if ctx.request is None:
            return ""
        said = [m.text for m in ctx.request.messages if m.role == "user"]
        return "\n".join(skeleton(text).text for text in said)
