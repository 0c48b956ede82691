"""A sitting of a person who reviews a suite's samples: accepted, rejected, passed over, taken back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shipworthy.core.records import Sample, Text, ToolCall, ToolResult
from shipworthy.detect.redact import redact_text
from shipworthy.evals.label_showing import ShownItem
from shipworthy.evals.labelling import now
from shipworthy.workspace.review import ReviewStatus, ReviewWord, add_word, standing


class ReviewDesk:
    """Walks the samples of a suite whose status is wanted; a word is durable before the next sample is shown.

    A sitting that ends anywhere is gone on with by opening another: what has a word is not shown again.

    Args:
        samples: in the order of their file, with those that were rejected before.
        written: by sample id, the digest of what it is made from.
        file: of the words; `words` what stands in it.
        status: of the samples that are walked.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        written: dict[str, str],
        file: Path,
        words: Sequence[ReviewWord],
        *,
        by: str,
        status: ReviewStatus = "draft",
        private: bool = False,
    ) -> None:
        self._samples, self._written, self._file, self._by = samples, written, file, by
        self._private = private
        said = standing(words, written)
        self._status: dict[str, ReviewStatus] = {s.id: said[s.id].status if s.id in said else "draft" for s in samples}
        self._queue = [n for n, sample in enumerate(samples) if self._status[sample.id] == status]
        self._done: list[tuple[int, ReviewStatus]] = []
        self._left = list(self._queue)

    def current(self) -> int | None:
        return self._left[0] if self._left else None

    def show(self, item: int) -> ShownItem:
        sample = self._samples[item]
        parts = [("Sample", f"{sample.id}, {sample.severity}, {', '.join(sample.tags)}")]
        for message in sample.messages:
            for part in message.parts:
                if isinstance(part, Text | ToolResult):
                    parts.append((message.role.capitalize(), part.text))
                elif isinstance(part, ToolCall):
                    parts.append(("Call", f"{part.name} {part.arguments}"))
                else:
                    parts.append((message.role.capitalize(), f"({type(part).__name__.lower()})"))
        parts += [(f"Document {document.title}".strip(), document.text) for document in sample.documents]
        if sample.expected is not None:
            parts.append(("Expected", str(sample.expected)))
        if "injection" in sample.meta:
            parts.append(("Order", str(sample.meta["injection"].get("instruction", ""))))
        if self._private:
            parts = [(title, redact_text(text, sample.secrets)) for title, text in parts]
        return ShownItem(tuple(parts))

    def give(self, item: int, hit: bool | None, seconds: float, comment: str) -> None:
        before = self._status[self._samples[item].id]
        if hit is not None:
            self._say(item, "reviewed" if hit else "rejected", comment)
        self._done.append((item, before))
        self._left.remove(item)

    def undo(self) -> bool:
        if not self._done:
            return False
        item, before = self._done.pop()
        if self._status[self._samples[item].id] != before:
            self._say(item, before, "")
        self._left.insert(0, item)
        return True

    def standing(self) -> tuple[int, int]:
        return len(self._queue) - len(self._left), len(self._queue)

    def counts(self) -> dict[ReviewStatus, int]:
        """Return how many of the samples have each status now."""
        said = list(self._status.values())
        return {status: said.count(status) for status in ("draft", "reviewed", "rejected")}

    def _say(self, item: int, status: ReviewStatus, comment: str) -> None:
        sample = self._samples[item]
        if self._private:
            comment = redact_text(comment, sample.secrets)
        word = ReviewWord(
            sample=sample.id, of=self._written[sample.id], status=status, by=self._by, at=now(), comment=comment
        )
        add_word(self._file, word)
        self._status[sample.id] = status
