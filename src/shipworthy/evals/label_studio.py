"""A queue on its way to Label Studio and back: the project's form, a person's tasks, and the export's annotations.

Written for the JSON export of Label Studio 1.23 and tested on what such a server wrote.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import quoteattr

from shipworthy.core.errors import UsageError
from shipworthy.core.strict_json import loads
from shipworthy.core.terminal import visible
from shipworthy.evals.label_showing import ShownItem
from shipworthy.evals.labelling import QueueDesk, replay
from shipworthy.evals.labels import WORDS
from shipworthy.evals.plan import split_try
from shipworthy.store.layout import Layout
from shipworthy.store.queues import LabelQueue, read_words

if TYPE_CHECKING:
    from shipworthy.scorers._rubric import Rubric

LONGEST = 256_000_000
"""Bytes of an export."""
SHOWN = 10
DAY = 86_400
"""Seconds: a longer time is none that somebody read in."""


class StudioWord(NamedTuple):
    """What somebody said of one task: the item, whether it is a hit, in how many seconds, and why."""

    item: int
    hit: bool
    seconds: float
    comment: str


def form(metric: str, rubric: Rubric | None) -> str:
    """Return the labelling interface of the project, XML: the answer, the question, two choices and a comment."""
    question = rubric.question if rubric is not None else f"Is this a hit of {metric}?"
    told = [rubric.hit, rubric.none] if rubric is not None else ["It is one.", "It is none."]
    lines = [question, f"hit: {told[0]}", f"no-hit: {told[1]}"]
    for example in rubric.examples if rubric is not None else ():
        word = "hit" if example.verdict == "hit" else "no-hit"
        lines.append(f"Example: {example.request} / {example.answer} / {word}: {example.why}")
    headers = [f'  <Header size="5" value={quoteattr(visible(" ".join(line.split())))}/>' for line in lines]
    return "\n".join(
        [
            "<View>",
            *headers,
            '  <Text name="shown" value="$shown"/>',
            '  <Choices name="label" toName="shown" choice="single" required="true">',
            '    <Choice value="hit" hotkey="h"/>',
            '    <Choice value="no-hit" hotkey="n"/>',
            "  </Choices>",
            '  <TextArea name="comment" toName="shown" maxSubmissions="1" editable="true"/>',
            "</View>",
            "",
        ]
    )


def tasks(desk: QueueDesk) -> str:
    """Return what a person has not labelled yet, as tasks in the order in which it was dealt, JSON.

    A task has the queue, the reader's number and the place in the reader's order. It does not say which answers are of
    known label, nor anybody's word, the scorer's included.
    """
    dealt = desk.queue.deals[desk.reader - 1]
    told = [
        {"data": {"queue": desk.queue.id, "reader": desk.reader, "place": place, "shown": _text(desk.show(item))}}
        for place, item in enumerate(dealt, start=1)
        if not desk.has(item)
    ]
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def review_tasks(desk: QueueDesk, root: Path) -> str:
    """Return all items of a queue with everybody's words as annotations and the scorer's as a prediction, JSON.

    Raises:
        UsageError: somebody has not labelled all that was dealt to them: the scorer's words are shown to nobody then.
        IntegrityError: somebody's words are not what was written.
    """
    queue, layout = desk.queue, Layout(root)
    said: dict[int, list[tuple[str, str]]] = {}
    for reader, person in enumerate(queue.people, start=1):
        words = replay(read_words(layout, queue, reader))[1]
        if left := len(set(queue.deals[reader - 1]) - set(words)):
            raise UsageError(
                f"{person} has {left:,} answers of {queue.id} left to label: the scorer's words are shown once all "
                "are done"
            )
        for item, word in words.items():
            said.setdefault(item, []).append((person, word))
    scorer = _scored(desk)
    told = []
    for place, dealt in enumerate(queue.items):
        if not dealt.attempt:
            continue  # of known label: no scorer has judged it
        hit = scorer.get(dealt.attempt)
        told.append({
            "data": {"queue": queue.id, "attempt": dealt.attempt, "shown": _text(desk.show(place))},
            "annotations": [{"result": _choice(one), "ground_truth": False, "comment": person}
                            for person, one in said.get(place, ())],
            "predictions": [] if hit is None else [
                {"model_version": f"{queue.suite} {queue.metric}", "result": _choice("hit" if hit else "no-hit")}
            ],
        })  # fmt: skip
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _scored(desk: QueueDesk) -> dict[str, bool]:
    """Return attempt -> what the scorer said of it."""
    wanted = {item.attempt for item in desk.queue.items if item.attempt}
    found: dict[str, bool] = {}
    for row in desk.showing.run.rows():
        name = split_try(row.id)[0]
        if name in wanted or row.id in wanted:
            hit = next((score.hit for score in row.scores if score.metric == desk.queue.metric), None)
            if hit is not None:
                found[name if name in wanted else row.id] = hit
    return found


def _choice(word: str) -> list[dict[str, Any]]:
    return [{"from_name": "label", "to_name": "shown", "type": "choices", "value": {"choices": [word]}}]


def _text(item: ShownItem) -> str:
    parts = ((title, visible(text).split("\n")) for title, text in item.parts)
    return "\n\n".join("\n".join((f"{title}:", *(f"  | {line}" for line in lines))) for title, lines in parts)


def read_export(path: Path, queue: LabelQueue, reader: int) -> list[StudioWord]:
    """Read an export of Label Studio (JSON), in the order in which its annotations were made.

    The newest annotation of a task counts that was not cancelled; tasks without one are passed over.

    Raises:
        UsageError: the file cannot be read, or a task is none of the person's, or an annotation none of ours: with
            every one that is wrong. Nothing of such a file counts.
    """
    try:
        if path.stat().st_size > LONGEST:
            raise UsageError(f"{path} has more than {LONGEST:,} bytes: export JSON, and one project at a time")
        found = loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}") from error
    if not isinstance(found, list):
        raise UsageError(f"{path} is no list of tasks: export JSON from Label Studio, not JSON-MIN")
    problems, words = [], list[tuple[str, StudioWord]]()
    for number, task in enumerate(found, start=1):
        made = _word(task, queue, reader)
        if isinstance(made, str):
            problems.append(f"{path}: task {number}: {made}")
        elif made is not None:
            words.append(made)
    if problems:
        more = f"\n... and {len(problems) - SHOWN:,} more" if len(problems) > SHOWN else ""
        raise UsageError("\n".join(problems[:SHOWN]) + more + "\nnothing was imported")
    return [word for _, word in sorted(words, key=lambda one: one[0])]


def _word(task: Any, queue: LabelQueue, reader: int) -> tuple[str, StudioWord] | str | None:
    """Return when something was said of a task, and what; or what is wrong with it; or None where nothing was."""
    data = task.get("data") if isinstance(task, dict) else None
    if not isinstance(data, dict) or not isinstance(task.get("annotations"), list):
        return "it has no data, or no annotations"
    if (data.get("queue"), data.get("reader")) != (queue.id, reader):
        return f"it was not dealt by {queue.id} to {queue.people[reader - 1]}"
    dealt, place = queue.deals[reader - 1], data.get("place")
    if type(place) is not int or not 1 <= place <= len(dealt):
        return f"there is no place {place!r} in what was dealt"
    given = [one for one in task["annotations"] if isinstance(one, dict) and not one.get("was_cancelled")]
    if not given:
        return None
    last = max(given, key=_when)
    said = _choices(last)
    if len(said.get("label", ())) != 1 or said["label"][0] not in WORDS:
        return f"its label must be hit or no-hit, not {json.dumps(said.get('label', []))[:60]}"
    spent = last.get("lead_time")
    seconds = float(spent) if isinstance(spent, int | float) and 0 <= spent <= DAY else 0.0
    comment = visible(" ".join(said.get("comment", ())))[:4000]
    return _when(last), StudioWord(dealt[place - 1], WORDS[said["label"][0]], seconds, comment)


def _when(annotation: Mapping[str, Any]) -> str:
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


def _choices(annotation: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what stands in each field of an annotation's form."""
    found: dict[str, list[str]] = {}
    result = annotation.get("result")
    for one in result if isinstance(result, list) else ():
        value = one.get("value") if isinstance(one, dict) else None
        for kind in ("choices", "text"):
            texts = value.get(kind) if isinstance(value, dict) else None
            if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
                found.setdefault(str(one.get("from_name")), []).extend(texts)
    return found


def bring(desk: QueueDesk, words: list[StudioWord]) -> int:
    """Give words to a person's queue; one that the item has already is passed over. Returns how many were new."""
    return sum(desk.bring(word.item, word.hit, word.seconds, word.comment) for word in words)
