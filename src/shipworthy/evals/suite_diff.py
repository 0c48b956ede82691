"""What is different between two suites, or two versions of one, and whether their rates may be compared."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from shipworthy.workspace.suite import Suite

_DECIDES = ("metric", "scorers", "attacks", "attempts", "content")


class SuiteDifference(NamedTuple):
    """The difference.

    Attributes:
        settings: key -> (old, new), of what decides a run besides the samples.
        added, removed: ids of samples, in order.
        changed: id -> the fields of the sample that are different.
        same: how many samples are the same in both.
        sealed: how many each of them holds back: none of these is looked at here.
    """

    settings: dict[str, tuple[Any, Any]]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: dict[str, tuple[str, ...]]
    same: int
    sealed: tuple[int, int] = (0, 0)

    @property
    def comparable(self) -> str:
        """Say in a sentence whether rates of the two can be compared."""
        if {"metric", "scorers"} & set(self.settings):
            return "not comparable: they are scored in other ways"
        if self.changed or self.added or self.removed:
            paired = f"paired comparison on the {self.same:,} samples that are the same, and on no other"
            return f"comparable in part: {paired}" if self.same else "not comparable: no sample is the same"
        return "comparable: the samples and the scoring are the same"


def suite_difference(old: Suite, new: Suite) -> SuiteDifference:
    """Return what is different in the new suite."""
    before = {sample.id: msgspec.to_builtins(sample) for sample in old.samples}
    after = {sample.id: msgspec.to_builtins(sample) for sample in new.samples}
    changed = {}
    for id in before.keys() & after.keys():
        one, other = before[id], after[id]
        fields = tuple(sorted(k for k in {*one, *other} if one.get(k) != other.get(k)))
        if fields:
            changed[id] = fields
    told = ((key, _told(getattr(old, key)), _told(getattr(new, key))) for key in _DECIDES)
    return SuiteDifference(
        settings={key: (one, other) for key, one, other in told if one != other},
        added=tuple(id for id in after if id not in before),
        removed=tuple(id for id in before if id not in after),
        changed={id: changed[id] for id in after if id in changed},
        same=len(before.keys() & after.keys()) - len(changed),
        sealed=(old.sealed, new.sealed),
    )


def _told(value: Any) -> Any:
    return [use.name for use in value] if isinstance(value, tuple) else value
