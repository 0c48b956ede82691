"""Flag what reads like prompt injection or a jailbreak: a trained detector that knows the known wordings, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard
from shipworthy.detect import injection_model

VERSION = "4"
_KIND: Mapping[str, str] = {"input": "direct", "retrieved": "indirect"}


@guard
class Injection:
    """Flag windows of a text that a model takes for an attack, by hashed n-grams and the wordings of `input_rules`.

    It flags and tightens the tools (the finding's action is ``tighten``: no text is changed, and from then on the tool
    policy's ``after_flag`` holds): a control that is wrong on a share of harmless texts must not be the one that
    decides. A rule's own ``action`` makes it redact or block, or only record (``allow``). Without a tool policy it only
    records.

    No detector is a boundary. Figures on texts it never saw, sources where it finds nothing among them:
    docs/reference/guards.md.

    Args:
        threshold: chance, in (0, 1), from which a window counts; if left out, that of the model's card for what users
            say and for what documents and tools say. Set your own from your harmless texts: `shipworthy guard
            calibrate`.

    Raises:
        PluginError: the threshold is no number in (0, 1).
    """

    stages: frozenset[Stage] = frozenset({"input", "retrieved"})
    reach: int | None = None

    def __init__(self, *, threshold: float | None = None) -> None:
        wrong = isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold < 1
        if threshold is not None and wrong:
            raise PluginError(f"guard 'injection': threshold is a number between 0 and 1, not {threshold!r}")
        self._model = injection_model.load()
        self._limits = {
            stage: float(threshold) if threshold is not None else self._model.thresholds[kind]
            for stage, kind in _KIND.items()
        }

    def describe(self) -> Mapping[str, Any]:
        return {"guard": "injection", "version": VERSION, "weights": self._model.digest, "thresholds": self._limits}

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        found = self._model.find(part.text, self._limits[part.stage])
        return [Finding(s.start, s.end, s.kind, "tighten", reason="reads like an attack") for s in found]

    def chance(self, text: str) -> float:
        """Return how likely the text is taken for an attack, in [0, 1]: what the threshold is held against."""
        return self._model.chance(text)
