"""What a person who labels is shown of an answer: the same of an attempt of the run and of one whose label is known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shipworthy.core.errors import UsageError
from shipworthy.core.records import Attempt, Message, Sample, Text, ToolCall, ToolResult
from shipworthy.core.registry import create
from shipworthy.detect.redact import redact_text
from shipworthy.evals.results import Run
from shipworthy.store.queues import LabelQueue
from shipworthy.workspace.labelled import LabelledAnswer, read_labelled
from shipworthy.workspace.load import Workspace

if TYPE_CHECKING:
    from shipworthy.scorers._rubric import Rubric


class ShownItem(NamedTuple):
    """What a person is shown of one item: headings with their texts, and never what a scorer or anybody else said."""

    parts: tuple[tuple[str, str], ...]

    @property
    def characters(self) -> int:
        """How much there is to read."""
        return sum(len(text) for _, text in self.parts)


def rubric_of(workspace: Workspace, suite: str, metric: str) -> Rubric | None:
    """Return the rubric of the judge that gives a suite's metric; None where no judge does, or the suite is gone."""
    known = workspace.suites.get(suite)
    for use in known.scorers if known is not None else ():
        scorer = create("scorer", use.use, use.own_params)
        if getattr(scorer, "judge", False) and any(one.name == metric for one in scorer.metrics):
            found: Rubric | None = getattr(scorer, "rubric", None)
            return found
    return None


class Showing:
    """Makes what is shown of attempts and of known answers, both in one form.

    Args:
        workspace: its suite gives the documents and what is expected of a sample, where it is the one that was run.
        known: labelled answers by id.

    Attributes:
        secrets: strings that no comment may hold.
    """

    def __init__(
        self,
        workspace: Workspace,
        run: Run,
        suite: str,
        metric: str,
        *,
        secrets: Sequence[str] = (),
        known: Mapping[str, LabelledAnswer] | None = None,
    ) -> None:
        self.run, self.metric, self.secrets = run, metric, secrets
        self.rubric = rubric_of(workspace, suite, metric)
        self._sees = self.rubric.sees if self.rubric is not None else ("request", "documents", "answer")
        here, use = workspace.suites.get(suite), run.suite(suite)
        same = here is not None and here.digest == use.digest
        self._samples: dict[str, Sample] = {one.id: one for one in here.samples} if here is not None and same else {}
        # Attempts of a private suite are redacted in the log; known answers among them must look the same.
        self._private = use.content == "private" or (here is not None and here.content == "private")
        self._known = known or {}

    def attempt(self, id: str) -> ShownItem:
        """Return what is shown of an attempt."""
        attempt = self.run.attempt(id)
        return self._shown(attempt, self._samples.get(attempt.sample))

    def known(self, id: str) -> ShownItem:
        """Return what is shown of a known answer."""
        answer = self._known[id]
        return self._shown(answer.attempt(), answer.sample())

    def _shown(self, attempt: Attempt, sample: Sample | None) -> ShownItem:
        parts: list[tuple[str, str]] = []
        if "documents" in self._sees:
            texts = [d.text for d in (*(sample.documents if sample else ()), *attempt.documents)]
            parts += [(f"Document {n}", text) for n, text in enumerate(texts, start=1)]
        if "expected" in self._sees and sample is not None and sample.expected is not None:
            said = sample.expected
            parts.append(("Expected", said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)))
        for message in attempt.messages:
            if message.role == "system" or (message.role == "user" and "request" not in self._sees):
                continue
            title = "Request" if message.role == "user" else "Answer"
            parts.append((title, _text(message)))
        if self._private:
            parts = [(title, redact_text(text, self.secrets)) for title, text in parts]
        return ShownItem(tuple(parts))


def _text(message: Message) -> str:
    told = []
    for part in message.parts:
        if isinstance(part, Text):
            told.append(part.text)
        elif isinstance(part, ToolCall):
            told.append(f"[calls {part.name} {json.dumps(part.arguments, ensure_ascii=False)}]")
        elif isinstance(part, ToolResult):
            told.append(f"[{part.name} answered] {part.text}")
    return "\n".join(told)


def known_answers(queue: LabelQueue, root: Path) -> dict[str, LabelledAnswer]:
    """Return the labelled answers that were mixed into a queue.

    Args:
        root: of the workspace; the file is named from here, or by its whole path.

    Raises:
        UsageError: the file is gone, or another one.
    """
    if not queue.known_file:
        return {}
    found = read_labelled(root / queue.known_file)
    if found.digest != queue.known_digest:
        raise UsageError(f"{root / queue.known_file} changed since {queue.id} was dealt: put back what it was")
    return {one.id: one for one in found.answers}
